"""CREATE API: the ways to begin, and what becomes of each."""

from __future__ import annotations

from typing import Any

import pytest

from apis.models import Api, Person
from apis.services import publishing
from tests.apis.browsing import Visit, at
from tests.apis.world import everything

START = "/publisher/create/"
NEW = "/publisher/apis/new"
WHOLE: dict[str, Any] = {"name": "Talk", "context": "/talk", "version": "1.0.0", "endpoint": "wss://talk.example.com/"}


def test_carol_sees_every_way_to_begin(carol: Person, chat: Api) -> None:
    page = Visit(carol).see(START)
    for way in ("Design a new WebSocket API", "Copy an API as new version", "Echo", "Ticker", "Chat rooms", "Feed"):
        assert way in page.buttons
    assert "/rooms/{roomID}" in page.words


def test_where_there_is_no_api_none_can_be_copied(carol: Person) -> None:
    page = Visit(carol).see(START)
    assert "Copy an API as new version" not in page.buttons
    assert "There is no API to copy yet." in page.words
    assert "Design the first one" in Visit(carol).see(f"{START}version/").buttons


def test_carol_copies_one_of_many(carol: Person, chat: Api, draft: Api) -> None:
    page = Visit(carol).see(f"{START}version/")
    assert "Chat 1.0.0" in page.words
    assert "Draft 1.0.0" in page.words
    found = Visit(carol).see(f"{START}version/", search="chat")
    assert "Draft 1.0.0" not in found.words
    assert f'href="{at(chat, "new-version/")}"' in found.html
    assert "Nothing fits." in Visit(carol).see(f"{START}version/", search="nowhere").words
    assert Visit(carol).see(f"{START}version/", search="\x00", page="x").status == 200


@pytest.mark.parametrize("slug", ["echo", "ticker", "chat", "feed"])
def test_a_sample_shows_what_it_holds_and_becomes_an_api(carol: Person, slug: str) -> None:
    visit = Visit(carol)
    page = visit.see(f"{START}samples/{slug}/")
    assert "What it holds" in page.words
    typed = {name: page.value(name) for name in ("name", "context", "version")}
    made = visit.do(f"{START}samples/{slug}/", **typed)
    assert "is created from the sample" in made.words
    assert Api.objects.get().name == typed["name"]


def test_a_sample_under_a_name_that_is_taken_keeps_what_was_typed(carol: Person, chat: Api) -> None:
    before = everything()
    page = Visit(carol).send(f"{START}samples/feed/", name="Chat", context="/mine", version="7")
    assert page.status == 409
    assert page.beside("name") == "Name Chat already exists."
    assert page.value("context") == "/mine"
    assert everything() == before
    assert Visit(carol).send(f"{START}samples/feed/").status == 400


def test_only_who_designs_begins(pia: Person, sam: Person) -> None:
    for path in (START, f"{START}version/", f"{START}samples/echo/"):
        assert Visit(pia).see(path).status == 403
        assert Visit(sam).see(path).status == 403
        assert Visit().see(path).status == 302
    assert "CREATE API" not in Visit(pia).see("/publisher/").buttons


def test_there_is_no_sample_of_another_name(carol: Person) -> None:
    assert Visit(carol).see(f"{START}samples/nothing/").status == 404


FAILURES: list[tuple[dict[str, Any], int, str]] = [
    ({"name": "Chat"}, 409, "name"),
    ({"context": "/chat"}, 409, "context"),
    ({"version": "1 0"}, 400, "version"),
    ({"endpoint": "http://talk.example.com/"}, 400, "endpoint"),
    ({"endpoint": ""}, 400, "endpoint"),
    ({"business_plans": []}, 400, "business_plans"),
]


@pytest.mark.parametrize(("wrong", "status", "field"), FAILURES)
@pytest.mark.parametrize("script", [False, True])
def test_create_and_publish_makes_all_of_it_or_nothing(
    paul: Person, chat: Api, wrong: dict[str, Any], status: int, field: str, script: bool
) -> None:
    before = everything()
    sent = {**WHOLE, "business_plans": ["Bronze"], **wrong}
    page = Visit(paul).send(NEW, script=script, do="publish", **sent)
    assert page.status == status
    assert page.beside(field)
    assert {name: page.value(name) for name in WHOLE} == {name: sent[name] for name in WHOLE}
    assert page.is_checked("business_plans", "Bronze") == bool(sent["business_plans"])
    assert everything() == before


@pytest.mark.parametrize("step", ["revision_create", "revision_deploy", "announce"])
def test_a_fault_in_the_middle_leaves_nothing_behind(paul: Person, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("it broke")

    visit = Visit(paul)
    before = everything()
    monkeypatch.setattr(publishing, step, broken)
    with pytest.raises(RuntimeError):
        visit.send(NEW, do="publish", business_plans=["Bronze"], **WHOLE)
    assert everything() == before


def test_carol_who_publishes_nothing_cannot_do_it_by_hand_either(carol: Person) -> None:
    before = everything()
    visit = Visit(carol)
    assert "CREATE & PUBLISH" not in visit.see(NEW).buttons
    assert visit.send(NEW, do="publish", business_plans=["Bronze"], **WHOLE).status == 403
    assert everything() == before
