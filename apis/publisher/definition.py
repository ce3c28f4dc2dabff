"""The Definition page: what an API is in AsyncAPI, read, written, checked, downloaded."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header

from apis import describing, selectors
from apis.asyncapi.model import Reading
from apis.asyncapi.reading import read
from apis.colouring import coloured_lines
from apis.describing import base_of
from apis.errors import Invalid, ServiceError, Stale
from apis.models import Api, Revision
from apis.permissions import Actor
from apis.publisher.drafting import kept
from apis.publisher.pages import PortalRequest, Question, api_page, ask, go, is_confirmed, sentences, show
from apis.roles import Capability
from apis.saying import said
from apis.seeing import seen_in
from apis.services import defining, drafts
from apis.words import phrase

TYPES: Final = {"yaml": "application/yaml", "json": "application/json"}
DROPPING: Final = Question(
    "Make the definition of the design again?",
    "What somebody wrote in it, messages and comments included, is gone from here; revisions keep theirs. "
    "Topics and scopes stay.",
    "Make it of the design",
)


def revision_asked(request: PortalRequest, api: Api) -> Revision | None:
    """The revision that the address names. Raises: Missing, Http404."""
    text = request.GET.get("revision", "")
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Http404("There is no such revision.")
    return selectors.revision_get(api, int(text))


@api_page
def definition(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """The definition with its lines, and what of it has no effect here."""
    revision = revision_asked(request, api)
    kept = revision.design.get("definition", "") if revision is not None else api.definition
    text = describing.written(api, base_of(request), revision)
    reading = read(text)
    context = {
        "lines": coloured_lines(text, reading.document.syntax if reading.document else "yaml"),
        "reading": reading,
        "is_kept": bool(kept),
        "revision": revision,
        "revisions": selectors.revisions_of(api),
        "dropping": DROPPING,
    }
    return show(request, api, "definition", context)


@api_page
def download(request: PortalRequest, actor: Actor, api: Api, syntax: str) -> HttpResponse:
    """The definition as a file."""
    text = describing.as_syntax(describing.written(api, base_of(request), revision_asked(request, api)), syntax)
    return as_file(text, api, syntax)


def as_file(text: str, api: Api, syntax: str) -> HttpResponse:
    """A definition to be saved, named after its API."""
    response = HttpResponse(text.encode(), content_type=TYPES[syntax])
    name = f"{api.name}-{api.version}.asyncapi.{syntax}".replace(" ", "-")
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def text_of(request: PortalRequest) -> str:
    """What stands in the field, with the line breaks that files have."""
    return request.POST.get("definition", "").replace("\r\n", "\n")


@api_page
def edit(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """The text in a field; Save takes over its topics, scopes and servers, or says what is wrong and keeps it."""
    actor.require(Capability.DESIGN_APIS)
    form = f"definition:{api.pk}"
    if request.method != "POST":
        fields, words = kept(actor, form)
        text = str(fields.get("definition", "")) or describing.written(api, base_of(request))
        return _edit(request, api, text, words)
    text = text_of(request)
    try:
        reading = defining.definition_replace(actor=actor, api=api, text=text, seen=seen_in(request))
    except Stale as refusal:
        return _edit(request, api, text, {}, refusal=refusal)
    except Invalid as refusal:
        judged = defining.definition_check(actor=actor, text=text, api=api)
        refused = sentences(refusal) if judged.is_valid else []  # otherwise its problems say it, line by line
        return _edit(request, api, text, {"judged": judged, "refused": refused}, status=refusal.status)
    drafts.draft_forget(actor=actor, form=form)
    messages.success(request, said(saved(reading)))
    return go(request, "definition", api.pk)


def saved(reading: Reading) -> str:
    """What a person is told after a definition was taken."""
    count = len(reading.design.topics) if reading.design else 0
    warnings = sum(problem.level == "warning" for problem in reading.problems)
    text = phrase("The definition is saved; the design has its {count} topics now.", count=count)
    if count == 1:
        text = phrase("The definition is saved; the design has its {count} topic now.", count=count)
    if warnings == 1:
        return phrase("{text} {warnings} part of it has no effect here.", text=text, warnings=warnings)
    return (
        phrase("{text} {warnings} parts of it have no effect here.", text=text, warnings=warnings) if warnings else text
    )


def _edit(
    request: PortalRequest, api: Api, text: str, context: dict[str, Any],
    *, refusal: ServiceError | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    extra = {"text": text, "title": "Edit the definition", "draft_form": f"definition:{api.pk}"}
    page = "publisher/definition_edit.html"
    return show(request, api, "definition", extra | context, refusal=refusal, status=status, template=page)


@api_page
def check(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """What is understood of the text, for the place below it; without a script the page with it."""
    judged = defining.definition_check(actor=actor, text=text_of(request), api=api)
    if request.htmx:
        return render(request, "publisher/_understood.html", {"judged": judged})
    return _edit(request, api, text_of(request), {"judged": judged})


@api_page
def drop(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Make the definition of the design again."""
    actor.require(Capability.DESIGN_APIS)
    if request.method != "POST":
        return go(request, "definition", api.pk)
    if not is_confirmed(request):
        return ask(request, api, DROPPING, current="definition")
    try:
        defining.definition_drop(actor=actor, api=api, seen=seen_in(request))
    except ServiceError as refusal:
        return ask(request, api, DROPPING, current="definition", refusal=refusal)
    messages.success(request, said("The definition is made of the design again."))
    return go(request, "definition", api.pk)
