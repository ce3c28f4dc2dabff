"""The test console: where an API can be reached, with what, and the one-time ticket that a page connects with.

A page cannot set headers, and what stands in an address is logged somewhere. So it never connects with a key or a
token: it shows one to its portal, which gives it a ticket for one handshake (CONTRACT section 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from apis import connecting, scoping, selectors
from apis.errors import Invalid
from apis.models import Api, Application
from apis.permissions import Actor
from apis.services import api_keys, keys
from apis.shapes import KEY_TYPES
from apis.shapes_keys import KEY_PREFIX, TEST_KEY_PREFIX
from apis.words import phrase
from gateway.core.credentials import Headers
from gateway.minting import Wish, ticket_mint

TEXT_LIMIT: Final = 2_000  # characters of a topic or a query, as in REST
SECRET_LIMIT: Final = 4_096  # characters of a credential
NONE, OWN, TEST, TOKEN = "none", "own", "test", "token"
_PATH_TROUBLE: Final = frozenset(' ?#"\\<>')


@dataclass(frozen=True, slots=True)
class Address:
    """Where an API can be reached.

    Attributes:
        base: scheme, host and port; `url` with the path of the API.
        health: the page by which a browser is asked whether it trusts the certificate, "" without TLS.
    """

    environment: str
    base: str
    url: str
    health: str = ""
    is_self_signed: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A credential to connect with: `value` for the form, and what a person reads."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Door:
    """How to connect once: the address, the ticket in it, and the credential to ask with the next time."""

    url: str
    credential: str


@dataclass(frozen=True, slots=True)
class Visit:
    """What a person chose: checked, and not yet asked of anybody.

    Attributes:
        kind: NONE, OWN, TEST or TOKEN; `which` its key type, `application` whose token it is.
        secret: a credential that the page has already.
        origin: of the page.
    """

    address: Address
    topic: str
    query: str
    kind: str
    which: str
    application: Application | None
    secret: str
    origin: str
    subprotocols: str


def addresses(api: Api) -> list[Address]:
    """Every URL of every environment where the API is deployed, ws before wss."""
    found: dict[str, Address] = {}
    for row in selectors.deployments_of(api):
        for base in selectors.environment_urls(row.environment, row.vhost):
            place = urlsplit(base)
            health = f"https://{place.netloc}/health" if place.scheme == "wss" else ""
            found.setdefault(
                base,
                Address(
                    row.environment.name, base, f"{base}{api.path}", health, connecting.is_self_signed(base)
                ),
            )  # fmt: skip
    return list(found.values())


def allowed_pages(api: Api) -> list[str]:
    """The pages that may connect, where the gateway looks at that; none where it does not."""
    deployment = next(iter(selectors.deployments_of(api)), None)
    security = deployment.design.get("security") if deployment is not None else None
    return list((security or api.security).get("origins", []))


def visit_of(api: Api, typed: Mapping[str, str], choices: list[Choice], actor: Actor, origin: str) -> Visit:
    """Check what the page sent.

    Raises: Invalid with the fields named.
    """
    problems: dict[str, str] = {}
    text = {name: typed.get(name, "") for name in ("address", "topic", "query", "with", "secret", "subprotocols")}
    address = next((row for row in addresses(api) if row.base == text["address"]), None)
    if address is None:
        problems["address"] = "This API is not deployed there (any more). Load this page again."
    if not _is_path(text["topic"]):
        problems["topic"] = "This should be a path such as /rooms/7, percent-encoded, without a query."
    if not _is_plain(text["query"]) or set(text["query"]) & {"#", "?"}:
        problems["query"] = "This should be a query such as room=7&mode=fast, percent-encoded."
    if not text["subprotocols"].isascii() or not text["subprotocols"].isprintable() or len(text["subprotocols"]) > 500:
        problems["subprotocols"] = "These should be words such as chat.v2, with commas between them."
    if text["with"] not in {choice.value for choice in choices}:
        problems["with"] = "This is none of the credentials that are offered. Load this page again."
    secret = text["secret"].strip()
    if len(secret) > SECRET_LIMIT or not secret.isascii() or not secret.isprintable():
        problems["secret"] = "This is no access token and no API key."
    elif text["with"] == OWN and not secret:
        problems["secret"] = "Paste an access token or an API key."
    if problems or address is None:
        raise Invalid(problems)
    kind, _, rest = text["with"].partition(":")
    which, _, owner = rest.partition(":")
    application = selectors.own_applications(actor).filter(pk=UUID(owner)).first() if owner else None
    offered = text["subprotocols"].strip()
    return Visit(address, text["topic"], text["query"], kind, which, application, secret, origin, offered)


def open_door(*, actor: Actor, api: Api, visit: Visit, headers: Headers, client: str) -> Door:
    """Make what is missing of a credential, and get a ticket for it.

    Args:
        headers: of the request, for its Referer.
        client: IP address of whoever asks.

    Raises:
        ServiceError: no credential can be made: the API is blocked, the keys of the application are on hold ...
        Rejection: the handshake would be refused.
    """
    query = visit.query
    credential = visit.secret
    if visit.kind != NONE:
        credential = credential or _credential(actor, api, visit)
        name, value = _header(credential)
        referer = [header for header in headers if header[0] == b"referer"]
        wish = Wish(
            api=api.pk, topic=visit.topic, origin=visit.origin or None, environment=visit.address.environment
        )  # fmt: skip
        minted = ticket_mint(
            headers=[(name, value), *referer], client=client, secure=visit.address.base.startswith("wss:"), wish=wish
        )
        query = f"{query}&" * bool(query) + f"ticket={minted.ticket}"
    return Door(f"{visit.address.url}{visit.topic}{'?' + query if query else ''}", credential)


def _credential(actor: Actor, api: Api, visit: Visit) -> str:
    """A test key of an hour, or an access token of one's own application."""
    if visit.kind == TEST:
        return api_keys.api_test_key_create(actor=actor, api=api, key_type=visit.which)[1]
    if visit.application is None:
        raise Invalid({"with": "There is no such application of yours any more."})
    needed = [scope.name for scope in _scopes(api, visit.application)]
    return keys.token_generate(actor=actor, application=visit.application, key_type=visit.which, scopes=needed)[0]


def _scopes(api: Api, application: Application) -> list[Any]:
    """Of the scopes that the topics ask for, those that the application's owner may have."""
    offered = scoping.scopes_grantable(application, None)
    return [scope for scope in scoping.scopes_needed(api) if scope in offered]


def _header(credential: str) -> tuple[bytes, bytes]:
    """How a credential is shown: what begins like one of our keys is one, anything else a token."""
    if credential.startswith((KEY_PREFIX, TEST_KEY_PREFIX)):
        return b"apikey", credential.encode("ascii")
    return b"authorization", f"Bearer {credential}".encode("ascii")


def makers_choices() -> list[Choice]:
    """What those who make an API connect with."""
    made = [
        Choice(f"{TEST}:{name}", phrase("A test key for the {name} endpoint, made for you", name=name))
        for name in KEY_TYPES
    ]
    return [*made, *_OTHERS]


def subscribers_choices(api: Api, applications: list[Application]) -> list[Choice]:
    """What subscribers connect with: a token of each of these applications, where the API takes tokens of ours."""
    named = api.security.get("key_managers", [])
    takes_ours = "oauth" in api.security["schemes"] and (not named or "Resident" in named)
    made = [
        Choice(f"{TOKEN}:{name}:{row.pk}", phrase("A {name} token of {row}, made for you", name=name, row=row.name))
        for row in (applications if takes_ours else [])
        for name in KEY_TYPES
    ]
    return [*made, *_OTHERS]


_OTHERS: Final = (
    Choice(OWN, "An access token or API key that I paste"),
    Choice(NONE, "Nothing, for topics without security"),
)


def commands(api: Api, *, header: str) -> list[tuple[str, str, str]]:
    """(slug, title, lines) for a shell, the way without this page.

    Args:
        header: such as "ApiKey: TEST_KEY".
    """
    found = []
    urls = connecting.connect_urls(api)
    for url in urls:
        slug, title = ("tls", "wscat over TLS") if url.startswith("wss:") else ("wscat", "wscat")
        found.append((f"console-{slug}", title, connecting.wscat(url, connecting.quoted(header))))
    if urls:
        found.append(("console-python", "Python, with the package websockets", _python(urls[0], header)))
        found.append(("console-curl", "curl, to read how the handshake is answered", _curl(urls[0], header)))
    return found


def _python(url: str, header: str) -> str:
    name, _, value = header.partition(": ")
    lines = (
        "python3 - <<'END'",
        "from websockets.sync.client import connect",
        "",
        f'with connect("{url}", additional_headers={{"{name}": "{value}"}}) as socket:',
        '    socket.send("hello")',
        "    print(socket.recv())",
        "END",
    )
    return "\n".join(lines)


def _curl(url: str, header: str) -> str:
    address = "http" + url.removeprefix("ws")
    asked = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", header)  # fmt: skip
    wide = " ".join(f"-H {connecting.quoted(line)}" for line in asked)
    insecure = "-k " if settings.MODE != "serve" and address.startswith("https:") else ""
    return f"curl -i -N --http1.1 --max-time 5 {insecure}{wide} {connecting.quoted(address)}"


def _is_plain(text: str) -> bool:
    return len(text) <= TEXT_LIMIT and text.isascii() and text.isprintable() and " " not in text


def _is_path(text: str) -> bool:
    return not text or (text.startswith("/") and _is_plain(text) and not set(text) & _PATH_TROUBLE)
