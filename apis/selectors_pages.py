"""An API as its pages in the portals read it: in one query with what they ask about it."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from uuid import UUID

from django.db.models import Exists, FilteredRelation, OuterRef, Q, QuerySet, Subquery, prefetch_related_objects

from apis.models import Api, ApiCategory, ApiDocument, Application, Approval, HistoryEntry, Subscription
from apis.models.gathering import Values
from apis.permissions import Actor
from apis.selectors import (
    DESIGN,
    OFFER,
    apis_on_offer,
    apis_visible,
    application_get,
    offers,
    one_of,
    own_applications,
    versions_on_offer,
)
from apis.selectors_approvals import REQUESTS, requests_for_keys, step_requests
from apis.selectors_social import with_stars

_NEWEST = Subquery(HistoryEntry.objects.filter(api=OuterRef("pk")).order_by("-pk").values("pk")[:1])
_DOCUMENTS = Exists(ApiDocument.objects.filter(api=OuterRef("pk")))
_REJECTED = Exists(Approval.objects.filter(state=Approval.State.REJECTED, api=OuterRef("pk")))
_WAITING = Exists(step_requests().filter(api=OuterRef("pk")))


def api_of_page(actor: Actor, api_id: UUID | str) -> tuple[Api, int]:
    """An API and its present edition (apis.services.editions), as both were at one moment.

    The API says whether it `has_documents`, whether a `step_waits` and whether it `has_rejections`, which
    `checking.facts` and `selectors_approvals` otherwise ask for.

    Raises: Missing.
    """
    facts = {"has_documents": _DOCUMENTS, "step_waits": _WAITING, "has_rejections": _REJECTED}
    rows = apis_visible(actor).annotate(edition=_NEWEST, **facts)
    api = one_of(rows, api_id, DESIGN)
    return api, api.edition or 0  # type: ignore[attr-defined]  # annotated


def offer_of_page(actor: Actor | None, api_id: UUID | str) -> Api:
    """An API for its page in the developer portal, with what `stars_carried` and the functions below read of it.

    Raises: Missing.
    """
    names = ApiCategory.objects.filter(apis=OuterRef("pk")).order_by().annotate(names=Values("name")).values("names")
    others = offers(actor).filter(version_set=OuterRef("version_set")).exclude(pk=OuterRef("pk"))
    rows = with_stars(apis_on_offer(actor), actor)
    return one_of(rows.annotate(category_names=Subquery(names), has_other_versions=Exists(others)), api_id, OFFER)


def category_names(api: Api) -> list[str]:
    """The categories that an API is under, by name."""
    if hasattr(api, "category_names"):
        return sorted(api.category_names or [])
    return [row.name for row in api.categories.all()]


def other_versions(actor: Actor | None, api: Api) -> list[Api]:
    """The other versions that the developer portal shows to this person, newest first, without what they consist of."""
    if not getattr(api, "has_other_versions", True):
        return []
    return list(versions_on_offer(actor, api).prefetch_related(None))


def applications_at(actor: Actor, api: Api) -> QuerySet[Application]:
    """Somebody's own applications, each with its subscription to an API (`subscriptions_at`) in the same query."""
    here = FilteredRelation("subscriptions", condition=Q(subscriptions__api=api))
    rows = own_applications(actor).annotate(here=here)
    return rows.select_related("plan", "owner", "here__business_plan")  # type: ignore[misc]  # annotated


def subscriptions_at(api: Api, applications: Iterable[Application]) -> list[Subscription]:
    """What these of `applications_at` have at the API, oldest first, with what is asked of an administrator."""
    found: list[Subscription] = [row.here for row in applications if hasattr(row, "here")]
    for row in found:
        row.api = api  # it has its plans at hand already
    prefetch_related_objects(found, REQUESTS)
    return sorted(found, key=attrgetter("created_at"))


def application_of_page(actor: Actor, application_id: UUID | str) -> Application:
    """An application for its page; it says whether it `has_key_requests`. Raises: Missing."""
    asked = Exists(requests_for_keys().filter(application=OuterRef("pk")))
    return application_get(actor, application_id, has_key_requests=asked)
