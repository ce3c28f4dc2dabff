"""Roles, API categories and what is said about an API, in the administration."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apis.models import Api, ApiCategory, Person, Role, Thumbnail
from apis.permissions import Actor
from apis.services import categories, custom_roles, designs
from tests.apis.browsing import words
from tests.apis.office import at, desk
from tests.apis.test_thumbnails import png


@pytest.fixture
def world(adam: Person) -> None:
    categories.category_create(actor=Actor.of(adam), name="Live")
    custom_roles.role_create(actor=Actor.of(adam), name="partners")


def test_adam_keeps_roles(adam: Person, vic: Person) -> None:
    office = desk(adam)
    office.done(office.press(at(Role, "add"), name="Internal/creator", description="x", alias_of="creator"))
    role = Role.objects.get()
    assert (role.name, role.alias_of) == ("Internal/creator", "creator")
    office.done(office.press(at(vic), email=vic.email, roles=["Internal/creator"]))
    assert Person.objects.get(pk=vic.pk).roles == ["Internal/creator"]
    assert "person vic" in words(office.open(at(role)))
    office.done(office.press(at(role), description="y", alias_of=""))
    assert Role.objects.get().alias_of == ""
    office.client.post(at(role, "delete"), {"post": "yes"})
    assert Role.objects.exists(), "vic holds it"


def test_a_refused_role_says_why_beside_its_field(adam: Person) -> None:
    page = desk(adam).press(at(Role, "add"), name="Creator", description="", alias_of="")
    assert page.status_code == 400
    assert "Creator is a built-in role." in words(page)


def test_adam_keeps_categories(adam: Person) -> None:
    office = desk(adam)
    office.done(office.press(at(ApiCategory, "add"), name="Live", description="x"))
    row = ApiCategory.objects.get()
    office.done(office.press(at(row), name="Real time", description="x"))
    assert "Real time" in words(office.open(at(ApiCategory, "changelist")))
    office.client.post(at(row, "delete"), {"post": "yes"})
    assert not ApiCategory.objects.exists()


def typed(**values: Any) -> dict[str, Any]:
    return {"display_name": "", "description": "x", "tags": "", "business_plans": [], **values}


def test_a_creator_says_all_of_it_on_one_page(world: None, carol: Person, draft: Api) -> None:
    office = desk(carol)
    page = {"name": "Draft", "context": "/draft", "version": "1.0.0"}
    sent = typed(
        **page, categories=["Live"], access_roles=["creator"], visible_roles=["partners", "subscriber"],
        business_owner="Bo", business_owner_email="bo@example.com",
        **{"properties-0-name": "region", "properties-0-value": "Berlin", "properties-0-show_in_devportal": "yes"},
        picture=SimpleUploadedFile("logo.png", png()),
    )  # fmt: skip
    office.done(office.press(at(draft), **sent))
    api = Api.objects.get(pk=draft.pk)
    assert [row.name for row in api.categories.all()] == ["Live"]
    assert (api.access_roles, api.visible_roles) == (["creator"], ["partners", "subscriber"])
    assert api.owners["business_owner_email"] == "bo@example.com"
    assert api.properties == [{"name": "region", "value": "Berlin", "show_in_devportal": True}]
    assert api.picture
    entries = api.history.count()
    again = typed(
        **page, categories=["Live"], access_roles=["creator"], visible_roles=["partners", "subscriber"],
        business_owner="Bo", business_owner_email="bo@example.com",
        **{"properties-0-name": "region", "properties-0-value": "Berlin", "properties-0-show_in_devportal": "yes"},
    )  # fmt: skip
    office.done(office.press(at(draft), **again))
    assert api.history.count() == entries, "nothing was changed, so nothing is written down"
    office.done(office.press(at(draft)))
    assert api.history.count() == entries, "nor where a page is saved as it was opened"
    office.done(office.press(at(draft), **again, remove_picture="on"))
    assert not Thumbnail.objects.exists()


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_saved(world: None, carol: Person, draft: Api) -> None:
    sent = typed(
        name="Draft", context="/draft", version="1.0.0", business_owner_email="bo", access_roles=["partners"],
        **{"properties-0-name": "a", "properties-1-name": "A"},
        picture=SimpleUploadedFile("logo.png", b"a renamed text"),
    )  # fmt: skip
    page = desk(carol).press(at(draft), **sent)
    assert page.status_code == 400
    for text in ("e-mail address", "one of your own", "given twice"):
        assert text in words(page), text
    ready = {**sent, "business_owner_email": "", "access_roles": [], "properties-1-name": ""}
    ready["picture"] = SimpleUploadedFile("logo.png", b"a renamed text")
    page = desk(carol).press(at(draft), **ready)
    assert "cannot be read as a picture" in words(page)
    assert Api.objects.get(pk=draft.pk).description == ""


def test_a_publisher_reads_who_sees_it(world: None, pia: Person, adam: Person, chat: Api) -> None:
    designs.api_update(actor=Actor.of(adam), api=chat, visible_roles=["partners"])
    page = desk(pia).open(at(chat)).content.decode()
    assert "partners" in page
    assert 'name="access_roles"' not in page
    assert 'name="business_owner"' not in page
