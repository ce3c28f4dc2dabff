"""Consumer keys, secrets and tokens. A secret or token stands only in the answer to the POST that made it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from apis import selectors
from apis.devportal import commands
from apis.devportal.applications import application_page
from apis.devportal.base import add_errors, member, own_page
from apis.devportal.forms import KeysForm, TokenForm
from apis.devportal.offers import api_page
from apis.errors import Invalid, ServiceError, Stale
from apis.models import Application, Approval, KeyPair
from apis.permissions import Actor
from apis.saying import said
from apis.seeing import seen_in
from apis.selectors_approvals import key_requests
from apis.services import approving, keys
from apis.shapes import KEY_TYPES
from apis.words import phrase


def sentences(error: Invalid) -> list[str]:
    """What is wrong with the boxes of a form, each sentence once."""
    return list(dict.fromkeys(text for texts in error.fields.values() for text in texts))


def _to_keys(application: Application, key_type: str) -> HttpResponse:
    return redirect(f"{reverse('devportal:application', args=[application.pk])}#{key_type}")


def _secret_news(request: HttpRequest, pair: KeyPair, secret: str) -> dict[str, Any]:
    news: dict[str, Any] = {"secret": secret}
    if "client_credentials" in pair.grant_types:
        base = commands.portal_url(request)
        news["get_token"] = commands.token_command(base, key=pair.client.client_id, secret=secret)
    return news


@own_page
def generate(request: HttpRequest, application_id: UUID, key_type: str) -> HttpResponse:
    """Make consumer key and secret; the answer shows the secret, once."""
    actor = member(request)
    application = selectors.application_get(actor, application_id)
    if request.method != "POST":
        return _to_keys(application, key_type)
    if request.POST.get("withdraw"):
        return _withdrawn(request, actor, application, key_type)
    form = KeysForm(request.POST, key_type=key_type)
    if not form.is_valid():
        return application_page(request, application, key_type=key_type, form=form, status=400)
    try:
        made = keys.keys_generate_or_ask(
            actor=actor,
            application=application,
            key_type=key_type,
            grant_types=form.cleaned_data["grant_types"],
            redirect_uris=form.uris(),
        )
    except Invalid as error:
        add_errors(form, error)
        return application_page(request, application, key_type=key_type, form=form, status=error.status)
    except ServiceError as error:  # the keys exist: the form is gone, so the page says it
        messages.error(request, said(error.detail))
        return application_page(request, application, status=error.status)
    if isinstance(made, Approval):
        text = phrase(
            "An administrator decides about the {key_type} keys of {application}.",
            key_type=key_type,
            application=application,
        )
        messages.info(request, said(text))
        return _to_keys(application, key_type)
    return application_page(request, application, key_type=key_type, news=_secret_news(request, *made))


def _withdrawn(request: HttpRequest, actor: Actor, application: Application, key_type: str) -> HttpResponse:
    """Take back what waits about the keys of one type."""
    found = key_requests(application).get(key_type)
    if found is not None and found.is_waiting:
        approving.approval_withdraw(actor=actor, approval=found)
        messages.success(request, said("The request is taken back."))
    return _to_keys(application, key_type)


@own_page
def update(request: HttpRequest, application_id: UUID, key_type: str) -> HttpResponse:
    """Change grant types and redirect URIs."""
    actor = member(request)
    application = selectors.application_get(actor, application_id)
    if request.method != "POST":
        return _to_keys(application, key_type)
    pair = selectors.key_pair_get(actor, application, key_type)
    form = KeysForm(request.POST, key_type=key_type, pair=pair)
    if form.is_valid():
        try:
            keys.keys_update(
                actor=actor,
                pair=pair,
                grant_types=form.cleaned_data["grant_types"],
                redirect_uris=form.uris(),
                seen=seen_in(request),
            )
        except Stale as stale:
            mine = stale.merged or {}
            again = {"grant_types": mine["grant_types"], "redirect_uris": "\n".join(mine["redirect_uris"])}
            form = KeysForm(again, key_type=key_type, pair=pair)
            return application_page(
                request, application, key_type=key_type, form=form, status=stale.status, stale=stale
            )
        except ServiceError as error:
            add_errors(form, error)
        else:
            messages.success(request, said(phrase("The {key_type} keys are saved.", key_type=key_type)))
            return _to_keys(application, key_type)
    return application_page(request, application, key_type=key_type, form=form, status=400)


@own_page
def regenerate(request: HttpRequest, application_id: UUID, key_type: str) -> HttpResponse:
    """Ask, then replace the consumer secret; the answer shows the new one, once."""
    actor = member(request)
    application = selectors.application_get(actor, application_id)
    pair = selectors.key_pair_get(actor, application, key_type)
    if request.method != "POST":
        context = {
            "title": phrase(
                "Regenerate the {key_type} secret of {application}", key_type=key_type, application=application
            ),
            "dialog": "secret",
            "application": application,
            "key_type": key_type,
        }
        return render(request, "devportal/confirm.html", context)
    secret = keys.secret_regenerate(actor=actor, pair=pair)
    news = {**_secret_news(request, pair, secret), "again": True}
    return application_page(request, application, key_type=key_type, news=news)


@own_page
def token(request: HttpRequest, application_id: UUID, key_type: str) -> HttpResponse:
    """Make an access token; the answer shows it, once, with commands for one of the subscribed APIs."""
    actor = member(request)
    application = selectors.application_get(actor, application_id)
    if request.method != "POST":
        return _to_keys(application, key_type)
    subscriptions = list(selectors.subscriptions_of(application))
    api = TokenForm(request.POST, key_type=key_type, subscriptions=subscriptions).chosen()
    try:
        text, seconds = keys.token_generate(
            actor=actor, application=application, key_type=key_type, scopes=request.POST.getlist("scopes")
        )
    except Invalid as error:
        messages.error(request, " ".join(sentences(error)))
        return application_page(request, application, status=error.status)
    news = {
        "token": text,
        "minutes": seconds // 60,
        "api": api,
        "connect": commands.connect_commands(commands.connect_urls(api), text) if api else [],
    }
    return application_page(request, application, key_type=key_type, news=news)


@own_page
def api_token(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """The same from an API's page: make a token for one of the person's applications and show its commands there."""
    actor = member(request)
    api = selectors.api_on_offer(actor, api_id)
    if request.method != "POST":
        return redirect("devportal:api", api.pk)
    application = next(
        (row for row in selectors.own_applications(actor) if str(row.pk) == request.POST.get("application", "")), None
    )
    key_type = request.POST.get("key_type", KEY_TYPES[0])
    if application is None or key_type not in KEY_TYPES:
        return redirect("devportal:api", api.pk)
    try:
        text, seconds = keys.token_generate(
            actor=actor, application=application, key_type=key_type, scopes=request.POST.getlist("scopes")
        )
    except Invalid as error:
        messages.error(request, " ".join(sentences(error)))
        return api_page(request, api, application=application, status=error.status)
    news = {"text": text, "minutes": seconds // 60, "key_type": key_type}
    return api_page(request, api, application=application, token=news)
