"""The AsyncAPI definition of an API in the administration: read, written, checked, made of the design again."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from apis import describing
from apis.admin.fields import Lines
from apis.admin.pages import Page, PageForm, answer, render_page
from apis.admin.publishing import PublishingPages
from apis.asyncapi.model import Reading
from apis.asyncapi.reading import read
from apis.errors import Invalid
from apis.roles import Capability
from apis.seeing import seen_in
from apis.services import defining
from apis.words import phrase

TEMPLATE: Final = "admin/apis/api/definition.html"
LINES: Final = 24


class DefinitionForm(PageForm):
    """The document as people write it."""

    mandatory = ("definition",)
    definition = Lines(
        rows=LINES,
        label="Document",
        help_text="AsyncAPI 2.0 to 2.6, 3.0 or 3.1, YAML or JSON, at most 1 MiB.",
    )


def checked(response: HttpResponse, reading: Reading | None, **more: Any) -> HttpResponse:
    """Put what was understood of a document on a page that `answer` made; redirects stay as they are."""
    if isinstance(response, TemplateResponse):
        response.template_name = TEMPLATE
        response.context_data = {**(response.context_data or {}), "judged": reading, **more}
    return response


def about_document(refusal: Invalid, reading: Reading) -> Invalid:
    """A refusal without what the list of problems says already, line by line; all of it where the document is valid."""
    if not reading.is_valid:
        pointers = set(defining.refusal_of(reading))
        refusal.fields = {name: texts for name, texts in refusal.fields.items() if name not in pointers}
        if not refusal.fields:
            return Invalid({"definition": "This document cannot be taken as it is. Mend what is marked as an error."})
    return refusal


class DefinitionPages(PublishingPages):
    """Pages below `/admin/apis/api/<id>/`."""

    def get_urls(self) -> list[URLPattern]:
        pages = (("definition", self.definition_page), ("definition/drop", self.definition_drop_page))
        urls = [
            path(
                f"<uuid:object_id>/{name}/",
                self.admin_site.admin_view(view),
                name=f"apis_api_{name.replace('/', '_')}",
            )
            for name, view in pages
        ]
        return urls + super().get_urls()

    def definition_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """The text in a field; Save takes it over, Validate only says what is understood of it."""
        api, actor = self._api(request, object_id, Capability.SEE_APIS, Capability.ADMINISTER)
        may = actor.can(Capability.DESIGN_APIS)
        if request.method == "POST" and not may:
            raise PermissionDenied
        judged: list[Reading] = []

        def run(cleaned: dict[str, Any]) -> str:
            text = cleaned["definition"]
            try:
                reading = defining.definition_replace(actor=actor, api=api, text=text, seen=seen_in(request))
            except Invalid as refusal:
                judged.append(defining.definition_check(actor=actor, text=text, api=api))
                raise about_document(refusal, judged[0]) from None
            count = len(reading.design.topics) if reading.design else 0
            return phrase("The definition of {api} is saved. Topics of the design now: {count}.", api=api, count=count)

        page = Page(
            title=phrase("Definition of {api}", api=api),
            button="Save definition" if may else "",
            run=run,
            text="Saving it replaces the topics of the design; servers that are not the gateway become endpoints at "
            "once. Title, version and description of the API stay."
            if may
            else "",
        )
        more = {"may_write": may, "is_kept": bool(api.definition), "checks_too": may}
        if "_check" in request.POST:
            form = DefinitionForm(request.POST)
            text = request.POST.get("definition", "").replace("\r\n", "\n")
            reading = defining.definition_check(actor=actor, text=text, api=api)
            return checked(render_page(self, request, api, page, form), reading, **more)
        text = describing.written(api, describing.base_of(request))
        response = answer(self, request, api, page, DefinitionForm, initial={"definition": text})
        shown = judged[0] if judged else (read(text) if request.method != "POST" else None)
        return checked(response, shown, is_stored=request.method != "POST", **more)

    def definition_drop_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Make the definition of the design again."""
        api, actor = self._api(request, object_id, Capability.DESIGN_APIS)

        def run(cleaned: dict[str, Any]) -> str:
            defining.definition_drop(actor=actor, api=api, seen=seen_in(request))
            return "The definition is made of the design again."

        page = Page(
            title="Make the definition of the design again?",
            button="Make it of the design",
            run=run,
            text="What somebody wrote in it, messages and comments included, is gone from here; revisions keep theirs. "
            "Topics and scopes stay.",
            danger=True,
        )
        return answer(self, request, api, page, PageForm)
