"""/api-plans and /custom-plans: limits that count beside those of subscriptions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis import selectors, selectors_plans, shapes_plans
from apis.models import ApiPlan, CustomPlan
from apis.rest.base import Resource
from apis.rest.editing import RowEditions
from apis.rest.fields import Body, Raw, Text
from apis.rest.plan_fields import FlagField, Limit, LimitsField, WordField
from apis.rest.schema import operation
from apis.roles import Capability
from apis.services import plans


class Condition(serializers.Serializer):
    """A condition on the handshake. `value` is exact, a network for `ip`, or `/pattern/`, which is searched for."""

    type = serializers.ChoiceField(shapes_plans.CONDITION_TYPES)
    name = serializers.CharField(
        required=False, help_text="Of the header field, query parameter or claim; `ip` has none."
    )
    value = serializers.CharField()
    invert = serializers.BooleanField(required=False, help_text="It holds where the value is not there.")


class Group(serializers.Serializer):
    """Limits for sessions that meet every condition; none of them = unlimited."""

    name = serializers.CharField()
    conditions = Condition(many=True)
    limits = Limit(many=True, required=False)


@extend_schema_field(Group(many=True))
class GroupsField(Raw):
    """Checked by apis.shapes_plans.groups."""


_GROUPS = "The first group whose conditions all hold counts instead of `limits`."
_KEY = "Such as `{user}:{api}`, of " + ", ".join(f"`{{{name}}}`" for name in shapes_plans.KEY_VARIABLES) + "."


class ApiPlanBody(Body):
    """Limits for all sessions of an API, or of a topic, together."""

    name = Text(help_text="It stays: topics and revisions carry it.")
    description = Text(required=False)
    limits = LimitsField(required=False)
    groups = GroupsField(required=False, help_text=_GROUPS)


class ApiPlanAnswer(serializers.Serializer):
    """An API plan."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    limits = LimitsField()
    groups = GroupsField(help_text=_GROUPS)


class CustomPlanBody(Body):
    """Limits for each value of a key: every session counts in the counter that its key names."""

    name = Text()
    description = Text(required=False)
    key = WordField(help_text=_KEY)
    limits = LimitsField()
    enabled = FlagField(required=False)


class CustomPlanAnswer(serializers.Serializer):
    """A custom plan."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    key = WordField(help_text=_KEY)
    limits = LimitsField()
    enabled = FlagField()


_LIMITS = [{"kind": "events", "amount": 1000, "per": "minute"}]
_OFFICE: dict[str, Any] = {
    "name": "office",
    "conditions": [{"type": "ip", "value": "10.0.0.0/8"}],
    "limits": [{"kind": "events", "amount": 50000, "per": "minute"}],
}


class ApiPlans(Resource):
    @operation("api-plans_list", "List the API plans (creators and publishers)", rows=ApiPlanAnswer, errors=(403,))
    def get(self, request: Request) -> Response:
        return self.page(selectors_plans.api_plans(self.actor), ApiPlanAnswer)

    @operation(
        "api-plans_create", "Create an API plan (administrators)",
        body=ApiPlanBody, answer=ApiPlanAnswer, status=201, errors=(403, 409),
        example={"name": "Office first", "limits": _LIMITS, "groups": [_OFFICE]},
        detail="An API takes it with PATCH /apis/{id} `api_plan`, a topic with its field `api_plan`.",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        self.actor.require(Capability.ADMINISTER)
        plan = plans.api_plan_create(actor=self.actor, **self.body(ApiPlanBody))
        headers = {"Location": f"/api/v1/api-plans/{plan.pk}"}
        return Response(ApiPlanAnswer(plan).data, status=201, headers=headers)


class OneApiPlan(RowEditions):
    model, key = ApiPlan, "plan_id"

    @operation("api-plans_read", "Show an API plan", answer=ApiPlanAnswer, errors=(403, 404))
    def get(self, request: Request, plan_id: UUID) -> Response:
        return Response(ApiPlanAnswer(selectors.plan_get(selectors_plans.api_plans(self.actor), plan_id)).data)

    @operation(
        "api-plans_update", "Change an API plan; live sessions follow within a second (administrators)",
        body=ApiPlanBody, answer=ApiPlanAnswer, errors=(403, 404, 409),
    )  # fmt: skip
    def patch(self, request: Request, plan_id: UUID) -> Response:
        plan = selectors.plan_get(selectors_plans.api_plans(self.actor), plan_id)
        self.actor.require(Capability.ADMINISTER)
        done = plans.api_plan_update(actor=self.actor, plan=plan, **self.body(ApiPlanBody, partial=True))
        return Response(ApiPlanAnswer(done).data)

    @operation(
        "api-plans_delete", "Delete an API plan that no API, topic or revision names (administrators)",
        status=204, errors=(403, 404, 409),
    )  # fmt: skip
    def delete(self, request: Request, plan_id: UUID) -> Response:
        plan = selectors.plan_get(selectors_plans.api_plans(self.actor), plan_id)
        plans.api_plan_delete(actor=self.actor, plan=plan)
        return Response(status=204)


class CustomPlans(Resource):
    @operation("custom-plans_list", "List the custom plans (administrators)", rows=CustomPlanAnswer, errors=(403,))
    def get(self, request: Request) -> Response:
        return self.page(selectors_plans.custom_plans(self.actor), CustomPlanAnswer)

    @operation(
        "custom-plans_create", "Create a custom plan (administrators)",
        body=CustomPlanBody, answer=CustomPlanAnswer, status=201, errors=(403, 409),
        example={"name": "Per person", "key": "{user}:{api}", "limits": _LIMITS},
        detail="It counts for every session of this gateway at once, live ones within a second.",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        self.actor.require(Capability.ADMINISTER)
        plan = plans.custom_plan_create(actor=self.actor, **self.body(CustomPlanBody))
        headers = {"Location": f"/api/v1/custom-plans/{plan.pk}"}
        return Response(CustomPlanAnswer(plan).data, status=201, headers=headers)


class OneCustomPlan(RowEditions):
    model, key = CustomPlan, "plan_id"

    @operation("custom-plans_read", "Show a custom plan", answer=CustomPlanAnswer, errors=(403, 404))
    def get(self, request: Request, plan_id: UUID) -> Response:
        return Response(CustomPlanAnswer(selectors.plan_get(selectors_plans.custom_plans(self.actor), plan_id)).data)

    @operation(
        "custom-plans_update", "Change a custom plan, or switch it on and off (administrators)",
        body=CustomPlanBody, answer=CustomPlanAnswer, errors=(403, 404, 409),
    )  # fmt: skip
    def patch(self, request: Request, plan_id: UUID) -> Response:
        plan = selectors.plan_get(selectors_plans.custom_plans(self.actor), plan_id)
        done = plans.custom_plan_update(actor=self.actor, plan=plan, **self.body(CustomPlanBody, partial=True))
        return Response(CustomPlanAnswer(done).data)

    @operation("custom-plans_delete", "Delete a custom plan (administrators)", status=204, errors=(403, 404))
    def delete(self, request: Request, plan_id: UUID) -> Response:
        plan = selectors.plan_get(selectors_plans.custom_plans(self.actor), plan_id)
        plans.custom_plan_delete(actor=self.actor, plan=plan)
        return Response(status=204)
