"""What the gateway remembers of the control plane: the handshake after a write never sees what was before it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from oauth2_provider.models import AccessToken

from apis.models import Api, Application, ApplicationPlan, BusinessPlan, Change, Person, Subscription
from apis.permissions import Actor
from apis.services import keys, people, plans, publishing, subscribing
from gateway import conf, snapshots
from gateway.authenticators import OAuthTokens
from gateway.core.credentials import Credential
from gateway.core.throttling import Limit
from gateway.memory import Memory, memory
from gateway.snapshots import Outbox


@pytest.fixture
def token(sam: Person, subscription: Subscription) -> str:
    """A token of sam's application, for production."""
    raw, _ = keys.token_generate(actor=Actor.of(sam), application=subscription.application, key_type="production")
    return raw


@pytest.fixture
def here(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Memory:
    """An empty memory that hears what this process writes."""
    fresh = Memory()
    monkeypatch.setattr(memory, "changed", fresh.changed)
    return fresh


def credential(token: str) -> Credential:
    return Credential("oauth", token)


def find(token: str) -> Any:
    return OAuthTokens().find(credential(token).key)


# Translation ----------------------------------------------------------------------------------------------------


def test_a_token_of_an_application_is_a_principal(sam: Person, subscription: Subscription, token: str) -> None:
    principal = find(token)
    assert principal.application_id == str(subscription.application_id)
    assert (principal.key_type, principal.end_user, principal.kind) == ("production", str(sam.pk), "oauth")
    assert 3500 < principal.expires_at - timezone.now().timestamp() <= 3600
    assert token not in repr(principal)
    assert principal.token_key not in repr(principal)


def test_a_person_behind_a_token_is_its_end_user(eve: Person, token: str) -> None:
    AccessToken.objects.update(user=eve)
    assert find(token).end_user == str(eve.pk)
    eve.is_active = False
    eve.save()
    assert find(token) is None


def test_expired_unknown_personal_and_management_tokens_open_nothing(sam: Person, paul: Person, token: str) -> None:
    _, personal = people.personal_token_mint(person=sam, name="mine")
    assert find(personal) is None
    assert find("unknown") is None
    AccessToken.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert find(token) is None


def test_a_token_of_a_client_without_a_key_pair_opens_nothing(token: str, subscription: Subscription) -> None:
    assert find(token) is not None
    subscription.application.key_pairs.all().delete()
    assert find(token) is None


def test_a_published_api_is_in_the_table(chat: Api) -> None:
    table = snapshots.load_table("Default")
    api = table.by_id[str(chat.pk)]
    assert (api.path, api.state, api.revision) == ("/chat/1.0.0", "published", 1)
    assert api.endpoints["production"].urls == (("wss://chat.example.com/socket", 1),)
    assert api.endpoints["production"].timeouts.connect_s == 5.0
    assert api.endpoints["production"].suspension.initial_s == 30.0
    route = table.find("/chat/1.0.0/any/topic")
    assert route is not None
    assert route.topic.name == "/*"
    assert snapshots.load_table("Elsewhere").by_id == {}


def test_a_subscription_carries_both_plans(adam: Person, subscription: Subscription) -> None:
    plan = plans.business_plan_create(
        actor=Actor.of(adam),
        name="Everything",
        limits=[{"kind": "bytes", "amount": 9, "per": "month", "direction": "in"}],
        burst={"amount": 3, "per": "second"},
        max_sessions=2,
        max_session_s=60,
        max_message_bytes=4096,
        on_spent="hold",
    )
    Subscription.objects.update(business_plan=plan)
    Application.objects.update(plan=ApplicationPlan.objects.get(name="10PerMin"))
    found = snapshots.load_entitlement(str(subscription.application_id), str(subscription.api_id))
    assert found is not None
    business = found.business_plan
    assert business.enforced() == (Limit("bytes", 9, "month", "in"), Limit("events", 3, "second", "both"))
    assert (business.max_sessions, business.max_session_s, business.max_message_bytes) == (2, 60, 4096)
    assert business.on_spent == "hold"
    assert found.application_plan.limits == (Limit("events", 10, "minute", "both"),)
    BusinessPlan.objects.update(stop_on_quota=False)
    again = snapshots.load_entitlement(str(subscription.application_id), str(subscription.api_id))
    assert again is not None
    assert again.business_plan.enforced() == (Limit("events", 3, "second", "both"),)


# Remembering and forgetting -------------------------------------------------------------------------------------


async def test_what_is_known_is_not_asked_again(here: Memory, subscription: Subscription, token: str) -> None:
    who, pair = credential(token), (str(subscription.application_id), str(subscription.api_id))
    assert here.known_table() is None
    assert here.known_principal(who, 0.0) is None
    assert here.known_entitlement(*pair) is None
    now = timezone.now().timestamp()
    table, principal, entitlement = await here.table(), await here.principal(who, now), await here.entitlement(*pair)
    assert here.known_table() is table
    assert here.known_principal(who, now + 59) is principal
    assert here.known_principal(who, now + conf.get("PRINCIPAL_TTL_S")) is None
    assert here.known_entitlement(*pair) is entitlement


async def test_a_token_that_nobody_shows_any_more_is_let_go(here: Memory, token: str) -> None:
    who, now = credential(token), timezone.now().timestamp()
    await here.principal(who, now)
    here.drop_old(now + 1)
    assert here.known_principal(who, now) is not None
    here.drop_old(now + conf.get("PRINCIPAL_TTL_S"))
    assert here.known_principal(who, now) is None


async def test_what_does_not_exist_is_not_remembered(here: Memory, chat: Api) -> None:
    assert await here.principal(credential("nothing"), 0.0) is None
    assert await here.entitlement(str(chat.pk), str(chat.pk)) is None
    assert here.principals.values() == here.entitlements.values() == []


WRITES: dict[str, Callable[[dict[str, Person], Subscription], object]] = {
    "block": lambda who, row: publishing.api_transition(actor=Actor.of(who["paul"]), api=row.api, action="block"),
    "undeploy": lambda who, row: publishing.revision_undeploy(
        actor=Actor.of(who["paul"]), revision=row.api.revisions.get()
    ),
    "unsubscribe": lambda who, row: subscribing.subscription_delete(actor=Actor.of(who["sam"]), subscription=row),
    "block the subscription": lambda who, row: subscribing.subscription_block(
        actor=Actor.of(who["paul"]), subscription=row
    ),
    "change the plan": lambda who, row: plans.business_plan_update(
        actor=Actor.of(who["adam"]), plan=row.business_plan, limits=[]
    ),
    "change the application's plan": lambda who, row: subscribing.application_update(
        actor=Actor.of(who["sam"]), application=row.application, plan="10PerMin"
    ),
    "disable the owner": lambda who, row: people.person_update(
        actor=Actor.of(who["adam"]), person=who["sam"], disabled=True
    ),
    "delete the application": lambda who, row: subscribing.application_delete(
        actor=Actor.of(who["sam"]), application=row.application
    ),
    "revoke the token": lambda who, row: AccessToken.objects.get().revoke(),
    "delete the token's row": lambda who, row: AccessToken.objects.all().delete(),
}


@pytest.mark.parametrize("write", WRITES)
async def test_the_next_handshake_sees_what_was_written(
    here: Memory, people: dict[str, Person], subscription: Subscription, token: str, write: str
) -> None:
    who, pair = credential(token), (str(subscription.application_id), str(subscription.api_id))
    now = timezone.now().timestamp()
    before = [await here.table(), await here.principal(who, now), await here.entitlement(*pair)]
    heard: list[tuple[str, str]] = []
    here.listeners.append(lambda kind, subject: heard.append((kind, subject)))
    await here.ask(WRITES[write], people, subscription)
    assert heard, "live sessions are told, too"
    known = [here.known_table(), here.known_principal(who, now), here.known_entitlement(*pair)]
    assert known != before, "something old is still remembered"
    assert {kind for kind, _ in heard} <= set(
        await here.ask(lambda: list(Change.objects.values_list("kind", flat=True)))
    )


async def test_an_answer_that_was_looked_up_before_a_write_is_not_kept(
    here: Memory, subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = (str(subscription.application_id), str(subscription.api_id))
    load = snapshots.load_entitlement

    def slow(*which: str) -> Any:
        found = load(*which)
        here.changed("subscription", str(subscription.pk))  # somebody writes while the answer is on its way
        return found

    monkeypatch.setattr(snapshots, "load_entitlement", slow)
    assert await here.entitlement(*pair) is not None
    assert here.known_entitlement(*pair) is None


async def test_many_handshakes_at_once_load_the_table_once(
    here: Memory, chat: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []
    load = snapshots.load_table
    monkeypatch.setattr(snapshots, "load_table", lambda name: loads.append(name) or load(name))
    tables = await asyncio.gather(*[here.table() for _ in range(20)])
    assert len(loads) == 1
    assert all(table is tables[0] for table in tables)


# What other processes write -------------------------------------------------------------------------------------


def write_change(subject: str, pk: int | None = None) -> None:
    Change.objects.create(pk=pk, kind="api", subject=subject)


def test_the_outbox_is_read_on_from_where_it_stood(db: None) -> None:
    write_change("before")
    outbox = Outbox()
    assert outbox.read() == []
    write_change("one")
    write_change("two")
    assert outbox.read() == [("api", "one"), ("api", "two")]
    assert outbox.read() == []


def test_a_change_that_becomes_visible_late_is_not_missed(db: None) -> None:
    outbox = Outbox()
    write_change("first", 1000)
    outbox.read()
    write_change("later", 1005)
    assert outbox.read() == [("api", "later")]
    write_change("began earlier, committed last", 1003)
    assert outbox.read() == [("api", "began earlier, committed last")]
    assert outbox.read() == []


def test_no_change_is_missed_however_many_there_are(db: None) -> None:
    outbox = Outbox()
    write_change("first")
    assert outbox.read() == []
    for number in range(3 * Outbox.OVERLAP):
        write_change(str(number))
    assert outbox.read() == [("api", str(number)) for number in range(3 * Outbox.OVERLAP)]
    assert outbox.read() == []


def test_a_table_that_begins_anew_is_read_anew(db: None) -> None:
    write_change("first", 1000)
    outbox = Outbox()
    outbox.read()
    Change.objects.all().delete()
    assert outbox.read() == []
    write_change("after a restore", 7)
    assert outbox.read() == [("api", "after a restore")]
    assert outbox.read() == []


def test_changes_that_everybody_has_seen_are_deleted(db: None) -> None:
    write_change("old")
    Change.objects.update(at=timezone.now() - timedelta(minutes=11))
    write_change("new")
    snapshots.prune_changes()
    assert list(Change.objects.values_list("subject", flat=True)) == ["new"]


def test_tokens_are_checked_in_one_query_for_all(token: str, django_assert_num_queries: Any) -> None:
    pk = AccessToken.objects.get().pk
    with django_assert_num_queries(1):
        alive = OAuthTokens().alive([str(pk), "999999", "1000000"])
    assert list(alive) == [str(pk)]
    with connection.cursor() as cursor:  # however it was revoked
        cursor.execute("DELETE FROM oauth2_provider_accesstoken")
    assert OAuthTokens().alive([str(pk)]) == {}
