"""The gateway's own resources of the REST API: /usage and /close-codes (CONTRACT sections 4 and 6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from apis.rest.base import Resource
from apis.rest.problems import BadQuery
from apis.rest.schema import operation
from apis.roles import Capability
from gateway import reports
from gateway.core.records import TALLY_FIELDS
from gateway.core.rejections import CLOSE_CODES
from gateway.spans import moment
from gateway.steps import STEPS
from gateway.sums import gone

DEFAULT_SPAN: Final = timedelta(hours=24)
ROWS_LIMIT: Final = 10_000


class UsageTotal(serializers.Serializer):
    """Counters; "in" is from the client, bytes are payload bytes as they travel."""

    sessions = serializers.IntegerField(help_text="Sessions opened.")
    events_in = serializers.IntegerField(help_text="Messages from clients.")
    events_out = serializers.IntegerField(help_text="Messages to clients.")
    bytes_in = serializers.IntegerField()
    bytes_out = serializers.IntegerField()
    refused = serializers.IntegerField(help_text="Handshakes refused.")
    throttled = serializers.IntegerField(help_text="Messages that a plan refused.")


class UsageRow(UsageTotal):
    """Counters of one step."""

    start = serializers.DateTimeField(help_text="Start of the step, UTC.")

    def get_fields(self) -> dict[str, serializers.Field]:
        fields = super().get_fields()
        return {"start": fields.pop("start"), **fields}

    def to_representation(self, row: Any) -> dict[str, Any]:
        """Thousands of rows are no rarity, and to ask every field of each costs more than to add them up."""
        start: datetime = row["start"]
        return {"start": start.isoformat().replace("+00:00", "Z"), **{name: row[name] for name in TALLY_FIELDS}}


class UsageAnswer(serializers.Serializer):
    """Steps in which something happened, and their total."""

    rows = UsageRow(many=True)
    total = UsageTotal()


class CloseCodeRow(serializers.Serializer):
    """One close code that the gateway sends."""

    code = serializers.IntegerField()
    name = serializers.CharField()
    means = serializers.CharField()
    advice = serializers.CharField()


class Usage(Resource):
    """What went through the gateway."""

    @operation(
        "usage_list",
        "Sessions, messages, bytes and refusals by time",
        answer=UsageAnswer,
        errors=(400, 403, 404),
        query=(
            OpenApiParameter("api", str, description="Id of an API."),
            OpenApiParameter("application", str, description="Id of an application."),
            OpenApiParameter("from", str, description="ISO 8601, UTC unless it says otherwise; 24 hours before `to`."),
            OpenApiParameter("to", str, description="ISO 8601, not included; now, unless given."),
            OpenApiParameter("step", str, enum=[*STEPS], description="`minute` unless given."),
        ),
        detail="At most 2 s behind the frames. Publishers and creators see the APIs that they see, subscribers their "
        "own applications, with RateLimit and RateLimit-Policy fields.",
    )
    def get(self, request: Request) -> Response:
        api_id, application_id = self.identifier("api"), self.identifier("application")
        step = self.choice("step", STEPS) or "minute"
        start, end = self._span(step)
        rows = reports.visible_usage(self.actor, api_id=api_id, application_id=application_id)
        found = reports.report(rows, start, end, step)
        fields: tuple[tuple[str, str], ...] = ()
        if self.actor.can(Capability.USE_APPLICATIONS):
            fields = reports.rate_limits(self.actor, timezone.now(), api_id=api_id, application_id=application_id)
        return Response({"rows": UsageRow(found.rows, many=True).data, "total": found.total}, headers=dict(fields))

    def _span(self, step: str) -> tuple[datetime, datetime]:
        start, end = moment("from", self.query("from")), moment("to", self.query("to"))
        end = end or (timezone.now() if start is None else max(timezone.now(), start))
        start = start or end - DEFAULT_SPAN
        if start > end:
            raise BadQuery({"from": "This should not be after `to`."})
        if problem := gone(start, step):
            raise BadQuery({"step": problem})
        if (end - start) / STEPS[step] > ROWS_LIMIT:
            raise BadQuery({"step": f"This would be more than {ROWS_LIMIT} rows; ask for a longer step or less time."})
        return start, end


class CloseCodes(Resource):
    """The gateway's own close codes."""

    authentication_classes: Any = ()
    permission_classes = (AllowAny,)

    @operation(
        "close-codes_list", "The close codes that the gateway sends", answer=CloseCodeRow(many=True), public=True
    )
    def get(self, request: Request) -> Response:
        rows = [{"code": row.code, "name": row.name, "means": row.means, "advice": row.advice} for row in CLOSE_CODES]
        return Response(rows)


assert set(UsageTotal().fields) == set(TALLY_FIELDS)  # noqa: S101  (the answer shows every counter)
