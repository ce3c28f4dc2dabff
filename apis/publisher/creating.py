"""Design a New WebSocket API, its validation while typing, further versions, and the end of an API."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string

from apis import selectors
from apis.errors import ServiceError
from apis.models import Api, FormDraft
from apis.permissions import Actor
from apis.publisher.forms import DesignForm, VersionForm
from apis.publisher.pages import PortalRequest, api_page, ask, deletion, go, is_confirmed, page, sheet
from apis.roles import Capability
from apis.saying import said
from apis.selectors_approvals import step_in_words
from apis.services import designs, drafts, publishing
from apis.validators import gateway_path, normal_context
from apis.words import phrase

LIVE_FIELDS: Final = ("name", "context", "version", "endpoint")
DRAFT: Final = "new-api"


def exposed_path(context: str, version: str) -> str:
    """Where the gateway will expose what is typed so far; what is still empty is named instead."""
    return gateway_path(
        normal_context(context.strip()) if context.strip("/ ") else "/{context}", version or "{version}"
    )


@page
def new(request: PortalRequest, actor: Actor) -> HttpResponse:
    """The design form. CREATE makes the API, CREATE & PUBLISH all of it up to the lifecycle, or nothing."""
    actor.require(Capability.DESIGN_APIS)
    if request.method != "POST":
        draft = drafts.draft_of(actor, DRAFT)
        return _form(request, DesignForm(initial=draft.fields if draft else {}), draft=draft)
    form = DesignForm(request.POST)
    if not form.is_valid():
        return _form(request, form, status=400)
    publish = request.POST.get("do") == "publish"
    create: Any = publishing.api_create_and_publish if publish else designs.api_create
    try:
        api = create(actor=actor, **form.cleaned_data)
    except ServiceError as refusal:
        return _form(request, form, status=form.take(refusal))
    drafts.draft_forget(actor=actor, form=DRAFT)
    published = step_in_words(api) or phrase("{api} is published and deployed.", api=api)
    messages.success(request, said(published if publish else phrase("{api} is created.", api=api)))
    return go(request, "overview", api.pk)


def _form(
    request: PortalRequest, form: DesignForm, status: int = 200, *, draft: FormDraft | None = None
) -> HttpResponse:
    template = "publisher/_design_form.html" if request.htmx else "publisher/new.html"
    context = {
        "form": form,
        "draft": draft,
        "plans": selectors.business_plans(),
        "chosen": form["business_plans"].value() or [],
        "exposed": exposed_path(form["context"].value() or "", form["version"].value() or ""),
    }
    return render(request, template, context, status=status)


def validate(request: PortalRequest) -> HttpResponseBase:
    """What is wrong with the one field that is being typed in (`?field=`), and where the API would be exposed.

    Who is signed out meanwhile is not sent away in the middle of a word.
    """
    return _judged(request) if request.user.is_authenticated else HttpResponse(status=401)


@page
def _judged(request: PortalRequest, actor: Actor) -> HttpResponse:
    actor.require(Capability.DESIGN_APIS)
    field = request.GET.get("field", "")
    value = request.POST.get(field, "")
    problem = ""
    if field in LIVE_FIELDS:
        checked: dict[str, Any] = {field: value}
        problem = designs.design_problems(**checked).get(field, "")
    exposed = exposed_path(request.POST.get("context", ""), request.POST.get("version", ""))
    context = {"problem": problem, "exposed": exposed, "field": field}
    # Without white space around it: an empty answer leaves the place for the sentence empty.
    return HttpResponse(render_to_string("publisher/_feedback.html", context).strip())


@api_page
def new_version(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Copy the design into a new version."""
    actor.require(Capability.DESIGN_APIS)
    form, status = VersionForm(request.POST if request.method == "POST" else None), 200
    if form.is_valid():
        try:
            copy = designs.api_version_create(actor=actor, api=api, **form.cleaned_data)
        except ServiceError as refusal:
            status = form.take(refusal)
        else:
            messages.success(
                request, said(phrase("{copy} is created with the design of {version}.", copy=copy, version=api.version))
            )
            return go(request, "overview", copy.pk)
    elif form.is_bound:
        status = 400
    title = phrase("New version of {api}", api=api.title)
    return sheet(
        request, api, "publisher/_new_version.html", {"form": form}, current="overview", title=title, status=status
    )


@api_page
def delete(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Delete an API for good; refused in words while somebody is subscribed."""
    actor.require(Capability.DESIGN_APIS)
    if not is_confirmed(request):
        return ask(request, api, deletion(api), current="overview")
    text = str(api)
    try:
        designs.api_delete(actor=actor, api=api)
    except ServiceError as refusal:
        return ask(request, api, deletion(api), current="overview", refusal=refusal)
    messages.success(request, said(phrase("{text} is deleted.", text=text)))
    return go(request, "apis")
