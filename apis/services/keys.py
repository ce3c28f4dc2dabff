"""Consumer keys of applications and the tokens generated with them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone
from oauth2_provider.generators import generate_client_id, generate_client_secret
from oauth2_provider.models import AccessToken, set_token_value
from oauth2_provider.models import Application as OAuthClient
from oauthlib.common import generate_token

from apis import scoping, shapes
from apis.errors import Conflict, Invalid
from apis.models import Application, Approval, KeyPair
from apis.permissions import Actor, require_own
from apis.services.holding import hold
from apis.services.key_requests import keys_ask, require_allowed
from apis.services.record import announce, record
from apis.services.requests import require_approved
from apis.services.row_editions import mine_only
from apis.words import phrase

GRANT_TYPES = {
    "client_credentials": OAuthClient.GRANT_CLIENT_CREDENTIALS,
    "authorization_code": OAuthClient.GRANT_AUTHORIZATION_CODE,
    "refresh_token": OAuthClient.GRANT_AUTHORIZATION_CODE,  # comes with authorization_code only (RFC 6749 section 6)
}
DEFAULT_GRANT_TYPES = ("client_credentials",)
TOKEN_SECONDS = 3600
CONSUMER_SCOPE = "default"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?")


def _check(key_type: str, grant_types: Sequence[str], redirect_uris: Sequence[str]) -> None:
    problems: dict[str, str] = {}
    if key_type not in shapes.KEY_TYPES:
        problems["key_type"] = phrase("This should be one of: {known}.", known=", ".join(shapes.KEY_TYPES))
    if not grant_types or set(grant_types) - set(GRANT_TYPES):
        problems["grant_types"] = phrase(
            "This should be a list out of: {grant_types}.", grant_types=", ".join(GRANT_TYPES)
        )
    elif set(grant_types) == {"refresh_token"}:
        problems["grant_types"] = "refresh_token needs authorization_code beside it."
    for index, uri in enumerate(redirect_uris):
        if problem := redirect_problem(uri):
            problems[f"redirect_uris/{index}"] = problem
    if "authorization_code" in grant_types and not redirect_uris:
        problems["redirect_uris"] = "authorization_code needs at least one redirect URI."
    if problems:
        raise Invalid(problems)


def redirect_problem(uri: str) -> str:
    """What is wrong with a redirect URI, or "": absolute, https (http only here), no fragment (RFC 6749 3.1.2).

    Its host goes into a Content-Security-Policy header and is read by browsers, so only plain hosts will do.
    """
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return "This is not a URL."
    if not uri.isascii() or not uri.isprintable() or len(uri) > 2000 or set(uri) & set(' "<>\\^`{|}'):
        return "This should be an absolute URL without spaces and special characters."
    if not _HOST.fullmatch(parts.netloc):
        return "This should be an absolute URL with a host, without user name and password."
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return "This should start with https:// (http:// only for localhost)."
    return "A redirect URI has no fragment (#)." if "#" in uri else ""


def _client(application: Application, key_type: str) -> tuple[OAuthClient, str]:
    secret = generate_client_secret()
    client = OAuthClient(
        name=f"{application.name} {key_type}",
        user=application.owner,
        client_id=generate_client_id(),
        client_secret=secret,
        client_type=OAuthClient.CLIENT_CONFIDENTIAL,
        authorization_grant_type=OAuthClient.GRANT_CLIENT_CREDENTIALS,
    )
    return client, secret


def _configure(pair: KeyPair, grant_types: Sequence[str], redirect_uris: Sequence[str]) -> None:
    wanted = list(dict.fromkeys(grant_types))
    pair.grant_types = wanted
    pair.client.authorization_grant_type = GRANT_TYPES[wanted[0]]
    pair.client.redirect_uris = " ".join(redirect_uris)


@transaction.atomic
def keys_generate_or_ask(
    *,
    actor: Actor,
    application: Application,
    key_type: str,
    grant_types: Sequence[str] = DEFAULT_GRANT_TYPES,
    redirect_uris: Sequence[str] = (),
) -> tuple[KeyPair, str] | Approval:
    """Make keys as `keys_generate` does, or ask for them where an administrator approves them first.

    Returns: the pair and its secret in clear; or the request that waits.
    """
    require_own(actor, application)
    _check(key_type, grant_types, redirect_uris)
    wanted: dict[str, Any] = {"key_type": key_type, "grant_types": grant_types, "redirect_uris": redirect_uris}
    asked = keys_ask(actor=actor, application=application, **wanted)
    return asked or keys_generate(actor=actor, application=application, **wanted)


@transaction.atomic
def keys_generate(
    *,
    actor: Actor,
    application: Application,
    key_type: str,
    grant_types: Sequence[str] = DEFAULT_GRANT_TYPES,
    redirect_uris: Sequence[str] = (),
) -> tuple[KeyPair, str]:
    """Make consumer key and secret for one key type.

    Returns: the pair and its secret in clear, which is shown once and kept only as a hash.

    Raises: Missing, Forbidden; Invalid; Conflict where the keys exist (their secret can be regenerated).
    """
    require_own(actor, application)
    _check(key_type, grant_types, redirect_uris)
    require_approved(hold(application))
    require_allowed(actor, application, key_type)
    pair = application.key_pairs.select_related("client").filter(key_type=key_type).first()
    if pair is not None and pair.handed_out:
        raise Conflict(
            phrase("This application has {key_type} keys; regenerate their secret instead.", key_type=key_type),
            code="keys_exist",
        )
    if pair is None:
        client, secret = _client(application, key_type)
        pair = KeyPair(application=application, key_type=key_type, client=client)
    else:
        secret = generate_client_secret()
        pair.client.client_secret = secret
        pair.handed_out = True
    _configure(pair, grant_types, redirect_uris)
    pair.client.save()
    pair.save()
    record(actor, "generate_keys", application, key_type=key_type, grant_types=pair.grant_types)
    announce("application", application.pk)
    return pair, secret


def _facts(pair: KeyPair) -> dict[str, Any]:
    return {"grant_types": list(pair.grant_types), "redirect_uris": pair.client.redirect_uris.split()}


@transaction.atomic
def keys_update(
    *,
    actor: Actor,
    pair: KeyPair,
    grant_types: Sequence[str],
    redirect_uris: Sequence[str],
    seen: int | None = None,
) -> KeyPair:
    """Change the grant types and redirect URIs of existing keys.

    Args:
        seen: the edition of the keys that these were made from (apis.services.row_editions).

    Raises: Missing, Forbidden, Invalid, Stale.
    """
    require_own(actor, hold(pair).application)
    _check(pair.key_type, grant_types, redirect_uris)
    before = _facts(pair)
    typed = {"grant_types": list(dict.fromkeys(grant_types)), "redirect_uris": list(redirect_uris)}
    wanted = {**before, **mine_only(pair, seen, before, typed)}
    _check(pair.key_type, wanted["grant_types"], wanted["redirect_uris"])  # theirs and mine together
    _configure(pair, wanted["grant_types"], wanted["redirect_uris"])
    pair.client.save()
    pair.save()
    record(
        actor, "update_keys", pair.application, about=pair,
        key_type=pair.key_type, before=before, after=_facts(pair),
    )  # fmt: skip
    return pair


@transaction.atomic
def secret_regenerate(*, actor: Actor, pair: KeyPair) -> str:
    """Replace the consumer secret; the old one stops working at once, tokens live on.

    Returns: the new secret in clear, shown once. Raises: Missing, Forbidden.
    """
    require_own(actor, hold(pair).application)
    secret = generate_client_secret()
    pair.client.client_secret = secret
    pair.client.save()
    pair.handed_out = True
    pair.save(update_fields=["handed_out"])
    record(actor, "regenerate_secret", pair.application, key_type=pair.key_type)
    return secret


@transaction.atomic
def token_generate(
    *, actor: Actor, application: Application, key_type: str, scopes: Sequence[str] = ()
) -> tuple[str, int]:
    """Make an access token as the client credentials grant would, for the owner to try things with.

    An application without keys of this type gets them on the way; asking for them later hands them out.

    Args:
        scopes: of the APIs that the application may use; none for the default one.

    Returns: the token in clear and its life in seconds. Raises: Missing, Forbidden, Invalid.
    """
    require_own(actor, application)
    _check(key_type, DEFAULT_GRANT_TYPES, ())
    require_approved(hold(application))
    require_allowed(actor, application, key_type)
    _refuse_scopes(application, scopes)
    pair = application.key_pairs.select_related("client").filter(key_type=key_type).first()
    if pair is None:
        client, _ = _client(application, key_type)
        pair = KeyPair(application=application, key_type=key_type, client=client, handed_out=False)
        _configure(pair, DEFAULT_GRANT_TYPES, ())
        client.save()
        pair.save()
        announce("application", application.pk)
    raw = generate_token()
    token = AccessToken(
        application=pair.client,
        scope=" ".join(dict.fromkeys(scopes)) or CONSUMER_SCOPE,
        expires=timezone.now() + timedelta(seconds=TOKEN_SECONDS),
    )
    set_token_value(token, raw)
    token.save()
    record(actor, "generate_token", application, key_type=key_type, scopes=list(scopes))
    return raw, TOKEN_SECONDS


def _refuse_scopes(application: Application, names: Sequence[str]) -> None:
    wanted = set(names) - {CONSUMER_SCOPE}
    found = {scope.name for scope in scoping.scopes_grantable(application, None, wanted)} if wanted else set()
    problems = {
        f"scopes/{index}": "No API that this application may use offers you this scope."
        for index, name in enumerate(names)
        if name in wanted - found
    }
    if problems:
        raise Invalid(problems)
