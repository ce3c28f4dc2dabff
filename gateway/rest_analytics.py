"""/apis/{id}/analytics and /applications/{id}/analytics: the numbers of the Analytics pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis.rest.applications import ApplicationResource
from apis.rest.base import Resource
from apis.rest.designs import ApiResource
from apis.rest.problems import BadQuery
from apis.rest.schema import operation
from gateway.analytics import LONGEST, Period, Subject, analytics, period
from gateway.rest import UsageRow, UsageTotal
from gateway.spans import moment
from gateway.steps import STEPS
from gateway.sums import gone

DEFAULT_SPAN: Final = timedelta(hours=24)
ROWS_LIMIT: Final = 10_000
QUERY: Final = (
    OpenApiParameter("from", str, description="ISO 8601, UTC unless it says otherwise; 24 hours before `to`."),
    OpenApiParameter("to", str, description="ISO 8601, not included; now, unless given. Both count as whole minutes."),
    OpenApiParameter("step", str, enum=[*STEPS], description="What fits the period, unless given."),
)
DETAIL: Final = (
    "Counters are at most 2 s behind. How sessions went (`lengths`, `closes`, `plans`, `sessions_at_a_time`) comes "
    "from usage records, which are written when a session ends and every hour. `before` is the period of the same "
    "length just before."
)


class LengthBucket(serializers.Serializer):
    """Sessions of about the same length."""

    label = serializers.CharField()  # type: ignore[assignment]
    sessions = serializers.IntegerField()


class SessionLengths(serializers.Serializer):
    """How long the sessions that ended in the period had lasted; null where none ended."""

    ended = serializers.IntegerField(help_text="Sessions that ended.")
    average_ms = serializers.IntegerField(source="average", allow_null=True)
    median_ms = serializers.IntegerField(source="median", allow_null=True)
    p95_ms = serializers.IntegerField(source="p95", allow_null=True, help_text="Not exceeded by 95 of 100 sessions.")
    longest_ms = serializers.IntegerField(source="longest", allow_null=True)
    buckets = serializers.SerializerMethodField()

    def get_buckets(self, lengths: Any) -> list[dict[str, Any]]:
        return [{"label": label, "sessions": count} for label, count in lengths.buckets]


class SessionClose(serializers.Serializer):
    """How many sessions ended in one way."""

    code = serializers.IntegerField(allow_null=True, help_text="Null where the connection broke off.")
    initiator = serializers.CharField(help_text="client, upstream or gateway.")
    sessions = serializers.IntegerField()


class UsagePart(UsageTotal):
    """The counters of one application with its plan, or of one API."""

    id = serializers.UUIDField(allow_null=True, help_text="Null where nobody was known.")
    name = serializers.CharField()
    note = serializers.CharField(help_text="Owner and plan of an application.")

    def to_representation(self, part: Any) -> dict[str, Any]:
        return {"id": part.id, "name": part.name, "note": part.note, **part.counts}


class PlanPart(serializers.Serializer):
    """What was done under one business plan."""

    plan = serializers.CharField(source="name")
    sessions = serializers.IntegerField(source="counts.sessions")
    events_in = serializers.IntegerField(source="counts.events_in")
    events_out = serializers.IntegerField(source="counts.events_out")
    bytes_in = serializers.IntegerField(source="counts.bytes_in")
    bytes_out = serializers.IntegerField(source="counts.bytes_out")
    throttled = serializers.IntegerField(source="counts.throttled")
    connection_ms = serializers.IntegerField(source="counts.connection_ms", help_text="Connection time together.")


class AnalyticsAnswer(serializers.Serializer):
    """Numbers of a period."""

    start = serializers.DateTimeField(source="period.start")
    end = serializers.DateTimeField(source="period.end", help_text="Not included.")
    step = serializers.ChoiceField([*STEPS], source="period.step")
    rows = UsageRow(many=True, help_text="Every step, also those in which nothing happened.")
    total = UsageTotal()
    before = UsageTotal()
    sessions_at_a_time = serializers.FloatField(help_text="Connected on average.")
    lengths = SessionLengths()
    closes = SessionClose(many=True)
    parts = UsagePart(many=True, help_text="Of an API its applications, of an application its APIs; the ten largest.")
    plans = PlanPart(many=True)


def _answer(resource: Resource, which: Subject, key: UUID) -> Response:
    return Response(AnalyticsAnswer(analytics(which, key, _span(resource))).data)


def _span(resource: Resource) -> Period:
    """Raises: BadQuery."""
    start, end = moment("from", resource.query("from")), moment("to", resource.query("to"))
    step = resource.choice("step", STEPS)
    end = end or (timezone.now() if start is None else max(timezone.now(), start))
    start = start or end - DEFAULT_SPAN
    if start > end:
        raise BadQuery({"from": "This should not be after `to`."})
    if end - start > LONGEST:
        raise BadQuery({"from": f"This should be at most {LONGEST.days} days before `to`."})
    if step and (end - start) / STEPS[step] > ROWS_LIMIT:
        raise BadQuery({"step": f"This would be more than {ROWS_LIMIT} rows; ask for a longer step or less time."})
    if step and (problem := gone(start, step)):
        raise BadQuery({"step": problem})
    return period(start, end, step)


class ApiAnalytics(ApiResource):
    """What an API was used for."""

    @operation(
        "apis_analytics", "Analytics of an API", answer=AnalyticsAnswer, errors=(400, 403, 404), query=QUERY,
        detail=DETAIL,
    )  # fmt: skip
    def get(self, request: Request, api_id: UUID) -> Response:
        return _answer(self, "api", self.design(api_id).pk)


class ApplicationAnalytics(ApplicationResource):
    """What an application used."""

    @operation(
        "applications_analytics", "Analytics of an application", answer=AnalyticsAnswer, errors=(400, 403, 404),
        query=QUERY, detail=DETAIL,
    )  # fmt: skip
    def get(self, request: Request, application_id: UUID) -> Response:
        return _answer(self, "application", self.application(application_id).pk)
