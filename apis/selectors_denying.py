"""Reads of deny policies."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from apis import selectors
from apis.errors import Missing
from apis.models import DenyPolicy
from apis.permissions import Actor
from apis.roles import Capability


def deny_policies(actor: Actor) -> QuerySet[DenyPolicy]:
    """Newest first: all to administrators, to publishers those that name an API they see, to others none.

    Whom a policy is against does not learn of it here.
    """
    rows = DenyPolicy.objects.select_related("api__version_set", "application", "person")
    if actor.can(Capability.ADMINISTER):
        return rows
    if actor.can(Capability.MANAGE_SUBSCRIPTIONS):
        return rows.filter(api__in=selectors.apis_visible(actor).order_by().values("pk"))
    return rows.none()


def deny_policy_get(actor: Actor, policy_id: UUID | str) -> DenyPolicy:
    """Raises: Missing."""
    policy = deny_policies(actor).filter(pk=policy_id).first()
    if policy is None:
        raise Missing("There is no such deny policy.")
    return policy
