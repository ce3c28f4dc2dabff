"""What the views of the developer portal share: who acts, and how a refusal becomes a page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from apis.errors import Forbidden, Invalid, Missing, ServiceError
from apis.models import Person
from apis.permissions import DEVELOPER_PORTAL, Actor
from apis.roles import Capability
from apis.saying import said
from apis.words import phrase

View = Callable[..., HttpResponse]
PAGE_SIZE: Final = 24


def actor_of(request: HttpRequest) -> Actor | None:
    """The person behind the session, or None for somebody who has not signed in."""
    return Actor.of(request.user, via=DEVELOPER_PORTAL) if isinstance(request.user, Person) else None


def member(request: HttpRequest) -> Actor:
    """The person behind the session of a page that `own_page` guards.

    Raises: Forbidden without the subscriber role.
    """
    actor = actor_of(request)
    if actor is None:
        raise Forbidden("This page needs you to sign in.")
    actor.require(Capability.USE_APPLICATIONS)
    return actor


def found_or_404(view: View) -> View:
    """Answers Missing with the page for 404 and Forbidden with one that says which role is missing."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Missing as error:
            raise Http404(error.detail) from error
        except Forbidden as error:
            return render(request, "devportal/forbidden.html", {"detail": said(error.detail)}, status=error.status)

    return guarded


def own_page(view: View) -> View:
    """For pages about somebody's own things: signed in, and kept by no cache.

    A secret or a token may stand in the answer to a POST, so nothing of these pages outlives the tab.
    """
    return never_cache(login_required(found_or_404(view)))


def add_errors(form: forms.Form, error: ServiceError) -> None:
    """Put a service's refusal beside the fields it names; what has no field goes to the top of the form."""
    if not isinstance(error, Invalid):
        form.add_error(None, said(error.detail))
        return
    for path, sentences in error.fields.items():
        field, _, rest = path.partition("/")
        where = phrase("Line {rest}: ", rest=int(rest) + 1) if rest.isdigit() else ""
        for sentence in sentences:
            form.add_error(field if field in form.fields else None, said(where) + said(sentence))


def page_of(rows: QuerySet[Any] | list[Any], request: HttpRequest) -> Page[Any]:
    """The page of `rows` that the address asks for; anything that is no page number is the first or the last."""
    return Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
