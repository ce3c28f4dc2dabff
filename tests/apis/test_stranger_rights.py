"""What a stranger tries: to learn or to do by a side door what the front door refuses."""

from __future__ import annotations

from typing import Any

import pytest

from apis import scoping
from apis.errors import Missing
from apis.models import Api, Application, Approval, BusinessPlan, Person, Subscription
from apis.permissions import Actor
from apis.services import (
    approval_rules,
    custom_roles,
    designs,
    plans,
    publishing,
    restoring,
    scopes,
    subscribing,
    versions,
)
from apis.services.people import person_update

pytestmark = pytest.mark.django_db
OLD_TAG = {"If-Match": '"1-000000000000000000000000"'}


@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("patch", "", {"description": "x"}), ("delete", "", None), ("put", "/rating", {"rating": 5}),
        ("post", "/comments", {"content": "Hello"}), ("put", "/topics", {"topics": [{"name": "/*"}]}),
    ],
)  # fmt: skip
def test_sam_with_an_old_tag_is_not_told_the_history_of_a_design_that_sam_does_not_see(
    rest: Any, chat: Api, sam: Person, paul: Person, method: str, tail: str, body: Any
) -> None:
    secret = [{"name": "host", "value": "blue-7.internal"}]
    designs.api_update(actor=Actor.of(paul), api=chat, properties=secret, access_roles=["publisher"])
    answer = rest(sam).send(method, f"/apis/{chat.pk}{tail}", body, **OLD_TAG)
    answer.refused(412, "changed_meanwhile")
    assert answer.body["changes"] == []
    assert not any(word in str(answer.body) for word in ("paul", "blue-7", "publisher"))
    told = rest(paul).send("patch", f"/apis/{chat.pk}", {"description": "x"}, **OLD_TAG)
    assert "blue-7" in str(told.body["changes"])


@pytest.fixture
def approved_plan(chat: Api, adam: Person) -> BusinessPlan:
    """Bronze, which an administrator approves."""
    bronze = chat.business_plans.get(name="Bronze")
    return plans.business_plan_update(actor=Actor.of(adam), plan=bronze, approval=True)


def test_a_token_that_only_reads_takes_no_request_back(
    rest: Any, chat: Api, paul: Person, adam: Person, approved_plan: BusinessPlan
) -> None:
    person_update(actor=Actor.of(adam), person=paul, roles=["creator", "publisher", "subscriber"])
    approval_rules.approval_rules_set(actor=Actor.of(adam), transitions=["block"])
    actor = Actor.of(paul)
    phone = subscribing.application_create(actor=actor, name="Phone")
    subscribing.subscription_create(actor=actor, api=chat, application=phone, business_plan="Bronze")
    publishing.api_transition(actor=actor, api=chat, action="block")
    waiting = list(Approval.objects.filter(state="waiting"))
    assert len(waiting) == 2
    for row in waiting:
        rest(paul, ["api:read"]).delete(f"/approvals/{row.pk}").refused(403, "insufficient_scope")
    assert Subscription.objects.count() == 1
    for row in waiting:
        assert rest(paul).delete(f"/approvals/{row.pk}").status == 204
    assert Subscription.objects.count() == 0


def test_a_publisher_who_lost_an_api_does_not_remove_its_subscriptions_by_taking_requests_back(
    rest: Any, subscription: Subscription, pia: Person, adam: Person, approved_plan: BusinessPlan
) -> None:
    boss = Actor.of(adam)
    plans.business_plan_update(actor=boss, plan=BusinessPlan.objects.get(name="Unlimited"), approval=True)
    actor, api = Actor.of(pia), subscription.api
    subscribing.subscription_change_plan(actor=actor, subscription=subscription, business_plan="Unlimited")
    row = subscription.approvals.get()
    custom_roles.role_create(actor=boss, name="finance")
    designs.api_update(actor=boss, api=api, access_roles=["finance"])
    rest(pia).delete(f"/approvals/{row.pk}").refused(403)
    row.refresh_from_db()
    assert row.is_waiting


def test_scopes_of_an_api_that_is_open_to_every_application_are_told_to_those_who_see_it(
    chat: Api, phone: Application, adam: Person, sam: Person
) -> None:
    boss = Actor.of(adam)
    scopes.scope_create(actor=boss, name="chat:secret-plan", api=chat)
    designs.api_update(actor=boss, api=chat, business_plans=["Bronze", "Subscriptionless"])
    assert scoping.scopes_grantable(phone, None)
    custom_roles.role_create(actor=boss, name="partners")
    designs.api_update(actor=boss, api=chat, visible_roles=["partners"])
    assert not scoping.scopes_grantable(phone, None)
    person_update(actor=boss, person=sam, roles=["subscriber", "partners"])
    assert scoping.scopes_grantable(Application.objects.get(), None)


def test_putting_back_the_default_version_does_not_move_it_to_one_that_carol_does_not_see(
    chat: Api, carol: Person, paul: Person, adam: Person
) -> None:
    actor = Actor.of(paul)
    versions.default_version_set(actor=actor, api=chat, is_default=True)
    newer = designs.api_version_create(actor=actor, api=chat, version="2.0.0")
    publishing.api_transition(actor=actor, api=newer, action="publish")
    versions.default_version_set(actor=actor, api=newer, is_default=True)
    custom_roles.role_create(actor=Actor.of(adam), name="finance")
    designs.api_update(actor=Actor.of(adam), api=chat, access_roles=["finance"])
    entry = newer.history.get(action="set_default_version")
    newer.refresh_from_db()
    with pytest.raises(Missing):
        restoring.entry_restore(actor=Actor.of(carol), api=newer, entry=entry)
    restoring.entry_restore(actor=actor, api=newer, entry=entry)
    chat.version_set.refresh_from_db()
    assert chat.version_set.default_api == chat
