"""The topics of an API as a table, and the switch that makes a version the default one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from apis.admin.fields import Column, Rows
from apis.admin.pages import Page, PageForm, answer
from apis.admin.publishing import PublishingPages
from apis.models import Topic
from apis.roles import Capability
from apis.seeing import seen_in
from apis.services import topics, versions
from apis.shapes_topics import SCOPE_FIELDS, TOPICS_LIMIT
from apis.validators import unversioned_path
from apis.words import phrase

_WAYS: Final = {"both": "receive and send", "subscribe": "receive", "publish": "send"}
_SECURITIES: Final = (("oauth", "a credential"), ("none", "nothing"))


class TopicsForm(PageForm):
    """A row for each topic; scopes are names with commas between them."""

    mandatory = ("topics",)
    fieldsets = ((None, ("topics",)),)
    topics = Rows(
        (
            Column("name", "Name"),
            Column("ways", "Clients may", choices=tuple(_WAYS.items()), default="both"),
            Column("url_mapping", "URL mapping"),
            Column("scopes", "Scopes to connect"),
            Column("subscribe_scopes", "to receive"),
            Column("publish_scopes", "to send"),
            Column("security", "Connecting needs", choices=_SECURITIES, default="oauth"),
            Column("api_plan", "API plan"),
        ),
        key="name",
        limit=TOPICS_LIMIT,
        help_text="Such as /rooms/{roomID}, or /rooms/* for everything below. A URL mapping names parameters as "
        "{uri.var.roomID}; empty: the path that the client asked for. Empty a row to remove it.",
    )

    @staticmethod
    def rows_of(topics: Iterable[Topic]) -> list[dict[str, Any]]:
        """The rows for topics."""
        rows = []
        for topic in topics:
            ways = "both" if topic.subscribe and topic.publish else "subscribe" if topic.subscribe else "publish"
            scopes = {field: ", ".join(getattr(topic, field)) for field in SCOPE_FIELDS}
            row = {field: getattr(topic, field) for field in ("name", "url_mapping", "security", "api_plan")}
            rows.append({**row, "ways": ways, **scopes})
        return rows

    @staticmethod
    def topics_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The topics that rows make up, in the shape of `apis.shapes_topics`."""
        return [
            {
                **{field: row[field] for field in ("name", "url_mapping", "security", "api_plan")},
                **{field: [name.strip() for name in row[field].split(",") if name.strip()] for field in SCOPE_FIELDS},
                **{way: row["ways"] in {way, "both"} for way in ("subscribe", "publish")},
            }
            for row in rows
        ]


def _rows(designs: dict[str, Any]) -> list[Topic]:
    return [Topic(name=name, **design) for name, design in designs.items()]


class TopicPages(PublishingPages):
    """Further pages below `/admin/apis/api/<id>/`."""

    def get_urls(self) -> list[URLPattern]:
        pages = (("topics", self.topics_page), ("default_version", self.default_version_page))
        urls = [
            path(
                f"<uuid:object_id>/{name.replace('_', '-')}/", self.admin_site.admin_view(view), name=f"apis_api_{name}"
            )
            for name, view in pages
        ]
        return urls + super().get_urls()

    def topics_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        api, actor = self._api(request, object_id, Capability.DESIGN_APIS)

        def run(cleaned: dict[str, Any]) -> str:
            stored = {topic.name: topic.design for topic in Topic.objects.filter(api=api)}
            rows = [{**stored.get(row["name"], {}), **row} for row in TopicsForm.topics_of(cleaned["topics"])]
            # What the table has no column for stays.
            topics.topics_replace(actor=actor, api=api, topics=rows, seen=seen_in(request))
            return phrase(
                "The topics of {api} were saved. Clients meet them once a revision that has them is deployed.", api=api
            )

        page = Page(
            title=phrase("Topics of {api}", api=api),
            button="Save topics",
            run=run,
            text="They are part of the design: a change takes effect with the next revision that is deployed.",
            again=lambda merged: {"topics": TopicsForm.rows_of(_rows(merged["topics"]))},
        )
        rows = TopicsForm.rows_of(Topic.objects.filter(api=api))
        return answer(self, request, api, page, TopicsForm, initial={"topics": rows})

    def default_version_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        api, actor = self._api(request, object_id, Capability.PUBLISH_APIS, Capability.DESIGN_APIS)
        now = api.version_set.default_api
        wanted = now != api

        def run(cleaned: dict[str, Any]) -> str:
            versions.default_version_set(actor=actor, api=api, is_default=wanted, seen=seen_in(request))
            if wanted:
                return phrase("{api} is now the default version.", api=api)
            return phrase("{api} is no longer the default version.", api=api)

        where = unversioned_path(api.context)
        text = phrase(
            "The default version answers at {where}, where the path names none. It holds at once.", where=where
        )
        if now is not None and wanted:
            text = phrase("{text} At present {version} does.", text=text, version=now.version)
        title = phrase("Make {api} the default version", api=api)
        if not wanted:
            title = phrase("Let {api} be the default version no longer", api=api)
        page = Page(title=title, button="Make it the default" if wanted else "No default version", run=run, text=text)
        return answer(self, request, api, page, PageForm)
