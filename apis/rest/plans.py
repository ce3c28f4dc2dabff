"""/business-plans and /application-plans: everybody reads them, administrators write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis import selectors
from apis.models import ApplicationPlan, BusinessPlan
from apis.rest.editing import RowEditions
from apis.rest.fields import Body, Text
from apis.rest.plan_fields import (
    AttributesField,
    BillingField,
    BurstField,
    CycleField,
    FlagField,
    LimitsField,
    NumberField,
    OnSpentField,
    PermissionField,
    PriceField,
    UnitPriceField,
    WordField,
)
from apis.rest.schema import operation
from apis.roles import Capability
from apis.services import plans


class ApplicationPlanBody(Body):
    """Limits for one application and end user over all APIs. No limits = unlimited."""

    name = Text()
    description = Text(required=False)
    limits = LimitsField(required=False)


_NOTICE = "With `drop`: whether a sender gets a text message about what was dropped."
_WARN = "Percent of a limit at which a client that asked for it is warned, 1 to 99; null for never."
_STOP = "false: use beyond the limits is counted and billed, and nobody is stopped; the burst rate holds all the same."
_ATTRIBUTES = "Claims of `X-JWT-Assertion`, for APIs that send it to their backends."
_SUBSCRIPTIONLESS = "Whether an API that offers it lets every application in under it, without a subscription."
_APPROVAL = "Whether an administrator has to approve each subscription under it (`/approvals`)."


class BusinessPlanBody(ApplicationPlanBody):
    """What a subscription buys. No limits = unlimited."""

    burst = BurstField(required=False, allow_null=True)
    max_sessions = NumberField(required=False, allow_null=True)
    max_session_s = NumberField(required=False, allow_null=True)
    max_message_bytes = NumberField(required=False, allow_null=True)
    on_spent = OnSpentField(required=False)
    notice = FlagField(required=False, help_text=_NOTICE)
    warn_at = NumberField(required=False, allow_null=True, help_text=_WARN)
    stop_on_quota = FlagField(required=False, help_text=_STOP)
    subscriptionless = FlagField(required=False, help_text=_SUBSCRIPTIONLESS)
    approval = FlagField(required=False, help_text=_APPROVAL)
    billing = BillingField(required=False)
    price = PriceField(required=False, allow_null=True, help_text="For each cycle.")
    currency = WordField(required=False, help_text="ISO 4217; EUR unless given.")
    cycle = CycleField(required=False)
    unit_price = UnitPriceField(required=False, allow_null=True, help_text="For each `unit_events` events.")
    unit_events = NumberField(required=False)
    attributes = AttributesField(required=False, help_text=_ATTRIBUTES)
    permission = PermissionField(required=False)


class ApplicationPlanAnswer(serializers.Serializer):
    """An application plan."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    limits = LimitsField()


class BusinessPlanAnswer(ApplicationPlanAnswer):
    """A business plan."""

    burst = BurstField()
    max_sessions = NumberField()
    max_session_s = NumberField()
    max_message_bytes = NumberField()
    on_spent = OnSpentField()
    notice = FlagField(help_text=_NOTICE)
    warn_at = NumberField(help_text=_WARN)
    stop_on_quota = FlagField(help_text=_STOP)
    subscriptionless = FlagField(help_text=_SUBSCRIPTIONLESS)
    approval = FlagField(help_text=_APPROVAL)
    billing = BillingField()
    price = PriceField(help_text="For each cycle.")
    currency = WordField(help_text="ISO 4217.")
    cycle = CycleField()
    unit_price = UnitPriceField(help_text="For each `unit_events` events.")
    unit_events = NumberField()
    attributes = AttributesField(help_text=_ATTRIBUTES)
    permission = PermissionField()


class PlanResource(RowEditions):
    """Both kinds of plan behave alike; a subclass names its rows, shapes and services."""

    key = "plan_id"

    rows: ClassVar[Callable[[], QuerySet[Any]]]
    reads: ClassVar[type[Body]]
    shows: ClassVar[type[serializers.Serializer]]
    services: ClassVar[dict[str, Callable[..., Any]]]
    where: ClassVar[str]

    def plan(self, plan_id: UUID) -> Any:
        """Raises: Missing."""
        return selectors.plan_get(type(self).rows(), plan_id)

    def all(self) -> Response:
        return self.page(type(self).rows(), self.shows)

    def one(self, plan_id: UUID) -> Response:
        return Response(self.shows(self.plan(plan_id)).data)

    def create(self) -> Response:
        self.actor.require(Capability.ADMINISTER)
        plan = self.services["create"](actor=self.actor, **self.body(self.reads))
        return Response(self.shows(plan).data, status=201, headers={"Location": f"{self.where}/{plan.pk}"})

    def change(self, plan_id: UUID) -> Response:
        plan = self.plan(plan_id)
        self.actor.require(Capability.ADMINISTER)
        values = self.body(self.reads, partial=True)
        return Response(self.shows(self.services["update"](actor=self.actor, plan=plan, **values)).data)

    def remove(self, plan_id: UUID) -> Response:
        self.services["delete"](actor=self.actor, plan=self.plan(plan_id))
        return Response(status=204)


class BusinessPlanResource(PlanResource):
    model = BusinessPlan
    rows = staticmethod(selectors.business_plans)
    reads = BusinessPlanBody
    shows = BusinessPlanAnswer
    services = {
        "create": plans.business_plan_create,
        "update": plans.business_plan_update,
        "delete": plans.business_plan_delete,
    }
    where = "/api/v1/business-plans"


class ApplicationPlanResource(PlanResource):
    model = ApplicationPlan
    rows = staticmethod(selectors.application_plans)
    reads = ApplicationPlanBody
    shows = ApplicationPlanAnswer
    services = {
        "create": plans.application_plan_create,
        "update": plans.application_plan_update,
        "delete": plans.application_plan_delete,
    }
    where = "/api/v1/application-plans"


_LIMITED = {"name": "Copper", "limits": [{"kind": "events", "amount": 100, "per": "minute"}]}


class BusinessPlans(BusinessPlanResource):
    @operation("business-plans_list", "List the business plans", rows=BusinessPlanAnswer)
    def get(self, request: Request) -> Response:
        return self.all()

    @operation(
        "business-plans_create", "Create a business plan (administrators)",
        body=BusinessPlanBody, answer=BusinessPlanAnswer, status=201, errors=(403, 409),
        example={**_LIMITED, "max_sessions": 5, "on_spent": "hold"},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        return self.create()


class OneBusinessPlan(BusinessPlanResource):
    @operation("business-plans_read", "Show a business plan", answer=BusinessPlanAnswer, errors=(404,))
    def get(self, request: Request, plan_id: UUID) -> Response:
        return self.one(plan_id)

    @operation(
        "business-plans_update", "Change a business plan; live sessions follow within a second (administrators)",
        body=BusinessPlanBody, answer=BusinessPlanAnswer, errors=(403, 404, 409),
    )  # fmt: skip
    def patch(self, request: Request, plan_id: UUID) -> Response:
        return self.change(plan_id)

    @operation(
        "business-plans_delete", "Delete a business plan that is not in use (administrators)",
        status=204, errors=(403, 404, 409),
    )  # fmt: skip
    def delete(self, request: Request, plan_id: UUID) -> Response:
        return self.remove(plan_id)


class ApplicationPlans(ApplicationPlanResource):
    @operation("application-plans_list", "List the application plans", rows=ApplicationPlanAnswer)
    def get(self, request: Request) -> Response:
        return self.all()

    @operation(
        "application-plans_create", "Create an application plan (administrators)",
        body=ApplicationPlanBody, answer=ApplicationPlanAnswer, status=201, errors=(403, 409), example=_LIMITED,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        return self.create()


class OneApplicationPlan(ApplicationPlanResource):
    @operation("application-plans_read", "Show an application plan", answer=ApplicationPlanAnswer, errors=(404,))
    def get(self, request: Request, plan_id: UUID) -> Response:
        return self.one(plan_id)

    @operation(
        "application-plans_update", "Change an application plan (administrators)",
        body=ApplicationPlanBody, answer=ApplicationPlanAnswer, errors=(403, 404, 409),
    )  # fmt: skip
    def patch(self, request: Request, plan_id: UUID) -> Response:
        return self.change(plan_id)

    @operation(
        "application-plans_delete", "Delete an application plan that is not in use (administrators)",
        status=204, errors=(403, 404, 409),
    )  # fmt: skip
    def delete(self, request: Request, plan_id: UUID) -> Response:
        return self.remove(plan_id)
