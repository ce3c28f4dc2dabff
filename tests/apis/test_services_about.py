"""Owners, categories, properties and roles of an API, and the categories themselves, as services."""

from __future__ import annotations

from typing import Any

import pytest

from apis.errors import Conflict, Forbidden, Invalid, Missing, Taken
from apis.models import Api, ApiCategory, Person, Thumbnail
from apis.permissions import Actor
from apis.services import categories, custom_roles, designs, publishing, thumbnails
from apis.services.people import person_update
from apis.shapes_about import no_owners
from tests.apis.test_thumbnails import png
from tests.apis.world import everything, last_entry
from tests.conftest import CHAT


@pytest.fixture
def live(adam: Person) -> ApiCategory:
    return categories.category_create(actor=Actor.of(adam), name="Live")


@pytest.fixture
def finance(adam: Person, paul: Person) -> str:
    """A role that paul holds, and no other creator."""
    custom_roles.role_create(actor=Actor.of(adam), name="finance")
    person_update(actor=Actor.of(adam), person=paul, roles=[*paul.roles, "finance"])
    paul.refresh_from_db()
    return "finance"


def update(person: Person, api: Api, **changes: Any) -> Api:
    return designs.api_update(actor=Actor.of(person), api=api, **changes)


def test_what_is_said_about_an_api_is_kept_and_told(paul: Person, chat: Api, live: ApiCategory, finance: str) -> None:
    said = {
        "business": {"business_owner": "Bo", "technical_owner_email": "tea@example.com"},
        "categories": ["Live"],
        "access_roles": [finance],
        "visible_roles": ["subscriber"],
        "properties": [{"name": "region", "value": "Berlin"}],
    }
    update(paul, chat, **said)
    chat = Api.objects.get(pk=chat.pk)
    assert chat.owners == no_owners() | said["business"]
    assert [row.name for row in chat.categories.all()] == ["Live"]
    assert (chat.access_roles, chat.visible_roles) == ([finance], ["subscriber"])
    assert chat.properties == [{"name": "region", "value": "Berlin", "show_in_devportal": False}]
    entry = last_entry()
    assert entry.action == "update"
    assert entry.detail["before"] == {
        "business": no_owners(), "categories": [], "access_roles": [], "visible_roles": [], "properties": [],
    }  # fmt: skip
    assert entry.detail["after"] == {
        **said, "business": chat.owners, "properties": chat.properties,
    }  # fmt: skip


def test_a_new_api_may_come_with_all_of_it(paul: Person, live: ApiCategory) -> None:
    api = publishing.api_create_and_publish(
        actor=Actor.of(paul), **CHAT, categories=["Live"], visible_roles=["subscriber"], properties=[{"name": "a"}],
        business={"business_owner": "Bo"}, access_roles=["creator"],
    )  # fmt: skip
    api = Api.objects.get(pk=api.pk)
    assert ([row.name for row in api.categories.all()], api.owners["business_owner"]) == (["Live"], "Bo")
    assert (api.access_roles, api.visible_roles) == (["creator"], ["subscriber"])


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"categories": ["Dead"]}, "categories"),
        ({"categories": "Live"}, "categories"),
        ({"categories": ["Live", "Live"]}, "categories"),
        ({"access_roles": ["king"]}, "access_roles"),
        ({"access_roles": None}, "access_roles"),
        ({"visible_roles": ["subscriber", "queen"]}, "visible_roles"),
        ({"visible_roles": [7]}, "visible_roles"),
        ({"business": {"business_owner_email": "bo"}}, "business/business_owner_email"),
        ({"business": []}, "business"),
        ({"properties": [{"name": ""}]}, "properties/0/name"),
        ({"properties": {}}, "properties"),
    ],
)
def test_what_is_wrong_is_told_by_place_and_changes_nothing(
    paul: Person, chat: Api, live: ApiCategory, changes: dict[str, Any], place: str
) -> None:
    before = everything()
    with pytest.raises(Invalid) as refusal:
        update(paul, chat, **changes)
    assert list(refusal.value.fields) == [place]
    with pytest.raises(Invalid) as refusal:
        designs.api_create(actor=Actor.of(paul), name="New", context="/new", version="1", **changes)
    assert list(refusal.value.fields) == [place]
    assert everything() == before


def test_unknown_roles_and_categories_are_named(paul: Person, chat: Api, live: ApiCategory) -> None:
    with pytest.raises(Invalid) as refusal:
        update(paul, chat, visible_roles=["king", "queen"], categories=["Dead"])
    assert refusal.value.fields["visible_roles"][0].startswith("Unknown roles: king, queen. Known are: creator,")
    assert refusal.value.fields["categories"] == ["Unknown category: Dead. Known are: Live."]


def test_who_restricts_a_design_holds_one_of_its_roles(
    paul: Person, carol: Person, adam: Person, chat: Api, draft: Api, finance: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        update(carol, draft, access_roles=[finance])
    assert refusal.value.fields == {"access_roles": ["At least one of these roles must be one of your own."]}
    with pytest.raises(Invalid):
        update(carol, draft, access_roles=["publisher"])
    update(carol, draft, access_roles=["creator", "publisher"])
    update(adam, draft, access_roles=[finance])
    update(carol, draft, access_roles=[finance], description="Its provider may leave it so.")
    update(carol, draft, access_roles=[])


def test_a_further_version_has_all_of_it(paul: Person, chat: Api, live: ApiCategory, finance: str) -> None:
    update(
        paul, chat, categories=["Live"], access_roles=[finance], visible_roles=["subscriber"],
        properties=[{"name": "a"}], business={"business_owner": "Bo"},
    )  # fmt: skip
    thumbnails.thumbnail_set(actor=Actor.of(paul), api=chat, content=png())
    copy = designs.api_version_create(actor=Actor.of(paul), api=chat, version="2.0.0")
    copy, chat = Api.objects.get(pk=copy.pk), Api.objects.get(pk=chat.pk)
    for field in ("owners", "properties", "access_roles", "visible_roles", "picture"):
        assert getattr(copy, field) == getattr(chat, field)
    assert list(copy.categories.all()) == [live]
    assert Thumbnail.objects.count() == 2


@pytest.mark.parametrize("name", ["pia", "sam", "vic"])
def test_nobody_but_creators_says_it(people: dict[str, Person], chat: Api, name: str) -> None:
    before = everything()
    for changes in ({"properties": []}, {"visible_roles": []}, {"categories": []}, {"business": {}}):
        with pytest.raises(Forbidden):
            update(people[name], chat, **changes)
    assert everything() == before


def test_categories_are_kept_by_administrators(people: dict[str, Person], live: ApiCategory) -> None:
    before = everything()
    for name in ("carol", "pia", "sam", "vic"):
        actor = Actor.of(people[name])
        acts: list[Any] = [
            lambda actor=actor: categories.category_create(actor=actor, name="Mine"),
            lambda actor=actor: categories.category_update(actor=actor, category=live, name="Mine"),
            lambda actor=actor: categories.category_delete(actor=actor, category=live),
        ]
        for act in acts:
            with pytest.raises(Forbidden):
                act()
    assert everything() == before


def test_a_category_may_be_renamed_and_apis_stay_under_it(
    adam: Person, paul: Person, chat: Api, live: ApiCategory
) -> None:
    update(paul, chat, categories=["Live"])
    categories.category_update(actor=Actor.of(adam), category=live, name="Real time", description="As it happens")
    assert [row.name for row in Api.objects.get(pk=chat.pk).categories.all()] == ["Real time"]


def test_a_category_in_use_stays_and_says_where(adam: Person, paul: Person, chat: Api, live: ApiCategory) -> None:
    update(paul, chat, categories=["Live"])
    with pytest.raises(Conflict) as refusal:
        categories.category_delete(actor=Actor.of(adam), category=live)
    assert refusal.value.detail == "Live is in use: Chat 1.0.0."
    update(paul, chat, categories=[])
    categories.category_delete(actor=Actor.of(adam), category=live)
    with pytest.raises(Missing):
        categories.category_update(actor=Actor.of(adam), category=live, name="Again")


@pytest.mark.parametrize(
    "values",
    [{"name": ""}, {"name": " Live"}, {"name": "x" * 51}, {"name": 7}, {"name": "a", "description": "x" * 501}],
)
def test_what_is_no_category_is_refused(adam: Person, values: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        categories.category_create(actor=Actor.of(adam), **values)


def test_a_category_is_there_once(adam: Person, live: ApiCategory) -> None:
    with pytest.raises(Taken):
        categories.category_create(actor=Actor.of(adam), name="live")
    other = categories.category_create(actor=Actor.of(adam), name="Chat")
    with pytest.raises(Taken):
        categories.category_update(actor=Actor.of(adam), category=other, name="LIVE")
