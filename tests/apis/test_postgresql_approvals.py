"""Who is faster, on a real PostgreSQL server: decisions, withdrawals and changes of plan that meet each other."""

from __future__ import annotations

from tests.apis.at_once import told_on_postgresql

STORY = """
from django.db import connection
from apis import searching
from apis.models import Approval, BusinessPlan, Person, Subscription, SubscriptionTerm
from apis.permissions import Actor
from apis.services import approving, demo, plans, publishing, subscribing
from tests.apis.at_once import at_once
roles = {"adam": ["administrator"], "nina": ["administrator"], "paul": ["creator", "publisher"], "sam": ["subscriber"]}
who = {name: Actor.of(Person.objects.create_user(name, roles=held)) for name, held in roles.items()}
demo.seed_essentials(who["adam"])
bronze = BusinessPlan.objects.get(name="Bronze")
plans.business_plan_update(actor=who["adam"], plan=bronze, approval=True)
api = publishing.api_create_and_publish(actor=who["paul"], name="Chat", context="/chat", version="1.0.0",
    endpoint="wss://chat.example.com", business_plans=["Bronze", "Unlimited"])
application = subscribing.application_create(actor=who["sam"], name="Phone")

def ask(plan="Bronze"):
    return subscribing.subscription_create(actor=who["sam"], api=api, application=application, business_plan=plan)

def decide(name, row, decision):
    mine = Approval.objects.select_related("api", "application").get(subscription=row, state="waiting")
    return lambda: approving.approval_decide(actor=who[name], approval=mine, decision=decision)

def change(row, plan):
    mine = Subscription.objects.get(pk=row.pk)
    return lambda: subscribing.subscription_change_plan(actor=who["sam"], subscription=mine, business_plan=plan)

for _ in range(10):
    row = ask()
    answers = at_once(decide("adam", row, "approve"), decide("nina", row, "reject"))
    assert sorted(answers) == ["already_decided", "done"], answers
    row.refresh_from_db()
    state = {"done": "unblocked"}.get(answers[0], "rejected")
    running = SubscriptionTerm.objects.filter(ended_at=None).count()
    assert (row.state, running) == (state, state == "unblocked"), (row.state, running)
    subscribing.subscription_delete(actor=who["sam"], subscription=row)

    row = ask()
    mine = Subscription.objects.get(pk=row.pk)
    answers = at_once(
        decide("adam", row, "approve"),
        lambda: subscribing.subscription_delete(actor=who["sam"], subscription=mine),
    )
    assert answers in (["done", "done"], ["already_decided", "done"]), answers
    assert not Subscription.objects.exists()

    row = ask("Unlimited")
    assert at_once(change(row, "Bronze"), change(row, "Bronze")) == ["done", "done"]
    assert Approval.objects.filter(subscription=row, state="waiting").count() == 1
    answers = at_once(decide("adam", row, "approve"), change(row, "Unlimited"))
    row.refresh_from_db()
    assert answers[1] == "done", answers
    assert row.business_plan.name == "Unlimited", answers
    assert not Approval.objects.filter(subscription=row, state="waiting").exists()
    found = [list(searching.subscriptions_matching(Subscription.objects.all(), sort=sort)) for sort in searching.SORTS]
    assert all(one == [row] for one in found)
    subscribing.subscription_delete(actor=who["sam"], subscription=row)
print("FASTER", connection.vendor)
"""


def test_of_two_who_decide_at_once_one_is_told_of_the_other() -> None:
    assert "FASTER postgresql" in told_on_postgresql(STORY)
