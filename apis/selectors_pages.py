"""An API as its pages in the publisher portal read it: in one query with what most of them ask about it."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, OuterRef, Subquery

from apis.models import Api, ApiDocument, HistoryEntry
from apis.permissions import Actor
from apis.selectors import DESIGN, apis_visible, one_of
from apis.selectors_approvals import step_requests

_NEWEST = Subquery(HistoryEntry.objects.filter(api=OuterRef("pk")).order_by("-pk").values("pk")[:1])
_DOCUMENTS = Exists(ApiDocument.objects.filter(api=OuterRef("pk")))
_WAITING = Exists(step_requests().filter(api=OuterRef("pk")))


def api_of_page(actor: Actor, api_id: UUID | str) -> tuple[Api, int]:
    """An API and its present edition (apis.services.editions), as both were at one moment.

    The API says whether it `has_documents` and whether a `step_waits`, which `checking.facts` and
    `selectors_approvals.step_waiting` otherwise ask for.

    Raises: Missing.
    """
    rows = apis_visible(actor).annotate(edition=_NEWEST, has_documents=_DOCUMENTS, step_waits=_WAITING)
    api = one_of(rows, api_id, DESIGN)
    return api, api.edition or 0  # type: ignore[attr-defined]  # annotated
