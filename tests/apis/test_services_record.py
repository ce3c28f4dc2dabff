"""Every action leaves one line in the history and tells the gateways, after it is certain and not before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction

from apis.errors import Forbidden, ServiceError
from apis.models import (
    Api,
    Application,
    ApplicationPlan,
    BusinessPlan,
    Change,
    Environment,
    HistoryEntry,
    KeyPair,
    Person,
    Revision,
    Subscription,
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
from apis.services.record import announce, record
from apis.signals import changed
from tests.apis.world import everything
from tests.conftest import CHAT

Told = list[tuple[str, str]]
CONFIG = {"urls": [{"url": "wss://new.example.com"}]}


@pytest.fixture
def told() -> Iterator[Told]:
    """What the `changed` signal said, as (kind, subject)."""
    heard: Told = []

    def listen(sender: Any, kind: str, subject: str, **rest: Any) -> None:
        heard.append((kind, subject))

    changed.connect(listen)
    yield heard
    changed.disconnect(listen)


def api() -> Api:
    return Api.objects.select_related("version_set").get(version="1.0.0")


def revision() -> Revision:
    return Revision.objects.get(number=1)


def plan(name: str = "Gold") -> BusinessPlan:
    return BusinessPlan.objects.get(name=name)


# What is done by a person who may everything -> the history's word for it, and what gateways must look at again.
ACTIONS: dict[str, tuple[Callable[[Actor], object], str, set[str]]] = {
    "api_create": (
        lambda a: designs.api_create(actor=a, **{**CHAT, "name": "New", "context": "/new"}), "create", {"api"}
    ),
    "api_update": (lambda a: designs.api_update(actor=a, api=api(), description="x"), "update", {"api"}),
    "endpoint_configure": (
        lambda a: configuring.endpoint_configure(actor=a, api=api(), key_type="production", config=CONFIG),
        "endpoint",
        {"api"},
    ),
    "endpoint_set_url": (
        lambda a: configuring.endpoint_set_url(actor=a, api=api(), key_type="sandbox", url="ws://new.example.com"),
        "endpoint",
        {"api"},
    ),
    "endpoint_copy": (
        lambda a: configuring.endpoint_copy(actor=a, api=api(), source="sandbox", target="production"),
        "endpoint",
        {"api"},
    ),
    "endpoint_remove": (
        lambda a: configuring.endpoint_remove(actor=a, api=api(), key_type="sandbox"), "endpoint_remove", {"api"}
    ),
    "runtime_configure": (
        lambda a: configuring.runtime_configure(actor=a, api=api(), limits={"idle_s": 9}), "runtime", {"api"}
    ),
    "topics_replace": (
        lambda a: topics.topics_replace(actor=a, api=api(), topics=[{"name": "/a"}]), "update_topics", {"api"}
    ),
    "topic_save": (
        lambda a: topics.topic_save(actor=a, api=api(), topic={"name": "/a"}), "update_topics", {"api"}
    ),
    "default_version_set": (
        lambda a: versions.default_version_set(actor=a, api=api(), is_default=True), "set_default_version", {"api"}
    ),
    "scope_create": (lambda a: scopes.scope_create(actor=a, name="rooms:write"), "create_scope", set()),
    "api_version_create": (
        lambda a: designs.api_version_create(actor=a, api=api(), version="2"), "create_version", {"api"}
    ),
    "api_transition": (lambda a: publishing.api_transition(actor=a, api=api(), action="block"), "block", {"api"}),
    "revision_create": (lambda a: publishing.revision_create(actor=a, api=api()), "create_revision", set()),
    "revision_deploy": (lambda a: publishing.revision_deploy(actor=a, revision=revision()), "deploy", {"api"}),
    "revision_undeploy": (lambda a: publishing.revision_undeploy(actor=a, revision=revision()), "undeploy", {"api"}),
    "revision_restore": (lambda a: publishing.revision_restore(actor=a, revision=revision()), "restore", set()),
    "application_create": (
        lambda a: subscribing.application_create(actor=a, name="New"), "create_application", {"application"}
    ),
    "application_update": (
        lambda a: subscribing.application_update(actor=a, application=Application.objects.get(), description="x"),
        "update_application",
        {"application"},
    ),
    "application_delete": (
        lambda a: subscribing.application_delete(actor=a, application=Application.objects.get()),
        "delete_application",
        {"application"},
    ),
    "keys_generate": (
        lambda a: keys.keys_generate(actor=a, application=Application.objects.get(), key_type="sandbox"),
        "generate_keys",
        {"application"},
    ),
    "secret_regenerate": (
        lambda a: keys.secret_regenerate(actor=a, pair=KeyPair.objects.get()), "regenerate_secret", set()
    ),
    "token_generate": (
        lambda a: keys.token_generate(actor=a, application=Application.objects.get(), key_type="production"),
        "generate_token",
        set(),
    ),
    "subscription_change_plan": (
        lambda a: subscribing.subscription_change_plan(
            actor=a, subscription=Subscription.objects.get(), business_plan="Unlimited"
        ),
        "change_plan",
        {"subscription"},
    ),
    "subscription_block": (
        lambda a: subscribing.subscription_block(actor=a, subscription=Subscription.objects.get()),
        "block",
        {"subscription"},
    ),
    "subscription_unblock": (
        lambda a: subscribing.subscription_unblock(actor=a, subscription=Subscription.objects.get()),
        "unblock",
        {"subscription"},
    ),
    "subscription_delete": (
        lambda a: subscribing.subscription_delete(actor=a, subscription=Subscription.objects.get()),
        "unsubscribe",
        {"subscription"},
    ),
    "business_plan_create": (lambda a: plans.business_plan_create(actor=a, name="New"), "create_plan", {"plan"}),
    "business_plan_update": (
        lambda a: plans.business_plan_update(actor=a, plan=plan(), limits=[]), "update_plan", {"plan"}
    ),
    "business_plan_delete": (lambda a: plans.business_plan_delete(actor=a, plan=plan()), "delete_plan", {"plan"}),
    "application_plan_update": (
        lambda a: plans.application_plan_update(
            actor=a, plan=ApplicationPlan.objects.get(name="10PerMin"), limits=[]
        ),
        "update_plan",
        {"plan"},
    ),
    "person_create": (lambda a: people.person_create(actor=a, username="nora"), "create_person", set()),
    "person_update": (
        lambda a: people.person_update(actor=a, person=Person.objects.get(username="eve"), disabled=True),
        "update_person",
        {"person"},
    ),
    "environment_update": (
        lambda a: environments.environment_update(actor=a, environment=Environment.objects.get(), host="x.example"),
        "update_environment",
        {"api"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTIONS)
def test_each_action_is_written_down_and_announced(
    name: str,
    adam: Person,
    subscription: Subscription,
    told: Told,
    django_capture_on_commit_callbacks: Any,
) -> None:
    actor = Actor.of(adam)
    keys.keys_generate(actor=actor, application=subscription.application, key_type="production")
    Change.objects.all().delete()
    lines = HistoryEntry.objects.count()
    action, word, kinds = ACTIONS[name]
    with django_capture_on_commit_callbacks() as callbacks:
        action(actor)
    entries = HistoryEntry.objects.order_by("-id")[: HistoryEntry.objects.count() - lines]
    assert word in {entry.action for entry in entries}
    assert {entry.actor_name for entry in entries} == {"adam"}
    assert {change.kind for change in Change.objects.all()} - {"token"} == kinds
    assert told == []
    for callback in callbacks:
        callback()
    assert sorted(told) == sorted((change.kind, change.subject) for change in Change.objects.all())


@pytest.mark.django_db(transaction=True)
def test_the_signal_comes_after_the_commit_and_not_at_all_after_a_rollback(chat: Api, paul: Person, told: Told) -> None:
    told.clear()
    with transaction.atomic():
        designs.api_update(actor=Actor.of(paul), api=chat, description="x")
        assert told == []
    assert told == [("api", str(chat.pk))]
    told.clear()
    before = everything()

    @transaction.atomic
    def block_and_stumble() -> None:
        publishing.api_transition(actor=Actor.of(paul), api=chat, action="block")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        block_and_stumble()
    assert told == []
    assert everything() == before


def test_a_refused_action_leaves_no_line_and_no_announcement(chat: Api, sam: Person) -> None:
    before = everything()
    with pytest.raises(Forbidden):
        publishing.api_transition(actor=Actor.of(sam), api=chat, action="block")
    assert everything() == before


def test_an_unknown_kind_of_change_is_a_mistake_of_ours(db: None) -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        announce("weather", "x")


def test_a_line_outlives_the_person_and_the_api_it_speaks_of(chat: Api, paul: Person, adam: Person) -> None:
    record(Actor.of(paul), "wave", "x" * 500, api=chat, why="because")
    entry = HistoryEntry.objects.get(action="wave")
    assert len(entry.subject) == 200
    designs.api_delete(actor=Actor.of(paul), api=chat)
    Person.objects.filter(pk=paul.pk).delete()
    entry.refresh_from_db()
    assert (entry.api, entry.actor, entry.actor_name, entry.detail) == (None, None, "paul", {"why": "because"})


# Who may, for everything about designs ----------------------------------------------------------------------------

CREATORS = {"carol", "paul", "adam"}
PUBLISHERS = {"pia", "paul", "adam"}
MAY: dict[str, tuple[Callable[[Actor], object], set[str]]] = {
    "api_create": (ACTIONS["api_create"][0], CREATORS),
    "api_update": (ACTIONS["api_update"][0], CREATORS),
    "endpoint_configure": (ACTIONS["endpoint_configure"][0], CREATORS),
    **{name: (ACTIONS[name][0], CREATORS) for name in ("endpoint_set_url", "endpoint_copy", "endpoint_remove")},
    "runtime_configure": (ACTIONS["runtime_configure"][0], CREATORS),
    **{name: (ACTIONS[name][0], CREATORS) for name in ("topics_replace", "topic_save", "scope_create")},
    "default_version_set": (ACTIONS["default_version_set"][0], CREATORS | PUBLISHERS),
    "api_version_create": (ACTIONS["api_version_create"][0], CREATORS),
    "api_delete": (lambda a: designs.api_delete(actor=a, api=api()), CREATORS),
    "revision_restore": (ACTIONS["revision_restore"][0], CREATORS),
    "revision_create": (ACTIONS["revision_create"][0], CREATORS | PUBLISHERS),
    "revision_deploy": (ACTIONS["revision_deploy"][0], CREATORS | PUBLISHERS),
    "revision_undeploy": (ACTIONS["revision_undeploy"][0], CREATORS | PUBLISHERS),
    "revision_delete": (
        lambda a: publishing.revision_delete(actor=a, revision=Revision.objects.get(number=2)),
        CREATORS | PUBLISHERS,
    ),
    "api_transition": (ACTIONS["api_transition"][0], PUBLISHERS),
}


@pytest.mark.parametrize("name", MAY)
def test_who_may_design_deploy_and_publish(name: str, people: dict[str, Person], chat: Api) -> None:
    publishing.revision_create(actor=Actor.of(people["paul"]), api=chat)
    act, expected = MAY[name]
    allowed = set()
    for who, person in people.items():
        before = everything()
        try:
            with transaction.atomic():
                act(Actor.of(person))
                allowed.add(who)
                raise RuntimeError("the next one starts from the same")
        except ServiceError as refusal:
            assert isinstance(refusal, Forbidden), refusal  # noqa: PT017
        except RuntimeError:
            pass
        assert everything() == before
    assert allowed == expected
