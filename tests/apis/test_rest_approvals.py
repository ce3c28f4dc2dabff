"""/approvals and /subscriptions over REST: asking, waiting, deciding, taking back, filters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from apis.models import Api, Application, BusinessPlan, Person, Subscription
from apis.permissions import Actor
from apis.services import plans, subscribing
from tests.apis.conftest import Rest

Callers = Callable[..., Rest]


@pytest.fixture
def order(adam: Person, chat: Api, phone: Application) -> dict[str, Any]:
    """The body that subscribes Phone to Chat under Bronze, which needs approval."""
    bronze = BusinessPlan.objects.get(name="Bronze")
    plans.business_plan_update(actor=Actor.of(adam), plan=bronze, approval=True)
    return {"api": str(chat.pk), "application": str(phone.pk), "business_plan": "Bronze"}


def test_the_whole_way_of_a_request(rest: Callers, people: dict[str, Person], order: dict[str, Any]) -> None:
    sam, adam = rest(people["sam"]), rest(people["adam"])
    made = sam.post("/subscriptions", order).ok(202)
    assert (made["state"], made["last_used_at"], made["pending_plan"]) == ("on_hold", None, None)
    (waiting,) = adam.get("/approvals?state=waiting&kind=subscription").ok()["results"]
    assert (waiting["asked_by"], waiting["subscription"], waiting["wanted"]) == ("sam", made["id"], {"plan": "Bronze"})
    where = f"/approvals/{waiting['id']}"
    assert sam.get(where).ok()["state"] == "waiting"
    sam.post(where + "/decide", {"decision": "approve"}).refused(403)
    done = adam.post(where + "/decide", {"decision": "approve", "reason": "Welcome"}).ok()
    assert (done["state"], done["decided_by"], done["reason"]) == ("approved", "adam", "Welcome")
    adam.post(where + "/decide", {"decision": "reject"}).refused(409, "already_decided")
    sam.delete(where).refused(409, "already_decided")
    assert sam.get(f"/subscriptions/{made['id']}").ok()["state"] == "unblocked"
    assert adam.get("/approvals?state=waiting").ok()["count"] == 0


def test_a_change_of_plan_waits_and_the_old_plan_counts(
    rest: Callers, people: dict[str, Person], order: dict[str, Any]
) -> None:
    sam, adam = rest(people["sam"]), rest(people["adam"])
    where = "/subscriptions/" + sam.post("/subscriptions", {**order, "business_plan": "Unlimited"}).ok(201)["id"]
    asked = sam.patch(where, {"business_plan": "Bronze"}).ok(202)
    assert (asked["business_plan"], asked["pending_plan"]) == ("Unlimited", "Bronze")
    (waiting,) = sam.get("/approvals").ok()["results"]
    assert waiting["wanted"] == {"before": "Unlimited", "after": "Bronze"}
    adam.post(f"/approvals/{waiting['id']}/decide", {"decision": "reject", "reason": "Too early"}).ok()
    shown = sam.get(where).ok()
    assert (shown["business_plan"], shown["pending_plan"], shown["rejected_because"]) == (
        "Unlimited",
        None,
        "Too early",
    )
    sam.patch(where, {"business_plan": "Bronze"}).ok(202)
    assert sam.patch(where, {"business_plan": "Unlimited"}).ok(200)["pending_plan"] is None


def test_a_request_is_taken_back_by_its_own_address_or_with_the_subscription(
    rest: Callers, people: dict[str, Person], order: dict[str, Any]
) -> None:
    sam = rest(people["sam"])
    for address in ("/approvals/{approval}", "/subscriptions/{id}"):
        made = sam.post("/subscriptions", order).ok(202)
        approval = sam.get(f"/approvals?subscription={made['id']}").ok()["results"][0]["id"]
        sam.delete(address.format(approval=approval, **made)).ok(204)
        assert not Subscription.objects.exists()
        assert sam.get(f"/approvals/{approval}").ok()["state"] == "withdrawn"


def test_what_does_not_concern_somebody_is_not_there(
    rest: Callers, people: dict[str, Person], order: dict[str, Any]
) -> None:
    rest(people["sam"]).post("/subscriptions", order).ok(202)
    (waiting,) = rest(people["carol"]).get("/approvals").ok()["results"]
    where = f"/approvals/{waiting['id']}"
    for name in ("eve", "vic"):
        caller = rest(people[name])
        assert caller.get("/approvals").ok()["count"] == 0
        caller.get(where).refused(404)
        caller.delete(where).refused(404)
        caller.post(where + "/decide", {"decision": "approve"}).refused(404)
    for name in ("carol", "pia"):
        rest(people[name]).delete(where).refused(403)
        rest(people[name]).post(where + "/decide", {"decision": "approve"}).refused(403)
    rest().get("/approvals").refused(401)
    rest(people["adam"]).get(f"/approvals/{uuid4()}").refused(404)
    rest(people["adam"], ["api:read"]).post(where + "/decide", {"decision": "approve"}).refused(403)


@pytest.mark.parametrize("query", ["state=maybe", "kind=x", "api=7", "subscription=x", "page=0"])
def test_bad_filters_of_requests(rest: Callers, adam: Person, query: str) -> None:
    assert rest(adam).get(f"/approvals?{query}").refused(400).keys() == {query.split("=", maxsplit=1)[0]}


def test_subscriptions_are_filtered_searched_and_sorted(
    rest: Callers, people: dict[str, Person], chat: Api, subscription: Subscription
) -> None:
    sam = Actor.of(people["sam"])
    tablet = subscribing.application_create(actor=sam, name="Tablet")
    other = subscribing.subscription_create(actor=sam, api=chat, application=tablet, business_plan="Unlimited")
    now = timezone.now()
    Subscription.objects.filter(pk=subscription.pk).update(last_used_at=now - timedelta(hours=1))
    pia = rest(people["pia"])

    def names(query: str) -> list[str]:
        return [row["application_name"] for row in pia.get(f"/subscriptions?{query}").ok()["results"]]

    assert names("plan=Bronze") == ["Phone"]
    assert names("search=tAbl") == names("state=unblocked&search=Tablet") == ["Tablet"]
    assert names("search=nobody") == names("state=blocked") == names("plan=Gold") == []
    assert names("sort=application") == ["Phone", "Tablet"]
    assert names("sort=-application") == ["Tablet", "Phone"]
    assert names("sort=used") == names("sort=-used") == ["Phone", "Tablet"]  # never used comes last
    Subscription.objects.filter(pk=other.pk).update(last_used_at=now)
    assert names("sort=-used") == ["Tablet", "Phone"]
    assert pia.get("/subscriptions?sort=x").refused(400).keys() == {"sort"}
