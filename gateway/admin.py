"""Live sessions in the administration: everybody's, with a way to close each."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.decorators import display

from apis.admin.base import ServiceAdmin
from apis.admin.fields import Text, Whole
from apis.admin.pages import Page, PageForm, answer
from apis.roles import Capability
from apis.saying import said
from apis.words import phrase
from gateway import live
from gateway.models import LiveSession
from gateway.screens_live import left_of


class ClosingForm(PageForm):
    """Code and reason of a close."""

    code = Whole(label="Close code", initial=live.POLICY, help_text="1000, 1008, 1012 or 3000 to 4999.")
    reason = Text(help_text="What the client reads: at most 123 bytes.")


@admin.register(LiveSession)
class LiveSessionAdmin(ServiceAdmin):
    """Publishers see those of APIs, developers their own, administrators all. Nobody writes rows here."""

    sees = (Capability.MANAGE_SUBSCRIPTIONS, Capability.USE_APPLICATIONS, Capability.ADMINISTER)
    change_form_outer_before_template = "admin/gateway/livesession/buttons.html"
    list_display = ("id", "api", "application_name", "who", "client", "started_at", "messages", "process")
    list_filter = ("api_name", "key_type", "process")
    search_fields = ("id", "client", "application_name", "api_name")
    list_select_related = ("process",)
    fields = (
        "id", "api", "application_name", "plan", "who", "token_kind", "key_type", "scope", "expires_at", "client",
        "origin", "upstream", "process", "started_at", "messages", "volume", "throttled", "left",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[LiveSession]:
        return live.sessions_visible(self.actor(request))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> LiveSession | None:
        """The row with counters of now."""
        row: LiveSession | None = super().get_object(request, object_id, from_field)
        return live.fresh([row])[0] if row is not None else None

    @display(description="API", ordering="api_name")
    def api(self, row: LiveSession) -> str:
        link = reverse("admin:apis_api_change", args=[row.api_id])
        return format_html('<a class="text-link" href="{}">{} {}</a>', link, row.api_name, row.api_version)

    @display(description="Person")
    def who(self, row: LiveSession) -> str:
        return live.names_of([row]).get(row.person, row.person) or "–"

    @display(description="Scopes")
    def scope(self, row: LiveSession) -> str:
        return " ".join(row.scopes) or "–"

    @display(description="Messages in, out")
    def messages(self, row: LiveSession) -> str:
        return f"{row.events_in:,}, {row.events_out:,}"

    @display(description="Bytes in, out")
    def volume(self, row: LiveSession) -> str:
        return f"{row.bytes_in:,}, {row.bytes_out:,}"

    @display(description="Left of the plans")
    def left(self, row: LiveSession) -> str:
        return "; ".join(map(said, left_of(row))) or said("unlimited")

    def get_urls(self) -> list[URLPattern]:
        close = self.admin_site.admin_view(self.close_page)
        return [path("<str:object_id>/close/", close, name="gateway_livesession_close"), *super().get_urls()]

    def close_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        session = self.find(request, object_id)

        def run(cleaned: dict[str, Any]) -> str:
            code = live.POLICY if cleaned["code"] is None else cleaned["code"]
            live.session_close(actor=self.actor(request), session=session, code=code, reason=cleaned["reason"])
            return phrase("The session from {client} is being closed.", client=session.client)

        text = "The client and the endpoint are told within a second."
        page = Page(title="Close this session", button="Close", run=run, text=text, danger=True)
        return answer(self, request, session, page, ClosingForm)
