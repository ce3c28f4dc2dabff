"""What differs between two trees, what two people made of one, and how history entries become trees."""

from __future__ import annotations

from typing import Any

import pytest

from apis.differences import MISSING, Difference, differences, found, placed, three_way
from apis.happenings import path_words, sides, value_words


def test_differences_name_the_places_and_both_values() -> None:
    before = {"a": 1, "b": {"c": [1], "d": 2}, "gone": "x"}
    after = {"a": 1, "b": {"c": [1, 2], "d": 2}, "new": None}
    assert list(differences(before, after)) == [
        Difference(("b", "c"), [1], [1, 2]),
        Difference(("gone",), "x", MISSING),
        Difference(("new",), MISSING, None),
    ]


def test_what_is_taken_back_is_what_was_there() -> None:
    before: dict[str, Any] = {"a": 1, "b": {"c": 2}, "d": {"e": 3}}
    after: dict[str, Any] = {"a": 2, "b": {}, "new": 5}
    for one in list(differences(before, after)):
        placed(after, one.path, one.before)
    assert after == before
    assert (found(before, ("b", "c")), found(before, ("b", "x"))) == (2, MISSING)


@pytest.mark.parametrize(
    ("base", "now", "mine", "done", "clashes"),
    [
        ({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 2}, []),
        ({"a": 1}, {"a": 2}, {"a": 3}, {"a": 3}, [("a",)]),
        ({"a": 1}, {"a": 2}, {"a": 2}, {"a": 2}, []),
        ({"a": {"x": 1, "y": 1}}, {"a": {"x": 2, "y": 1}}, {"a": {"x": 1, "y": 2}}, {"a": {"x": 2, "y": 2}}, []),
        ({"a": 1, "b": 1}, {"b": 1}, {"a": 1, "b": 2}, {"b": 2}, []),
        ({"a": 1}, {}, {"a": 2}, {"a": 2}, [("a",)]),
        ({"a": 1}, {"a": 2}, {}, {}, [("a",)]),
        ({}, {"a": 1}, {"b": 2}, {"a": 1, "b": 2}, []),
        ({"tags": ["a"]}, {"tags": ["a", "b"]}, {"tags": ["a", "c"]}, {"tags": ["a", "c"]}, [("tags",)]),
    ],
)  # fmt: skip
def test_two_changes_of_one_value_are_put_together(
    base: Any, now: Any, mine: Any, done: Any, clashes: list[tuple[str, ...]]
) -> None:
    assert three_way(base, now, mine) == (done, clashes)


def test_members_that_belong_together_are_not_put_together_out_of_halves() -> None:
    base = {"e": {"security": {"type": "none"}}}
    now = {"e": {"security": {"type": "basic", "username": "u"}}}
    mine = {"e": {"security": {"type": "bearer", "token": None}}}
    assert three_way(base, now, mine, whole={"security"}) == (mine, [("e", "security")])


def test_an_endpoint_of_the_history_never_tells_a_secret_only_that_it_is_another() -> None:
    config = {"urls": [], "security": {"type": "basic", "username": "u", "password": None}, "secrets_set": []}
    detail = {
        "before": config, "after": config, "key_type": "production", "secrets_changed": ["security/password"],
    }  # fmt: skip
    (one,) = differences(*sides("endpoint", detail))
    assert one == Difference(("endpoints", "production", "security", "password"), "another one", "a new one")


@pytest.mark.parametrize(
    ("action", "detail"),
    [
        ("subscribe", {"plan": "Gold"}),
        ("endpoint", {"before": None, "after": {"urls": []}}),
        ("update_topics", {"before": {"topics": ["/* (receive)"]}, "after": {"topics": []}}),
        ("update_scope", {"before": {"roles": []}, "after": {"roles": ["creator"]}}),
    ],
)
def test_what_changed_nothing_or_was_written_by_an_older_release_is_no_tree(action: str, detail: Any) -> None:
    assert list(differences(*sides(action, detail))) == []


def test_values_and_places_are_read_as_words() -> None:
    assert (
        value_words([{"url": "wss://a", "weight": 1}, {"url": "wss://b", "weight": 3}]) == "wss://a, wss://b (weight 3)"
    )
    assert (value_words(True), value_words(None), value_words({"a_b": 1, "c": ""})) == ("yes", "", "a b: 1")
    assert path_words(("topics", "/rooms_of/{id}", "url_mapping")) == "topics · /rooms_of/{id} · URL mapping"
    assert path_words(("timeouts", "connect_ms")) == "timeouts · connect (milliseconds)"
