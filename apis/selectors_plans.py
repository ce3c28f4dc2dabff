"""Reads about plans that are not on offer: those of APIs and topics, and custom ones."""

from __future__ import annotations

from django.db.models import QuerySet

from apis.models import Api, ApiPlan, BusinessPlan, CustomPlan
from apis.permissions import Actor
from apis.roles import Capability, Role
from apis.shapes_plans import permits


def api_plans(actor: Actor) -> QuerySet[ApiPlan]:
    """Every API plan, for those who design or publish APIs. Raises: Forbidden."""
    actor.require(Capability.SEE_APIS)
    return ApiPlan.objects.order_by("name")


def custom_plans(actor: Actor) -> QuerySet[CustomPlan]:
    """Every custom plan, for administrators. Raises: Forbidden."""
    actor.require(Capability.ADMINISTER)
    return CustomPlan.objects.order_by("name")


def plans_open_to(actor: Actor | None, api: Api) -> list[BusinessPlan]:
    """The business plans of an API that this person may subscribe to; administrators all, nobody as any subscriber."""
    rows = list(api.business_plans.all())
    if actor is None:
        return [row for row in rows if permits(row.permission, {Role.SUBSCRIBER.value})]
    if actor.can(Capability.ADMINISTER):
        return rows
    return [row for row in rows if row.open_to(actor.person)]
