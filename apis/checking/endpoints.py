"""What is found about where an API leads."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings

from apis import sealing
from apis.checking.facts import Facts
from apis.checking.found import Found
from apis.checking.found import found as say
from apis.shapes_endpoint import with_secrets
from apis.shapes_plans import TAKEN_CLAIMS
from apis.validators import endpoint_address_problem

IN_CLEAR: Final = frozenset({"basic", "bearer", "oauth2", "api_key"})  # what travels with the upgrade as it is
KNOWN_CLAIMS: Final = TAKEN_CLAIMS | {"scope"}  # what the gateway itself says of a session


def found(facts: Facts) -> Iterator[Found]:
    """What is missing, what cannot be dialled, and what travels unprotected."""
    if not facts.endpoints:
        yield say("endpoint_missing")
        return
    yield say("endpoint_given")
    if "production" not in facts.endpoints:
        yield say("production_missing")
    if "sandbox" not in facts.endpoints:
        yield say("sandbox_missing")
    for key_type, config in facts.endpoints.items():
        yield from _about(facts, key_type, config)


def urls_of(config: dict[str, Any]) -> list[str]:
    """Everywhere that a complete configuration may lead."""
    return list(dict.fromkeys([*(item["url"] for item in config["urls"]), *config["dynamic"]["targets"].values()]))


def _about(facts: Facts, key_type: str, config: dict[str, Any]) -> Iterator[Found]:
    try:
        with_secrets(config, sealing.unseal)
    except sealing.Unreadable:
        yield say("endpoint_secret_unreadable", key_type=key_type)
    for url in urls_of(config):
        if endpoint_address_problem(url, settings.ALLOWED_UPSTREAM_NETWORKS):
            yield say("endpoint_refused", url=url, variable="ALLOWED_UPSTREAM_NETWORKS")
        elif urlsplit(url).scheme == "ws":
            yield from _plain(url, config["security"]["type"])
    if not config["tls"]["verify"] and any(urlsplit(url).scheme == "wss" for url in urls_of(config)):
        yield say("endpoint_unverified", key_type=key_type)
    dynamic = config["dynamic"]
    if dynamic["by"] == "claim" and dynamic["name"] not in known_claims(facts) and not facts.has_claims:
        yield say("endpoint_claim_unknown", key_type=key_type, claim=dynamic["name"])


def _plain(url: str, security: str) -> Iterator[Found]:
    if security == "mtls":
        yield say("endpoint_certificate_unused", url=url)
    if is_here(url):
        return
    yield say("endpoint_secret_plain" if security in IN_CLEAR else "endpoint_plain", url=url)


def known_claims(facts: Facts) -> set[str]:
    """What can be asked of every session, whatever it came with."""
    return {*KNOWN_CLAIMS, *(name for plan in facts.plans for name in plan.attributes)}


def is_here(url: str) -> bool:
    """Whether a URL leads to this machine, as it is written."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_inside(url: str) -> bool:
    """Whether a URL leads to an address that the rest of the world cannot reach, as it is written."""
    if is_here(url):
        return True
    try:
        return not ip_address(urlsplit(url).hostname or "").is_global
    except ValueError:
        return False
