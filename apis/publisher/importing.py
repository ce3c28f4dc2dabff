"""Import an AsyncAPI definition: name a file, an address or a text; look at what it would become; create the API."""

from __future__ import annotations

import re
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render

from apis import selectors
from apis.asyncapi.model import Reading
from apis.errors import Forbidden, Invalid, ServiceError
from apis.permissions import Actor
from apis.publisher.creating import exposed_path
from apis.publisher.definition import text_of
from apis.publisher.drafting import kept
from apis.publisher.forms import ServiceForm, Text, plan_choices
from apis.publisher.pages import PortalRequest, go, page
from apis.roles import Capability
from apis.saying import said
from apis.services import defining, drafts
from apis.services.sources import as_text, document_named
from apis.validators import NAME_LIMIT
from apis.words import phrase

DRAFT: Final = "import"


class SourceForm(ServiceForm):
    """Where a document is: one of three."""

    url = Text(label="From an address")
    definition = Text(label="Or paste it", widget=forms.Textarea)
    file = forms.FileField(label="A file", required=False)


class ImportForm(ServiceForm):
    """The document, and what the API is to be called."""

    name = Text(label="Name")
    context = Text(label="Context")
    version = Text(label="Version")
    definition = Text(label="Document", widget=forms.Textarea)
    business_plans = forms.MultipleChoiceField(label="Business Plan(s)", required=False, choices=plan_choices)


@page
def import_asyncapi(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Step 1 names a document, step 2 shows what was understood of it, and CREATE makes the API."""
    actor.require(Capability.DESIGN_APIS)
    do = request.POST.get("do", "") if request.method == "POST" else ""
    if do == "create":
        return _create(request, actor)
    if do == "check":
        form = ImportForm(request.POST)
        form.is_valid()
        return _understood(request, actor, form, text_of(request))
    return _source(request, actor)


def _source(request: PortalRequest, actor: Actor) -> HttpResponse:
    if request.method != "POST":
        fields, words = kept(actor, DRAFT)
        return render(request, "publisher/import_asyncapi.html", {"form": SourceForm(initial=fields), **words})
    form = SourceForm(request.POST, request.FILES)
    form.is_valid()
    try:
        octets = _document(request, actor)
    except Forbidden:
        raise
    except ServiceError as refusal:
        context = {"form": form, "draft_form": DRAFT}
        return render(request, "publisher/import_asyncapi.html", context, status=form.take(refusal))
    reading = defining.definition_check(actor=actor, text=octets)
    text = as_text(octets)
    said = reading.design
    first = {
        "name": said.name if said else "",
        "context": (said.context or _proposed(said.name)) if said else "",
        "version": said.version if said else "",
        "definition": text,
    }
    typed, _ = kept(actor, DRAFT)
    if typed.get("definition", "").replace("\r\n", "\n").strip() == text.strip():  # what was typed beside this very one
        first |= {name: typed[name] for name in typed if name not in {"url", "definition"}}
    return _understood(request, actor, ImportForm(initial=first), reading)


def _document(request: PortalRequest, actor: Actor) -> bytes:
    """What was chosen. Raises: as `document_named`."""
    url, text = request.POST.get("url", ""), text_of(request)
    return document_named(actor=actor, file=request.FILES.get("file"), url=url, text=text)


def _proposed(name: str) -> str:
    """A context for a name: "Street lamps" could be found at /street-lamps."""
    word = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:NAME_LIMIT]
    return f"/{word}" if word and word != "t" else ""


def _create(request: PortalRequest, actor: Actor) -> HttpResponse:
    form, text = ImportForm(request.POST), text_of(request)
    if not form.is_valid():
        return _understood(request, actor, form, text, status=400)
    values: dict[str, Any] = {name: form.cleaned_data[name] for name in ("name", "context", "version")}
    try:
        empty = {
            name: phrase("{fields} should not be empty.", fields=form.fields[name].label)
            for name, value in values.items()
            if not value
        }
        if empty:
            raise Invalid(empty)
        api = defining.api_import(actor=actor, text=text, business_plans=form.cleaned_data["business_plans"], **values)
    except Forbidden:
        raise
    except ServiceError as refusal:
        if isinstance(refusal, Invalid):  # what is wrong with the document is shown with its lines
            refusal.fields = {field: texts for field, texts in refusal.fields.items() if field in form.fields}
        return _understood(request, actor, form, text, status=form.take(refusal))
    drafts.draft_forget(actor=actor, form=DRAFT)
    messages.success(
        request,
        said(phrase("{api} is created with {number} topics of the document.", api=api, number=api.topics.count())),
    )
    return go(request, "overview", api.pk)


def _understood(
    request: PortalRequest, actor: Actor, form: ImportForm, text: str | Reading, *, status: int = 200
) -> HttpResponse:
    """Args: text: the document, or where it was read already, that reading and its own text."""
    judged = text if isinstance(text, Reading) else defining.definition_check(actor=actor, text=text)
    context = {
        "form": form,
        "draft_form": DRAFT,
        "text": form["definition"].value() or "",
        "judged": judged,
        "plans": selectors.business_plans(),
        "chosen": form["business_plans"].value() or [],
        "exposed": exposed_path(form["context"].value() or "", form["version"].value() or ""),
    }
    return render(request, "publisher/import_understood.html", context, status=status)
