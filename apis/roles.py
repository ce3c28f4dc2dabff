"""Who may do what: one table, Role -> capabilities.

Sources: CONTRACT section 4 (role matrix), section 4.1 of the reference.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    CREATOR = "creator"
    PUBLISHER = "publisher"
    SUBSCRIBER = "subscriber"
    ADMINISTRATOR = "administrator"


BUILT_IN_ROLES: Final[tuple[str, ...]] = tuple(map(str, Role))
"""Names that no custom role can have."""


class Capability(StrEnum):
    SEE_APIS = "see_apis"  # designs in every state, in the publisher portal and in REST
    DESIGN_APIS = "design_apis"  # create, edit, delete, new version
    SET_PLANS_OF_APIS = "set_plans_of_apis"  # choose the business plans of an existing API
    PUBLISH_APIS = "publish_apis"  # lifecycle
    DEPLOY_APIS = "deploy_apis"  # revisions and deployments
    MANAGE_SUBSCRIPTIONS = "manage_subscriptions"  # block and unblock other people's
    USE_APPLICATIONS = "use_applications"  # own applications, keys and subscriptions
    ADMINISTER = "administer"  # people, plans, environments, everything


ROLE_CAPABILITIES: Final[dict[Role, frozenset[Capability]]] = {
    Role.CREATOR: frozenset({Capability.SEE_APIS, Capability.DESIGN_APIS, Capability.DEPLOY_APIS}),
    Role.PUBLISHER: frozenset(
        {
            Capability.SEE_APIS,
            Capability.SET_PLANS_OF_APIS,
            Capability.PUBLISH_APIS,
            Capability.DEPLOY_APIS,
            Capability.MANAGE_SUBSCRIPTIONS,
        }
    ),
    Role.SUBSCRIBER: frozenset({Capability.USE_APPLICATIONS}),
    Role.ADMINISTRATOR: frozenset(Capability),
}


class Scope(StrEnum):
    """Management scopes of a token: they narrow what the roles allow, never widen it."""

    API_READ = "api:read"
    API_CREATE = "api:create"
    API_PUBLISH = "api:publish"
    SUBSCRIPTION_MANAGE = "subscription:manage"
    APP_MANAGE = "app:manage"
    ADMIN = "admin"


SCOPE_LABELS: Final[dict[Scope, str]] = {
    Scope.API_READ: "See the APIs that you may see",
    Scope.API_CREATE: "Design APIs in your name",
    Scope.API_PUBLISH: "Publish and deploy APIs in your name",
    Scope.SUBSCRIPTION_MANAGE: "Manage the subscriptions of your APIs",
    Scope.APP_MANAGE: "Manage your applications, keys and subscriptions",
    Scope.ADMIN: "Administer people, plans and environments",
}

SCOPE_CAPABILITIES: Final[dict[Scope, frozenset[Capability]]] = {
    Scope.API_READ: frozenset({Capability.SEE_APIS}),
    Scope.API_CREATE: frozenset({Capability.SEE_APIS, Capability.DESIGN_APIS, Capability.DEPLOY_APIS}),
    Scope.API_PUBLISH: frozenset(
        {Capability.SEE_APIS, Capability.SET_PLANS_OF_APIS, Capability.PUBLISH_APIS, Capability.DEPLOY_APIS}
    ),
    Scope.SUBSCRIPTION_MANAGE: frozenset({Capability.SEE_APIS, Capability.MANAGE_SUBSCRIPTIONS}),
    Scope.APP_MANAGE: frozenset({Capability.USE_APPLICATIONS}),
    Scope.ADMIN: frozenset({Capability.ADMINISTER, Capability.SEE_APIS}),
}


def capabilities_of(roles: Iterable[str]) -> frozenset[Capability]:
    """All capabilities of a person with these roles; unknown role names give nothing."""
    known = [ROLE_CAPABILITIES[Role(role)] for role in roles if role in ROLE_CAPABILITIES]
    return frozenset().union(*known)


def scopes_of(roles: Iterable[str]) -> tuple[Scope, ...]:
    """The scopes that make sense for these roles: each gives at least one capability that the roles hold.

    `admin` is only for administrators although every role shares SEE_APIS with it.
    """
    held = capabilities_of(roles)
    keys: dict[Scope, Capability] = {
        Scope.API_READ: Capability.SEE_APIS,
        Scope.API_CREATE: Capability.DESIGN_APIS,
        Scope.API_PUBLISH: Capability.PUBLISH_APIS,
        Scope.SUBSCRIPTION_MANAGE: Capability.MANAGE_SUBSCRIPTIONS,
        Scope.APP_MANAGE: Capability.USE_APPLICATIONS,
        Scope.ADMIN: Capability.ADMINISTER,
    }
    return tuple(scope for scope, key in keys.items() if key in held)


def narrowed(held: frozenset[Capability], scopes: Iterable[str]) -> frozenset[Capability]:
    """What remains of `held` for a token that carries only `scopes`."""
    allowed = [SCOPE_CAPABILITIES[Scope(scope)] for scope in scopes if scope in SCOPE_CAPABILITIES]
    return held & frozenset().union(*allowed)
