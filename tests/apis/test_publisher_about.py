"""The pages Basic info, Business info and Properties, and what developers read of them."""

from __future__ import annotations

from typing import Any

import pytest

from apis.models import Api, Person
from apis.permissions import Actor
from apis.services import categories, custom_roles, designs
from apis.services.people import person_update
from tests.apis.browsing import Visit, at, page_of

INFO = {"display_name": "", "description": "", "tags": ""}
MARKDOWN = "# Rooms\n\n**Talk** to [all](https://a.example) <script>alert(1)</script>"
BO = {"business_owner": "Bo", "business_owner_email": "bo@example.com", "technical_owner": "Tea",
      "technical_owner_email": "tea@example.com"}  # fmt: skip


@pytest.fixture
def world(adam: Person) -> None:
    for name in ("Live", "Finance"):
        categories.category_create(actor=Actor.of(adam), name=name)
    custom_roles.role_create(actor=Actor.of(adam), name="partners")


def fresh(api: Api) -> Api:
    return Api.objects.get(pk=api.pk)


def test_basic_info_is_saved_and_read_by_developers(world: None, paul: Person, chat: Api) -> None:
    page = Visit(paul).do(
        at(chat, "info/"), display_name="Rooms", description=MARKDOWN.replace("\n", "\r\n"), tags="chat, live",
        categories_shown="yes", categories=["Live", "Finance"], access="roles", access_roles=["creator"],
        visibility="all",
    )  # fmt: skip
    assert "Saved." in page.words
    assert page.is_checked("categories", "Live")
    assert page.is_checked("access_roles", "creator")
    api = fresh(chat)
    assert (api.description, api.tags, api.access_roles, api.visible_roles) == (
        MARKDOWN, ["chat", "live"], ["creator"], [],
    )  # fmt: skip
    read = Visit().see(page_of(chat))
    assert "<strong>Talk</strong>" in read.html
    assert "<script>alert" not in read.html
    assert "nofollow" in read.html
    assert "Live" in read.words
    assert "Talk to all" in Visit().see("/devportal/").words


def test_a_form_of_before_leaves_alone_what_it_does_not_know(world: None, paul: Person, chat: Api) -> None:
    designs.api_update(actor=Actor.of(paul), api=chat, categories=["Live"], visible_roles=["partners"])
    Visit(paul).do(at(chat, "info/"), **INFO)
    api = fresh(chat)
    assert ([row.name for row in api.categories.all()], api.visible_roles) == (["Live"], ["partners"])


def test_no_box_ticked_is_no_category(world: None, paul: Person, chat: Api) -> None:
    designs.api_update(actor=Actor.of(paul), api=chat, categories=["Live"])
    Visit(paul).do(at(chat, "info/"), **INFO, categories_shown="yes")
    assert not fresh(chat).categories.exists()


def test_everybody_may_see_it_again(world: None, paul: Person, chat: Api) -> None:
    designs.api_update(actor=Actor.of(paul), api=chat, access_roles=["creator"], visible_roles=["partners"])
    Visit(paul).do(
        at(chat, "info/"), **INFO, access="all", access_roles=["creator"], visibility="all", visible_roles=["partners"]
    )
    assert (fresh(chat).access_roles, fresh(chat).visible_roles) == ([], [])


@pytest.mark.parametrize(
    ("sent", "field", "words"),
    [
        ({"access": "roles"}, "access_roles", "Tick at least one role."),
        ({"visibility": "roles"}, "visible_roles", "Tick at least one role."),
        ({"access": "roles", "access_roles": ["partners"]}, "access_roles",
         "At least one of these roles must be one of your own."),
        ({"visibility": "roles", "visible_roles": ["king"]}, "visible_roles",
         "Select a valid choice. king is not one of the available choices."),
        ({"categories_shown": "yes", "categories": ["Dead"]}, "categories",
         "Select a valid choice. Dead is not one of the available choices."),
        ({"description": "\x07"}, "description", "Description should not contain control characters."),
        ({"tags": "x" * 31}, "tags", "A tag has at most 30 characters."),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(
    world: None, paul: Person, chat: Api, sent: dict[str, Any], field: str, words: str
) -> None:
    page = Visit(paul).send(at(chat, "info/"), **{**INFO, "display_name": "Typed", **sent})
    assert (page.status, page.beside(field)) == (400, words)
    assert page.value("display_name") == "Typed"
    assert fresh(chat).display_name == ""


def test_a_creator_who_shuts_others_out_stays_inside(world: None, adam: Person, carol: Person, draft: Api) -> None:
    person_update(actor=Actor.of(adam), person=carol, roles=["creator", "partners"])
    page = Visit(carol).do(at(draft, "info/"), **INFO, access="roles", access_roles=["partners"])
    assert "Saved." in page.words
    assert Visit(Person.objects.get(username="paul")).see(at(draft, "info/")).status == 404


@pytest.mark.parametrize("tail", ["info/", "business/", "properties/"])
def test_publishers_read_and_do_not_write(world: None, pia: Person, paul: Person, chat: Api, tail: str) -> None:
    designs.api_update(
        actor=Actor.of(paul),
        api=chat,
        business=BO,
        properties=[{"name": "region", "value": "Berlin"}],
        categories=["Live"],
    )
    page = Visit(pia).see(at(chat, tail))
    assert "needs the creator role" in page.words
    assert {"info/": "Live", "business/": "Tea", "properties/": "Berlin"}[tail] in page.words
    assert Visit(pia).send(at(chat, tail), **INFO).status == 403


def test_business_info_is_saved_and_read_by_developers(paul: Person, chat: Api) -> None:
    assert "Business information" not in Visit().see(page_of(chat)).words
    Visit(paul).do(at(chat, "business/"), **BO)
    assert fresh(chat).owners == BO
    read = Visit().see(page_of(chat))
    assert 'href="mailto:bo@example.com"' in read.html
    assert "Technical owner Tea tea@example.com" in read.words


def test_a_wrong_address_stands_beside_its_field(paul: Person, chat: Api) -> None:
    page = Visit(paul).send(at(chat, "business/"), **{**BO, "technical_owner_email": "tea"})
    assert page.status == 400
    assert page.beside("technical_owner_email").startswith("This should be an e-mail address")
    assert page.beside("business_owner_email") == ""
    assert page.value("business_owner") == "Bo"


def rows(*lines: tuple[str, str, str]) -> dict[str, list[str]]:
    names, values, shown = (list(column) for column in zip(*lines, strict=True))
    return {"property_name": names, "property_value": values, "property_shown": shown}


def test_properties_are_lines_and_empty_ones_do_not_count(paul: Person, chat: Api) -> None:
    sent = rows(("region", "Berlin", "yes"), ("", "", "no"), (" cost centre ", "4711", "no"))
    page = Visit(paul).do(at(chat, "properties/"), **sent)
    assert fresh(chat).properties == [
        {"name": "region", "value": "Berlin", "show_in_devportal": True},
        {"name": "cost centre", "value": "4711", "show_in_devportal": False},
    ]
    assert page.html.count('name="property_name"') == 2 + 2 + 1  # two empty ones, and one for a script to copy
    read = Visit().see(page_of(chat)).words
    assert "region Berlin" in read
    assert "4711" not in read
    Visit(paul).do(at(chat, "properties/"), **rows(("", "", "no")))
    assert fresh(chat).properties == []


def test_a_wrong_line_is_told_and_all_lines_come_back(paul: Person, chat: Api) -> None:
    sent = rows(("region", "Berlin", "yes"), ("Region", "Bonn", "no"), ("", "nameless", "no"))
    page = Visit(paul).send(at(chat, "properties/"), **sent)
    assert page.status == 400
    assert "Property Region is given twice." in page.words
    assert "A property needs a name" in page.words
    for text in ("Berlin", "Bonn", "nameless"):
        assert f'value="{text}"' in page.html
    assert fresh(chat).properties == []


def test_too_many_lines_are_told_above_the_form(paul: Person, chat: Api) -> None:
    page = Visit(paul).send(at(chat, "properties/"), **rows(*((f"p{n}", "", "no") for n in range(51))))
    assert "An API has at most 50 properties." in page.words


def test_lines_that_do_not_fit_together_are_no_fault(paul: Person, chat: Api) -> None:
    page = Visit(paul).send(at(chat, "properties/"), property_name=["a", "b"], property_value=["x"])
    assert page.status == 302
    assert [row["value"] for row in fresh(chat).properties] == ["x", ""]


def test_two_people_at_basic_info_are_put_together_or_told(world: None, paul: Person, carol: Person, chat: Api) -> None:
    seen = Visit(paul).see(at(chat, "info/")).value("seen")
    designs.api_update(actor=Actor.of(carol), api=chat, visible_roles=["partners"])
    Visit(paul).do(at(chat, "info/"), **{**INFO, "display_name": "Mine"}, seen=seen, access="all", visibility="all")
    assert (fresh(chat).display_name, fresh(chat).visible_roles) == ("Mine", ["partners"])
    seen = Visit(paul).see(at(chat, "business/")).value("seen")
    designs.api_update(actor=Actor.of(carol), api=chat, business=BO)
    page = Visit(paul).send(at(chat, "business/"), seen=seen, **{**BO, "business_owner": "Else"})
    assert page.status == 409
    assert "carol" in page.words
    assert page.value("business_owner") == "Else"


def test_markdown_is_shown_while_it_is_written(paul: Person, pia: Person, sam: Person) -> None:
    page = Visit(paul).send("/publisher/preview", script=True, description=MARKDOWN)
    assert "<strong>Talk</strong>" in page.html
    assert "<script" not in page.html
    assert "Nothing to show yet." in Visit(pia).send("/publisher/preview", description=" ").words
    assert Visit(sam).send("/publisher/preview", description="x").status == 403


def test_an_api_without_a_picture_has_a_calm_one_everywhere(chat: Api, paul: Person) -> None:
    for page in (Visit().see("/devportal/"), Visit().see(page_of(chat)), Visit(paul).see("/publisher/")):
        assert 'aria-hidden="true">C</span>' in page.html
        assert 'style="' not in page.html
