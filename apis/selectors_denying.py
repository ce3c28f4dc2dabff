"""Reads of deny policies, for administrators."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from apis.errors import Missing
from apis.models import DenyPolicy
from apis.permissions import Actor
from apis.roles import Capability


def deny_policies(actor: Actor) -> QuerySet[DenyPolicy]:
    """Newest first. Raises: Forbidden for anybody but administrators."""
    actor.require(Capability.ADMINISTER)
    return DenyPolicy.objects.select_related("api__version_set", "application", "person")


def deny_policy_get(actor: Actor, policy_id: UUID | str) -> DenyPolicy:
    """Raises: Forbidden for anybody but administrators; Missing."""
    policy = deny_policies(actor).filter(pk=policy_id).first()
    if policy is None:
        raise Missing("There is no such deny policy.")
    return policy
