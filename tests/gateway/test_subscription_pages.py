"""The Subscriptions page of an API: pia finds, blocks, moves, writes to and removes subscriptions; carol only looks."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apis.models import Api, Application, BusinessPlan, Person, Subscription
from apis.permissions import Actor
from apis.services import approving, designs, plans, subscribing
from gateway.models import UsageMinute
from tests.apis.browsing import YES, Visit, at


@pytest.fixture
def draft(carol: Person) -> Api:
    """An API of carol's that nobody has published."""
    return designs.api_create(actor=Actor.of(carol), name="Draft", context="/draft", version="1.0.0")


@pytest.fixture
def tablet(sam: Person, chat: Api, subscription: Subscription) -> Subscription:
    """A second subscription of sam's to Chat, under Unlimited."""
    application = subscribing.application_create(actor=Actor.of(sam), name="Tablet")
    return subscribing.subscription_create(
        actor=Actor.of(sam), api=chat, application=application, business_plan="Unlimited"
    )


def used(row: Subscription, events: int, minute: Any = None) -> None:
    UsageMinute.objects.create(
        api_id=row.api_id, application_id=row.application_id, subscription_id=row.pk,
        minute=minute or timezone.now().replace(second=0, microsecond=0), events_in=events, events_out=1,
    )  # fmt: skip


def page(api: Api) -> str:
    return at(api, "subscriptions/")


def names(shown: Any) -> list[str]:
    return [line.row.application.name for line in shown.response.context["lines"]]


def test_pia_reads_who_uses_what_since_when_and_how_much(pia: Person, subscription: Subscription) -> None:
    used(subscription, 1_233)
    used(subscription, 77, timezone.now().replace(day=1, second=0, microsecond=0) - timedelta(days=2))
    Subscription.objects.update(last_used_at="2026-01-02T03:04:00Z")
    shown = Visit(pia).see(page(subscription.api))
    for text in ("Phone", "sam", "Bronze", "Active", "2026-01-02 03:04", "1,234"):
        assert text in shown.words
    assert "1,311" not in shown.words


def test_the_owner_can_be_written_to(pia: Person, carol: Person, sam: Person, subscription: Subscription) -> None:
    one = f"{page(subscription.api)}{subscription.pk}/"
    mail = "mailto:sam@example.com?subject=Phone%3A%20your%20subscription%20to%20Chat%201.0.0"
    assert mail in Visit(pia).see(page(subscription.api)).html
    assert mail in Visit(pia).see(one).html
    assert "sam@example.com" not in Visit(carol).see(page(subscription.api)).html
    sam.email = ""
    sam.save()
    assert "no address on file" in Visit(pia).see(one).words


def test_subscriptions_are_found_by_name_state_and_plan_and_sorted(
    pia: Person, chat: Api, tablet: Subscription
) -> None:
    visit = Visit(pia)
    assert names(visit.see(page(chat))) == ["Tablet", "Phone"]
    assert names(visit.see(page(chat), sort="application")) == ["Phone", "Tablet"]
    assert names(visit.see(page(chat), search="tab")) == ["Tablet"]
    assert names(visit.see(page(chat), plan="Bronze", state="unblocked")) == ["Phone"]
    assert "Nothing fits" in visit.see(page(chat), state="blocked").words
    for nonsense in ({"sort": "\x00"}, {"state": "x"}, {"plan": "y" * 5_000}, {"page": "z"}, {"search": "\x00"}):
        assert visit.see(page(chat), **nonsense).status == 200
    assert 'aria-sort="ascending"' in visit.see(page(chat), sort="owner").html


def test_many_subscriptions_cost_no_more_queries_than_few(
    pia: Person, sam: Person, chat: Api, tablet: Subscription
) -> None:
    visit = Visit(pia)
    visit.see(page(chat))

    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert visit.see(page(chat)).status == 200
        return len(queries)

    few = count()
    for number in range(10):
        made = subscribing.application_create(actor=Actor.of(sam), name=f"App {number}")
        subscribing.subscription_create(actor=Actor.of(sam), api=chat, application=made, business_plan="Bronze")
    assert count() == few <= 14


def test_nobody_is_there_yet(pia: Person, chat: Api, draft: Api) -> None:
    assert "Its page there" in Visit(pia).see(page(chat)).buttons
    assert "once it is published" in Visit(pia).see(page(draft)).words
    chat.business_plans.clear()
    assert "Choose business plans" in Visit(pia).see(page(chat)).buttons


def test_chosen_ones_are_blocked_and_unblocked_together(pia: Person, chat: Api, tablet: Subscription) -> None:
    both = [str(row.pk) for row in Subscription.objects.all()]
    asked = Visit(pia).send(page(chat), subscription=both, what="all")
    assert "and 1 more?" in asked.words
    assert all(f'name="subscription" value="{key}"' in asked.html for key in both)
    done = Visit(pia).do(page(chat), subscription=both, what="all", **YES)
    assert "2 subscriptions are blocked." in done.words
    assert set(Subscription.objects.values_list("state", flat=True)) == {"blocked"}
    assert "2 subscriptions are active again." in Visit(pia).do(page(chat), subscription=both, what="unblock").words
    assert set(Subscription.objects.values_list("state", flat=True)) == {"unblocked"}
    assert "Choose at least one subscription." in Visit(pia).send(page(chat), what="all", **YES).words


def test_what_cannot_be_blocked_is_named_and_the_rest_is_done(pia: Person, chat: Api, tablet: Subscription) -> None:
    Subscription.objects.filter(pk=tablet.pk).update(state="on_hold")
    both = [str(row.pk) for row in Subscription.objects.all()]
    done = Visit(pia).do(page(chat), subscription=both, what="all", **YES)
    assert "Tablet: This subscription is on hold" in done.words
    assert "Phone: Blocked." in done.words


def test_one_is_moved_and_removed_from_its_dialog(pia: Person, chat: Api, subscription: Subscription) -> None:
    one, form = f"{page(chat)}{subscription.pk}/", {"subscription": str(subscription.pk)}
    shown = Visit(pia).see(one)
    assert {"Change plan", "Block all", "Block production only", "Remove", "Back to all"} <= set(shown.buttons)
    assert "Phone now has the plan Unlimited." in Visit(pia).do(page(chat), **form, what="plan", plan="Unlimited").words
    refused = Visit(pia).send(page(chat), **form, what="plan", plan="Gold")
    assert (refused.status, "does not offer a business plan named Gold" in refused.words) == (400, True)
    assert "Remove the subscription of Phone?" in Visit(pia).send(page(chat), **form, what="remove").words
    assert "The subscription of Phone is removed." in Visit(pia).do(page(chat), **form, what="remove", **YES).words
    assert not Subscription.objects.exists()
    assert Visit(pia).see(one).status == 404


def test_who_waits_and_who_was_rejected_is_told_apart(
    pia: Person, adam: Person, sam: Person, chat: Api, phone: Application
) -> None:
    bronze = BusinessPlan.objects.get(name="Bronze")
    plans.business_plan_update(actor=Actor.of(adam), plan=bronze, approval=True)
    row = subscribing.subscription_create(actor=Actor.of(sam), api=chat, application=phone, business_plan="Bronze")
    assert "On hold" in Visit(pia).see(page(chat)).words
    assert "It waits for an administrator" in Visit(pia).see(f"{page(chat)}{row.pk}/").words
    approving.approval_decide(
        actor=Actor.of(adam), approval=row.approvals.get(), decision="reject", reason="No contract yet"
    )
    assert "Rejected No contract yet" in Visit(pia).see(page(chat)).words


@pytest.mark.parametrize("what", ["all", "production", "unblock", "plan", "remove", "", "\x00"])
@pytest.mark.parametrize("name", ["carol", "sam", "vic"])
def test_nobody_else_does_anything(people: dict[str, Person], subscription: Subscription, name: str, what: str) -> None:
    form = {"subscription": str(subscription.pk), "what": what, "plan": "Unlimited"}
    assert Visit(people[name]).send(page(subscription.api), **form, **YES).status == 403
    assert Visit(people[name]).see(f"{page(subscription.api)}{subscription.pk}/").status == 403
    subscription.refresh_from_db()
    assert (subscription.state, subscription.business_plan.name) == ("unblocked", "Bronze")


def test_carol_looks_without_buttons(carol: Person, subscription: Subscription) -> None:
    shown = Visit(carol).see(page(subscription.api))
    assert "Phone" in shown.words
    assert not {"Manage", "Statement", "Block"} & set(shown.buttons)


def test_a_subscription_to_another_api_is_not_found_here(pia: Person, draft: Api, subscription: Subscription) -> None:
    for key in (subscription.pk, uuid4()):
        assert Visit(pia).see(f"{page(draft)}{key}/").status == 404
        assert Visit(pia).send(page(draft), subscription=str(key), what="remove", **YES).status == 404


def test_all_that_fit_are_exported(pia: Person, carol: Person, chat: Api, tablet: Subscription) -> None:
    Application.objects.filter(name="Tablet").update(name="=Tablet")
    used(tablet, 41)

    def rows(person: Person, **query: str) -> list[dict[str, str]]:
        sent = Visit(person).client.get(page(chat), {"format": "csv", **query})
        assert sent["Content-Type"].startswith("text/csv")
        assert "attachment" in sent["Content-Disposition"]
        return list(csv.DictReader(io.StringIO(b"".join(sent.streaming_content).decode())))  # type: ignore[attr-defined]

    first, second = rows(pia)
    assert (first["application"], first["events_this_month"], first["plan"]) == ("'=Tablet", "42", "Unlimited")
    assert (second["application"], second["owner"], second["email"]) == ("Phone", "sam", "sam@example.com")
    assert [row["application"] for row in rows(pia, plan="Bronze")] == ["Phone"]
    assert {row["email"] for row in rows(carol)} == {""}
