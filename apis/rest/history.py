"""/apis/{id}/history and /history: who changed what, when, by which way; and putting back what was before."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis import auditing, selectors
from apis.models import HistoryEntry
from apis.rest.answers import ApiAnswer
from apis.rest.base import Resource
from apis.rest.designs import ApiResource
from apis.rest.fields import Body
from apis.rest.problems import BadQuery
from apis.rest.schema import operation
from apis.roles import Capability
from apis.selectors_history import entries_matching, entry_get, moment
from apis.services import restoring

_WHEN: Final = "A date, or ISO 8601 with a time, UTC unless it says otherwise"
FILTERS: Final = (
    OpenApiParameter("actor", str, description="The user name of who did it."),
    OpenApiParameter("action", str, description="The word of what was done, such as `update`."),
    OpenApiParameter("from", str, description=f"{_WHEN}: since then."),
    OpenApiParameter("to", str, description=f"{_WHEN}: before then; a date means the end of its day."),
)


class HistoryChange(serializers.Serializer):
    """One thing that was changed, in words; empty for nothing. A secret is only said to be another one."""

    field = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()


class HistoryAnswer(serializers.Serializer):
    """Who did what when, and what was before and after."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    actor = serializers.CharField()
    via = serializers.CharField(help_text="By which way: a portal, or the name of a token; empty where not known.")
    action = serializers.CharField()
    subject = serializers.CharField()
    restored = serializers.IntegerField(allow_null=True, help_text="The entry that was undone by this.")
    before = serializers.JSONField(help_text="What it changed, as it was; null where that is not about an API.")
    after = serializers.JSONField(help_text="The same, as it became.")
    changes = HistoryChange(many=True)
    why_not_restorable = serializers.CharField(help_text="Empty where what was before can be put back.")
    detail = serializers.JSONField(help_text="All that was written down.")

    def to_representation(self, instance: HistoryEntry) -> dict[str, Any]:
        return {
            **auditing.facts_of(instance),
            "why_not_restorable": restoring.why_not(instance),
            "detail": instance.detail,
        }


class Narrowed(Resource):
    """A list of entries that the query narrows."""

    def narrowed(self, rows: QuerySet[HistoryEntry]) -> QuerySet[HistoryEntry]:
        """Raises: BadQuery."""
        return entries_matching(
            rows.select_related("api__version_set"),
            who=self.query("actor"), action=self.query("action"), start=self._moment("from"), end=self._moment("to"),
        )  # fmt: skip

    def _moment(self, name: str) -> datetime | None:
        text = self.query(name)
        try:
            return moment(text, is_end=name == "to") if text else None
        except ValueError:
            raise BadQuery({name: "This should be a date or a date and time (ISO 8601)."}) from None


class History(Narrowed, ApiResource):
    @operation(
        "apis_history", "See who did what to an API, newest first", rows=HistoryAnswer, errors=(403, 404),
        query=FILTERS,
    )  # fmt: skip
    def get(self, request: Request, api_id: UUID) -> Response:
        return self.page(self.narrowed(selectors.history_of(self.design(api_id))), HistoryAnswer)


class OneEntry(ApiResource):
    @operation("apis_history_read", "Show one entry of the history", answer=HistoryAnswer, errors=(403, 404))
    def get(self, request: Request, api_id: UUID, entry_id: int) -> Response:
        return Response(HistoryAnswer(entry_get(self.design(api_id), entry_id)).data)


class RestoreEntry(ApiResource):
    @operation(
        "apis_history_restore",
        "Put back what was before one change",
        answer=ApiAnswer,
        errors=(400, 403, 404, 409),
        detail="Whatever else was changed since stays, and so do the secrets of endpoints, which the history does not "
        "hold. The same rights and checks apply as to a change by hand. It leaves an entry that names the one it "
        "undoes. 409 `not_restorable` where it cannot be put back, `nothing_to_restore` where it is so already.",
    )
    def post(self, request: Request, api_id: UUID, entry_id: int) -> Response:
        api = self.design(api_id)
        self.optional_body(Body)
        return self.answer(restoring.entry_restore(actor=self.actor, api=api, entry=entry_get(api, entry_id)))


class AllHistory(Narrowed):
    capabilities = (Capability.ADMINISTER,)

    @operation(
        "history_list", "See who did what on this installation, newest first (administrators)",
        rows=HistoryAnswer, errors=(403,), query=FILTERS,
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        self.actor.require(Capability.ADMINISTER)
        return self.page(self.narrowed(HistoryEntry.objects.all()), HistoryAnswer)
