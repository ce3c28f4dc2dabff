"""History (read-only) and gateway environments."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.decorators import display

from apis import selectors
from apis.admin.base import ServiceAdmin, ServiceForm
from apis.admin.fields import Lines, Text, Whole
from apis.models import Environment, HistoryEntry
from apis.permissions import Actor
from apis.roles import Capability
from apis.services import environments


def history_lines(entries: Iterable[HistoryEntry]) -> list[dict[str, Any]]:
    """Entries for `admin/history_table.html`."""
    return [
        {
            "pk": entry.pk,
            "at": entry.at,
            "actor_name": entry.actor_name,
            "action": action_in_words(entry),
            "subject": entry.subject,
            "moved": moved(entry),
        }
        for entry in entries
    ]


def action_in_words(entry: HistoryEntry) -> str:
    return entry.action.replace("_", " ")


def moved(entry: HistoryEntry) -> str:
    """From which state (or plan) to which, where the entry is such a move."""
    before, after = entry.detail.get("before"), entry.detail.get("after")
    return f"{before} → {after}" if isinstance(before, str) and isinstance(after, str) else "–"


@admin.register(HistoryEntry)
class HistoryAdmin(ServiceAdmin):
    """Who did what when. Administrators read all of it, others what happened to APIs and what they did themselves."""

    sees = (Capability.SEE_APIS, Capability.ADMINISTER)
    list_display = ("when", "actor_name", "did", "subject", "change")
    list_display_links = ("when",)
    list_filter = ("action", "actor_name", "at")
    search_fields = ("subject", "actor_name", "action")
    fields = ("when", "actor_name", "did", "subject", "api", "facts")
    readonly_fields = fields
    list_select_related = ("api__version_set",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[HistoryEntry]:
        actor = self.actor(request)
        rows = super().get_queryset(request)
        if actor.can(Capability.ADMINISTER):
            return rows
        seen = selectors.apis_visible(actor).order_by().values("pk")
        return rows.filter(Q(api__in=seen) | Q(api__isnull=True, actor=actor.person))

    @display(description="When (UTC)", ordering="at")
    def when(self, entry: HistoryEntry) -> str:
        return f"{entry.at:%Y-%m-%d %H:%M:%S}"

    @display(description="Did", ordering="action")
    def did(self, entry: HistoryEntry) -> str:
        return action_in_words(entry)

    @display(description="From – to")
    def change(self, entry: HistoryEntry) -> str:
        return moved(entry)

    @display(description="Detail")
    def facts(self, entry: HistoryEntry) -> str:
        text = json.dumps(entry.detail, indent=2, ensure_ascii=False)
        return format_html('<pre class="facts">{}</pre>', text)


class EnvironmentForm(ServiceForm):
    name = Text()
    description = Lines(rows=2)
    host = Text(help_text="The name that clients connect to.")
    ws_port = Whole(label="Port for ws", help_text="Without the port offset of this start; empty = not offered.")
    wss_port = Whole(label="Port for wss", help_text="Without the port offset of this start; empty = not offered.")
    mandatory = ("name", "host")

    class Meta:
        model = Environment
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {**{name: getattr(self.instance, name) for name in environments.FIELDS}, **self.initial}


@admin.register(Environment)
class EnvironmentAdmin(ServiceAdmin):
    """Where clients connect: what the portals tell developers."""

    form = EnvironmentForm
    adds = changes = deletes = (Capability.ADMINISTER,)
    list_display = ("name", "addresses", "deployment_total", "description")
    search_fields = ("name", "host")
    fieldsets = ((None, {"fields": environments.FIELDS}),)

    @display(description="Addresses")
    def addresses(self, environment: Environment) -> str:
        return ", ".join(selectors.environment_urls(environment))

    @display(description="APIs deployed")
    def deployment_total(self, environment: Environment) -> int:
        return environment.deployments.count()

    def create(self, actor: Actor, form: Any) -> Environment:
        return environments.environment_create(actor=actor, **form.cleaned_data)

    def update(self, actor: Actor, obj: Environment, form: Any) -> None:
        environments.environment_update(actor=actor, environment=obj, **form.cleaned_data)

    def remove(self, actor: Actor, obj: Environment) -> None:
        environments.environment_delete(actor=actor, environment=obj)
