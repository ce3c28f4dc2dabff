"""adam says who may not use the gateway; nobody else may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apis.errors import Conflict, Forbidden, Invalid, Taken
from apis.models import Change, DenyPolicy, HistoryEntry, Subscription
from apis.permissions import Actor
from apis.services import denying, subscribing
from tests.apis.browsing import browser_of
from tests.apis.office import Desk, at

RANGE = {"from": "10.0.0.1", "to": "10.0.0.9"}


def test_a_policy_is_made_changed_and_deleted_and_each_leaves_a_trace(adam, chat, phone, sam, rest) -> None:
    caller = rest(adam)
    body = {"api": str(chat.pk), "application": str(phone.pk), "person": str(sam.pk), "ip_range": RANGE, "invert": True,
            "description": "noisy"}  # fmt: skip
    made = caller.post("/deny-policies", body)
    assert made.status == 201, made.body
    shown = made.body
    assert {name: shown[name] for name in body} == body
    assert (shown["api_name"], shown["application_name"], shown["person_name"]) == ("Chat 1.0.0", "Phone", "sam")
    assert shown["enabled"] is True
    path = f"/deny-policies/{shown['id']}"
    assert made.headers["Location"] == f"/api/v1{path}"
    assert caller.get("/deny-policies").body["results"] == [caller.get(path).body]
    changed = caller.patch(path, {"enabled": False, "ip": "192.0.2.7", "ip_range": None}).body
    assert (changed["enabled"], changed["ip"], changed["ip_range"], changed["invert"]) == (
        False,
        "192.0.2.7",
        None,
        True,
    )
    assert caller.delete(path).status == 204
    actions = list(HistoryEntry.objects.filter(action__endswith="deny_policy").values_list("action", flat=True))
    assert actions == ["delete_deny_policy", "update_deny_policy", "create_deny_policy"]
    assert Change.objects.filter(kind="deny", subject=shown["id"]).count() == 3


@pytest.mark.parametrize("who", ["carol", "pia", "paul", "sam", "vic"])
def test_nobody_else_writes_them(people, rest, actor, who) -> None:
    caller = rest(people[who])
    assert caller.get("/deny-policies").body["results"] == []
    caller.post("/deny-policies", {"ip": "192.0.2.7"}).refused(403)
    with pytest.raises(Forbidden):
        denying.deny_policy_create(actor=actor(people[who]), ip="192.0.2.7")
    assert not DenyPolicy.objects.exists()


def test_publishers_see_those_on_their_apis_and_sam_none_against_sam(adam, pia, carol, sam, chat, phone, rest) -> None:
    on_chat = denying.deny_policy_create(actor=Actor.of(adam), api=chat, person=sam)
    against_sam = denying.deny_policy_create(actor=Actor.of(adam), application=phone)
    seen = {name: [row["id"] for row in rest(who).get("/deny-policies").body["results"]]
            for name, who in {"adam": adam, "pia": pia, "carol": carol, "sam": sam}.items()}  # fmt: skip
    assert seen == {"adam": [str(against_sam.pk), str(on_chat.pk)], "pia": [str(on_chat.pk)], "carol": [], "sam": []}
    rest(pia).get(f"/deny-policies/{against_sam.pk}").refused(404)
    rest(pia).patch(f"/deny-policies/{on_chat.pk}", {"enabled": False}).refused(403)
    rest(pia).delete(f"/deny-policies/{on_chat.pk}").refused(403)


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "api"),
    ({"description": "nobody"}, "api"),
    ({"ip": "not an address"}, "ip"),
    ({"ip": "10.0.0.0/8"}, "ip"),
    ({"ip": "fe80::1%eth0"}, "ip"),
    ({"ip_range": {"from": "10.0.0.9", "to": "10.0.0.1"}}, "ip_range"),
    ({"ip_range": {"from": "10.0.0.1", "to": "::1"}}, "ip_range"),
    ({"ip_range": {"from": "10.0.0.1"}}, "ip_range"),
    ({"ip_range": "10.0.0.1/8"}, "ip_range"),
    ({"ip_range": 7}, "ip_range"),
    ({"ip": "10.0.0.1", "ip_range": RANGE}, "ip_range"),
    ({"ip": "10.0.0.1", "invert": "yes"}, "invert"),
    ({"ip": "10.0.0.1", "enabled": None}, "enabled"),
    ({"ip": "10.0.0.1", "expires_at": "tomorrow"}, "expires_at"),
    ({"ip": "10.0.0.1", "expires_at": timezone.now() - timedelta(seconds=1)}, "expires_at"),
    ({"api": "no such row"}, "api"),
    ({"ip": "10.0.0.1", "colour": "red"}, "colour"),
]


@pytest.mark.parametrize(("values", "field"), BAD)
def test_what_makes_no_sense_is_refused_by_field(adam, values, field) -> None:
    with pytest.raises(Invalid) as refusal:
        denying.deny_policy_create(actor=Actor.of(adam), **values)
    assert set(refusal.value.fields) == {field}


def test_everybody_but_is_only_said_of_addresses(adam, chat) -> None:
    with pytest.raises(Invalid) as refusal:
        denying.deny_policy_create(actor=Actor.of(adam), api=chat, invert=True)
    assert set(refusal.value.fields) == {"invert"}


def test_the_same_conditions_twice_are_a_conflict(adam, chat) -> None:
    first = denying.deny_policy_create(actor=Actor.of(adam), api=chat, ip="::ffff:10.0.0.1")
    assert first.ip == "10.0.0.1"
    with pytest.raises(Taken):
        denying.deny_policy_create(actor=Actor.of(adam), api=chat, ip="10.0.0.1")
    denying.deny_policy_create(actor=Actor.of(adam), api=chat, ip="10.0.0.2")
    denying.deny_policy_update(actor=Actor.of(adam), policy=first, description="the same one may be changed")


def test_a_network_is_a_range(adam) -> None:
    policy = denying.deny_policy_create(actor=Actor.of(adam), ip_range="2001:db8::/126")
    assert (policy.ip_from, policy.ip_to) == ("2001:db8::", "2001:db8::3")


def test_adam_keeps_them_in_the_administration(adam, chat) -> None:
    desk = Desk(browser_of(adam))
    desk.press(at(DenyPolicy, "add"), api=str(chat.pk), ip_from="10.0.0.0/8", expires_at="2100-01-31 12:00")
    policy = DenyPolicy.objects.get()
    assert (policy.api, policy.ip_from, policy.ip_to) == (chat, "10.0.0.0", "10.255.255.255")
    assert b"10.0.0.0 to 10.255.255.255" in desk.open(at(DenyPolicy, "changelist")).content
    desk.press(at(policy), enabled=None)
    policy.refresh_from_db()
    assert not policy.enabled
    assert policy.expires_at is not None


@pytest.mark.parametrize("what", ["all", "production"])
def test_a_block_cannot_be_escaped_by_subscribing_again(sam, pia, subscription: Subscription, rest, what) -> None:
    subscribing.subscription_block(actor=Actor.of(pia), subscription=subscription, what=what)
    with pytest.raises(Conflict) as refusal:
        subscribing.subscription_delete(actor=Actor.of(sam), subscription=subscription)
    assert refusal.value.code == "subscription_blocked"
    rest(sam).delete(f"/subscriptions/{subscription.pk}").refused(409, "subscription_blocked")
    assert Subscription.objects.filter(pk=subscription.pk).exists()
    subscribing.subscription_unblock(actor=Actor.of(pia), subscription=subscription)
    subscribing.subscription_delete(actor=Actor.of(sam), subscription=subscription)


def test_a_block_cannot_be_escaped_with_a_new_application(sam, pia, adam, subscription: Subscription, rest) -> None:
    application = subscription.application
    subscribing.subscription_block(actor=Actor.of(pia), subscription=subscription)
    rest(sam).delete(f"/applications/{application.pk}").refused(409, "subscription_blocked")
    subscribing.subscription_unblock(actor=Actor.of(pia), subscription=subscription)
    subscribing.application_delete(actor=Actor.of(sam), application=application)
    assert not Subscription.objects.filter(pk=subscription.pk).exists()


def test_an_administrator_may_remove_a_blocked_subscription(adam, pia, subscription: Subscription) -> None:
    subscribing.subscription_block(actor=Actor.of(pia), subscription=subscription)
    subscribing.subscription_delete(actor=Actor.of(adam), subscription=subscription)
