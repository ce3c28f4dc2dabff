"""Lines to copy: how to get a token and how to connect with it. They work as they stand.

Sources: RFC 6749 section 4.4 (client credentials) and 4.1 with RFC 7636 (authorization code with PKCE);
CONTRACT section 5 (how a credential travels).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest

from apis.connecting import connect_urls, is_self_signed, quoted, sample_topic, wscat
from apis.models import KeyPair
from apis.words import phrase

__all__ = [
    "Command", "code_commands", "connect_commands", "connect_urls", "key_commands", "portal_url", "quoted",
    "sample_topic", "token_command",
]  # fmt: skip

KEY_PLACEHOLDER: Final = "CONSUMER_KEY"
SECRET_PLACEHOLDER: Final = "CONSUMER_SECRET"


@dataclass(frozen=True, slots=True)
class Command:
    """One block to copy.

    Attributes:
        slug: unique on its page; the copy button finds the text by it.
        title, note: what it does, and what one should know about it ("" for nothing).
        text: the lines.
        folded: shown on demand; there is a simpler way above it.
    """

    slug: str
    title: str
    text: str
    note: str = ""
    folded: bool = False


def portal_url(request: HttpRequest) -> str:
    """The portal as this person reaches it: the operator's address, or in `up` the one they came by."""
    if settings.MODE == "serve":
        return settings.PORTAL_URL
    return f"{request.scheme}://{request.get_host()}"


def _curl(base: str) -> str:
    self_signed = settings.MODE != "serve" and base.startswith("https:")
    return "curl -sk" if self_signed else "curl -s"


def token_command(base: str, *, key: str = "", secret: str = "", scopes: Sequence[str] = ()) -> Command:
    """Put an access token into the shell's variable TOKEN, by client credentials.

    Args:
        scopes: what it asks for; none for the default one.
    """
    scope = f" --data-urlencode {quoted('scope=' + ' '.join(scopes))}" if scopes else ""
    user = f"{key or KEY_PLACEHOLDER}:{secret or SECRET_PLACEHOLDER}"
    text = (
        f"TOKEN=$({_curl(base)} -u {quoted(user)} -d grant_type=client_credentials{scope} {base}/oauth2/token"
        """ | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')"""
    )
    note = (
        ""
        if secret
        else phrase("Put the consumer secret you were shown in place of {secret}.", secret=SECRET_PLACEHOLDER)
    )
    if not key:
        note = phrase(
            "Put your application's consumer key and secret in place of {key} and {secret}.",
            key=KEY_PLACEHOLDER,
            secret=SECRET_PLACEHOLDER,
        )
    return Command("get-token", "Get a token", text, note)


def code_commands(base: str, pair: KeyPair) -> list[Command]:
    """The two halves of the authorization code grant with PKCE, for the first redirect URI of `pair`."""
    redirect = (pair.client.redirect_uris or "").split(" ")[0]
    address = (
        f"{base}/oauth2/authorize?response_type=code&client_id={pair.client.client_id}"
        f"&redirect_uri={quote(redirect, safe='')}&code_challenge=$CHALLENGE&code_challenge_method=S256"
    )
    start = "\n".join(
        [
            "VERIFIER=$(openssl rand -hex 32)",
            'CHALLENGE=$(printf %s "$VERIFIER" | openssl dgst -sha256 -binary | openssl base64 -A'
            " | tr '+/' '-_' | tr -d '=')",
            f'echo "{address}"',
        ]
    )
    user = quoted(f"{pair.client.client_id}:{SECRET_PLACEHOLDER}")
    finish = (
        f"{_curl(base)} -u {user} -d grant_type=authorization_code -d code=CODE"
        f' -d "code_verifier=$VERIFIER" --data-urlencode {quoted("redirect_uri=" + redirect)} {base}/oauth2/token'
    )
    return [
        Command(f"{pair.key_type}-authorize", "Ask the person", start, "Open the printed address in a browser."),
        Command(
            f"{pair.key_type}-exchange",
            "Exchange the code",
            finish,
            f"CODE is in the address the browser is sent to; {SECRET_PLACEHOLDER} is your consumer secret.",
        ),
    ]


def connect_commands(urls: list[str], token: str = "") -> list[Command]:
    """Connect with wscat, Python and a browser; `token` in clear where there is one, else the variable TOKEN."""
    header = quoted(f"Authorization: Bearer {token}") if token else '"Authorization: Bearer $TOKEN"'
    commands = _wscats(urls, header)
    if urls:
        commands += [_python(urls[0], token), _browser(urls[0], token)]
    return commands


def key_commands(urls: list[str], key: str) -> list[Command]:
    """Connect with an API key, with wscat."""
    return _wscats(urls, quoted(f"ApiKey: {key}"))


def _wscats(urls: list[str], header: str) -> list[Command]:
    note = "-n accepts the self-signed certificate of this machine."
    return [
        Command(
            f"wscat-{index}",
            "wscat over TLS" if url.startswith("wss:") else "wscat",
            wscat(url, header),
            note if is_self_signed(url) else "",
            index > 0,
        )
        for index, url in enumerate(urls)
    ]


def _python(url: str, token: str) -> Command:
    bearer = json.dumps(f"Bearer {token}") if token else "f\"Bearer {os.environ['TOKEN']}\""
    lines = [
        "python3 - <<'END'" if token else "TOKEN=$TOKEN python3 - <<'END'",
        *([] if token else ["import os"]),
        "from websockets.sync.client import connect",
        "",
        f'with connect({json.dumps(url)}, additional_headers={{"Authorization": {bearer}}}) as socket:',
        '    socket.send("hello")',
        "    print(socket.recv())",
        "END",
    ]
    return Command("python", "Python", "\n".join(lines), "Needs the package websockets (pip install websockets).", True)


def _browser(url: str, token: str) -> Command:
    lines = [
        f"const token = {json.dumps(token or 'ACCESS_TOKEN')};",
        'const encoded = btoa(token).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");',
        f'const socket = new WebSocket({json.dumps(url)}, ["wsportal", "base64url.bearer.authorization." + encoded]);',
        'socket.onopen = () => socket.send("hello");',
        "socket.onmessage = (event) => console.log(event.data);",
        "socket.onclose = (event) => console.log(event.code, event.reason);",
    ]
    note = "A browser cannot set headers for a WebSocket, so the token travels as a subprotocol."
    return Command("browser", "Browser", "\n".join(lines), note, True)
