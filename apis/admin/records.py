"""History (read-only) and gateway environments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.text import Truncator
from unfold.decorators import display

from apis import selectors, selectors_portal
from apis.admin.base import ServiceAdmin, ServiceForm
from apis.admin.fields import Choices, Column, Lines, Rows, Text, Whole
from apis.admin.words import say_later
from apis.models import Environment, HistoryEntry
from apis.permissions import Actor
from apis.roles import Capability
from apis.saying import said
from apis.selectors_history import actions_in
from apis.services import environments
from apis.shapes_vhosts import VHOSTS_LIMIT
from apis.stories import action_words, changes_of, story
from apis.words import phrase

CHANGES_SHOWN: Final = 3


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
    return said(action_words(entry.action))


def moved(entry: HistoryEntry) -> str:
    """What the entry changed, in one line."""
    changes = changes_of(entry)
    if not changes:
        return "–"
    nothing = said("nothing")
    words = [f"{said(one.label)}: " * bool(one.label) + f"{one.before or nothing} → {one.after or nothing}"
             for one in changes[:CHANGES_SHOWN]]  # fmt: skip
    more = len(changes) - CHANGES_SHOWN
    shown = Truncator("; ".join(words)).chars(200)
    return said(phrase("{shown}; and {more} more", shown=shown, more=more)) if more > 0 else shown


class ActionFilter(admin.SimpleListFilter):
    """What was done, in words."""

    title, parameter_name = say_later("What was done"), "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(action, said(action_words(action))) for action in actions_in(model_admin.get_queryset(request))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[HistoryEntry]) -> QuerySet[HistoryEntry]:
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(HistoryEntry)
class HistoryAdmin(ServiceAdmin):
    """Who did what when. Administrators read all of it, others what happened to APIs and what they did themselves."""

    sees = (Capability.SEE_APIS, Capability.ADMINISTER)
    list_display = ("when", "actor_name", "via", "did", "subject", "change")
    list_display_links = ("when",)
    list_filter = (ActionFilter, "actor_name", "at")
    date_hierarchy = "at"
    search_fields = ("subject", "actor_name", "action", "via")
    fields = ("when", "actor_name", "via", "did", "subject", "api", "changed", "facts")
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

    @display(description="Before → after")
    def change(self, entry: HistoryEntry) -> str:
        return moved(entry)

    @display(description="What was changed")
    def changed(self, entry: HistoryEntry) -> str:
        changes = changes_of(entry)
        return render_to_string("admin/told.html", {"changes": changes}) if changes else "–"

    @display(description="Besides")
    def facts(self, entry: HistoryEntry) -> str:
        lines = story(entry).facts
        if (restored := entry.detail.get("restored")) is not None:
            lines = [*lines, (said("put back what was before entry"), str(restored))]
        return format_html_join("", "<div>{}: {}</div>", lines) or "–"


class EnvironmentForm(ServiceForm):
    name = Text()
    description = Lines(rows=2)
    host = Text(help_text="The name that clients connect to.")
    ws_port = Whole(label="Port for ws", help_text="Without the port offset of this start; empty = not offered.")
    wss_port = Whole(label="Port for wss", help_text="Without the port offset of this start; empty = not offered.")
    vhosts = Rows(
        (
            Column("host", "Host"),
            Column("ws_port", "Port for ws", whole=True),
            Column("wss_port", "Port for wss", whole=True),
            Column("description", "Description"),
        ),
        key="host",
        limit=VHOSTS_LIMIT - 1,
        label="Further hosts",
        help_text="Other names of this gateway. Who deploys an API chooses on which one clients find it.",
    )
    deploy_roles = Choices(
        choices=selectors_portal.role_choices,
        label="Deploying is kept for",
        help_text="None: everybody who may deploy. Administrators may everywhere.",
    )
    mandatory = ("name", "host")

    class Meta:
        model = Environment
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {**{name: getattr(self.instance, name) for name in environments.FIELDS}, **self.initial}

    def clean(self) -> dict[str, Any]:
        done = super().clean() or self.cleaned_data
        for row in done.get("vhosts", ()):
            row.update({port: row[port] if row[port] != "" else None for port in ("ws_port", "wss_port")})
        return done


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
        environments.environment_update(actor=actor, environment=obj, seen=form.seen, **form.cleaned_data)

    def remove(self, actor: Actor, obj: Environment) -> None:
        environments.environment_delete(actor=actor, environment=obj)
