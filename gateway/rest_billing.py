"""/subscriptions/{id}/statement and /usage/records: usage as billing (docs/billing.md)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis.errors import Invalid
from apis.rest.base import OwnTypes, Resource
from apis.rest.problems import BadQuery
from apis.rest.schema import operation
from gateway import exporting, statements
from gateway.spans import moment
from gateway.statements import Statement

DEFAULT_SPAN: Final = timedelta(days=1)
PAGE: Final = 1_000
PAGE_LIMIT: Final = 10_000
LARGEST_ID: Final = 2**63 - 1


class PriceAnswer(serializers.Serializer):
    """What a plan cost at the time."""

    billing = serializers.CharField()
    price = serializers.CharField(source="amount", allow_null=True, help_text="For each cycle.")
    currency = serializers.CharField()
    cycle = serializers.CharField()
    unit_price = serializers.CharField(allow_null=True, help_text="For each `unit_events` messages.")
    unit_events = serializers.IntegerField()


class StatementLine(serializers.Serializer):
    """One plan at one price within the month."""

    plan = serializers.CharField()
    price = PriceAnswer()
    began_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(help_text="Not included.")
    sessions = serializers.IntegerField(help_text="Sessions that began.")
    events_in = serializers.IntegerField(help_text="Messages from clients.")
    events_out = serializers.IntegerField(help_text="Messages to clients.")
    bytes_in = serializers.IntegerField()
    bytes_out = serializers.IntegerField()
    throttled = serializers.IntegerField(help_text="Messages that a plan refused; they cost nothing.")
    connection_s = serializers.IntegerField(help_text="Connection time in seconds, of all sessions together.")
    overage_events = serializers.IntegerField(help_text="Messages beyond the limits of a plan that does not stop.")
    overage_bytes = serializers.IntegerField()
    fixed = serializers.CharField(help_text="The price of the cycle, for the part that the plan was in force.")
    usage = serializers.CharField(help_text="The price of the messages, in proportion.")
    total = serializers.CharField()


class StatementAnswer(serializers.Serializer):
    """A month of a subscription (UTC)."""

    subscription = serializers.UUIDField(source="subscription_id")
    month = serializers.CharField()
    api = serializers.UUIDField(source="subject.api_id")
    api_name = serializers.CharField(source="subject.api_name")
    api_version = serializers.CharField(source="subject.api_version")
    application = serializers.UUIDField(source="subject.application_id")
    application_name = serializers.CharField(source="subject.application_name")
    as_of = serializers.DateTimeField(help_text="What came later is not in it.")
    final = serializers.BooleanField(source="is_final", help_text="Nothing is added to it any more.")
    lines = StatementLine(many=True)
    totals = serializers.SerializerMethodField(help_text="Amount by currency.")

    def get_totals(self, one: Statement) -> dict[str, str]:
        return {currency: str(amount) for currency, amount in one.totals.items()}


class SubscriptionStatement(Resource):
    """What a subscription used in a month, and what it costs."""

    @operation(
        "subscriptions_statement",
        "Monthly statement of a subscription",
        answer=StatementAnswer,
        errors=(400, 403, 404),
        query=(OpenApiParameter("month", str, description="Such as 2026-11, in UTC; the present one unless given."),),
        detail="For the application's owner, publishers and administrators, also when the subscription is gone. Each "
        "plan and each price of the month has a line. Live sessions are in it up to the last full hour.",
    )
    def get(self, request: Request, subscription_id: UUID) -> Response:
        text = self.query("month")
        try:
            month = statements.month_read(text, timezone.now())
        except Invalid as refusal:
            raise BadQuery({name: texts[0] for name, texts in refusal.fields.items()}) from None
        return Response(StatementAnswer(statements.statement(self.actor, subscription_id, month)).data)


class CloudEvent(serializers.Serializer):
    """A usage record as a CloudEvent 1.0; `data` holds the columns of the CSV."""

    specversion = serializers.CharField(default="1.0")
    id = serializers.CharField(help_text="Session and number; the same record has the same id for ever.")
    source = serializers.CharField()  # type: ignore[assignment]
    type = serializers.CharField(help_text=exporting.EVENT_TYPE)
    subject = serializers.CharField(help_text="Id of the subscription, of the API where there is none.")
    time = serializers.DateTimeField(help_text="When the record ended.")
    datacontenttype = serializers.CharField()
    data = serializers.DictField()  # type: ignore[assignment]


class UsageRecords(OwnTypes):
    """Usage records, page by page."""

    @operation(
        "usage_records",
        "Usage records for billing, as CloudEvents or CSV",
        answer=CloudEvent(many=True),
        media=tuple(one.partition(";")[0] for one in exporting.MEDIA_TYPES.values()),
        errors=(400, 403, 404),
        query=(
            OpenApiParameter("api", str, description="Id of an API."),
            OpenApiParameter("application", str, description="Id of an application."),
            OpenApiParameter("from", str, description="Records that ended since then; a day before `to`."),
            OpenApiParameter("to", str, description="Not included; now, unless given."),
            OpenApiParameter("format", str, enum=[*exporting.WRITERS], description="`cloudevents` unless given."),
            OpenApiParameter("limit", int, description=f"Records per page, 1 to {PAGE_LIMIT}; {PAGE} unless given."),
            OpenApiParameter("after", int, description="From the Link of the page before."),
        ),
        detail="`application/cloudevents-batch+json` or `text/csv`. Where there is more, `Link` with rel=next leads "
        "on. A record is never changed; who asks for overlapping spans knows it again by its id.",
    )
    def get(self, request: Request) -> HttpResponse:
        api_id, application_id = self.identifier("api"), self.identifier("application")
        kind = self.choice("format", exporting.WRITERS) or self._accepted(request)
        start, end = self._span()
        limit = self._whole("limit", PAGE, 1, PAGE_LIMIT)
        after = self._whole("after", 0, 0, LARGEST_ID)
        rows = exporting.records_visible(self.actor, api_id=api_id, application_id=application_id)
        found = list(exporting.between(rows, start, end).filter(pk__gt=after)[: limit + 1])
        chosen = found[:limit]
        answer = HttpResponse("".join(exporting.WRITERS[kind](chosen)), content_type=exporting.MEDIA_TYPES[kind])
        if len(found) > limit:
            asked = request.query_params.copy()
            asked["after"], asked["from"], asked["to"] = str(chosen[-1].pk), start.isoformat(), end.isoformat()
            answer["Link"] = f'<{request.build_absolute_uri(request.path)}?{asked.urlencode()}>; rel="next"'
        if kind == exporting.CSV:
            answer["Content-Disposition"] = 'attachment; filename="usage.csv"'
        return answer

    @staticmethod
    def _accepted(request: Request) -> str:
        return exporting.CSV if "text/csv" in request.headers.get("Accept", "") else exporting.CLOUDEVENTS

    def _span(self) -> tuple[datetime, datetime]:
        start, end = moment("from", self.query("from")), moment("to", self.query("to"))
        end = end or (timezone.now() if start is None else max(timezone.now(), start))
        start = start or end - DEFAULT_SPAN
        if start > end:
            raise BadQuery({"from": "This should not be after `to`."})
        return start, end

    def _whole(self, name: str, default: int, least: int, most: int) -> int:
        text = self.query(name)
        if not text:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= 19 and least <= int(text) <= most):
            raise BadQuery({name: f"This should be a whole number between {least} and {most}."})
        return int(text)
