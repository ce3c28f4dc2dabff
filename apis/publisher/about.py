"""What people read about an API and who may read it: basic info, its picture, business info, properties."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render

from apis.errors import Forbidden, Invalid, ServiceError, Stale
from apis.models import Api
from apis.permissions import Actor
from apis.pictures import BYTES_LIMIT
from apis.publisher.about_forms import BusinessForm, InfoForm, PropertiesForm
from apis.publisher.defaults import default_facts
from apis.publisher.drafting import kept
from apis.publisher.pages import PortalRequest, api_page, go, page, sentences, show
from apis.roles import Capability
from apis.saying import said
from apis.seeing import seen_in
from apis.services import designs, drafts, thumbnails
from apis.validators import DESCRIPTION_LIMIT

Form = InfoForm | BusinessForm | PropertiesForm


def _edit(
    request: PortalRequest, actor: Actor, api: Api, current: str, shape: type[Form], **context: Any
) -> HttpResponse:
    """One page with one form about an API, for those who design; a page to read for the others."""
    if not actor.can(Capability.DESIGN_APIS):
        if request.method == "POST":
            actor.require(Capability.DESIGN_APIS)
        return show(request, api, current, {"form": None, **context})
    draft_form = f"{current}:{api.pk}"
    if request.method != "POST":
        fields, words = _draft(actor, current, draft_form)
        return show(request, api, current, {"form": shape(api, values=fields), **words, **context})
    form = shape(api, request.POST)
    status = 400
    if form.is_valid():
        try:
            designs.api_update(actor=actor, api=api, seen=seen_in(request), **form.values())
        except Stale as stale:
            return show(request, api, current, {"form": shape(api, values=stale.merged), **context}, refusal=stale)
        except ServiceError as refusal:
            status = form.take(refusal)
        else:
            drafts.draft_forget(actor=actor, form=draft_form)
            messages.success(request, said("Saved."))
            return go(request, current, api.pk)
    return show(request, api, current, {"form": form, "draft_form": draft_form, **context}, status=status)


def _draft(actor: Actor, current: str, form: str) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """What was typed there and not sent, as the form takes it; pages with short texts have no drafts."""
    if current not in drafts.KINDS:
        return None, {}
    fields, context = kept(actor, form)
    if "tags" in fields:
        fields["tags"] = [tag.strip() for tag in fields["tags"].split(",") if tag.strip()]
    return fields or None, context


@api_page
def info(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Name, context and version while they may change; what people read, its picture, and who sees it."""
    return _edit(request, actor, api, "info", InfoForm, facts=default_facts(actor, api))


@api_page
def business(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Who stands behind an API."""
    return _edit(request, actor, api, "business", BusinessForm)


@api_page
def properties(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Whatever else its owners want to be known."""
    return _edit(request, actor, api, "properties", PropertiesForm)


@api_page
def thumbnail(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Take a picture, or take it away, and back to Basic info; a refusal is said there."""
    if request.method != "POST":
        return go(request, "info", api.pk)
    try:
        _change_picture(request, actor, api)
    except Forbidden:
        raise
    except Invalid as refusal:
        form, facts = InfoForm(api), default_facts(actor, api)
        context = {"form": form, "facts": facts, "picture_problem": " ".join(sentences(refusal))}
        return show(request, api, "info", context, status=refusal.status)
    except Stale as stale:
        return show(request, api, "info", {"form": InfoForm(api), "facts": default_facts(actor, api)}, refusal=stale)
    return go(request, "info", api.pk)


def _change_picture(request: PortalRequest, actor: Actor, api: Api) -> None:
    """Raises: Forbidden, Invalid, Missing, Stale."""
    seen = seen_in(request)
    if request.POST.get("remove") == "yes":
        thumbnails.thumbnail_remove(actor=actor, api=api, seen=seen)
        messages.success(request, said("The thumbnail was removed."))
        return
    file = request.FILES.get("thumbnail")
    content = file.read(BYTES_LIMIT + 1) if file is not None else b""
    thumbnails.thumbnail_set(actor=actor, api=api, content=content, seen=seen)
    messages.success(request, said("The thumbnail was saved."))


@page
def preview(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Markdown as it will look, for a script that asks while somebody writes."""
    text = request.POST.get("description", "")[:DESCRIPTION_LIMIT]
    return render(request, "publisher/_preview.html", {"text": text})
