"""Further ways to begin an API in the administration: an AsyncAPI document, a sample."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.widgets import UnfoldAdminFileFieldWidget

from apis.admin.base import ServiceAdmin
from apis.admin.definitions import LINES, about_document, checked
from apis.admin.fields import Lines, PickPlans, Text
from apis.admin.pages import Page, PageForm, answer, render_page
from apis.asyncapi.model import Reading
from apis.errors import Invalid, Missing, ServiceError
from apis.models import Api, BusinessPlan
from apis.permissions import Actor
from apis.saying import said
from apis.services import defining, samples
from apis.services.sources import as_text, document_named
from apis.words import phrase


class ImportForm(PageForm):
    """A document, and what the API is called where the document says something else or nothing."""

    file = forms.FileField(required=False, label="A file", widget=UnfoldAdminFileFieldWidget())
    url = Text(label="From an address", width="max-w-4xl", help_text="Where this portal may ask; it is read once.")
    definition = Lines(rows=LINES, label="Or paste it", help_text="AsyncAPI 2.0 to 2.6, 3.0 or 3.1, YAML or JSON.")
    name = Text(help_text="Empty: as the document says.")
    context = Text(help_text="Empty: as the document says.")
    version = Text(help_text="Empty: as the document says.")
    business_plans = PickPlans(BusinessPlan.objects.all(), help_text="What subscribers can choose from.")

    fieldsets = (
        ("Document", ("file", "url", "definition")),
        ("What it is called", ("name", "context", "version", "business_plans")),
    )


class SampleForm(PageForm):
    """What the API of a sample is called."""

    mandatory = ("name", "context", "version")
    name = Text()
    context = Text()
    version = Text()


class BeginningPages(ServiceAdmin):
    """Pages beside `/admin/apis/api/add/`."""

    list_before_template = "admin/apis/api/begin.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(self.import_page), name="apis_api_import"),
            path("samples/", wrap(self.samples_page), name="apis_api_samples"),
            path("samples/<str:sample_name>/", wrap(self.sample_page), name="apis_api_sample"),
            *super().get_urls(),
        ]

    def _creator(self, request: HttpRequest) -> Actor:
        """Raises: PermissionDenied for anybody but creators."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self.actor(request)

    def import_page(self, request: HttpRequest) -> HttpResponse:
        """Validate shows what a document would become, Create makes the API; the text stays in the field."""
        actor = self._creator(request)
        judged: list[Reading] = []

        def run(cleaned: dict[str, Any]) -> HttpResponse:
            names = {name: cleaned[name] for name in ("name", "context", "version")}
            plans = [plan.name for plan in cleaned["business_plans"]]
            try:
                api = defining.api_import(actor=actor, text=cleaned["definition"], business_plans=plans, **names)
            except Invalid as refusal:
                judged.append(defining.definition_check(actor=actor, text=cleaned["definition"]))
                raise about_document(refusal, judged[0]) from None
            return self._made(request, api, phrase("{api} is created of the document.", api=api))

        page = Page(
            title="New API of an AsyncAPI document",
            button="Create",
            run=run,
            text="Its topics, scopes and servers become those of the API.",
        )
        if request.method != "POST":
            return checked(answer(self, request, None, page, ImportForm), None, checks_too=True)
        typed = request.POST.copy()
        try:
            file = request.FILES.get("file")
            octets = document_named(actor=actor, file=file, url=typed.get("url", ""), text=typed.get("definition", ""))
        except ServiceError as refusal:
            return self._unread(request, page, refusal)
        typed["definition"] = as_text(octets)
        typed["url"] = ""
        if "_check" in typed:
            reading = defining.definition_check(actor=actor, text=octets)
            form = ImportForm(typed)
            return checked(render_page(self, request, None, page, form), reading, checks_too=True)
        response = answer(self, request, None, page, ImportForm, data=typed, files=None)
        return checked(response, judged[0] if judged else None, checks_too=True)

    def _unread(self, request: HttpRequest, page: Page, refusal: ServiceError) -> HttpResponse:
        """The page again, because there was nothing to read."""

        def refuse(cleaned: dict[str, Any]) -> str:
            raise refusal

        again = Page(title=page.title, button=page.button, run=refuse, text=page.text)
        return checked(answer(self, request, None, again, ImportForm), None, checks_too=True)

    def samples_page(self, request: HttpRequest) -> HttpResponse:
        """What there is to begin with."""
        self._creator(request)
        context = {
            **self.admin_site.each_context(request),
            "title": said("Start from a sample"),
            "samples": samples.SAMPLES,
            "opts": self.opts,
            "back": self.url("changelist"),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/apis/api/samples.html", context)

    def sample_page(self, request: HttpRequest, sample_name: str) -> HttpResponse:
        """Under which name a sample is made."""
        actor = self._creator(request)
        try:
            chosen = samples.sample_get(sample_name)
        except Missing as missing:
            raise Http404 from missing

        def run(cleaned: dict[str, Any]) -> HttpResponse:
            api = samples.sample_create(actor=actor, sample=chosen, **cleaned)
            made = phrase("{api} is created from the sample {chosen}.", api=api, chosen=said(chosen.title))
            return self._made(request, api, made)

        title = phrase("Sample: {chosen}", chosen=said(chosen.title))
        page = Page(title=title, button="Create", run=run, text=chosen.about)
        return answer(self, request, None, page, SampleForm, initial=samples.proposal(chosen))

    def _made(self, request: HttpRequest, api: Api, sentence: str) -> HttpResponse:
        self.message_user(request, said(sentence))
        return HttpResponseRedirect(self.url("change", api.pk))
