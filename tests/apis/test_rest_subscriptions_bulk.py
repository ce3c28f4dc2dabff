"""Several subscriptions in one request, and all of them in one file: what the Subscriptions page does, for programs."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client

from apis.models import Api, BusinessPlan, Person, Subscription
from apis.permissions import Actor
from apis.services import subscribing
from tests.apis.world import everything

pytestmark = pytest.mark.django_db
BULK = "/subscriptions/bulk"


@pytest.fixture
def three(sam: Person, chat: Api) -> list[Subscription]:
    """Three applications of sam's, subscribed to Chat under Bronze."""
    actor = Actor.of(sam)
    return [
        subscribing.subscription_create(
            actor=actor, api=chat, business_plan="Bronze",
            application=subscribing.application_create(actor=actor, name=name),
        )
        for name in ("One", "Two", "Three")
    ]  # fmt: skip


def ids(rows: list[Subscription]) -> list[str]:
    return [str(row.pk) for row in rows]


def states() -> list[str]:
    return sorted(Subscription.objects.values_list("state", flat=True))


def test_pia_blocks_and_unblocks_several_at_once(rest: Any, pia: Person, three: list[Subscription]) -> None:
    caller = rest(pia)
    body = caller.post(BULK, {"action": "block", "what": "production", "subscriptions": ids(three)}).ok()
    assert body["done"] == 3
    assert [one["subscription"] for one in body["results"]] == ids(three)
    assert {(one["status"], one["state"], one["code"]) for one in body["results"]} == {(200, "production_blocked", "")}
    assert states() == ["production_blocked"] * 3
    body = caller.post(BULK, {"action": "unblock", "subscriptions": ids(three)[:2]}).ok()
    assert (body["done"], states()) == (2, ["production_blocked", "unblocked", "unblocked"])


def test_each_has_its_own_outcome_and_a_refusal_undoes_no_other(
    rest: Any, sam: Person, adam: Person, pia: Person, three: list[Subscription]
) -> None:
    BusinessPlan.objects.filter(name="Unlimited").update(approval=True)
    first, second, third = ids(three)
    subscribing.subscription_delete(actor=Actor.of(sam), subscription=three[1])
    unknown = str(adam.pk)
    asked = {"action": "change_plan", "business_plan": "Unlimited", "subscriptions": [first, second, unknown, first]}
    body = rest(pia).post(BULK, asked).ok()
    told = [(one["subscription"], one["status"], one["code"]) for one in body["results"]]
    assert told == [(first, 202, ""), (second, 404, "not_found"), (unknown, 404, "not_found")]
    assert body["done"] == 1
    body = rest(pia).post(BULK, {**asked, "business_plan": "Gold", "subscriptions": [third]}).ok()
    (one,) = body["results"]
    assert (one["status"], one["code"], one["state"]) == (400, "invalid", "unblocked")
    assert one["errors"][0]["pointer"] == "#/business_plan"
    body = rest(pia).post(BULK, {"action": "remove", "subscriptions": [first, third]}).ok()
    assert [one["status"] for one in body["results"]] == [204, 204]
    assert not Subscription.objects.exists()


def test_it_is_for_publishers_who_see_the_api(
    rest: Any, people: dict[str, Person], chat: Api, three: list[Subscription]
) -> None:
    before = everything()
    for who in ("sam", "eve", "carol", "vic"):
        rest(people[who]).post(BULK, {"action": "block", "subscriptions": ids(three)}).refused(403)
    rest().post(BULK, {"action": "block", "subscriptions": ids(three)}).refused(401)
    rest(people["pia"], ["api:read"]).post(BULK, {"action": "block", "subscriptions": ids(three)}).refused(403)
    assert states() == ["unblocked"] * 3
    assert len(everything()["apis.HistoryEntry"]) == len(before["apis.HistoryEntry"]) + 5  # the tokens


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"action": "explode"}, "#/action"),
        ({"action": "unblock", "what": "all"}, "#/what"),
        ({"action": "block", "what": "sandbox"}, "#/what"),
        ({"action": "block", "business_plan": "Gold"}, "#/business_plan"),
        ({"action": "change_plan"}, "#/business_plan"),
        ({"action": "block", "subscriptions": []}, "#/subscriptions"),
        ({"action": "block", "subscriptions": ["x"]}, "#/subscriptions/0"),
        ({"action": "block", "subscriptions": ["7d2f4a0c-3f0e-4bb0-9d1d-2f6b1a1f9a10"] * 101}, "#/subscriptions"),
        ({"action": "block", "subscriptions": "all"}, "#/subscriptions"),
        ({"action": "block", "else": 1}, "#/else"),
    ],
    ids=["action", "what", "sandbox", "plan", "no-plan", "none", "no-id", "many", "text", "unknown"],
)
def test_what_makes_no_sense_names_the_field_and_does_nothing(
    rest: Any, pia: Person, three: list[Subscription], body: dict[str, Any], place: str
) -> None:
    assert place in rest(pia).post(BULK, {"subscriptions": ids(three), **body}).refused(400)
    assert states() == ["unblocked"] * 3


# CSV --------------------------------------------------------------------------------------------------------------


def rows_of(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"].startswith("text/csv")
    assert "attachment" in answer["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def get(caller: Any, query: str = "", **headers: str) -> Any:
    return Client().get(f"/api/v1/subscriptions{query}", headers={**caller.headers, **headers})


def test_the_list_is_a_file_by_format_or_by_accept(
    rest: Any, pia: Person, sam: Person, chat: Api, three: list[Subscription]
) -> None:
    sam.email = "sam@example.com"
    sam.save()
    caller = rest(pia)
    rows = rows_of(get(caller, f"?api={chat.pk}&format=csv&sort=application"))
    assert [row["application"] for row in rows] == ["One", "Three", "Two"]
    assert {(row["api"], row["plan"], row["email"], row["state"]) for row in rows} == {
        ("Chat", "Bronze", "sam@example.com", "unblocked")
    }
    assert {row["events_this_month"] for row in rows} == {"0"}
    assert len(rows_of(get(caller, "?search=Two", Accept="text/csv"))) == 1
    assert caller.get(f"/subscriptions?api={chat.pk}&format=json").ok()["count"] == 3
    assert caller.get("/subscriptions?format=xml").refused(400)


def test_it_holds_what_its_reader_sees_and_no_addresses_for_others(
    rest: Any, people: dict[str, Person], three: list[Subscription]
) -> None:
    Person.objects.filter(username="sam").update(email="sam@example.com")
    assert {row["email"] for row in rows_of(get(rest(people["sam"]), "?format=csv"))} == {""}
    assert rows_of(get(rest(people["eve"]), "?format=csv")) == []
    assert get(rest(), "?format=csv").status_code == 401
