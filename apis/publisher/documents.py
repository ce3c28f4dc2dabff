"""Documents of an API in the publisher portal: written, read, replaced and deleted."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from apis import selectors_social
from apis.downloads import document_response
from apis.errors import Forbidden, Missing, ServiceError, Stale
from apis.file_kinds import ACCEPTED, FILE_LIMIT
from apis.models import Api, ApiDocument
from apis.permissions import Actor
from apis.publisher.drafting import kept
from apis.publisher.forms import ServiceForm, Text
from apis.publisher.pages import PortalRequest, Question, api_page, ask, go, is_confirmed, show
from apis.saying import said
from apis.seeing import seen_in, told
from apis.services import drafts
from apis.services.documents import WORDS, Upload, document_create, document_delete, document_update
from apis.services.row_editions import gone
from apis.shapes_social import CONTENT_LIMIT, SUMMARY_LIMIT
from apis.words import phrase


class DocumentForm(ServiceForm):
    """A document. Of text, link and file the one that `source` names counts."""

    name = Text(label="Name")
    type = forms.ChoiceField(label="Type", required=False, choices=ApiDocument.Type.choices)
    other_type = Text(label="What it is")
    summary = Text(label="Summary")
    visibility = forms.ChoiceField(label="Who finds it", required=False, choices=ApiDocument.Visibility.choices)
    source = forms.ChoiceField(label="Content", required=False, choices=ApiDocument.Source.choices)
    content = Text(label="Text in Markdown")
    url = Text(label="Link")
    upload = forms.FileField(label="File", required=False, allow_empty_file=True)

    def values(self, stored: ApiDocument | None) -> dict[str, Any]:
        """What was sent, as the services take it; a file that is not sent again stays."""
        typed = self.cleaned_data
        values = {name: typed[name] for name in WORDS if typed[name] or name not in {"type", "visibility"}}
        source = typed["source"] or ApiDocument.Source.INLINE
        if source != ApiDocument.Source.FILE:
            name = "content" if source == ApiDocument.Source.INLINE else "url"
            return {**values, name: typed[name].replace("\r\n", "\n")}
        if typed["upload"]:
            return {**values, "upload": Upload(typed["upload"].name or "", typed["upload"].read(FILE_LIMIT + 1))}
        if stored is None or stored.source != ApiDocument.Source.FILE:
            self.add_error("upload", "Choose a file.")
        return values


def initial(document: ApiDocument | None) -> dict[str, Any]:
    """What the form shows before anything is typed."""
    if document is None:
        return {"type": "howto", "visibility": "api", "source": "inline"}
    return {name: getattr(document, name) for name in (*WORDS, "source", "content", "url")}


def _put_together(stale: Stale, typed: dict[str, Any]) -> dict[str, Any]:
    """What the form shows where somebody else was faster: theirs and mine put together."""
    facts = {**{name: typed.get(name, "") for name in (*WORDS, "source", "content", "url")}, **(stale.merged or {})}
    if "file" in facts:
        facts["source"] = "file" if facts["file"] else "url" if facts["url"] else "inline"
    return facts


def deletion(document: ApiDocument) -> Question:
    """What is asked before a document goes."""
    return Question(
        phrase("Delete the document {document}?", document=document),
        "Its content goes with it. This cannot be undone.",
        "Delete",
    )


@api_page
def documents(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """All documents of the API."""
    lines = [(document, deletion(document)) for document in selectors_social.documents_of(actor, api)]
    return show(request, api, "documents", {"lines": lines, "may_write": _may_write(actor, api)})


def _may_write(actor: Actor, api: Api) -> bool:
    return selectors_social.can_write_documents(actor, api)


@api_page
def document(request: PortalRequest, actor: Actor, api: Api, document_id: UUID) -> HttpResponse:
    """One document as its readers see it."""
    found = selectors_social.document_get(actor, api, document_id)
    context = {
        "document": found, "may_write": _may_write(actor, api), "question": deletion(found), "title": found.name,
    }  # fmt: skip
    return show(request, api, "documents", context, template="publisher/document.html")


@api_page
def edit(request: PortalRequest, actor: Actor, api: Api, document_id: UUID | None = None) -> HttpResponse:
    """Write a document, or change one."""
    actor.require(*selectors_social.WRITERS)
    try:
        return _edit(request, actor, api, document_id)
    except Missing:
        stale = gone(ApiDocument, document_id, api) if request.method == "POST" else None
        if stale is None:
            raise
        return _anew(request, api, stale)


def _anew(request: PortalRequest, api: Api, stale: Stale) -> HttpResponse:
    """The form of a document that somebody removed meanwhile, with what was typed: saving it writes it anew."""
    form = DocumentForm(request.POST)
    form.is_valid()
    shown = {name: form.cleaned_data.get(name, "") for name in (*WORDS, "source", "content", "url")}
    context = {
        "form": DocumentForm(initial=shown), "document": None, "accepted": ACCEPTED, "content_limit": CONTENT_LIMIT,
        "summary_limit": SUMMARY_LIMIT, "title": "New document", **told(stale),
        "anew": reverse("publisher:document_new", args=[api.pk]),
        "theirs": reverse("publisher:documents", args=[api.pk]),
    }  # fmt: skip
    return show(request, api, "documents", context, status=stale.status, template="publisher/document_form.html")


def _edit(request: PortalRequest, actor: Actor, api: Api, document_id: UUID | None) -> HttpResponse:
    stored = selectors_social.document_get(actor, api, document_id) if document_id else None
    draft_form = f"document:{api.pk}"
    fields, words = ({}, {}) if stored else kept(actor, draft_form)
    form, status, refusal = DocumentForm(initial=initial(stored) | fields), 200, None
    if request.method == "POST":
        form, status, refusal = _sent(request, actor, api, stored)
        words.pop("draft", None)
        if status == 302:
            if stored is None:
                drafts.draft_forget(actor=actor, form=draft_form)
            return go(request, "documents", api.pk)
    context = {
        "form": form, "document": stored, "accepted": ACCEPTED, "content_limit": CONTENT_LIMIT,
        "summary_limit": SUMMARY_LIMIT, "title": stored.name if stored else "New document", **words, **told(refusal),
    }  # fmt: skip
    return show(request, api, "documents", context, status=status, template="publisher/document_form.html")


def _sent(
    request: PortalRequest, actor: Actor, api: Api, stored: ApiDocument | None
) -> tuple[DocumentForm, int, Stale | None]:
    """Save what was sent. Returns: the form with its problems, the status (302 once it is saved), who was faster."""
    form = DocumentForm(request.POST, request.FILES)
    if not form.is_valid():
        return form, 400, None
    values = form.values(stored)
    if form.errors:
        return form, 400, None
    try:
        if stored is None:
            saved = document_create(actor=actor, api=api, **values)
        else:
            saved = document_update(actor=actor, document=stored, seen=seen_in(request), **values)
    except (Forbidden, Missing):
        raise
    except Stale as stale:
        return DocumentForm(initial=_put_together(stale, form.cleaned_data)), stale.status, stale
    except ServiceError as refusal:
        return form, form.take(refusal), None
    messages.success(request, said(phrase("{saved} is saved.", saved=saved.name)))
    return form, 302, None


@api_page
def delete(request: PortalRequest, actor: Actor, api: Api, document_id: UUID) -> HttpResponse:
    """Delete a document, after a question."""
    actor.require(*selectors_social.WRITERS)
    found = selectors_social.document_get(actor, api, document_id)
    if request.method != "POST" or not is_confirmed(request):
        return ask(request, api, deletion(found), current="documents")
    try:
        document_delete(actor=actor, document=found, seen=seen_in(request))
    except Stale as stale:
        return ask(request, api, deletion(found), current="documents", refusal=stale)
    messages.success(request, said(phrase("{found} is deleted.", found=found.name)))
    return go(request, "documents", api.pk)


@api_page
def preview(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """What Markdown looks like, as a piece of the page that it is written in."""
    text = request.POST.get("content", "")[:CONTENT_LIMIT]
    return render(request, "publisher/_preview.html", {"text": text})


@api_page
def content(request: PortalRequest, actor: Actor, api: Api, document_id: UUID) -> HttpResponseBase:
    """The text or the file, to be saved."""
    return document_response(selectors_social.document_get(actor, api, document_id))


@api_page
def image(request: PortalRequest, actor: Actor, api: Api, document_id: UUID) -> HttpResponseBase:
    """An image for the page of its document; anything else is to be saved."""
    return document_response(selectors_social.document_get(actor, api, document_id), as_image=True)
