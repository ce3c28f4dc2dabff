"""Live sessions in the publisher portal: who is connected to an API, closing them, and looking at their frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from apis.errors import Invalid, Missing, ServiceError
from apis.models import Api
from apis.permissions import Actor
from apis.publisher.pages import PortalRequest, api_page, sheet, show
from apis.roles import Capability
from apis.saying import said
from apis.shapes import KEY_TYPES
from apis.words import phrase
from gateway import inspecting, live
from gateway.models import LiveSession

ROWS: Final = 20
FRAMES: Final = 100  # the newest, on the page
FILTERS: Final = ("application", "person", "client", "key_type")


class CloseForm(forms.Form):
    """Code and reason of a close."""

    code = forms.IntegerField(required=False, initial=live.POLICY)
    reason = forms.CharField(required=False, strip=False)

    def values(self) -> dict[str, Any]:
        """For the service, which checks them.

        Raises: Invalid for a code that is no number.
        """
        if not self.is_valid():
            raise Invalid({"code": "This should be a whole number."})
        code = self.cleaned_data["code"]
        return {"code": live.POLICY if code is None else code, "reason": self.cleaned_data["reason"]}

    def take(self, refusal: ServiceError) -> int:
        """Show what was refused. Returns: the status."""
        fields = refusal.fields if isinstance(refusal, Invalid) else {"": [refusal.detail]}
        self.is_valid()
        for name, sentences in fields.items():
            for sentence in sentences:
                self.add_error(name if name in self.fields else None, sentence)
        return refusal.status


@dataclass(frozen=True, slots=True)
class Line:
    """One session on a page: its row, who it is in words, and what is left of its plans."""

    row: LiveSession
    person: str
    left: list[str]


def lines_of(request: HttpRequest, rows: QuerySet[LiveSession]) -> tuple[Page[LiveSession], list[Line]]:
    """One page of sessions with fresh counters."""
    page: Page[LiveSession] = Paginator(rows, ROWS).get_page(request.GET.get("page"))
    found = live.fresh(list(page.object_list))
    names = live.names_of(found)
    return page, [Line(row, names.get(row.person, row.person), left_of(row)) for row in found]


def left_of(row: LiveSession) -> list[str]:
    """What is left of each limit, in words."""
    return [
        phrase(
            "{left:,} of {amount:,} {limit}",
            left=one["left"],
            amount=one["amount"],
            limit=one["limit"].replace("-", " "),
        )
        for one in row.credits
    ]


def wanted(request: HttpRequest, api: Api) -> dict[str, Any]:
    """The filter of an address; what cannot be meant matches nothing."""
    chosen = {name: request.GET.get(name, "").strip()[:255] for name in FILTERS}
    chosen = {name: "" if "\x00" in value else value for name, value in chosen.items()}
    try:
        chosen["application"] = str(UUID(chosen["application"])) if chosen["application"] else ""
    except ValueError:
        chosen["application"] = ""
    if chosen["key_type"] not in KEY_TYPES:
        chosen["key_type"] = ""
    return {"api": str(api.pk), **chosen}


@api_page
def sessions(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Who is connected to this API now; the table refreshes itself every two seconds."""
    filters = wanted(request, api)
    of_api = live.narrowed(live.sessions_visible(actor), {"api": api.pk})
    page, lines = lines_of(request, live.narrowed(of_api, filters))
    pairs = of_api.order_by("application_name").values_list("application_id", "application_name").distinct()
    asked = {name: value for name, value in filters.items() if name != "api" and value}
    context = {
        "rows": page,
        "lines": lines,
        "filters": filters,
        "applications": [(str(key), name) for key, name in pairs if key],
        "key_types": KEY_TYPES,
        "is_narrowed": bool(asked),
        "asked": urlencode(asked),
        "may_close": actor.can(Capability.MANAGE_SUBSCRIPTIONS) or actor.can(Capability.ADMINISTER),
    }
    return show(request, api, "sessions", context)


@api_page
def close(request: PortalRequest, actor: Actor, api: Api, session_id: str) -> HttpResponse:
    """Ask for a code and a reason, then close one session."""
    session = _of(actor, api, session_id)
    form = CloseForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_bound:
        try:
            live.session_close(actor=actor, session=session, **form.values())
        except Invalid as refusal:
            status = form.take(refusal)
        else:
            messages.success(request, said("The session is being closed."))
            return _back(request, api)
    name = live.names_of([session]).get(session.person, session.person)
    context = {
        "form": form,
        "what": phrase("the session of {name} from {client}", name=name, client=session.client),
        "here": request.get_full_path(),
    }
    return sheet(request, api, "publisher/_close_sessions.html", context, current="sessions",
                 title="Close a session", status=status)  # fmt: skip


@api_page
def close_many(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Ask for a code and a reason, then close every session of a filter."""
    filters = wanted(request, api)
    count = live.narrowed(live.sessions_visible(actor), filters).count()
    form = CloseForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_bound:
        try:
            done = live.sessions_close(actor=actor, **filters, **form.values())
        except Invalid as refusal:
            status = form.take(refusal)
        else:
            text = phrase("{count} sessions are being closed.", count=done)
            messages.success(request, said(text if done != 1 else phrase("{count} session is being closed.", count=1)))
            return _back(request, api)
    narrowed = any(filters[name] for name in FILTERS)
    what = said(_many(count, narrowed))
    context = {"form": form, "what": what, "here": request.get_full_path()}
    return sheet(request, api, "publisher/_close_sessions.html", context, current="sessions",
                 title="Close sessions", status=status)  # fmt: skip


def _many(count: int, narrowed: bool) -> str:
    """So many sessions, in words."""
    if narrowed:
        return (
            phrase("{count} sessions that you have filtered", count=count)
            if count != 1
            else phrase("{count} session that you have filtered", count=count)
        )
    return (
        phrase("{count} sessions of this API", count=count)
        if count != 1
        else phrase("{count} session of this API", count=count)
    )


@api_page
def frames(request: PortalRequest, actor: Actor, api: Api, session_id: str) -> HttpResponse:
    """The newest frames of one session; the table refreshes itself, or by a click without script."""
    since = 0 if "look" in request.GET else None
    found = inspecting.glimpse(actor, session_id, since, newest=FRAMES, api=api)
    line, row = None, found.session
    if found.running and row is not None:
        line = Line(row, live.names_of([row]).get(row.person, row.person), [])
    return show(request, api, "sessions", {"line": line, "glimpse": found, "is_inspector": True})


def _of(actor: Actor, api: Api, session_id: str) -> LiveSession:
    """Raises: Missing, also for a session of another API."""
    session = live.session_find(actor, session_id, patience_s=live.YOUNG_S)
    if session.api_id != api.pk:
        raise Missing("There is no such live session of this API.")
    return session


def _back(request: PortalRequest, api: Api) -> HttpResponse:
    address = reverse("gateway:sessions", args=[api.pk])
    return HttpResponse(status=204, headers={"HX-Redirect": address}) if request.htmx else redirect(address)
