"""Subscribing, changing the plan, unsubscribing."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from apis import selectors
from apis.devportal.access import access_to
from apis.devportal.base import actor_of, add_errors, member, own_page
from apis.devportal.forms import NEW_APPLICATION, ChangePlanForm, SubscribeForm
from apis.devportal.offers import api_page
from apis.errors import Conflict, Invalid, Missing, ServiceError
from apis.models import Api, BusinessPlan, Subscription
from apis.permissions import Actor, is_on_offer, owns
from apis.saying import said
from apis.seeing import seen_in
from apis.services import subscribing
from apis.words import phrase


@own_page
def subscribe(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """Subscribe an own application, making it on the way where asked; then back to the API's page for the next step."""
    actor = member(request)
    api = selectors.api_on_offer(actor, api_id)
    if request.method != "POST":  # somebody who had to sign in first, or reloaded
        return redirect("devportal:api", api.pk)
    access = access_to(api, actor)
    form = SubscribeForm(request.POST, api=api, actor=actor, applications=access.applications)
    if form.is_valid():
        try:
            subscription = _subscribe(actor, api, form)
        except ServiceError as error:
            add_errors(form, error)
            return api_page(request, api, form=form, status=error.status)
        messages.success(request, said(_asked_for(subscription)))
        return redirect(f"{reverse('devportal:api', args=[api.pk])}?application={subscription.application_id}#access")
    return api_page(request, api, form=form, status=400)


def _asked_for(row: Subscription) -> str:
    """What came of asking for a plan, in words."""
    if not row.has_right:
        return phrase(
            "{application} asks for {api} with {business_plan}: an administrator decides.",
            application=row.application,
            api=row.api,
            business_plan=row.business_plan,
        )
    return phrase(
        "{application} is subscribed to {api} with {business_plan}.",
        application=row.application,
        api=row.api,
        business_plan=row.business_plan,
    )


@transaction.atomic
def _subscribe(actor: Actor, api: Api, form: SubscribeForm) -> Subscription:
    """Both steps or neither, so a refused subscription leaves no application behind."""
    wanted = form.cleaned_data["application"]
    if wanted == NEW_APPLICATION:
        try:
            application = subscribing.application_create(actor=actor, name=form.cleaned_data["new_name"])
        except Invalid as error:
            error.fields = {"new_name": [text for texts in error.fields.values() for text in texts]}
            raise
    else:
        application = selectors.application_get(actor, wanted)
    try:
        return subscribing.subscription_create(
            actor=actor, api=api, application=application, business_plan=form.cleaned_data["plan"]
        )
    except Invalid as error:
        error.fields = {"plan" if name == "business_plan" else name: texts for name, texts in error.fields.items()}
        raise


def _own(actor: Actor, subscription_id: UUID) -> Subscription:
    """Raises: Missing for a subscription of somebody else's application, even where its API is the actor's."""
    subscription = selectors.subscription_get(actor, subscription_id)
    if not owns(actor, subscription.application):
        raise Missing("There is no such subscription.")
    return subscription


def _back(request: HttpRequest, subscription: Subscription) -> str:
    """The page the person came from: the API's or the application's."""
    origin = request.POST.get("from") or request.GET.get("from")
    if origin == "api" and is_on_offer(actor_of(request), subscription.api):
        page = reverse("devportal:api", args=[subscription.api_id])
        return f"{page}?application={subscription.application_id}#access"
    return reverse("devportal:application", args=[subscription.application_id]) + "#subscriptions"


@own_page
def change_plan(request: HttpRequest, subscription_id: UUID) -> HttpResponse:
    """Move a subscription to another business plan."""
    actor = member(request)
    subscription = _own(actor, subscription_id)
    if request.method == "POST":
        form = ChangePlanForm(request.POST, subscription=subscription)
        pending = subscription.pending_plan
        try:
            if not form.is_valid():
                raise Invalid({"plan": "Choose one of the plans that this API offers."})
            subscription = subscribing.subscription_change_plan(
                actor=actor, subscription=subscription, business_plan=form.cleaned_data["plan"], seen=seen_in(request)
            )
        except ServiceError as error:
            sentences = error.fields.values() if isinstance(error, Invalid) else [[error.detail]]
            messages.error(request, said(" ".join(text for texts in sentences for text in texts)))
        else:
            messages.success(request, said(_changed(subscription, pending)))
    return redirect(_back(request, subscription))


def _changed(row: Subscription, pending: BusinessPlan | None) -> str:
    """What came of a change of plan, in words. `pending`: what was asked for before."""
    if not row.has_right:
        return _asked_for(row)
    if row.pending_plan is not None:
        return phrase(
            "{row} asks for {pending_plan}; until an administrator has decided, {business_plan} counts.",
            row=row,
            pending_plan=row.pending_plan,
            business_plan=row.business_plan,
        )
    if pending is not None and row.business_plan != pending:
        return phrase(
            "{row} asks for {pending} no longer and has the plan {business_plan}.",
            row=row,
            pending=pending,
            business_plan=row.business_plan,
        )
    return phrase("{row} now has the plan {business_plan}.", row=row, business_plan=row.business_plan)


@own_page
def unsubscribe(request: HttpRequest, subscription_id: UUID) -> HttpResponse:
    """Ask, then remove a subscription."""
    actor = member(request)
    subscription = _own(actor, subscription_id)
    back = _back(request, subscription)
    if request.method == "POST":
        text = phrase(
            "{application} is no longer subscribed to {api}.",
            application=subscription.application,
            api=subscription.api,
        )
        if not subscription.has_right:
            text = phrase(
                "{application} asks for {api} no longer.", application=subscription.application, api=subscription.api
            )
        try:
            subscribing.subscription_delete(actor=actor, subscription=subscription)
        except Conflict as refusal:
            messages.error(request, said(refusal.detail))
            return redirect(back)
        messages.success(request, said(text))
        return redirect(back)
    context = {
        "title": phrase(
            "Unsubscribe {application} from {api}", application=subscription.application, api=subscription.api
        )
        if subscription.has_right
        else phrase("Take back what {application} asks for", application=subscription.application),
        "dialog": "unsubscribe",
        "subscription": subscription,
        "origin": request.GET.get("from", ""),
        "back": back,
    }
    return render(request, "devportal/confirm.html", context)
