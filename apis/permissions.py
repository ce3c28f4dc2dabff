"""May this person do this to that? The only place that decides; every screen and service asks here.

An `Actor` is a person together with what the credential of this request lets through: a session lets all of the
person's capabilities through, a token only those of its scopes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from apis.errors import Forbidden, Missing
from apis.models import Api, Application, Person, Subscription
from apis.roles import Capability, narrowed

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


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts.

    Attributes:
        person: the human.
        capabilities: what they may do in this request.
    """

    person: Person
    capabilities: frozenset[Capability] = field(default=frozenset())

    @classmethod
    def of(cls, person: Person, scopes: list[str] | None = None) -> Actor:
        """A person by session (`scopes` None) or by a token that carries `scopes`."""
        held = person.capabilities
        return cls(person, held if scopes is None else narrowed(held, scopes))

    def can(self, capability: Capability) -> bool:
        return capability in self.capabilities

    def require(self, *capabilities: Capability) -> None:
        """Raises: Forbidden naming the role that is missing, unless one of `capabilities` is held."""
        if not any(capability in self.capabilities for capability in capabilities):
            needs = _NEEDS[capabilities[0]]
            if any(capability in self.person.capabilities for capability in capabilities):
                raise Forbidden("The scopes of this token do not allow this.", code="insufficient_scope")
            raise Forbidden(f"This needs {needs}.")


def can_see_api(actor: Actor, api: Api) -> bool:
    """Whether the design of an API is visible (publisher portal, REST): to every creator and publisher."""
    return actor.can(Capability.SEE_APIS)


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
