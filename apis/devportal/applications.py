"""A developer's applications: list, create, look at, edit, delete."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from apis import scoping, selectors
from apis.devportal import commands
from apis.devportal.base import actor_of, add_errors, member, own_page, page_of
from apis.devportal.forms import GRANT_LABELS, ApplicationForm, ChangePlanForm, KeysForm, TokenForm
from apis.errors import Conflict, Missing, ServiceError, Stale
from apis.models import Application, Approval, KeyPair, Subscription
from apis.permissions import Actor, is_on_offer
from apis.saying import said
from apis.seeing import edition, seen_in, told
from apis.selectors_approvals import REQUESTS, application_request, key_requests
from apis.selectors_pages import application_of_page
from apis.services import subscribing
from apis.services.row_editions import gone, newest_among, newest_of
from apis.shapes import KEY_TYPES
from apis.words import phrase


@own_page
def application_list(request: HttpRequest) -> HttpResponse:
    """The person's applications; an administrator's list names the owners."""
    actor = member(request)
    rows = selectors.applications_of(actor)
    return render(request, "devportal/applications.html", {"page": page_of(rows, request), "me": actor.person})


@own_page
def application_new(request: HttpRequest) -> HttpResponse:
    """Create an application, then look at it."""
    actor = member(request)
    form = ApplicationForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                application = subscribing.application_create(actor=actor, **form.cleaned_data)
            except ServiceError as error:
                add_errors(form, error)
                status = error.status
            else:
                messages.success(
                    request,
                    said(
                        phrase(
                            "{application} is ready. Subscribe it to an API, or generate its keys.",
                            application=application,
                        )
                    ),
                )
                return redirect("devportal:application", application.pk)
    return render(request, "devportal/application_form.html", {"form": form}, status=status)


@own_page
def application_edit(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """Change name, plan or description."""
    actor = member(request)
    newest = newest_of(Application, application_id)
    try:
        application = selectors.application_get(actor, application_id)
    except Missing:
        stale = gone(Application, application_id) if request.method == "POST" else None
        if stale is None or stale.changes[0].who != actor.person.get_username():
            raise
        return _application_anew(request, stale)
    now = {"name": application.name, "plan": application.plan.name, "description": application.description}
    form = ApplicationForm(request.POST or None, initial=now)
    context: dict[str, Any] = {"application": application, "old_name": application.name}
    context["seen"] = edition(request, newest)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                subscribing.application_update(
                    actor=actor, application=application, seen=seen_in(request), **form.cleaned_data
                )
            except Stale as stale:
                form, status = ApplicationForm(initial=stale.merged), stale.status
                context |= told(stale)
            except ServiceError as error:
                add_errors(form, error)
                status = error.status
            else:
                messages.success(request, said("Saved."))
                return redirect("devportal:application", application.pk)
    return render(request, "devportal/application_form.html", {"form": form, **context}, status=status)


def _application_anew(request: HttpRequest, stale: Stale) -> HttpResponse:
    """The form of an application that its owner deleted elsewhere meanwhile: saving it makes a new one."""
    context = {
        "form": ApplicationForm(request.POST),
        **told(stale),
        "anew": reverse("devportal:application-new"),
        "theirs": reverse("devportal:applications"),
    }
    return render(request, "devportal/application_form.html", context, status=stale.status)


@own_page
def application_delete(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """Ask, then delete an application with its keys, tokens and subscriptions."""
    actor = member(request)
    application = selectors.application_get(actor, application_id)
    if request.method == "POST":
        name = application.name
        try:
            subscribing.application_delete(actor=actor, application=application)
        except Conflict as refusal:
            messages.error(request, said(refusal.detail))
            return redirect("devportal:application", application.pk)
        messages.success(request, said(phrase("{name} is deleted.", name=name)))
        return redirect("devportal:applications")
    context = {
        "title": phrase("Delete {application}", application=application),
        "dialog": "delete",
        "application": application,
    }
    return render(request, "devportal/confirm.html", context)


@own_page
def application_detail(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """One application with its subscriptions, keys and usage."""
    return application_page(request, application_of_page(member(request), application_id))


def application_page(
    request: HttpRequest,
    application: Application,
    *,
    key_type: str = "",
    form: KeysForm | None = None,
    news: dict[str, Any] | None = None,
    status: int = 200,
    stale: Stale | None = None,
) -> HttpResponse:
    """Draw an application's page.

    Args:
        key_type: which keys `form` or `news` is about.
        form: the form of those keys as it was sent, where it was refused.
        news: what was made in this very request and stands nowhere else: {"secret", "get_token"?} or
            {"token", "minutes", "api", "connect"}.
        stale: who changed the keys that `form` is about meanwhile.
    """
    subscriptions = list(selectors.subscriptions_of(application).prefetch_related(REQUESTS))
    asked = [row for row in subscriptions if row.state != Subscription.State.REJECTED]
    pairs = selectors.key_pairs_of(application)
    newest = newest_among([*subscriptions, *pairs.values()])
    base = commands.portal_url(request)
    cards = {kind: _keys(kind, pairs.get(kind), asked, base) for kind in KEY_TYPES}
    if len(pairs) < len(KEY_TYPES):
        for kind, found in key_requests(application).items():
            cards[kind]["request"] = found
    if key_type:
        cards[key_type] |= {"news": news, **({"form": form, "open": True} if form else {})}
    if news and news.get("api"):
        cards[key_type]["token_form"] = TokenForm(key_type=key_type, subscriptions=asked, chosen=news["api"])
    rejected = Application.State.REJECTED
    context = {
        "application": application,
        "is_own": application.owner == request.user,
        "subscriptions": [_row(actor_of(request), subscription) for subscription in subscriptions],
        "keys": list(cards.values()),
        "scopes": scoping.scopes_grantable(application, None),
        "next_step": _next_step(asked, list(cards.values())),
        "application_request": application_request(application) if application.state == rejected else None,
        "waiting": [row.api for row in subscriptions if row.state == Subscription.State.ON_HOLD],
        "seen": newest,
        "keys_told": told(stale),
        "api_keys": [key for key in application.api_keys.all() if key.state == "active"],
    }
    return render(request, "devportal/application.html", context, status=status)


def _row(actor: Actor | None, subscription: Subscription) -> dict[str, Any]:
    return {
        "subscription": subscription,
        "on_offer": is_on_offer(actor, subscription.api),
        "form": ChangePlanForm(subscription=subscription),
    }


def _keys(key_type: str, pair: KeyPair | None, subscriptions: list[Subscription], base: str) -> dict[str, Any]:
    by_code = pair is not None and "authorization_code" in pair.grant_types
    return {
        "type": key_type,
        "pair": pair,
        "form": KeysForm(key_type=key_type, pair=pair),
        "grants": [GRANT_LABELS[name] for name in pair.grant_types] if pair else [],
        "token_form": TokenForm(key_type=key_type, subscriptions=subscriptions),
        "code_commands": commands.code_commands(base, pair) if pair and by_code else [],
    }


def _next_step(subscriptions: list[Subscription], cards: list[dict[str, Any]]) -> str:
    if not subscriptions:
        return "subscribe"
    asked = any("request" in card and card["request"].state == Approval.State.WAITING for card in cards)
    return "" if asked or any(card["pair"] for card in cards) else "keys"
