"""Searching for APIs: words anywhere, words behind a prefix, tags and categories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apis.models import Api, Person
from apis.permissions import Actor
from apis.searching import apis_matching, words_of
from apis.services import categories, designs, publishing
from tests.apis.browsing import Visit

PLANS = {"endpoint": "wss://a.example.com", "business_plans": ["Bronze"]}


@pytest.fixture
def shop(paul: Person, adam: Person) -> None:
    """Three published APIs."""
    for name in ("Real time", "Weather"):
        categories.category_create(actor=Actor.of(adam), name=name)
    for design in (
        {"name": "Rooms", "context": "/chat", "version": "1.0.0", "tags": ["chat", "Köln"],
         "categories": ["Real time", "Weather"], "description": "Talk to **everybody**."},
        {"name": "Alerts", "context": "/alerts", "version": "2.1", "tags": ["weather"], "categories": ["Weather"],
         "properties": [{"name": "region", "value": "Berlin", "show_in_devportal": True},
                        {"name": "cost centre", "value": "4711_a"}]},
        {"name": "Ticker", "context": "/ticker", "version": "3", "display_name": "Chat about prices"},
    ):  # fmt: skip
        publishing.api_create_and_publish(actor=Actor.of(paul), **PLANS, **design)


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("", {"Rooms", "Alerts", "Ticker"}),
        ("chat", {"Rooms", "Ticker"}),
        ("CHAT everybody", {"Rooms"}),
        ("tag:chat", {"Rooms"}),
        ("tags:cha", {"Rooms"}),
        ("tag:Köln", {"Rooms"}),
        ("name:chat", {"Ticker"}),
        ("context:/chat", {"Rooms"}),
        ("version:2.1", {"Alerts"}),
        ("description:everybody", {"Rooms"}),
        ("provider:paul", {"Rooms", "Alerts", "Ticker"}),
        ("provider:carol", set()),
        ("category:weather", {"Rooms", "Alerts"}),
        ('api-category:"real time" chat', {"Rooms"}),
        ('"real time"', {"Rooms"}),
        ("property:berlin", {"Alerts"}),
        ("region", {"Alerts"}),
        ("property:4711", set()),
        ("unknown:chat", set()),
        ("50%", set()),
        ("_", set()),
        ("tag:%", set()),
        ("\x00", {"Rooms", "Alerts", "Ticker"}),
        ("tag:", set()),
    ],
)
def test_every_word_must_occur_where_it_says(shop: None, search: str, names: set[str]) -> None:
    found = apis_matching(Api.objects.all(), search=search)
    assert [api.name for api in found].sort() == list(names).sort()
    assert {api.name for api in found} == names
    assert len(found) == len(names)


def test_who_may_look_into_a_property_finds_by_it(
    shop: None, carol: Person, sam: Person, rest: Callable[..., Any]
) -> None:
    for search, here in (("property:4711_a", True), ("property:4711xa", False), ("property:centre", True)):
        rows = rest(carol).get(f"/apis?search={search}").ok()["results"]
        assert [row["name"] for row in rows] == (["Alerts"] if here else []), search
        assert rest(sam).get(f"/apis?search={search}").ok()["results"] == []


def test_words_are_bounded() -> None:
    assert len(words_of("a b c d e f g h i j k")) == 8
    assert words_of("x" * 200) == [("", "x" * 100)]
    assert words_of('"" tag:""') == []


def test_rest_filters_by_one_tag_and_one_category(shop: None, sam: Person, rest: Callable[..., Any]) -> None:
    def names(query: str) -> list[str]:
        return sorted(row["name"] for row in rest(sam).get(f"/apis?{query}").ok()["results"])

    assert names("category=Weather") == ["Alerts", "Rooms"]
    assert names("category=Weather&tag=chat") == ["Rooms"]
    assert names("category=weather") == []
    assert names("tag=cha") == []
    assert names("tag=K%C3%B6ln") == ["Rooms"]


def test_the_developer_portal_filters_by_category_tag_and_words(shop: None) -> None:
    def shown(**query: str) -> set[str]:
        page = Visit().see("/devportal/", **query).html
        return {name for name in ("Rooms", "Alerts", "Chat about prices") if f">{name}</a>" in page}

    assert shown() == {"Rooms", "Alerts", "Chat about prices"}
    assert shown(category="Weather") == {"Rooms", "Alerts"}
    assert shown(category="Weather", tag="chat") == {"Rooms"}
    assert shown(category="Weather", q="region") == {"Alerts"}
    assert shown(q="tag:chat") == {"Rooms"}
    page = Visit().see("/devportal/", category="Nothing")
    assert "No API fits in the category “Nothing”" in page.words
    assert (page.status, Visit().see("/devportal/", q="\x00'\"%", tag="\x00", category="\x00").status) == (200, 200)


def test_a_category_is_offered_where_an_api_on_offer_is_under_it(shop: None, adam: Person, paul: Person) -> None:
    categories.category_create(actor=Actor.of(adam), name="Empty")
    assert ">Empty</a>" not in Visit().see("/devportal/").html
    for api in Api.objects.filter(categories__name="Real time"):
        designs.api_update(actor=Actor.of(paul), api=api, visible_roles=["publisher"])
    page = Visit().see("/devportal/").html
    assert ">Real time</a>" not in page
    assert ">Weather</a>" in page


def test_the_publisher_portal_searches_likewise(shop: None, carol: Person) -> None:
    page = Visit(carol).see("/publisher/", search="property:4711")
    assert "Alerts" in page.words
    assert "Rooms" not in page.words
