"""Statements: what was used in a month under which terms, what it costs, and who may know."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from apis.models import Api, Application, BusinessPlan, Person, Subscription, SubscriptionTerm
from apis.permissions import Actor
from apis.pricing import Month
from apis.services import plans, subscribing
from gateway.statements import Statement, statement
from tests.apis.conftest import Rest
from tests.gateway.billing_world import NOVEMBER, changed, priced, subscribed, used

MONTH = Month(2024, 11)
LATER = datetime(2024, 12, 2, tzinfo=UTC)


@pytest.fixture
def paid(adam: Person, chat: Api) -> BusinessPlan:
    return priced(adam, chat)


@pytest.fixture
def bought(sam: Person, chat: Api, phone: Application, paid: BusinessPlan) -> Subscription:
    return subscribed(sam, chat, phone, "Paid")


def of(row: Subscription, who: Person, month: Month = MONTH, now: datetime = LATER) -> Statement:
    return statement(Actor.of(who), row.pk, month, now)


def test_a_month_under_one_plan_is_one_line(sam: Person, bought: Subscription) -> None:
    used(bought, NOVEMBER + timedelta(days=3), 1500, events_out=500, throttled=2)
    used(bought, NOVEMBER + timedelta(days=29, hours=23), 2000)
    used(bought, NOVEMBER - timedelta(seconds=1), 9999)
    used(bought, LATER, 9999)
    done = of(bought, sam)
    (line,) = done.lines
    assert (line.plan, line.sessions, line.events_in, line.events_out, line.throttled) == ("Paid", 2, 3500, 500, 2)
    assert (line.bytes_in, line.connection_s) == (35_000, 120)
    assert (line.fixed, line.usage) == (Decimal("9.90"), Decimal("2.00"))
    assert done.totals == {"EUR": Decimal("11.90")}
    assert done.is_final


def test_the_month_that_goes_on_is_charged_up_to_now(sam: Person, bought: Subscription) -> None:
    done = of(bought, sam, now=NOVEMBER + timedelta(days=15))
    assert done.lines[0].fixed == Decimal("4.95")
    assert not done.is_final
    assert done.as_of == NOVEMBER + timedelta(days=15)


def test_another_plan_within_the_month_is_another_line(
    sam: Person, adam: Person, chat: Api, bought: Subscription
) -> None:
    priced(adam, chat, "Dear", price="30.00", currency="USD", unit_price=None)
    used(bought, NOVEMBER + timedelta(days=9, hours=23, minutes=59), 1000)
    subscribing.subscription_change_plan(actor=Actor.of(sam), subscription=bought, business_plan="Dear")
    changed(bought, NOVEMBER + timedelta(days=10))
    used(bought, NOVEMBER + timedelta(days=10), 70, plan="Paid")  # the record began before the gateway heard of it
    used(bought, NOVEMBER + timedelta(days=10, minutes=1), 5000, plan="Dear")
    done = of(bought, sam)
    assert [(line.plan, line.events_in) for line in done.lines] == [("Paid", 1070), ("Dear", 5000)]
    assert [line.fixed for line in done.lines] == [Decimal("3.30"), Decimal("20.00")]
    assert done.totals == {"EUR": Decimal("3.30") + Decimal("0.54"), "USD": Decimal("20.00")}


def test_another_price_of_the_plan_is_another_line_and_last_month_stays(
    sam: Person, adam: Person, bought: Subscription, paid: BusinessPlan
) -> None:
    before = of(bought, sam)
    plans.business_plan_update(actor=Actor.of(adam), plan=paid, price="19.80", description="dearer")
    changed(bought, NOVEMBER + timedelta(days=45))
    assert [line.fixed for line in of(bought, sam).lines] == [line.fixed for line in before.lines]
    december = of(bought, sam, Month(2024, 12), datetime(2025, 1, 5, tzinfo=UTC))
    assert [line.price.amount for line in december.lines] == [Decimal("9.90"), Decimal("19.80")]


def test_a_change_that_costs_nobody_anything_writes_no_term(
    adam: Person, bought: Subscription, paid: BusinessPlan
) -> None:
    plans.business_plan_update(actor=Actor.of(adam), plan=paid, description="the same", max_sessions=5)
    assert SubscriptionTerm.objects.filter(subscription_id=bought.pk).count() == 1


def test_a_plan_that_does_not_stop_counts_what_lies_beyond(
    sam: Person, adam: Person, chat: Api, phone: Application
) -> None:
    limits = [{"kind": "events", "amount": 100, "per": "day"}]
    priced(adam, chat, "Open", limits=limits, stop_on_quota=False)
    row = subscribed(sam, chat, phone, "Open")
    used(row, NOVEMBER + timedelta(hours=1), 80)
    used(row, NOVEMBER + timedelta(hours=2), 30)
    used(row, NOVEMBER + timedelta(days=1), 99)
    assert of(row, sam).lines[0].overage_events == 10


def test_a_month_before_the_subscription_is_empty(sam: Person, bought: Subscription) -> None:
    assert of(bought, sam, Month(2024, 10)).is_empty


def test_a_subscription_that_is_gone_still_has_its_statement(sam: Person, eve: Person, bought: Subscription) -> None:
    used(bought, NOVEMBER, 1000)
    key = bought.pk
    subscribing.application_delete(actor=Actor.of(sam), application=bought.application)
    now = datetime.now(UTC)
    done = statement(Actor.of(sam), key, Month(2024, 11), now)
    assert done.lines[0].events_in == 1000
    with pytest.raises(Exception, match="no such subscription"):
        statement(Actor.of(eve), key, MONTH, now)


def test_a_subscription_older_than_terms_runs_under_its_plan_from_its_beginning(
    sam: Person, bought: Subscription
) -> None:
    SubscriptionTerm.objects.all().delete()
    bought.refresh_from_db()
    assert of(bought, sam).lines[0].fixed == Decimal("9.90")
    SubscriptionTerm.objects.all().delete()
    subscribing.subscription_change_plan(actor=Actor.of(sam), subscription=bought, business_plan="Bronze")
    rows = SubscriptionTerm.objects.order_by("began_at")
    assert [(row.plan, row.began_at == NOVEMBER) for row in rows] == [("Paid", True), ("Bronze", False)]


# REST -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "status"),
    [("sam", 200), ("pia", 200), ("paul", 200), ("adam", 200), ("carol", 403), ("eve", 404), ("vic", 404)],
)
def test_who_sees_a_statement(
    rest: Callable[..., Rest], people: dict[str, Person], bought: Subscription, who: str, status: int
) -> None:
    answer = rest(people[who]).get(f"/subscriptions/{bought.pk}/statement?month=2024-11")
    assert answer.status == status


def test_a_statement_over_rest(rest: Callable[..., Rest], sam: Person, bought: Subscription) -> None:
    used(bought, NOVEMBER, 1000)
    found = rest(sam).get(f"/subscriptions/{bought.pk}/statement?month=2024-11").ok()
    (line,) = found["lines"]
    assert (found["month"], found["api_name"], found["application_name"]) == ("2024-11", "Chat", "Phone")
    assert (line["plan"], line["events_in"], line["usage"], line["price"]["price"]) == ("Paid", 1000, "0.50", "9.90")
    assert found["totals"].keys() == {"EUR"}
    rest(sam).get(f"/subscriptions/{bought.pk}/statement").ok()
    for month in ("November", "2024-13", "2024"):
        assert "month" in rest(sam).get(f"/subscriptions/{bought.pk}/statement?month={month}").refused(400)
    rest(sam).get(f"/subscriptions/{uuid4()}/statement").refused(404)
    rest().get(f"/subscriptions/{bought.pk}/statement").refused(401)


def test_a_draft_is_simulated_and_nothing_is_saved(
    rest: Callable[..., Rest], pia: Person, bought: Subscription
) -> None:
    moment = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    used(bought, moment, 80)
    used(bought, moment + timedelta(minutes=1), 120)
    body: dict[str, Any] = {"limits": [{"kind": "events", "amount": 100, "per": "minute"}], "max_sessions": 0 + 1}
    found = rest(pia).post("/business-plans/simulate", body).ok()
    assert (found["subscriptions"], found["limited"], found["resolution_s"]) == (1, 1, 60)
    (row,) = found["rows"]
    assert (row["subscription"], row["plan"], row["owner"]) == (str(bought.pk), "Paid", "sam")
    (finding,) = row["findings"]
    assert (finding["times"], finding["of"], finding["excess"], finding["stops"]) == (1, 2, 20, True)
    assert finding["first_at"] == (moment + timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    body = {**body, "stop_on_quota": False, "api": str(bought.api_id), "plan": str(bought.business_plan_id)}
    assert rest(pia).post("/business-plans/simulate", body).ok()["rows"][0]["findings"][0]["stops"] is False
    assert BusinessPlan.objects.filter(name="").count() == 0


@pytest.mark.parametrize(
    ("who", "status"), [("pia", 200), ("paul", 200), ("adam", 200), ("carol", 403), ("sam", 403), ("vic", 403)]
)
def test_who_may_simulate(rest: Callable[..., Rest], people: dict[str, Person], who: str, status: int) -> None:
    assert rest(people[who]).post("/business-plans/simulate", {"days": 1}).status == status


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"days": 0}, "#/days"),
        ({"days": "7"}, "#/days"),
        ({"limits": [{"kind": "x", "amount": 1, "per": "day"}]}, "#/limits/0/kind"),
        ({"burst": {"amount": 0, "per": "second"}}, "#/burst/amount"),
        ({"max_sessions": -1}, "#/max_sessions"),
        ({"name": "x"}, "#/name"),
    ],
)
def test_what_is_wrong_with_a_draft_is_named(
    rest: Callable[..., Rest], pia: Person, body: dict[str, Any], pointer: str
) -> None:
    assert pointer in rest(pia).post("/business-plans/simulate", body).refused(400)


def test_a_draft_is_tried_on_what_there_is(rest: Callable[..., Rest], pia: Person) -> None:
    rest(pia).post("/business-plans/simulate", {"api": str(uuid4())}).refused(404)
    rest(pia).post("/business-plans/simulate", {"plan": str(uuid4())}).refused(404)
