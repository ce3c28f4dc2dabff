"""Carol and paul at the same form, each in a browser of their own; and the History page, from which things go back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from apis.models import Api, HistoryEntry, Person, Topic
from apis.permissions import Actor
from apis.services import configuring, designs, publishing, securing, topics
from tests.apis.browsing import YES, Shown, Visit, at
from tests.apis.test_publisher_changes import CONFIG
from tests.apis.world import last_entry

pytestmark = pytest.mark.django_db
TOPIC: dict[str, Any] = {"name": "/rooms", "subscribe": "yes", "publish": "yes", "security": "oauth"}
RUNTIME: dict[str, Any] = {"slow_consumer_s": "60", "idle_s": "0", "keepalive_s": "0"}


def seen_in(shown: Shown) -> str:
    seen = shown.value("seen")
    assert seen.isdecimal()
    return seen


def info(shown: Shown, **values: str) -> dict[str, Any]:
    """The form of Basic info as it came, with something typed into it."""
    return {"seen": seen_in(shown), "display_name": "", "description": "", "tags": "", **values}


def test_the_second_is_told_what_changed_and_keeps_the_text_and_saves_it_all_the_same(
    chat: Api, carol: Person, paul: Person
) -> None:
    hers, his = Visit(carol), Visit(paul)
    her_page, his_page = hers.see(at(chat, "info/")), his.see(at(chat, "info/"))
    hers.do(at(chat, "info/"), **info(her_page, description="Written by carol"))
    told = his.send(at(chat, "info/"), **info(his_page, description="Written by paul", tags="fast"))
    assert told.status == 409
    assert "Somebody else changed this meanwhile" in told.words
    assert "Description empty Written by carol" in told.words
    assert "carol ·" in told.words
    assert "Written by paul</textarea>" in told.html
    assert told.value("tags") == "fast"
    chat.refresh_from_db()
    assert (chat.description, chat.tags) == ("Written by carol", [])
    assert seen_in(told) > seen_in(his_page)
    his.do(at(chat, "info/"), **info(told, description="Written by paul", tags="fast"))
    chat.refresh_from_db()
    assert (chat.description, chat.tags) == ("Written by paul", ["fast"])


def test_different_fields_of_one_form_both_hold_and_nobody_is_asked(chat: Api, carol: Person, paul: Person) -> None:
    hers, his = Visit(carol), Visit(paul)
    her_page, his_page = hers.see(at(chat, "info/")), his.see(at(chat, "info/"))
    hers.do(at(chat, "info/"), **info(her_page, description="Written by carol"))
    his.do(at(chat, "info/"), **info(his_page, tags="fast"))
    chat.refresh_from_db()
    assert (chat.description, chat.tags) == ("Written by carol", ["fast"])


def test_where_they_clash_what_carol_changed_besides_is_in_the_form_that_comes_back(
    chat: Api, carol: Person, paul: Person
) -> None:
    hers, his = Visit(carol), Visit(paul)
    her_page, his_page = hers.see(at(chat, "info/")), his.see(at(chat, "info/"))
    hers.do(at(chat, "info/"), **info(her_page, description="Carol", tags="calm"))
    told = his.send(at(chat, "info/"), **info(his_page, description="Paul"))
    assert (told.status, told.value("tags")) == (409, "calm")
    his.do(at(chat, "info/"), **info(told, description="Paul", tags=told.value("tags")))
    chat.refresh_from_db()
    assert (chat.description, chat.tags) == ("Paul", ["calm"])


def test_a_mistake_in_the_form_does_not_forget_what_it_was_made_from(chat: Api, carol: Person, paul: Person) -> None:
    his = Visit(paul)
    page = his.see(at(chat, "info/"))
    Visit(carol).do(at(chat, "info/"), **info(page, description="Carol"))
    wrong = his.send(at(chat, "info/"), **info(page, description="Paul", tags="bad!tag"))
    assert (wrong.status, seen_in(wrong)) == (400, seen_in(page))
    assert his.send(at(chat, "info/"), **info(wrong, description="Paul")).status == 409


def _plans(actor: Actor, api: Api) -> None:
    designs.api_update(actor=actor, api=api, business_plans=["Gold"])


def _runtime(actor: Actor, api: Api) -> None:
    configuring.runtime_configure(actor=actor, api=api, limits={"idle_s": 77})


def _security(actor: Actor, api: Api) -> None:
    securing.security_configure(actor=actor, api=api, settings={"origins": ["https://carols.example"]})


def _topic(actor: Actor, api: Api) -> None:
    topics.topic_save(actor=actor, api=api, topic={"name": "/rooms", "url_mapping": "/carols"}, was="/rooms")


def _endpoint(actor: Actor, api: Api) -> None:
    config = {"urls": [{"url": "wss://carols.example.com"}]}
    configuring.endpoint_configure(actor=actor, api=api, key_type="production", config=config)


def _state(actor: Actor, api: Api) -> None:
    publishing.api_transition(actor=actor, api=api, action="block")


FORMS: dict[str, tuple[str, Callable[[Actor, Api], None], dict[str, Any], str]] = {
    "plans": ("plans/", _plans, {"business_plans": ["Silver"]}, "Gold"),
    "runtime": ("runtime/", _runtime, {**RUNTIME, "idle_s": "55"}, "77"),
    "security": (
        "security/", _security, {"schemes": ["oauth"], "origins": "https://pauls.example"}, "https://carols.example"
    ),
    "topic": ("topics/edit?name=/rooms", _topic, {**TOPIC, "url_mapping": "/pauls"}, "/carols"),
    "endpoint": (
        "endpoints/production/", _endpoint, {**CONFIG, "url": ["wss://pauls.example.com"]}, "wss://carols.example.com"
    ),
    "lifecycle": ("lifecycle/", _state, {"action": "block", **YES}, "Published Blocked"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_every_form_tells_what_was_changed_and_saves_the_second_time(
    chat: Api, paul: Person, adam: Person, name: str
) -> None:
    tail, change, typed, told_of = FORMS[name]
    topics.topic_save(actor=Actor.of(adam), api=chat, topic={"name": "/rooms"})
    his = Visit(paul)
    page = his.see(at(chat, tail))
    change(Actor.of(adam), Api.objects.get(pk=chat.pk))
    told = his.send(at(chat, tail), **{**typed, "seen": seen_in(page)})
    assert told.status == 409
    assert "adam ·" in told.words
    assert told_of in told.words
    if name != "lifecycle":
        his.do(at(chat, tail), **{**typed, "seen": seen_in(told)})


def test_a_topic_that_was_removed_meanwhile_can_be_made_anew(chat: Api, carol: Person, paul: Person) -> None:
    topics.topic_save(actor=Actor.of(carol), api=chat, topic={"name": "/rooms"})
    his = Visit(paul)
    page = his.see(at(chat, "topics/edit?name=/rooms"))
    topics.topic_remove(actor=Actor.of(carol), api=chat, name="/rooms")
    told = his.send(at(chat, "topics/edit?name=/rooms"), **{**TOPIC, "url_mapping": "/x", "seen": seen_in(page)})
    assert (told.status, told.value("url_mapping")) == (409, "/x")
    his.do(at(chat, "topics/edit"), **{**TOPIC, "url_mapping": "/x", "seen": seen_in(told)})
    assert Topic.objects.get(api=chat, name="/rooms").url_mapping == "/x"


@pytest.mark.parametrize("seen", ["", "x", "-1", "1" * 400, "٣", "99999999999999999"])
def test_a_strange_edition_is_no_fault(chat: Api, paul: Person, seen: str) -> None:
    Visit(paul).do(at(chat, "info/"), seen=seen, display_name="", description="x", tags="")


# History ----------------------------------------------------------------------------------------------------------


def test_a_change_is_put_back_from_the_history_page(chat: Api, carol: Person, pia: Person) -> None:
    designs.api_update(actor=Actor.of(carol), api=chat, description="One\ntwo", tags=["fast"])
    entry = last_entry()
    page = Visit(carol).see(at(chat, "history/"))
    assert "Changed the design" in page.words
    assert "Tags nothing fast" in page.words
    assert "added: One" in page.words
    where = at(chat, f"history/{entry.pk}/restore")
    assert where in page.html
    asked = Visit(carol).see(where)
    assert "Put back what was before?" in asked.words
    done = Visit(carol).do(where, seen=seen_in(asked))
    assert "What was before is back." in done.words
    assert f"Put back what was before entry {entry.pk}" in done.words
    chat.refresh_from_db()
    assert (chat.description, chat.tags) == ("", [])
    assert "It is so already" in Visit(carol).see(where).words
    assert Visit(carol).send(where).status == 409
    assert "publisher portal" in done.words
    newest = f"history/{last_entry().pk}/restore"
    assert newest in done.html
    assert newest not in Visit(pia).see(at(chat, "history/")).html
    assert Visit(pia).send(where).status == 403


def test_what_cannot_be_put_back_has_no_button_and_says_why(chat: Api, paul: Person, draft: Api) -> None:
    published = HistoryEntry.objects.get(api=chat, action="publish")
    asked = Visit(paul).see(at(chat, f"history/{published.pk}/restore"))
    assert "The Lifecycle page has the steps" in asked.words
    assert "Put back" not in asked.buttons
    assert Visit(paul).see(at(draft, f"history/{published.pk}/restore")).status == 404


def test_the_history_is_narrowed_and_exported_as_it_is_narrowed(chat: Api, carol: Person, paul: Person) -> None:
    designs.api_update(actor=Actor.of(carol), api=chat, description="By carol")
    visit = Visit(paul)
    page = visit.see(at(chat, "history/"), who="carol", action="update")
    assert "Changed the design" in page.words
    assert 'id="entry-' in page.html
    assert page.html.count('id="entry-') == 1
    assert visit.see(at(chat, "history/"), **{"from": "2999-01-01"}).html.count('id="entry-') == 0
    wrong = visit.see(at(chat, "history/"), **{"from": "soon", "to": "2026-11-24"})
    assert wrong.status == 400
    assert "This should be a date" in wrong.beside("from")
    assert visit.see(at(chat, "history/export"), format="xml").status == 404
    answer = visit.client.get(at(chat, "history/export"), {"format": "json", "who": "carol", "action": "update"})
    (entry,) = json.loads(b"".join(answer))
    assert (entry["actor"], entry["after"]) == ("carol", {"description": "By carol"})
    assert "attachment" in answer["Content-Disposition"]


@pytest.mark.parametrize("tail", ["history/", "history/export?format=csv", "history/1/restore"])
def test_people_who_may_not_see_the_design_see_no_history(chat: Api, sam: Person, vic: Person, tail: str) -> None:
    for person in (sam, vic):
        assert Visit(person).see(at(chat, tail)).status == 403
    assert Visit().see(at(chat, tail)).status == 302
