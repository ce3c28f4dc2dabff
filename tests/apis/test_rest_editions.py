"""ETag, If-Match and the history over REST: who is slower is told, what was before is put back."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from apis.models import Api, HistoryEntry, Person
from apis.permissions import Actor
from apis.services import configuring, designs
from tests.apis.browsing import Visit, at
from tests.apis.world import everything

pytestmark = pytest.mark.django_db
WRITES: list[tuple[str, str, Any]] = [
    ("", "patch", {"description": "By paul"}),
    ("runtime", "put", {"idle_s": 61}),
    ("security", "put", {"schemes": ["oauth"], "query_credentials": True}),
    ("topics", "put", {"topics": [{"name": "/pauls"}]}),
    ("endpoints/production", "put", {"urls": [{"url": "wss://pauls.example.com"}]}),
    ("transitions", "post", {"action": "block"}),
]  # fmt: skip
CHANGES: dict[str, tuple[str, str, Any]] = {
    "": ("patch", "", {"description": "By carol"}),
    "runtime": ("put", "/runtime", {"idle_s": 60}),
    "security": ("put", "/security", {"origins": ["https://carols.example"]}),
    "topics": ("put", "/topics", {"topics": [{"name": "/carols"}]}),
    "endpoints/production": ("put", "/endpoints/production", {"urls": [{"url": "wss://carols.example.com"}]}),
    "transitions": ("post", "/transitions", {"action": "deprecate"}),
}


def place(api: Api, tail: str) -> str:
    return f"/apis/{api.pk}/{tail}".rstrip("/")


@pytest.mark.parametrize(("tail", "method", "body"), WRITES)
def test_a_write_with_the_tag_of_what_is_there_goes_on_and_with_an_older_one_does_not(
    rest: Any, chat: Api, people: dict[str, Person], tail: str, method: str, body: Any
) -> None:
    paul, carol = rest(people["paul"]), rest(people["adam"])
    tag = paul.get(place(chat, tail)).headers["ETag"]
    assert (tag[0], tag[-1]) == ('"', '"')
    assert paul.get(place(chat, tail)).headers["ETag"] == tag
    other, where, change = CHANGES[tail]
    getattr(carol, other)(f"/apis/{chat.pk}{where}", change).ok()
    before = everything()
    answer = getattr(paul, method)(place(chat, tail), body, **{"If-Match": tag})
    answer.refused(412, "changed_meanwhile")
    assert {one["who"] for one in answer.body["changes"]} == {"adam"}
    assert all(one.keys() == {"who", "when", "action", "field", "before", "after"} for one in answer.body["changes"])
    assert everything() == before
    if tail != "transitions":
        fresh = paul.get(place(chat, tail)).headers["ETag"]
        assert fresh != tag
        getattr(paul, method)(place(chat, tail), body, **{"If-Match": f'"other", {fresh}'}).ok()


def test_another_section_does_not_change_the_tag_that_counts(rest: Any, chat: Api, paul: Person, carol: Person) -> None:
    caller = rest(paul)
    tag = caller.get(f"/apis/{chat.pk}/runtime").headers["ETag"]
    rest(carol).put(f"/apis/{chat.pk}/security", {"origins": ["https://carols.example"]}).ok()
    caller.put(f"/apis/{chat.pk}/runtime", {"idle_s": 61}, **{"If-Match": tag}).ok()


def test_a_step_of_the_lifecycle_takes_the_tag_of_the_api_too(rest: Any, chat: Api, paul: Person) -> None:
    tag = rest(paul).get(f"/apis/{chat.pk}").headers["ETag"]
    rest(paul).post(f"/apis/{chat.pk}/transitions", {"action": "block"}, **{"If-Match": tag}).ok()


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("*", 200), ('"1-000000000000000000000000"', 412), ("nonsense", 412), ("", 412), ('W/"x"', 412),
        ('"' * 5000, 412),
    ],
)  # fmt: skip
def test_other_things_that_if_match_may_say(rest: Any, chat: Api, paul: Person, header: str, status: int) -> None:
    answer = rest(paul).patch(f"/apis/{chat.pk}", {"description": "x"}, **{"If-Match": header})
    assert answer.status == status


def test_a_weak_tag_does_not_count(rest: Any, chat: Api, paul: Person) -> None:
    tag = rest(paul).get(f"/apis/{chat.pk}").headers["ETag"]
    rest(paul).patch(f"/apis/{chat.pk}", {"description": "x"}, **{"If-Match": f"W/{tag}"}).refused(412)


def test_without_if_match_the_last_one_wins(rest: Any, chat: Api, paul: Person) -> None:
    rest(paul).patch(f"/apis/{chat.pk}", {"description": "x"}).ok()


def test_who_may_not_see_or_change_it_is_told_that_first(rest: Any, draft: Api, eve: Person, pia: Person) -> None:
    tag = {"If-Match": '"1-000000000000000000000000"'}
    rest(eve).patch(f"/apis/{draft.pk}", {"description": "x"}, **tag).refused(404)
    rest().patch(f"/apis/{draft.pk}", {"description": "x"}, **tag).refused(401)
    now = {"If-Match": rest(pia).get(f"/apis/{draft.pk}").headers["ETag"]}
    rest(pia).patch(f"/apis/{draft.pk}", {"description": "x"}, **now).refused(403)


def test_deleting_asks_as_well(rest: Any, draft: Api, carol: Person) -> None:
    tag = {"If-Match": rest(carol).get(f"/apis/{draft.pk}").headers["ETag"]}
    rest(carol).patch(f"/apis/{draft.pk}", {"description": "x"}).ok()
    assert rest(carol).send("delete", f"/apis/{draft.pk}", **tag).status == 412
    tag = {"If-Match": rest(carol).get(f"/apis/{draft.pk}").headers["ETag"]}
    assert rest(carol).send("delete", f"/apis/{draft.pk}", **tag).status == 204


def test_the_schema_tells_of_tags(rest: Any) -> None:
    paths = rest().get("/schema?format=json").body["paths"]
    runtime = paths["/api/v1/apis/{api_id}/runtime"]
    assert "ETag" in runtime["get"]["responses"]["200"]["headers"]
    assert "412" in runtime["put"]["responses"]
    assert "If-Match" in {one["name"] for one in runtime["put"]["parameters"]}


# History ----------------------------------------------------------------------------------------------------------


def test_history_tells_before_and_after_and_the_token(rest: Any, chat: Api, carol: Person) -> None:
    caller = rest(carol)
    caller.patch(f"/apis/{chat.pk}", {"description": "Rooms", "tags": ["fast"]}).ok()
    entry = caller.get(f"/apis/{chat.pk}/history").ok()["results"][0]
    assert (entry["actor"], entry["via"], entry["action"]) == ("carol", "REST, token test", "update")
    assert (entry["before"], entry["after"]["tags"]) == ({"description": "", "tags": []}, ["fast"])
    assert {"field": "description", "before": "", "after": "Rooms"} in entry["changes"]
    assert caller.get(f"/apis/{chat.pk}/history/{entry['id']}").ok() == entry


def test_history_is_narrowed_by_who_what_and_when(rest: Any, chat: Api, carol: Person, paul: Person) -> None:
    rest(carol).patch(f"/apis/{chat.pk}", {"description": "x"}).ok()
    caller, where = rest(paul), f"/apis/{chat.pk}/history"
    every = caller.get(where).ok()["count"]
    assert 0 < caller.get(f"{where}?actor=carol").ok()["count"] < every
    assert caller.get(f"{where}?action=update&actor=carol").ok()["count"] == 1
    assert caller.get(f"{where}?from=2000-01-01&to=2999-12-31").ok()["count"] == every
    assert caller.get(f"{where}?to=2000-01-01T00:00:00Z").ok()["count"] == 0
    assert caller.get(f"{where}?from=9999-12-31&to=9999-12-31").ok()["count"] == 0
    for bad in ("from=soon", "to=2026-99-99", "from=2026-13", "to=0001-01-01T00:00:00%2B23:59"):
        assert set(caller.get(f"{where}?{bad}").refused(400)) == {bad.partition("=")[0]}


def test_what_was_before_is_put_back_over_rest(rest: Any, chat: Api, carol: Person, pia: Person) -> None:
    caller = rest(carol)
    caller.patch(f"/apis/{chat.pk}", {"description": "x"}).ok()
    where = f"/apis/{chat.pk}/history"
    entry = caller.get(where).ok()["results"][0]
    rest(pia).post(f"{where}/{entry['id']}/restore").refused(403)
    assert caller.post(f"{where}/{entry['id']}/restore").ok()["description"] == ""
    assert caller.get(where).ok()["results"][0]["restored"] == entry["id"]
    caller.post(f"{where}/{entry['id']}/restore").refused(409, "nothing_to_restore")
    first = caller.get(where).ok()["results"][-1]
    assert first["why_not_restorable"]
    caller.post(f"{where}/{first['id']}/restore").refused(409, "not_restorable")


def test_entries_of_another_api_and_of_nowhere_are_not_there(rest: Any, chat: Api, draft: Api, carol: Person) -> None:
    caller = rest(carol)
    entry = caller.get(f"/apis/{chat.pk}/history").ok()["results"][0]["id"]
    for number in (entry, 0, 10**30):
        caller.get(f"/apis/{draft.pk}/history/{number}").refused(404)
        caller.post(f"/apis/{draft.pk}/history/{number}/restore").refused(404)


def test_nobody_changes_or_deletes_history(rest: Any, chat: Api, adam: Person) -> None:
    caller, before = rest(adam), everything()
    entry = HistoryEntry.objects.filter(api=chat).latest("pk").pk
    for method in ("put", "patch", "post", "delete"):
        for where in (f"/apis/{chat.pk}/history/{entry}", f"/apis/{chat.pk}/history", "/history"):
            assert caller.send(method, where).status == 405
    assert len(everything()["apis.HistoryEntry"]) == len(before["apis.HistoryEntry"])


def test_administrators_read_all_of_it_and_nobody_else(rest: Any, chat: Api, adam: Person, paul: Person) -> None:
    found = rest(adam).get("/history?action=create").ok()["results"]
    assert [entry["subject"] for entry in found] == ["Chat 1.0.0"]
    rest(paul).get("/history").refused(403)


def test_secrets_are_in_no_answer_and_no_export(rest: Any, chat: Api, carol: Person) -> None:
    for secret in ("open-sesame-1", "open-sesame-2"):
        security = {"type": "basic", "username": "us", "password": secret}
        config = {"urls": [{"url": "wss://a.example.com"}], "security": security}
        configuring.endpoint_configure(actor=Actor.of(carol), api=chat, key_type="production", config=config)
    stored = chat.endpoints.get(key_type="production").config["security"]["password"]
    sent = [rest(carol).get(f"/apis/{chat.pk}/history").body, Visit(carol).see(at(chat, "history/")).html]
    for kind in ("csv", "json"):
        answer = Visit(carol).client.get(at(chat, "history/export"), {"format": kind})
        sent.append(b"".join(answer).decode())
    assert not any(mark in str(text) for text in sent for mark in ("open-sesame", stored))
    assert all("another one" in str(text) for text in sent)


def test_an_export_is_one_line_for_each_change_and_runs_nothing_in_a_spreadsheet(chat: Api, carol: Person) -> None:
    rows = _export(chat, carol)
    assert rows[0][:5] == ["id", "at", "actor", "via", "action"]
    designs.api_update(actor=Actor.of(carol), api=chat, description="=1+1", tags=["a"])
    rows = _export(chat, carol, action="update")
    assert sorted((row[-3], row[-2], row[-1]) for row in rows[1:]) == [("description", "", "'=1+1"), ("tags", "", "a")]


def _export(api: Api, person: Person, **query: str) -> list[list[str]]:
    answer = Visit(person).client.get(at(api, "history/export"), {"format": "csv", **query})
    return list(csv.reader(io.StringIO(b"".join(answer).decode())))
