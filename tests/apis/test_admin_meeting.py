"""Adam in the administration and carol in the portal at the same API: he is told, and keeps what he typed."""

from __future__ import annotations

from typing import Any

import pytest

from apis.models import Api, HistoryEntry, Person, Topic
from apis.permissions import Actor
from apis.services import configuring, designs, people, publishing, securing, topics
from tests.apis.browsing import Shown, Visit

pytestmark = pytest.mark.django_db


def at(api: Api, tail: str) -> str:
    return f"/admin/apis/api/{api.pk}/{tail}"


def form(shown: Shown, **values: Any) -> dict[str, Any]:
    return {"seen": shown.value("seen"), **values}


DESIGN = {"description": "", "tags": "", "display_name": "", "business_plans": []}


def design(shown: Shown, api: Api, **values: Any) -> dict[str, Any]:
    plans = [str(key) for key in api.business_plans.values_list("pk", flat=True)]
    return form(shown, **{**DESIGN, "business_plans": plans, **values})


def test_the_design_is_not_saved_over_what_carol_wrote_unless_adam_insists(
    chat: Api, adam: Person, carol: Person
) -> None:
    office = Visit(adam)
    page = office.see(at(chat, "change/"))
    designs.api_update(actor=Actor.of(carol), api=chat, description="By carol", tags=["calm"])
    told = office.send(at(chat, "change/"), **design(page, chat, description="By adam"))
    assert told.status == 409
    assert "Somebody else changed this meanwhile" in told.words
    assert "Description nothing By carol carol" in told.words
    assert "By adam</textarea>" in told.html
    assert told.value("tags") == "calm"
    chat.refresh_from_db()
    assert chat.description == "By carol"
    office.do(at(chat, "change/"), **design(told, chat, description="By adam", tags="calm"))
    chat.refresh_from_db()
    assert (chat.description, chat.tags) == ("By adam", ["calm"])


def test_other_fields_hold_both(chat: Api, adam: Person, carol: Person) -> None:
    page = Visit(adam).see(at(chat, "change/"))
    designs.api_update(actor=Actor.of(carol), api=chat, description="By carol")
    Visit(adam).do(at(chat, "change/"), **design(page, chat, tags="fast"))
    chat.refresh_from_db()
    assert (chat.description, chat.tags) == ("By carol", ["fast"])
    assert HistoryEntry.objects.latest("pk").via == "administration"


def test_every_page_of_an_api_tells_what_was_changed(chat: Api, adam: Person, carol: Person) -> None:
    office, actor = Visit(adam), Actor.of(carol)
    pages = {name: office.see(at(chat, f"{name}/")) for name in ("runtime", "security", "topics", "transition/block")}
    configuring.runtime_configure(actor=actor, api=chat, limits={"idle_s": 77})
    securing.security_configure(actor=actor, api=chat, settings={"origins": ["https://carols.example"]})
    topics.topics_replace(actor=actor, api=chat, topics=[{"name": "/*", "url_mapping": "/carols"}])
    publishing.api_transition(actor=Actor.of(adam), api=chat, action="deprecate")
    row = {
        "topics-0-name": "/*",
        "topics-0-ways": "both",
        "topics-0-url_mapping": "/adams",
        "topics-0-security": "oauth",
    }
    sent: dict[str, tuple[dict[str, Any], str]] = {
        "runtime": ({"idle_s": "55", "keepalive_s": "0", "slow_consumer_s": "60"}, "55"),
        "security": ({"schemes": ["oauth"], "origins": "https://adams.example"}, "https://adams.example"),
        "topics": (row, "/adams"),
        "transition/block": ({}, "Deprecated"),
    }
    for name, (typed, kept) in sent.items():
        told = office.send(at(chat, f"{name}/"), **form(pages[name], **typed))
        assert told.status == 409, name
        assert "Somebody else changed this meanwhile" in told.words, name
        assert kept in told.html, name
        if name != "transition/block":
            office.do(at(chat, f"{name}/"), **form(told, **typed))
    assert Api.objects.get().runtime["idle_s"] == 55
    assert Topic.objects.get(api=chat).url_mapping == "/adams"


def test_the_audit_of_the_installation_is_read_field_by_field(chat: Api, adam: Person, sam: Person) -> None:
    people.person_update(actor=Actor.of(adam), person=sam, roles=["creator"])
    entry = HistoryEntry.objects.latest("pk")
    shown = Visit(adam).see(f"/admin/apis/historyentry/{entry.pk}/change/")
    assert "Roles subscriber creator" in shown.words
    assert "{" not in shown.words.partition("What was changed")[2].partition("Besides")[0]
    listed = Visit(adam).see("/admin/apis/historyentry/", action="update_person")
    assert "subscriber → creator" in listed.words
    assert Visit(adam).see("/admin/apis/historyentry/add/").status == 403
    assert Visit(adam).see(f"/admin/apis/historyentry/{entry.pk}/delete/").status == 403
