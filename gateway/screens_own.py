"""Live sessions in the developer portal: those of one's own applications."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apis import selectors
from apis.devportal.base import member, own_page
from apis.errors import Invalid, Missing
from apis.saying import said
from gateway import live
from gateway.screens_live import CloseForm, lines_of


@require_http_methods(["GET", "HEAD"])
@own_page
def sessions(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """Who is connected with this application now."""
    actor = member(request)
    application = selectors.application_get(actor, application_id)
    rows = live.narrowed(live.sessions_visible(actor), {"application": application.pk})
    page, lines = lines_of(request, rows)
    context = {"application": application, "page": page, "lines": lines}
    return render(request, "devportal/sessions.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@own_page
def close(request: HttpRequest, application_id: UUID, session_id: str) -> HttpResponse:
    """Ask for a code and a reason, then close one session."""
    actor = member(request)
    application = selectors.application_get(actor, application_id)
    session = live.session_find(actor, session_id, patience_s=live.YOUNG_S)
    if session.application_id != application.pk:
        raise Missing("There is no such live session of this application.")
    form = CloseForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_bound:
        try:
            live.session_close(actor=actor, session=session, **form.values())
        except Invalid as refusal:
            status = form.take(refusal)
        else:
            messages.success(request, said("The session is being closed."))
            return redirect("gateway:own-sessions", application.pk)
    context = {"application": application, "session": session, "form": form}
    return render(request, "devportal/session_close.html", context, status=status)
