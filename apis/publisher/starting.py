"""CREATE API: the ways to begin, samples and further versions among them; and drafts of long forms."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apis import searching, selectors
from apis.errors import Forbidden, ServiceError
from apis.models import Api
from apis.permissions import Actor
from apis.publisher.forms import ServiceForm, Text
from apis.publisher.pages import PortalRequest, go, page, paged
from apis.roles import Capability
from apis.saying import said
from apis.services import drafts, samples
from apis.shapes import DEFAULT_RUNTIME
from apis.shapes_security import DEFAULT_SECURITY, security_terms
from apis.validators import gateway_path
from apis.words import phrase

# Where somebody goes on after a draft was discarded, by its kind; a kind that is about an API has its page's name.
_PAGES = {
    "new-api": "new",
    "import": "import_asyncapi",
    "info": "info",
    "document": "document_new",
    "definition": "definition_edit",
}


class SampleForm(ServiceForm):
    """What the API of a sample is to be called."""

    name = Text(label="Name")
    context = Text(label="Context")
    version = Text(label="Version")


@page
def start(request: PortalRequest, actor: Actor) -> HttpResponse:
    """The ways to begin, as cards."""
    actor.require(Capability.DESIGN_APIS)
    context = {
        "samples": samples.SAMPLES,
        "draft": drafts.draft_of(actor, "new-api"),
        "import_draft": drafts.draft_of(actor, "import"),
        "any_api": selectors.apis_visible(actor).exists(),
    }
    return render(request, "publisher/start.html", context)


@page
def sample(request: PortalRequest, actor: Actor, sample_name: str) -> HttpResponse:
    """What a sample holds, and under which name it is made."""
    actor.require(Capability.DESIGN_APIS)
    chosen = samples.sample_get(sample_name)
    form, status = SampleForm(request.POST if request.method == "POST" else None, initial=samples.proposal(chosen)), 200
    if form.is_valid():
        try:
            api = samples.sample_create(actor=actor, sample=chosen, **form.cleaned_data)
        except Forbidden:
            raise
        except ServiceError as refusal:
            status = form.take(refusal)
        else:
            messages.success(
                request, said(phrase("{api} is created from the sample {chosen}.", api=api, chosen=said(chosen.title)))
            )
            return go(request, "overview", api.pk)
    context = {
        "sample": chosen,
        "form": form,
        "exposed": gateway_path(form["context"].value() or "", form["version"].value() or ""),
        "rows": [_row(topic) for topic in chosen.topics],
        "terms": Api(runtime={**DEFAULT_RUNTIME, **chosen.runtime}).runtime_terms,
        "accepted": security_terms({**DEFAULT_SECURITY, **chosen.security}),
        "endpoints": list(chosen.endpoints.items()),
    }
    return render(request, "publisher/sample.html", context, status=status)


def _row(topic: Any) -> dict[str, Any]:
    """A topic of a sample as the table shows it."""
    return {
        "name": topic["name"],
        "subscribe": topic.get("subscribe", True),
        "publish": topic.get("publish", True),
        "url_mapping": topic.get("url_mapping", ""),
        "scopes": [*topic.get("subscribe_scopes", ()), *topic.get("publish_scopes", ())],
    }


@page
def pick_version(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Which API to copy as a new version: the newest changed first, or those that fit a search."""
    actor.require(Capability.DESIGN_APIS)
    search = request.GET.get("search", "").replace("\x00", "").strip()
    rows = searching.apis_matching(selectors.apis_visible(actor), search=search).order_by("-updated_at")
    return render(request, "publisher/pick_version.html", {"rows": paged(request, rows), "search": search})


# Drafts -----------------------------------------------------------------------------------------------------------


@require_POST
@never_cache
def draft(request: PortalRequest, form: str) -> HttpResponse:
    """Keep what stands in a form, sent a second after typing stopped. Who is signed out is told, and stays there."""
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    actor = Actor.of(request.user)
    try:
        kept = drafts.draft_keep(actor=actor, form=form, values=dict(request.POST.lists()))
    except ServiceError as refusal:
        return HttpResponse(status=refusal.status)
    words = (
        phrase("Draft kept at {date_format}.", date_format=date_format(localtime(kept.updated_at), "H:i"))
        if kept
        else ""
    )
    return HttpResponse(words)


@page
def discard(request: PortalRequest, actor: Actor, form: str) -> HttpResponse:
    """Forget a draft, and on to the form as it is without it."""
    drafts.fields_of(form)
    if request.method == "POST":
        drafts.draft_forget(actor=actor, form=form)
    kind, _, about = form.partition(":")
    return redirect(f"publisher:{_PAGES[kind]}", *([about] if about else []))
