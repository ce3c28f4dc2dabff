"""/business-plans/simulate: whom a draft plan would have limited (docs/billing.md)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis.rest.base import Resource
from apis.rest.fields import Body, Id
from apis.rest.plan_fields import BurstField, FlagField, LimitsField, NumberField
from apis.rest.schema import operation
from gateway import simulating
from gateway.core.replay import Finding


class DraftBody(Body):
    """The limits of a draft plan, and whose usage it is tried on. Nothing is saved."""

    limits = LimitsField(required=False)
    burst = BurstField(required=False, allow_null=True)
    max_sessions = NumberField(required=False, allow_null=True)
    max_session_s = NumberField(required=False, allow_null=True)
    stop_on_quota = FlagField(required=False)
    days = NumberField(required=False, help_text=f"1 to {simulating.DAYS_LIMIT}; {simulating.DAYS} unless given.")
    api = Id(required=False, allow_null=True, help_text="Only subscriptions to this API.")
    plan = Id(required=False, allow_null=True, help_text="Only subscriptions that run under this business plan now.")


class LimitMet(serializers.Serializer):
    """One limit of the draft that a subscription would have met."""

    kind = serializers.CharField(help_text="events, bytes, handshakes, seconds; sessions (at once), session_s.")
    amount = serializers.IntegerField()
    per = serializers.CharField(help_text='"" where there is no window.')
    direction = serializers.CharField()
    stops = serializers.BooleanField(help_text="false: it would only have been billed.")
    times = serializers.IntegerField(help_text="Windows (minutes, sessions) in which it was spent for certain.")
    of = serializers.IntegerField(help_text="Windows in which anything was counted.")
    possible = serializers.IntegerField(help_text="Further ones of which minutes cannot tell.")
    first_at = serializers.SerializerMethodField()
    last_at = serializers.SerializerMethodField()
    most = serializers.IntegerField(help_text="The highest count in one window.")
    most_at = serializers.SerializerMethodField()
    excess = serializers.IntegerField(help_text="All that lay beyond the limit.")

    def get_first_at(self, one: Finding) -> datetime | None:
        return _moment(one.first_at)

    def get_last_at(self, one: Finding) -> datetime | None:
        return _moment(one.last_at)

    def get_most_at(self, one: Finding) -> datetime | None:
        return _moment(one.most_at)


def _moment(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


class SimulatedRow(serializers.Serializer):
    """A subscription that would have been limited."""

    subscription = serializers.UUIDField()
    api = serializers.CharField()
    application = serializers.CharField()
    owner = serializers.CharField()
    plan = serializers.CharField(help_text="Under which it runs now.")
    findings = LimitMet(many=True)


class SimulationAnswer(serializers.Serializer):
    """What a replay found."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    resolution_s = serializers.SerializerMethodField()
    subscriptions = serializers.IntegerField(help_text="Those that used anything.")
    limited = serializers.IntegerField()
    perhaps = serializers.IntegerField(help_text="Those of which minutes cannot tell.")
    rows = SimulatedRow(many=True, help_text=f"At most {simulating.SHOWN}.")
    not_told = serializers.SerializerMethodField()

    def get_resolution_s(self, _: Any) -> int:
        return 60

    def get_not_told(self, _: Any) -> list[str]:
        return list(simulating.NOT_TOLD)


class Simulate(Resource):
    """Past usage against a draft plan."""

    @operation(
        "business-plans_simulate",
        "Replay past usage against a draft plan",
        body=DraftBody,
        answer=SimulationAnswer,
        errors=(403, 404),
        example={"limits": [{"kind": "events", "amount": 500, "per": "minute"}], "max_sessions": 5, "days": 7},
        detail="For administrators and publishers. It reads usage by the minute and usage records, and saves nothing.",
    )
    def post(self, request: Request) -> Response:
        self.whole_body()  # none at all would be a plan without limits
        values = self.body(DraftBody)
        api_id, plan_id = values.pop("api", None), values.pop("plan", None)
        done = simulating.plan_simulate(actor=self.actor, now=timezone.now(), api_id=api_id, plan_id=plan_id, **values)
        return Response(SimulationAnswer(done).data)
