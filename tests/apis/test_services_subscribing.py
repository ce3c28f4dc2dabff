"""sam subscribes, eve sees nothing of it, paul blocks: who may do what to applications and subscriptions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from oauth2_provider.models import AccessToken
from oauth2_provider.models import Application as OAuthClient

from apis import selectors
from apis.errors import Conflict, Forbidden, Invalid, Missing, ServiceError, Taken
from apis.lifecycle import SUBSCRIBABLE, State
from apis.models import Api, Application, KeyPair, Person, Subscription
from apis.permissions import Actor
from apis.services import designs, keys, publishing, subscribing
from tests.apis.world import everything, last_entry, walk
from tests.conftest import CHAT

Act = Callable[[Actor], Any]


def who_may(people: dict[str, Person], act: Act) -> dict[str, str]:
    """Everybody tries; returns the kind of refusal by name, "" for who succeeded. A refusal must change nothing."""
    answers = {}
    for name, person in people.items():
        before = everything()
        try:
            act(Actor.of(person))
        except ServiceError as refusal:
            answers[name] = type(refusal).__name__
            assert everything() == before, name
        else:
            answers[name] = ""
    return answers


# Applications -----------------------------------------------------------------------------------------------------


def test_subscribers_and_administrators_have_applications(people: dict[str, Person]) -> None:
    answers = who_may(people, lambda actor: subscribing.application_create(actor=actor, name="Mine"))
    assert answers == {
        "carol": "Forbidden", "pia": "Forbidden", "paul": "Forbidden", "vic": "Forbidden",
        "sam": "", "eve": "", "adam": "",
    }  # fmt: skip
    assert set(Application.objects.values_list("owner__username", flat=True)) == {"sam", "eve", "adam"}


def test_an_application_starts_unlimited_and_the_history_says_whose_it_is(phone: Application, sam: Person) -> None:
    assert (phone.plan.name, phone.owner, phone.description) == ("Unlimited", sam, "")
    assert (last_entry().action, last_entry().subject, last_entry().actor) == ("create_application", "Phone", sam)


@pytest.mark.parametrize(
    ("values", "error", "fields"),
    [
        ({"name": ""}, Invalid, {"name"}),
        ({"name": "Pho/ne"}, Invalid, {"name"}),
        ({"name": "Phone"}, Taken, {"name"}),
        ({"name": "New", "plan": "Lead"}, Invalid, {"plan"}),
        ({"name": "", "plan": "", "description": "\x00"}, Invalid, {"name", "plan", "description"}),
    ],
)
def test_bad_applications(
    sam: Person, phone: Application, values: dict[str, str], error: type[Invalid], fields: set[str]
) -> None:
    tablet = subscribing.application_create(actor=Actor.of(sam), name="Tablet")
    before = everything()
    for attempt in (
        lambda: subscribing.application_create(actor=Actor.of(sam), **values),
        lambda: subscribing.application_update(actor=Actor.of(sam), application=tablet, **values),
    ):
        with pytest.raises(error) as refused:
            attempt()
        assert set(refused.value.fields) == fields
    assert everything() == before


def test_names_are_taken_per_owner(phone: Application, eve: Person) -> None:
    assert subscribing.application_create(actor=Actor.of(eve), name="Phone").pk != phone.pk


@pytest.mark.parametrize(
    "act",
    [
        lambda actor, row: subscribing.application_update(actor=actor, application=row, description="mine now"),
        lambda actor, row: subscribing.application_delete(actor=actor, application=row),
        lambda actor, row: keys.keys_generate(actor=actor, application=row, key_type="production"),
        lambda actor, row: keys.token_generate(actor=actor, application=row, key_type="production"),
    ],
)
def test_somebody_elses_application_is_not_there(
    people: dict[str, Person], phone: Application, act: Callable[[Actor, Application], Any]
) -> None:
    others = {name: person for name, person in people.items() if name not in {"sam", "adam"}}
    answers = who_may(others, lambda actor: act(actor, phone))
    assert set(answers.values()) == {"Missing"}
    act(Actor.of(people["adam"]), phone)


def test_an_owner_without_the_role_any_more_may_look_for_it_in_vain(phone: Application, sam: Person) -> None:
    sam.roles = []
    sam.save()
    with pytest.raises(Forbidden, match="subscriber role"):
        subscribing.application_update(actor=Actor.of(sam), application=phone, description="x")
    with pytest.raises(Missing):
        selectors.application_get(Actor.of(sam), phone.pk)


def test_deleting_an_application_takes_its_keys_tokens_and_subscriptions(
    sam: Person, phone: Application, subscription: Subscription
) -> None:
    actor = Actor.of(sam)
    for key_type in ("production", "sandbox"):
        keys.keys_generate(actor=actor, application=phone, key_type=key_type)
        keys.token_generate(actor=actor, application=phone, key_type=key_type)
    assert (OAuthClient.objects.count(), AccessToken.objects.count(), KeyPair.objects.count()) == (2, 2, 2)
    subscribing.application_delete(actor=actor, application=phone)
    for model in (Application, OAuthClient, AccessToken, KeyPair, Subscription):
        assert not model.objects.exists(), model
    assert (last_entry().action, last_entry().subject) == ("delete_application", "Phone")


# Subscriptions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", State)
def test_new_subscriptions_are_taken_in_these_states_only(
    paul: Person, sam: Person, phone: Application, state: State
) -> None:
    api = walk(designs.api_create(actor=Actor.of(paul), **CHAT), state, Actor.of(paul))
    order = {"actor": Actor.of(sam), "api": api, "application": phone, "business_plan": "Bronze"}
    if state in SUBSCRIBABLE:
        made = subscribing.subscription_create(**order)
        assert (made.state, made.business_plan.name) == ("unblocked", "Bronze")
        return
    before = everything()
    with pytest.raises(Conflict) as refused:
        subscribing.subscription_create(**order)
    assert refused.value.code == "not_subscribable"
    assert everything() == before


@pytest.mark.parametrize("plan", ["Gold", "Lead", ""])
def test_a_plan_must_be_offered(chat: Api, sam: Person, phone: Application, plan: str) -> None:
    before = everything()
    with pytest.raises(Invalid, match="it offers: Bronze, Unlimited") as refused:
        subscribing.subscription_create(actor=Actor.of(sam), api=chat, application=phone, business_plan=plan)
    assert list(refused.value.fields) == ["business_plan"]
    assert everything() == before


def test_an_application_subscribes_once(sam: Person, subscription: Subscription) -> None:
    before = everything()
    with pytest.raises(Taken, match="already has a subscription"):
        subscribing.subscription_create(
            actor=Actor.of(sam), api=subscription.api, application=subscription.application, business_plan="Unlimited"
        )
    assert everything() == before


def test_who_may_subscribe_an_application_of_sams(people: dict[str, Person], chat: Api, phone: Application) -> None:
    def subscribe(actor: Actor) -> None:
        subscribing.subscription_create(actor=actor, api=chat, application=phone, business_plan="Bronze").delete()

    answers = who_may(people, subscribe)
    assert {name for name, answer in answers.items() if not answer} == {"sam", "adam"}
    assert {answer for answer in answers.values() if answer} == {"Missing"}


def test_who_may_change_its_plan(people: dict[str, Person], subscription: Subscription) -> None:
    answers = who_may(
        people,
        lambda actor: subscribing.subscription_change_plan(
            actor=actor, subscription=subscription, business_plan="Unlimited"
        ),
    )
    assert answers == {
        "sam": "", "adam": "", "eve": "Missing", "vic": "Missing",
        "pia": "", "paul": "", "carol": "Forbidden",
    }  # fmt: skip


def test_the_history_of_the_api_says_who_changed_the_plan(sam: Person, subscription: Subscription) -> None:
    subscribing.subscription_change_plan(actor=Actor.of(sam), subscription=subscription, business_plan="Unlimited")
    entry = last_entry()
    assert (entry.action, entry.api, entry.actor) == ("change_plan", subscription.api, sam)
    assert entry.detail == {"before": "Bronze", "after": "Unlimited"}
    with pytest.raises(Invalid):
        subscribing.subscription_change_plan(actor=Actor.of(sam), subscription=subscription, business_plan="Gold")


BLOCKERS = {
    "pia": "", "paul": "", "adam": "",
    "carol": "Forbidden", "sam": "Forbidden", "eve": "Missing", "vic": "Missing",
}  # fmt: skip


@pytest.mark.parametrize(("what", "state"), [("all", "blocked"), ("production", "production_blocked")])
def test_publishers_block_and_owners_cannot(
    people: dict[str, Person], subscription: Subscription, what: str, state: str
) -> None:
    block = lambda actor: subscribing.subscription_block(actor=actor, subscription=subscription, what=what)  # noqa: E731
    assert who_may(people, block) == BLOCKERS
    subscription.refresh_from_db()
    assert subscription.state == state


def test_publishers_unblock_and_owners_cannot(people: dict[str, Person], subscription: Subscription) -> None:
    subscribing.subscription_block(actor=Actor.of(people["pia"]), subscription=subscription)
    unblock = lambda actor: subscribing.subscription_unblock(actor=actor, subscription=subscription)  # noqa: E731
    assert who_may(people, unblock) == BLOCKERS
    subscription.refresh_from_db()
    assert subscription.state == "unblocked"
    entry = subscription.api.history.filter(action="unblock", actor_name="pia").get()
    assert entry.detail == {"before": "blocked", "after": "unblocked"}


def test_only_all_and_production_can_be_blocked(subscription: Subscription, pia: Person) -> None:
    with pytest.raises(Invalid):
        subscribing.subscription_block(actor=Actor.of(pia), subscription=subscription, what="sandbox")


def test_who_may_unsubscribe(people: dict[str, Person], subscription: Subscription, chat: Api) -> None:
    strangers = {name: person for name, person in people.items() if name in {"carol", "eve", "vic"}}
    answers = who_may(strangers, lambda actor: subscribing.subscription_delete(actor=actor, subscription=subscription))
    assert set(answers.values()) == {"Forbidden", "Missing"}
    subscribing.subscription_delete(actor=Actor.of(people["sam"]), subscription=subscription)
    assert not chat.subscriptions.exists()
    assert (last_entry().action, last_entry().subject) == ("unsubscribe", "Phone on Chat 1.0.0")
    publishing.api_transition(actor=Actor.of(people["paul"]), api=chat, action="block")


def test_whose_subscriptions_somebody_sees(people: dict[str, Person], subscription: Subscription) -> None:
    seen = {name: selectors.subscriptions_visible(Actor.of(person)).count() for name, person in people.items()}
    assert seen == {"carol": 1, "pia": 1, "paul": 1, "adam": 1, "sam": 1, "eve": 0, "vic": 0}
