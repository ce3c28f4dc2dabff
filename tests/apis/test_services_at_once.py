"""People who act at the same moment, each with their own connection; and people who act on what is gone by now."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from apis.errors import Conflict, Missing, ServiceError, Taken
from apis.models import (
    Api,
    Application,
    ApplicationPlan,
    BusinessPlan,
    Environment,
    HistoryEntry,
    KeyPair,
    Person,
    Revision,
    Scope,
    Subscription,
    VersionSet,
)
from apis.permissions import Actor
from apis.services import (
    configuring,
    designs,
    environments,
    keys,
    people,
    plans,
    publishing,
    scopes,
    subscribing,
    topics,
    versions,
)
from tests.apis.world import everything
from tests.conftest import CHAT

Call = Callable[[], Any]


def at_once(*calls: Call) -> list[Any]:
    """Run the calls in threads that start at one barrier. Returns: what came back, or the refusal, in their order."""
    barrier = threading.Barrier(len(calls))
    answers: list[Any] = [None] * len(calls)

    def run(index: int) -> None:
        barrier.wait(timeout=20)
        try:
            answers[index] = calls[index]()
        except Exception as error:
            answers[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return answers


def winners_and_losers(answers: list[Any]) -> tuple[list[Any], list[ServiceError]]:
    """Anything but a refusal of a service is a fault."""
    losers = [answer for answer in answers if isinstance(answer, ServiceError)]
    winners = [answer for answer in answers if answer not in losers]
    assert not any(isinstance(answer, Exception) for answer in winners), answers
    return winners, losers


class TestAtOnce:
    """Real transactions."""

    pytestmark = pytest.mark.django_db(transaction=True)

    def test_two_people_create_the_same_context_and_one_is_told(self, carol: Person, paul: Person) -> None:
        answers = at_once(
            lambda: designs.api_create(actor=Actor.of(carol), **{**CHAT, "name": "Carols"}),
            lambda: designs.api_create(actor=Actor.of(paul), **{**CHAT, "name": "Pauls"}),
        )
        winners, losers = winners_and_losers(answers)
        assert [type(loser) for loser in losers] == [Taken]
        assert set(losers[0].fields) == {"context"}  # type: ignore[attr-defined]
        assert (Api.objects.get(), VersionSet.objects.count()) == (winners[0], 1)
        assert HistoryEntry.objects.filter(action="create").count() == 1

    def test_two_people_create_the_same_name(self, carol: Person, paul: Person) -> None:
        answers = at_once(
            lambda: designs.api_create(actor=Actor.of(carol), **{**CHAT, "context": "/one"}),
            lambda: designs.api_create(actor=Actor.of(paul), **{**CHAT, "context": "/two"}),
        )
        _, losers = winners_and_losers(answers)
        assert [set(loser.fields) for loser in losers] == [{"name"}]  # type: ignore[attr-defined]

    def test_eight_revisions_at_once_are_five(self, paul: Person) -> None:
        api = designs.api_create(actor=Actor.of(paul), **CHAT)
        make: Call = lambda: publishing.revision_create(actor=Actor.of(paul), api=Api.objects.get(pk=api.pk))  # noqa: E731
        winners, losers = winners_and_losers(at_once(*[make] * 8))
        assert sorted(revision.number for revision in winners) == [1, 2, 3, 4, 5]
        assert {loser.code for loser in losers} == {"too_many_revisions"}

    def test_one_of_two_transitions_finds_the_api_moved_on(self, chat: Api, paul: Person, pia: Person) -> None:
        answers = at_once(
            lambda: publishing.api_transition(actor=Actor.of(paul), api=Api.objects.get(pk=chat.pk), action="block"),
            lambda: publishing.api_transition(actor=Actor.of(pia), api=Api.objects.get(pk=chat.pk), action="demote"),
        )
        winners, losers = winners_and_losers(answers)
        assert (len(winners), [type(loser) for loser in losers]) == (1, [Conflict])
        chat.refresh_from_db()
        assert chat.state == winners[0].state

    def test_keys_are_made_once(self, sam: Person, phone: Application) -> None:
        make: Call = lambda: keys.keys_generate(  # noqa: E731
            actor=Actor.of(sam), application=Application.objects.get(pk=phone.pk), key_type="production"
        )
        winners, losers = winners_and_losers(at_once(*[make] * 3))
        assert (len(winners), {loser.code for loser in losers}) == (1, {"keys_exist"})
        assert KeyPair.objects.get().pk == winners[0][0].pk

    def test_two_endpoints_at_once_are_both_in_what_is_deployed(self, chat: Api, paul: Person) -> None:
        def configure(key_type: str) -> Call:
            config = {"urls": [{"url": f"wss://{key_type}.example.com"}]}
            return lambda: configuring.endpoint_configure(
                actor=Actor.of(paul), api=Api.objects.get(pk=chat.pk), key_type=key_type, config=config
            )

        _, losers = winners_and_losers(at_once(configure("production"), configure("sandbox")))
        assert losers == []
        urls = {key: config["urls"][0]["url"] for key, config in chat.deployments.get().endpoints.items()}
        assert urls == {"production": "wss://production.example.com", "sandbox": "wss://sandbox.example.com"}

    def test_a_revision_is_either_deployed_or_deleted(self, chat: Api, paul: Person) -> None:
        spare = publishing.revision_create(actor=Actor.of(paul), api=chat)
        answers = at_once(
            lambda: publishing.revision_deploy(actor=Actor.of(paul), revision=Revision.objects.get(pk=spare.pk)),
            lambda: (
                publishing.revision_delete(actor=Actor.of(paul), revision=Revision.objects.get(pk=spare.pk)) or "gone"
            ),
        )
        losers = [answer for answer in answers if isinstance(answer, Exception)]
        assert len(losers) == 1
        assert isinstance(losers[0], ServiceError | Revision.DoesNotExist)  # the second: it had not even been read
        assert chat.deployments.count() == 1

    def test_a_scope_is_either_named_by_a_topic_or_deleted(self, chat: Api, paul: Person) -> None:
        scope = scopes.scope_create(actor=Actor.of(paul), name="rooms:write")
        rows = [{"name": "/*", "scopes": ["rooms:write"]}]
        at_once(
            lambda: topics.topics_replace(actor=Actor.of(paul), api=Api.objects.get(pk=chat.pk), topics=rows),
            lambda: scopes.scope_delete(actor=Actor.of(paul), scope=Scope.objects.get(pk=scope.pk)),
        )
        named = chat.topics.get().scopes
        assert named == (["rooms:write"] if Scope.objects.exists() else [])


# What is gone by now ----------------------------------------------------------------------------------------------


def config(url: str = "wss://x.example.com") -> dict[str, Any]:
    return {"urls": [{"url": url}]}


@pytest.fixture
def gone(adam: Person, sam: Person, chat: Api, subscription: Subscription) -> dict[str, Any]:
    """Rows that a screen fetched before somebody else deleted them."""
    actor = Actor.of(adam)
    keys.keys_generate(actor=actor, application=subscription.application, key_type="production")
    found = {
        "subscription": Subscription.objects.get(),
        "application": Application.objects.get(),
        "pair": KeyPair.objects.select_related("application", "client").get(),
        "api": Api.objects.select_related("version_set").get(),
        "revision": Revision.objects.select_related("api__version_set").get(),
        "scope": scopes.scope_create(actor=actor, api=subscription.api, name="rooms:write"),
        "business_plan": BusinessPlan.objects.get(name="Gold"),
        "application_plan": ApplicationPlan.objects.get(name="10PerMin"),
        "environment": environments.environment_create(actor=actor, name="Europe", ws_port=80),
    }
    subscribing.application_delete(actor=actor, application=Application.objects.get())
    designs.api_delete(actor=actor, api=Api.objects.get())
    plans.business_plan_delete(actor=actor, plan=BusinessPlan.objects.get(name="Gold"))
    plans.application_plan_delete(actor=actor, plan=ApplicationPlan.objects.get(name="10PerMin"))
    environments.environment_delete(actor=actor, environment=Environment.objects.get(name="Europe"))
    return found


LATE: dict[str, Callable[[Actor, dict[str, Any]], object]] = {
    "api_update": lambda a, g: designs.api_update(actor=a, api=g["api"], description="late"),
    "api_transition": lambda a, g: publishing.api_transition(actor=a, api=g["api"], action="block"),
    "api_version_create": lambda a, g: designs.api_version_create(actor=a, api=g["api"], version="2"),
    "api_delete": lambda a, g: designs.api_delete(actor=a, api=g["api"]),
    "topics_replace": lambda a, g: topics.topics_replace(actor=a, api=g["api"], topics=[{"name": "/a"}]),
    "topic_remove": lambda a, g: topics.topic_remove(actor=a, api=g["api"], name="/*"),
    "default_version_set": lambda a, g: versions.default_version_set(actor=a, api=g["api"], is_default=True),
    "scope_create": lambda a, g: scopes.scope_create(actor=a, api=g["api"], name="late"),
    "scope_update": lambda a, g: scopes.scope_update(actor=a, scope=g["scope"], description="late"),
    "scope_delete": lambda a, g: scopes.scope_delete(actor=a, scope=g["scope"]),
    "runtime_configure": lambda a, g: configuring.runtime_configure(actor=a, api=g["api"], limits={}),
    "endpoint_configure": lambda a, g: configuring.endpoint_configure(
        actor=a, api=g["api"], key_type="production", config=config()
    ),
    "revision_create": lambda a, g: publishing.revision_create(actor=a, api=g["api"]),
    "revision_deploy": lambda a, g: publishing.revision_deploy(actor=a, revision=g["revision"]),
    "revision_undeploy": lambda a, g: publishing.revision_undeploy(actor=a, revision=g["revision"]),
    "revision_restore": lambda a, g: publishing.revision_restore(actor=a, revision=g["revision"]),
    "revision_delete": lambda a, g: publishing.revision_delete(actor=a, revision=g["revision"]),
    "application_update": lambda a, g: subscribing.application_update(
        actor=a, application=g["application"], description="late"
    ),
    "application_delete": lambda a, g: subscribing.application_delete(actor=a, application=g["application"]),
    "keys_generate": lambda a, g: keys.keys_generate(actor=a, application=g["application"], key_type="sandbox"),
    "token_generate": lambda a, g: keys.token_generate(actor=a, application=g["application"], key_type="sandbox"),
    "keys_update": lambda a, g: keys.keys_update(
        actor=a, pair=g["pair"], grant_types=["client_credentials"], redirect_uris=[]
    ),
    "secret_regenerate": lambda a, g: keys.secret_regenerate(actor=a, pair=g["pair"]),
    "subscription_create": lambda a, g: subscribing.subscription_create(
        actor=a, api=g["api"], application=g["application"], business_plan="Bronze"
    ),
    "subscription_change_plan": lambda a, g: subscribing.subscription_change_plan(
        actor=a, subscription=g["subscription"], business_plan="Unlimited"
    ),
    "subscription_block": lambda a, g: subscribing.subscription_block(actor=a, subscription=g["subscription"]),
    "subscription_unblock": lambda a, g: subscribing.subscription_unblock(actor=a, subscription=g["subscription"]),
    "subscription_delete": lambda a, g: subscribing.subscription_delete(actor=a, subscription=g["subscription"]),
    "business_plan_update": lambda a, g: plans.business_plan_update(
        actor=a, plan=g["business_plan"], description="late"
    ),
    "business_plan_delete": lambda a, g: plans.business_plan_delete(actor=a, plan=g["business_plan"]),
    "application_plan_update": lambda a, g: plans.application_plan_update(
        actor=a, plan=g["application_plan"], limits=[]
    ),
    "application_plan_delete": lambda a, g: plans.application_plan_delete(actor=a, plan=g["application_plan"]),
    "environment_update": lambda a, g: environments.environment_update(
        actor=a, environment=g["environment"], host="late.example.com"
    ),
    "environment_delete": lambda a, g: environments.environment_delete(actor=a, environment=g["environment"]),
}


@pytest.mark.parametrize("late", LATE)
def test_who_comes_too_late_is_told_and_brings_nothing_back(adam: Person, gone: dict[str, Any], late: str) -> None:
    before = everything()
    with pytest.raises(Missing):
        LATE[late](Actor.of(adam), gone)
    assert everything() == before


def test_a_write_starts_from_what_is_there_now(adam: Person, sam: Person) -> None:
    stale = Person.objects.get(pk=sam.pk)
    people.person_update(actor=Actor.of(adam), person=sam, roles=["creator"])
    people.person_update(actor=Actor.of(adam), person=stale, email="sam@example.org")
    sam.refresh_from_db()
    assert (sam.roles, sam.email) == (["creator"], "sam@example.org")


def test_an_api_that_was_deprecated_meanwhile_takes_no_subscription(
    chat: Api, paul: Person, sam: Person, phone: Application
) -> None:
    stale = Api.objects.get(pk=chat.pk)
    publishing.api_transition(actor=Actor.of(paul), api=chat, action="deprecate")
    with pytest.raises(Conflict):
        subscribing.subscription_create(actor=Actor.of(sam), api=stale, application=phone, business_plan="Bronze")
