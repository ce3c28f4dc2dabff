"""Scopes in the publisher portal: those of one API, and those that all APIs share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from apis import scoping
from apis.errors import Forbidden, Missing, ServiceError, Stale
from apis.models import Api, Scope
from apis.permissions import Actor
from apis.publisher.forms import ServiceForm, Text
from apis.publisher.pages import (
    PortalRequest,
    Question,
    api_page,
    ask,
    go,
    is_confirmed,
    page,
    sentences,
    sheet,
    show,
)
from apis.roles import Capability
from apis.saying import said
from apis.seeing import edition, seen_in, told
from apis.selectors_portal import role_choices
from apis.services import scopes as service
from apis.services.row_editions import gone, newest_among, newest_of
from apis.words import phrase


class ScopeForm(ServiceForm):
    """One scope."""

    name = Text(label="Name")
    display_name = Text(label="Display name")
    description = Text(label="Description")
    roles = forms.MultipleChoiceField(label="Only for", required=False, choices=role_choices)

    def values(self, *, new: bool) -> dict[str, Any]:
        """What was sent, as the services take it; the name of an existing one stays."""
        typed = dict(self.cleaned_data)
        if not new:
            del typed["name"]
        return typed


def initial(scope: Scope | None) -> dict[str, Any]:
    return {field: getattr(scope, field) for field in ("name", *service.FIELDS)} if scope else {}


def lines(actor: Actor, rows: QuerySet[Scope]) -> list[tuple[Scope, list[str], Question]]:
    """Each scope with where it is in use, and what is asked before it goes."""
    return [(scope, scoping.scope_uses(scope, actor), removal(scope)) for scope in rows]


def removal(scope: Scope) -> Question:
    text = "Tokens that carry it keep it until they expire, but nothing asks for it."
    return Question(phrase("Delete the scope {scope}?", scope=scope), text, "Delete")


def _found(rows: QuerySet[Scope], typed: str) -> Scope:
    try:
        return scoping.scope_get(rows, UUID(typed))
    except ValueError:
        raise Missing("There is no such scope.") from None


# Of one API -------------------------------------------------------------------------------------------------------


@api_page
def scopes(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """The scopes of an API, which all of its versions share."""
    refusal = None
    request.edition = newest_among(scoping.scopes_local(api))  # all versions share them, so an API's edition is not it
    if request.method == "POST":
        actor.require(Capability.DESIGN_APIS)
        scope = _found(scoping.scopes_local(api), request.POST.get("delete", ""))
        if not is_confirmed(request):
            return ask(request, api, removal(scope), current="scopes")
        try:
            service.scope_delete(actor=actor, scope=scope, api=api, seen=seen_in(request))
        except Forbidden:
            raise
        except ServiceError as error:
            refusal = error
        else:
            messages.success(request, said(phrase("{scope} is deleted.", scope=scope.name)))
            return go(request, "scopes", api.pk)
    context = {"lines": lines(actor, scoping.scopes_local(api)), "shared": scoping.scopes_shared()}
    return show(request, api, "scopes", context, refusal=refusal)


@api_page
def scope(request: PortalRequest, actor: Actor, api: Api, scope_id: UUID | None = None) -> HttpResponse:
    """Name a scope of this API, or edit one: a dialog to a script, a page without."""
    actor.require(Capability.DESIGN_APIS)
    request.edition = newest_of(Scope, scope_id)
    form, status, stored, stale = _answer(request, actor, scoping.scopes_local(api), scope_id, api)
    if form is None:
        return go(request, "scopes", api.pk)
    context = {"form": form, "scope": stored, "roles": role_choices(), **_again(stale, stored, api)}
    title = phrase("Scope {stored}", stored=stored) if stored else "New scope"
    return sheet(request, api, "publisher/_scope_form.html", context, current="scopes", title=title, status=status)


def _answer(
    request: PortalRequest, actor: Actor, rows: QuerySet[Scope], scope_id: UUID | None, api: Api | None
) -> tuple[ScopeForm | None, int, Scope | None, Stale | None]:
    """The form to show (None once it is saved), its status, the scope if it is there, and who was faster."""
    stored = None
    try:
        stored = scoping.scope_get(rows, scope_id) if scope_id else None
        form, status = _written(request, actor, stored, api)
    except Missing:
        stale = gone(Scope, scope_id) if request.method == "POST" else None
        if stale is None:
            raise
        form = ScopeForm(request.POST)
        form.is_valid()
        return ScopeForm(initial={**form.cleaned_data, "name": stale.changes[0].before}), stale.status, None, stale
    except Stale as refusal:
        form = ScopeForm(initial={**initial(stored), **(refusal.merged or {})})
        return form, refusal.status, stored, refusal
    return form, status, stored, None


def _again(stale: Stale | None, stored: Scope | None, api: Api | None) -> dict[str, Any]:
    """What the form says about who was faster; one about a scope that is gone makes it anew."""
    if stale is None or stored is not None:
        return told(stale)
    if api is None:
        anew, theirs = reverse("publisher:new_shared_scope"), reverse("publisher:shared_scopes")
    else:
        anew, theirs = (reverse(f"publisher:{name}", args=[api.pk]) for name in ("new_scope", "scopes"))
    return {**told(stale), "anew": anew, "theirs": theirs}


def _written(
    request: PortalRequest, actor: Actor, stored: Scope | None, api: Api | None
) -> tuple[ScopeForm | None, int]:
    """The form to show and its status, or None once what was sent is saved."""
    if request.method != "POST":
        return ScopeForm(initial=initial(stored)), 200
    form = ScopeForm(request.POST)
    if not form.is_valid():
        return form, 400
    save: Callable[..., Scope] = service.scope_update if stored else service.scope_create
    which: dict[str, Any] = {"scope": stored, "seen": seen_in(request)} if stored else {}
    try:
        saved = save(actor=actor, api=api, **which, **form.values(new=stored is None))
    except (Forbidden, Missing, Stale):
        raise
    except ServiceError as refusal:
        return form, form.take(refusal)
    messages.success(request, said(phrase("{saved} is saved.", saved=saved.name)))
    return None, 204


# Shared -----------------------------------------------------------------------------------------------------------


@page
def shared(request: PortalRequest, actor: Actor) -> HttpResponse:
    """The scopes that the topics of every API may name."""
    refused: list[str] = []
    status, meanwhile = 200, {}
    newest = newest_among(scoping.scopes_shared())
    if request.method == "POST":
        actor.require(Capability.DESIGN_APIS)
        scope = _found(scoping.scopes_shared(), request.POST.get("delete", ""))
        if not is_confirmed(request):
            context = {"question": removal(scope), "scope": scope, "seen": edition(request, newest)}
            return render(request, "publisher/shared_scope_delete.html", context)
        try:
            service.scope_delete(actor=actor, scope=scope, seen=seen_in(request))
        except Forbidden:
            raise
        except ServiceError as error:
            meanwhile, status = told(error), error.status
            refused = [] if meanwhile else sentences(error)
        else:
            messages.success(request, said(phrase("{scope} is deleted.", scope=scope.name)))
            return go(request, "shared_scopes")
    rows = lines(actor, scoping.scopes_shared())
    context = {"lines": rows, "refused": refused, "seen": newest, **meanwhile}
    return render(request, "publisher/shared_scopes.html", context, status=status)


@page
def shared_scope(request: PortalRequest, actor: Actor, scope_id: UUID | None = None) -> HttpResponse:
    """Name a shared scope, or edit one."""
    actor.require(Capability.DESIGN_APIS)
    seen = edition(request, newest_of(Scope, scope_id))
    form, status, stored, stale = _answer(request, actor, scoping.scopes_shared(), scope_id, None)
    if form is None:
        return go(request, "shared_scopes")
    context = {
        "form": form, "scope": stored, "roles": role_choices(), "api": None, "is_dialog": bool(request.htmx),
        "seen": seen, **_again(stale, stored, None),
    }  # fmt: skip
    template = "publisher/_scope_form.html" if request.htmx else "publisher/shared_scope.html"
    return render(request, template, context, status=status)
