"""What a key manager answers now: tried out by an administrator, and asked whose a token is."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_urlsafe
from time import time
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings

from apis.errors import Conflict, Invalid, TooOften
from apis.fetching import FetchFailed, fetch_json
from apis.foreign_tokens import Granted, Keys, Untrusted, judge_answer, verify
from apis.key_rings import introspect, ring_of
from apis.models import KeyManager
from apis.permissions import Actor
from apis.roles import Capability
from apis.selectors_key_managers import is_resident
from apis.services.attempts import Attempts
from apis.services.key_managers import fields_of
from apis.shapes_key_managers import INTROSPECTION, terms_of

TRIALS: Final = Attempts("key-manager-test", limit=20)
METADATA_S: Final = 4.0
_MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One step of a try: whether it went well, and what was found, in a sentence."""

    step: str
    ok: bool
    found: str


def key_manager_try(*, actor: Actor, key_manager: KeyManager) -> list[Finding]:
    """Ask a key manager for what the gateway would ask it, and say what came. Nothing is kept.

    Raises: Forbidden for anybody but administrators; Conflict for the built-in one; TooOften.
    """
    actor.require(Capability.ADMINISTER)
    if is_resident(key_manager):
        raise Conflict("The built-in key manager needs no trying out.", code="built_in")
    if wait_s := TRIALS.begin(str(actor.person.pk)):
        raise TooOften(wait_s)
    config = fields_of(key_manager)
    if key_manager.validation == INTROSPECTION:
        return [_introspection(config)]
    findings = [_metadata(key_manager.issuer, config)] if "://" in key_manager.issuer else []
    return [*findings, _keys(config)]


def _metadata(issuer: str, config: dict[str, Any]) -> Finding:
    """RFC 8414 section 3.1 puts the well-known part before the issuer's path, OpenID Connect behind it."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    base = f"{parts.scheme}://{parts.netloc}"
    places = (f"{base}{path}/.well-known/openid-configuration", f"{base}/.well-known/oauth-authorization-server{path}")
    problem = ""
    for place in places:
        try:
            document = fetch_json(place, settings.ALLOWED_UPSTREAM_NETWORKS, deadline_s=METADATA_S)
        except FetchFailed as error:
            problem = problem or str(error)
            continue
        return _read_metadata(document, issuer, config)
    return Finding("Metadata", False, f"The issuer publishes none: {problem} Tokens may count all the same.")


def _read_metadata(document: Any, issuer: str, config: dict[str, Any]) -> Finding:
    if not isinstance(document, dict):
        return Finding("Metadata", False, "What the issuer publishes is no object.")
    if document.get("issuer") != issuer:
        return Finding("Metadata", False, f"It calls its issuer {str(document.get('issuer'))[:200]!r}, not {issuer!r}.")
    published = str(document.get("jwks_uri", ""))[:300]
    if config["jwks_url"] and published != config["jwks_url"]:
        return Finding("Metadata", False, f"It publishes its keys at {published or 'no address'}.")
    return Finding("Metadata", True, "The issuer and the address of the keys are as they are published.")


def _keys(config: dict[str, Any]) -> Finding:
    try:
        keys = _keys_of(config)
    except FetchFailed as error:
        return Finding("Keys", False, str(error))
    names = ", ".join(f"{kid or 'without a name'}{f' ({algorithm})' if algorithm else ''}" for kid, algorithm, _ in
                      keys.usable[:10])  # fmt: skip
    text = f"{len(keys.usable)} key(s) can be used: {names}. {' '.join(keys.problems[:3])}"
    return Finding("Keys", True, text.strip())


def _introspection(config: dict[str, Any]) -> Finding:
    try:
        answer = introspect(config, token_urlsafe(32))
    except FetchFailed as error:
        return Finding("Introspection", False, str(error))
    if isinstance(answer, dict) and answer.get("active") is False:
        return Finding("Introspection", True, "It answers, and says that a made-up token is not active.")
    return Finding("Introspection", False, "It does not say that a made-up token is not active.")


def _keys_of(config: dict[str, Any]) -> Keys:
    """The keys as they are now. Raises: FetchFailed."""
    ring = ring_of(config)
    return ring.keys or ring.refresh()


def client_of(key_manager: KeyManager, token: str) -> Granted:
    """Whose this access token is, by asking its key manager now.

    Raises: Invalid (field access_token) where it does not count or that cannot be found out.
    """
    config, terms = fields_of(key_manager), terms_of(key_manager.issuer, key_manager.config)
    try:
        if key_manager.validation == INTROSPECTION:
            return judge_answer(introspect(config, token), terms, time(), _MINUTE_S)
        return verify(token, terms, _keys_of(config), time())
    except (Untrusted, FetchFailed) as error:
        raise Invalid({"access_token": str(error)}) from None
