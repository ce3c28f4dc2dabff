"""May this person do this to that? The only place that decides; every screen and service asks here.

An `Actor` is a person together with what the credential of this request lets through: a session lets all of the
person's capabilities through, a token only those of its scopes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from django.db.models import Q

from apis.errors import Forbidden, Missing
from apis.lifecycle import VISIBLE_TO_DEVELOPERS
from apis.models import Api, Application, Person, Subscription
from apis.roles import Capability, narrowed
from apis.words import phrase

_NEEDS: dict[Capability, str] = {
    Capability.SEE_APIS: "the creator or publisher role",
    Capability.DESIGN_APIS: "the creator role",
    Capability.SET_PLANS_OF_APIS: "the publisher role",
    Capability.PUBLISH_APIS: "the publisher role",
    Capability.DEPLOY_APIS: "the creator or publisher role",
    Capability.MANAGE_SUBSCRIPTIONS: "the publisher role",
    Capability.USE_APPLICATIONS: "the subscriber role",
    Capability.ADMINISTER: "the administrator role",
}


PUBLISHER_PORTAL: Final = "publisher portal"
DEVELOPER_PORTAL: Final = "developer portal"
ADMINISTRATION: Final = "administration"
WAYS: Final = (PUBLISHER_PORTAL, DEVELOPER_PORTAL, ADMINISTRATION)


def token_way(name: str, *, client: bool = False) -> str:
    """The way of somebody who shows a token: a personal one by its name, one of a management client by the client's."""
    return f"REST, {'client' if client else 'token'} {name}"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts.

    Attributes:
        person: the human.
        capabilities: what they may do in this request.
        via: by which way they came, for the history: one of the WAYS, or `token_way` of a token; "" for none.
        restores: the history entry that they undo with what they do, or None.
    """

    person: Person
    capabilities: frozenset[Capability] = field(default=frozenset())
    via: str = ""
    restores: int | None = None

    @classmethod
    def of(cls, person: Person, scopes: list[str] | None = None, *, via: str = "") -> Actor:
        """A person by session (`scopes` None) or by a token that carries `scopes`."""
        held = person.capabilities
        return cls(person, held if scopes is None else narrowed(held, scopes), via)

    def can(self, capability: Capability) -> bool:
        return capability in self.capabilities

    def require(self, *capabilities: Capability) -> None:
        """Raises: Forbidden naming the role that is missing, unless one of `capabilities` is held."""
        if not any(capability in self.capabilities for capability in capabilities):
            needs = _NEEDS[capabilities[0]]
            if any(capability in self.person.capabilities for capability in capabilities):
                raise Forbidden("The scopes of this token do not allow this.", code="insufficient_scope")
            raise Forbidden(phrase("This needs {needs}.", needs=needs))


def can_see_api(actor: Actor, api: Api) -> bool:
    """Whether the design of an API is visible (publisher portal, REST), and with it all that is done to it.

    To every creator and publisher; where `access_roles` restrict it to those who hold one of them, to its provider
    and to administrators. Source: section 4.2 of the reference, "Publisher Access Control".
    """
    if not actor.can(Capability.SEE_APIS):
        return False
    return (
        not api.access_roles
        or api.provider_id == actor.person.pk
        or not actor.person.held_roles.isdisjoint(api.access_roles)
        or Capability.ADMINISTER in actor.person.capabilities
    )


def designs_for(actor: Actor) -> Q:
    """`can_see_api` as a condition on rows of Api."""
    if not actor.can(Capability.SEE_APIS):
        return Q(pk__in=())
    if Capability.ADMINISTER in actor.person.capabilities:
        return ~Q(pk__in=())  # not Q(), which an "or" takes for nothing
    return Q(access_roles=[]) | Q(provider=actor.person) | Q(access_roles__names_any=sorted(actor.person.held_roles))


def can_see_offer(actor: Actor | None, api: Api) -> bool:
    """Whether the developer portal shows this API, once it is published, to this person (None: nobody signed in).

    To anybody; where `visible_roles` restrict it to those who hold one of them, and to those who may see the design.
    Source: section 4.2 of the reference, "Developer Portal Visibility".
    """
    if not api.visible_roles:
        return True
    return actor is not None and (not actor.person.held_roles.isdisjoint(api.visible_roles) or can_see_api(actor, api))


def is_on_offer(actor: Actor | None, api: Api) -> bool:
    """Whether the developer portal shows this API to this person now."""
    return api.state in VISIBLE_TO_DEVELOPERS and can_see_offer(actor, api)


def offers_for(actor: Actor | None) -> Q:
    """`can_see_offer` as a condition on rows of Api, beside their state."""
    everybody = Q(visible_roles=[])
    if actor is None:
        return everybody
    return everybody | Q(visible_roles__names_any=sorted(actor.person.held_roles)) | designs_for(actor)


def owns(actor: Actor, application: Application) -> bool:
    """Whether the application is this person's own, or they administer everything."""
    if application.owner_id == actor.person.pk:
        return actor.can(Capability.USE_APPLICATIONS)
    return actor.can(Capability.ADMINISTER)


def require_own(actor: Actor, application: Application) -> None:
    """Raises: Missing for somebody else's application (it must not be seen), Forbidden without the role."""
    if not owns(actor, application):
        if application.owner_id == actor.person.pk:
            actor.require(Capability.USE_APPLICATIONS)
        raise Missing("There is no such application.")


def can_manage_subscription(actor: Actor, subscription: Subscription) -> bool:
    """Whether a subscription may be blocked and unblocked: a publisher's right, on APIs they can see."""
    return actor.can(Capability.MANAGE_SUBSCRIPTIONS) and can_see_api(actor, subscription.api)


def can_look_after_subscription(actor: Actor, subscription: Subscription) -> bool:
    """Whether its plan may be changed and it may be removed: by its owner, and by who manages subscriptions."""
    return owns(actor, subscription.application) or can_manage_subscription(actor, subscription)
