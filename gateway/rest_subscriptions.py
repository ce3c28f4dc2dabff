"""/subscriptions as the portal's table for other programs: CSV, with what each of them used this month."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from apis.rest import subscriptions
from apis.rest.answers import SubscriptionAnswer
from apis.rest.base import OwnTypes
from apis.rest.schema import operation
from gateway.exporting import CSV, MEDIA_TYPES
from gateway.subscribers import csv_of

JSON: Final = "json"


class Subscriptions(OwnTypes, subscriptions.Subscriptions):
    """The list that `apis` has, and the same rows as a file."""

    @operation(
        "subscriptions_list", "List subscriptions: of your applications, and for publishers to all APIs",
        rows=SubscriptionAnswer, media=("application/json", "text/csv"),
        query=(
            *subscriptions.FILTERS,
            OpenApiParameter("format", str, enum=[JSON, CSV], description="`json` unless given; `Accept` says it too."),
        ),
        detail="As `text/csv` it is all of them in one file, as the Subscriptions page exports them: with the "
        "addresses of their owners for who manages subscriptions, and the messages of this month (UTC).",
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponseBase:  # type: ignore[override]
        kind = self.choice("format", (JSON, CSV)) or self._accepted(request)
        if kind != CSV:
            return super().get(request)
        lines = csv_of(self.actor, self.narrowed())
        headers = {"Content-Disposition": 'attachment; filename="subscriptions.csv"'}
        return HttpResponse("".join(lines), content_type=MEDIA_TYPES[CSV], headers=headers)

    @staticmethod
    def _accepted(request: Request) -> str:
        return CSV if "text/csv" in request.headers.get("Accept", "") else JSON
