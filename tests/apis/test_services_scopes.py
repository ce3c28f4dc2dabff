"""Scopes: names that tokens carry, who may have them, and where they are in use."""

from __future__ import annotations

from typing import Any

import pytest

from apis import scoping
from apis.errors import Conflict, Forbidden, Invalid, Taken
from apis.models import Api, Application, BusinessPlan, Person, Scope, Subscription
from apis.permissions import Actor
from apis.services import designs, publishing, scopes, topics
from tests.apis.world import everything, last_entry
from tests.conftest import CHAT


def make(person: Person, name: str, **values: Any) -> Scope:
    return scopes.scope_create(actor=Actor.of(person), name=name, **values)


def ask(person: Person, api: Api, *names: str) -> None:
    """The topic of the API asks for these scopes to send."""
    topics.topics_replace(actor=Actor.of(person), api=api, topics=[{"name": "/*", "publish_scopes": list(names)}])


@pytest.mark.parametrize("name", ["carol", "adam"])
def test_creators_and_administrators_name_scopes(people: dict[str, Person], name: str) -> None:
    scope = make(people[name], "rooms:write", description="Write into rooms", roles=["subscriber"])
    assert (scope.version_set, scope.title, scope.roles) == (None, "rooms:write", ["subscriber"])
    facts = {"display_name": "", "description": "Write into rooms", "roles": ["subscriber"]}
    assert (last_entry().action, last_entry().detail) == (
        "create_scope", {"name": "rooms:write", "before": None, "after": facts}
    )  # fmt: skip


@pytest.mark.parametrize("name", ["pia", "sam", "vic"])
def test_nobody_else_does(people: dict[str, Person], chat: Api, name: str) -> None:
    scope = make(people["carol"], "a")
    before = everything()
    actor = Actor.of(people[name])
    acts: list[Any] = [
        lambda: scopes.scope_create(actor=actor, name="b"),
        lambda: scopes.scope_create(actor=actor, name="b", api=chat),
        lambda: scopes.scope_update(actor=actor, scope=scope, description="mine"),
        lambda: scopes.scope_delete(actor=actor, scope=scope),
    ]
    for act in acts:
        with pytest.raises(Forbidden):
            act()
    assert everything() == before


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"name": ""}, "name"),
        ({"name": "a b"}, "name"),
        ({"name": 7}, "name"),
        *[({"name": word}, "name") for word in ("default", "admin", "api:read", "app:manage", "openid")],
        ({"name": "a", "roles": ["king"]}, "roles"),
        ({"name": "a", "roles": "creator"}, "roles"),
        ({"name": "a", "roles": ["creator", "creator"]}, "roles"),
        ({"name": "a", "description": "\x00"}, "description"),
        ({"name": "a", "description": "x" * 501}, "description"),
        ({"name": "a", "display_name": 7}, "display_name"),
        ({"name": "a", "colour": "red"}, "colour"),
    ],
)
def test_what_is_no_scope_is_refused_with_its_field(carol: Person, values: dict[str, Any], place: str) -> None:
    with pytest.raises(Invalid) as refused:
        scopes.scope_create(actor=Actor.of(carol), **values)
    assert refused.value.fields.keys() == {place}
    assert not Scope.objects.exists()


def test_a_name_stands_for_one_thing_on_this_gateway(chat: Api, draft: Api, paul: Person) -> None:
    """Or a token that eve's API gave away would open carol's."""
    make(paul, "shared")
    make(paul, "local", api=chat)
    for name, api in (("shared", None), ("shared", chat), ("local", None), ("local", draft), ("local", chat)):
        with pytest.raises(Taken) as refused:
            make(paul, name, api=api)
        assert refused.value.fields == {"name": [f"A scope named {name} already exists."]}


def test_all_versions_of_an_api_share_its_local_scopes(chat: Api, draft: Api, paul: Person) -> None:
    scope = make(paul, "chat:write", api=chat)
    copy = designs.api_version_create(actor=Actor.of(paul), api=chat, version="2")
    ask(paul, copy, "chat:write")
    assert list(scoping.scopes_local(copy)) == [scope]
    with pytest.raises(Invalid):
        ask(paul, draft, "chat:write")


def test_the_name_stays_and_the_rest_may_change(carol: Person) -> None:
    scope = make(carol, "a")
    scopes.scope_update(
        actor=Actor.of(carol), scope=scope, display_name="A", description="The first", roles=["creator"]
    )
    scope.refresh_from_db()
    assert (scope.title, scope.description, scope.roles) == ("A", "The first", ["creator"])
    with pytest.raises(Invalid) as refused:
        scopes.scope_update(actor=Actor.of(carol), scope=scope, name="b")
    assert refused.value.fields.keys() == {"name"}


def test_a_scope_in_use_is_not_deleted_and_says_where(chat: Api, paul: Person) -> None:
    scope = make(paul, "chat:write")
    ask(paul, chat, "chat:write")
    with pytest.raises(Conflict) as refused:
        scopes.scope_delete(actor=Actor.of(paul), scope=scope)
    assert refused.value.detail == "chat:write is in use: Chat 1.0.0, topic /*."
    revision = publishing.revision_create(actor=Actor.of(paul), api=chat)
    ask(paul, chat)
    with pytest.raises(Conflict) as refused:
        scopes.scope_delete(actor=Actor.of(paul), scope=scope)
    assert refused.value.detail == "chat:write is in use: Chat 1.0.0, revision 2."
    publishing.revision_delete(actor=Actor.of(paul), revision=revision)
    scopes.scope_delete(actor=Actor.of(paul), scope=scope)
    assert not Scope.objects.exists()


def test_the_last_version_takes_the_local_scopes_with_it(draft: Api, carol: Person) -> None:
    make(carol, "a", api=draft)
    make(carol, "b")
    designs.api_delete(actor=Actor.of(carol), api=draft)
    assert [scope.name for scope in Scope.objects.all()] == ["b"]


# What a token may carry -------------------------------------------------------------------------------------------


def grantable(phone: Application, person: Person | None = None) -> list[str]:
    return [scope.name for scope in scoping.scopes_grantable(phone, person)]


def deploy(paul: Person, api: Api) -> None:
    revision = publishing.revision_create(actor=Actor.of(paul), api=api)
    publishing.revision_deploy(actor=Actor.of(paul), revision=revision)


def test_an_application_gets_the_scopes_of_the_apis_it_is_subscribed_to(
    chat: Api, phone: Application, subscription: Subscription, paul: Person
) -> None:
    make(paul, "unused")
    make(paul, "shared")
    make(paul, "chat:local", api=chat)
    other = publishing.api_create_and_publish(actor=Actor.of(paul), **{**CHAT, "name": "Other", "context": "/other"})
    make(paul, "other:local", api=other)
    assert grantable(phone) == ["chat:local"]
    ask(paul, chat, "shared")
    assert grantable(phone) == ["chat:local"]  # not deployed yet
    deploy(paul, chat)
    assert grantable(phone) == ["chat:local", "shared"]
    Subscription.objects.update(state="blocked")
    assert grantable(phone) == []


def test_an_api_without_subscription_gives_its_scopes_to_every_application(
    chat: Api, phone: Application, paul: Person
) -> None:
    make(paul, "chat:local", api=chat)
    assert grantable(phone) == []
    BusinessPlan.objects.filter(name="Bronze").update(subscriptionless=True)
    assert grantable(phone) == ["chat:local"]


def test_roles_decide_who_gets_a_scope(
    chat: Api, phone: Application, subscription: Subscription, paul: Person, sam: Person, vic: Person
) -> None:
    make(paul, "creators", api=chat, roles=["creator", "administrator"])
    make(paul, "everybody", api=chat)
    assert grantable(phone, vic) == ["everybody"]
    assert grantable(phone, paul) == ["creators", "everybody"]
    assert grantable(phone) == ["everybody"]  # nobody but sam, its owner, stands behind it
    sam.roles = [*sam.roles, "creator"]
    sam.save()
    phone.refresh_from_db()
    assert grantable(phone) == ["creators", "everybody"]
