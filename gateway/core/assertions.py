"""What `X-JWT-Assertion` says about a session to its backend, and what a dynamic endpoint may choose by (pure).

The registered claims are those of RFC 7519 section 4.1; the others carry the words of this product's own glossary.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.core.snapshot import ApiSnapshot, Entitlement, Principal

HEADER: Final = b"x-jwt-assertion"
LIFE_S: Final = 300  # of an assertion: a backend looks at it once, when the handshake arrives
REUSE_S: Final = 150  # handshakes of the same facts get the same one for so long

Facts = tuple[tuple[str, str], ...]


def facts_of(api: ApiSnapshot, principal: Principal, entitlement: Entitlement) -> Facts:
    """Who comes to which API under which plans, without anything of this moment: also the key to remember it by."""
    return (
        ("aud", api.path),
        ("sub", principal.end_user),
        ("application_id", entitlement.application_id),
        ("application_name", entitlement.application_name),
        ("application_plan", entitlement.application_plan.name),
        ("subscription_plan", entitlement.business_plan.name),
        ("api_id", api.api_id),
        ("api_name", api.name),
        ("api_version", api.version),
        ("api_context", api.context),
        ("key_type", principal.key_type),
        *entitlement.business_plan.attributes,  # none of them has a name of those above (apis.shapes_plans)
    )


def claims_of(facts: Facts, end_user: str, issuer: str, token_id: str, now: int) -> dict[str, Any]:
    """The claims of one assertion.

    Args:
        end_user: the person's name.
        issuer: the portal's URL; its `/.well-known/jwks.json` holds the public key.
        token_id: unique.
        now: epoch seconds.
    """
    times = {"iat": now, "nbf": now, "exp": now + LIFE_S}
    return {"iss": issuer, "jti": token_id, **times, **dict(facts), "end_user": end_user}


def choices(api: ApiSnapshot, principal: Principal, entitlement: Entitlement) -> dict[str, Any]:
    """The claims that a dynamic endpoint may choose by: those of a JWT access token, and what the gateway knows."""
    return {**principal.claims, "scope": sorted(principal.scopes), **dict(facts_of(api, principal, entitlement))}
