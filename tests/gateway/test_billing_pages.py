"""Statements and the plan simulator as people see them, without script."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apis.models import Api, Application, Person, Subscription
from apis.permissions import Actor
from apis.services import designs
from tests.apis.browsing import Visit, at, page
from tests.gateway.billing_world import NOVEMBER, priced, subscribed, used

SIMULATOR = "/publisher/plan-simulator/"


@pytest.fixture
def bought(sam: Person, adam: Person, chat: Api, phone: Application) -> Subscription:
    priced(adam, chat)
    row = subscribed(sam, chat, phone, "Paid")
    used(row, NOVEMBER + timedelta(days=1), 12_345)
    return row


def statement_of(row: Subscription) -> str:
    return f"/devportal/subscriptions/{row.pk}/statement/"


def test_sam_finds_his_statement_beside_his_subscription(sam: Person, bought: Subscription) -> None:
    visit = Visit(sam)
    assert f'href="{statement_of(bought)}"' in visit.see(page(bought.application)).html
    shown = visit.see(f"{statement_of(bought)}?month=2024-11")
    assert shown.status == 200
    for text in (
        "Statement of 2024-11",
        "Phone of sam at Chat 1.0.0",
        "12,345 sent",
        "9.90 EUR per month",
        "16.07 EUR",
    ):
        assert text in shown.words, text
    assert 'href="?month=2024-10"' in shown.html
    assert "This month is complete." in shown.words


def test_a_month_without_a_subscription_says_so(sam: Person, bought: Subscription) -> None:
    assert "nothing to pay" in Visit(sam).see(f"{statement_of(bought)}?month=2024-10").words
    assert Visit(sam).see(f"{statement_of(bought)}?month=nonsense").status == 200


def test_a_publisher_finds_it_beside_the_subscriptions_of_the_api(pia: Person, bought: Subscription) -> None:
    visit = Visit(pia)
    address = at(bought.api, f"subscriptions/{bought.pk}/statement/")
    assert f'href="{address}"' in visit.see(at(bought.api, "subscriptions/")).html
    shown = visit.see(f"{address}?month=2024-11")
    assert (shown.status, "16.07 EUR" in shown.words) == (200, True)


@pytest.mark.parametrize(
    ("who", "own", "others"), [("eve", 404, 403), ("carol", 403, 403), ("vic", 403, 403), ("adam", 200, 200)]
)
def test_who_else_sees_it(people: dict[str, Person], bought: Subscription, who: str, own: int, others: int) -> None:
    visit = Visit(people[who])
    assert visit.see(statement_of(bought)).status == own
    assert visit.see(at(bought.api, f"subscriptions/{bought.pk}/statement/")).status == others


def test_a_statement_is_of_this_api(carol: Person, paul: Person, bought: Subscription) -> None:
    draft = designs.api_create(actor=Actor.of(carol), name="Draft", context="/draft", version="1.0.0")
    assert Visit(paul).see(at(draft, f"subscriptions/{bought.pk}/statement/")).status == 404


def test_pia_tries_a_draft(pia: Person, bought: Subscription) -> None:
    moment = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    used(bought, moment, 80)
    visit = Visit(pia)
    assert f'href="{SIMULATOR}"' in visit.see("/publisher/").html
    assert visit.see(SIMULATOR).status == 200
    asked = {"amount_0": "", "amount_2": "50", "kind_2": "events", "per_2": "minute", "direction_2": "in", "days": "7"}
    shown = visit.send(SIMULATOR, **asked, stop_on_quota="on", api=str(bought.api_id))
    assert shown.status == 200
    for text in ("1 of 1 subscriptions would have been limited", "50 messages sent per minute", "1 of 1", "30 beyond"):
        assert text in shown.words, text
    assert "billed only" in visit.send(SIMULATOR, **asked).words
    assert "let everything pass" in visit.send(SIMULATOR, days="7").words
    assert "no usage" in visit.send(SIMULATOR, plan=str(bought.api.business_plans.get(name="Bronze").pk)).words


def test_what_is_wrong_stands_beside_its_field(pia: Person, bought: Subscription) -> None:
    shown = Visit(pia).send(SIMULATOR, amount_1="many", days="99", max_sessions="x")
    assert shown.status == 400
    assert shown.html.count('class="invalid-feedback"></div>') < shown.html.count('class="invalid-feedback"')
    assert "whole number between 1 and 31" in shown.words


def test_a_draft_begins_like_a_plan(pia: Person, bought: Subscription) -> None:
    bronze = bought.api.business_plans.get(name="Bronze")
    assert 'value="1000"' in Visit(pia).see(f"{SIMULATOR}?like={bronze.pk}").html
    assert Visit(pia).see(f"{SIMULATOR}?like=nonsense").status == 200


@pytest.mark.parametrize(("who", "status"), [("adam", 200), ("carol", 403), ("sam", 403)])
def test_who_may_try_a_draft(people: dict[str, Person], who: str, status: int) -> None:
    assert Visit(people[who]).see(SIMULATOR).status == status
