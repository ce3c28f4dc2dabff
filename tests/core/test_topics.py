"""The topics that carol designs: their names, their URL mappings, what they ask of a token."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apis.shapes_topics import (
    TOPIC_DEFAULTS,
    TOPICS_LIMIT,
    mapping_problem,
    parameters_of,
    pattern_of,
    scope_name_problem,
    scopes_named,
    topic_line,
    topic_name_problem,
    topic_of,
    topics,
)

ROOM = "/rooms/{roomID}"
SCOPES = ("rooms:read", "rooms:write")


@pytest.mark.parametrize(
    "name",
    ["/", "/*", "/news", "/rooms/{roomID}", "/rooms/{roomID}/*", "/{a}/{b_2}", "/café", "/a.b", "/a:b@c", "/...x"],
)
def test_names_of_topics(name: str) -> None:
    assert topic_name_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "empty"),
        ("//", "empty segments"),
        ("/a/", "slash"),
        ("/a//b", "empty segments"),
        ("/a/{b", "{name}"),
        ("/a/x{b}", "{name}"),
        ("/a/{}", "{name}"),
        ("/a/{2b}", "{name}"),
        ("/a/{b.c}", "{name}"),
        ("/{a}/{a}", "twice"),
        ("/*/a", "last segment"),
        ("/a*", "last segment"),
        ("/a b", "spaces"),
        ("/a%20b", "%"),
        ("/a?b", "?"),
        ("/a#b", "#"),
        ("/a\\b", "\\"),
        ("/a\r\nX: y", "control"),
        ("/a/..", "dot segments"),
        ("/./a", "dot segments"),
        ("/..;/a", "dot segments"),
        ("/" + "a" * 200, "200"),
    ],
)
def test_what_is_no_name_says_why(name: str, words: str) -> None:
    assert words in topic_name_problem(name)


@pytest.mark.parametrize(
    "mapping",
    [
        "",
        "/",
        "/chat",
        "/rooms?room={uri.var.roomID}",
        "/r/{uri.var.roomID}/x",
        "/r-{uri.var.roomID}.json",
        "/a%20b?c=d",
    ],
)
def test_mappings_of_a_topic(mapping: str) -> None:
    assert mapping_problem(mapping, ROOM) == ""


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("/x/{uri.var.other}", "{uri.var.other} is no parameter of this topic; it has roomID"),
        ("/x/{uri.var.}", "no parameter"),
        ("/x/{roomID}", "{uri.var.name}"),
        ("/x?{roomID}", "{uri.var.name}"),
        ("/x/{uri.var.roomID", "{uri.var.name}"),
        ("//evil.example/x", "empty segments"),
        ("/a/../b", "dot segments"),
        ("/%2e%2E/b", "dot segments"),
        ("/a/.", "dot segments"),
        ("/a b", "spaces"),
        ("/a\r\nHost: evil", "spaces"),
        ("/a#b", "#"),
        ("/a?b#c", "#"),
        ("/a%zz", "special"),
        ("/é", "special"),
        ("/a/*", "topic that ends in /*"),
        ("/a*", "special"),
        ("/" + "a" * 500, "500"),
    ],
)
def test_what_is_no_mapping_says_why(mapping: str, words: str) -> None:
    assert words in mapping_problem(mapping, ROOM)


def test_what_a_topic_takes_below_itself_can_be_passed_on_by_its_mapping() -> None:
    assert mapping_problem("/chat/*", "/rooms/*") == ""
    assert mapping_problem("/chat/*?v=2", "/rooms/*") == ""
    assert mapping_problem("/*/chat", "/rooms/*") != ""


def test_a_name_is_enough_and_everything_else_gets_its_default() -> None:
    done, problems = topics([{"name": "rooms"}], ())
    assert (done, problems) == ([{"name": "/rooms", **TOPIC_DEFAULTS}], {})
    assert topics(done, ()) == (done, {})
    done[0]["scopes"].append("x")
    assert TOPIC_DEFAULTS["scopes"] == []


def test_a_whole_topic_stays_as_it_is() -> None:
    whole = {
        "name": ROOM,
        "subscribe": True,
        "publish": False,
        "url_mapping": "/rooms?room={uri.var.roomID}",
        "scopes": ["rooms:read"],
        "subscribe_scopes": [],
        "publish_scopes": ["rooms:write"],
        "security": "oauth",
        "api_plan": "",
    }
    assert topics([whole], SCOPES) == ([whole], {})
    assert scopes_named([whole]) == set(SCOPES)


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        ([], {"": "list of 1"}),
        (None, {"": "list of 1"}),
        ({}, {"": "list of 1"}),
        ([{"name": f"/{n}"} for n in range(TOPICS_LIMIT + 1)], {"": "list of 1"}),
        (["/a"], {"0": "object"}),
        ([{}], {"0/name": "text"}),
        ([{"name": 7}], {"0/name": "text"}),
        ([{"name": "/a", "colour": 1}], {"0/colour": "not known"}),
        ([{"name": "/a", "subscribe": "yes"}], {"0/subscribe": "true or false"}),
        ([{"name": "/a", "publish": None}], {"0/publish": "true or false"}),
        ([{"name": "/a", "subscribe": False, "publish": False}], {"0/subscribe": "receive (subscribe), to send"}),
        ([{"name": "/a", "url_mapping": 7}], {"0/url_mapping": "text"}),
        ([{"name": "/a", "url_mapping": "/{uri.var.b}"}], {"0/url_mapping": "no parameter"}),
        ([{"name": "/a", "scopes": "rooms:read"}], {"0/scopes": "list of names"}),
        ([{"name": "/a", "scopes": [7]}], {"0/scopes": "list of names"}),
        ([{"name": "/a", "scopes": ["rooms:read"] * 2}], {"0/scopes": "different"}),
        ([{"name": "/a", "publish_scopes": ["nothing"]}], {"0/publish_scopes": "no scope named nothing"}),
        ([{"name": "/a", "security": "basic"}], {"0/security": "one of"}),
        ([{"name": "/a", "security": []}], {"0/security": "one of"}),
        ([{"name": "/a", "security": "none", "scopes": ["rooms:read"]}], {"0/scopes": "without security"}),
        ([{"name": "/a"}, {"name": "a"}], {"1/name": "same paths as /a"}),
        ([{"name": "/a/{x}"}, {"name": "/b"}, {"name": "/a/{y}"}], {"2/name": "same paths as /a/{x}"}),
        ([{"name": "/a/{x}/*"}, {"name": "/a/{y}/*"}], {"1/name": "same paths as /a/{x}/*"}),
    ],
)
def test_every_problem_is_named_with_its_place(value: Any, problems: dict[str, str]) -> None:
    found = topics(value, SCOPES)[1]
    assert found.keys() == problems.keys()
    assert all(words in found[place] for place, words in problems.items()), found


@pytest.mark.parametrize("others", [("/a/{x}", "/a/*", "/a/b", "/a", "/"), ("/*", "/{x}", "/{x}/*", "/{x}/{y}")])
def test_patterns_that_differ_live_side_by_side(others: tuple[str, ...]) -> None:
    assert topics([{"name": name} for name in others], ())[1] == {}


def test_a_topic_of_an_older_revision_has_the_defaults() -> None:
    assert topic_of({"name": "/*", "subscribe": True, "publish": False}) == {
        **TOPIC_DEFAULTS, "name": "/*", "publish": False,
    }  # fmt: skip


def test_a_topic_in_one_line() -> None:
    assert topic_line(topic_of({"name": "/*"})) == "/* (receive and send)"
    whole = {"name": "/a/{b}", "publish": False, "url_mapping": "/c", "scopes": ["x", "y"], "subscribe_scopes": ["z"]}
    assert topic_line(topic_of(whole)) == "/a/{b} (receive; mapped to /c; scopes x y; to receive z)"
    free = {"name": "/news", "subscribe": False, "security": "none"}
    assert topic_line(topic_of(free)) == "/news (send; open to anybody)"


def test_the_pattern_of_a_name_forgets_what_its_parameters_are_called() -> None:
    assert pattern_of("/a/{x}/b/{y}/*") == pattern_of("/a/{q}/b/{r}/*") == "/a/{}/b/{}/*"
    assert parameters_of("/a/{x}/b/{y_1}/*") == ["x", "y_1"]


@pytest.mark.parametrize("name", ["rooms:write", "a", "https://example.com/scope?x=1", "!#[]~", "x" * 60])
def test_names_of_scopes(name: str) -> None:
    assert scope_name_problem(name) == ""


@pytest.mark.parametrize("name", ["", "a b", 'a"b', "a\\b", "é", "a\n", "\x7f", "x" * 61])
def test_what_is_no_scope_token_says_why(name: str) -> None:
    assert scope_name_problem(name) != ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=12,
)
FIELDS = st.dictionaries(st.sampled_from(["name", *TOPIC_DEFAULTS]), JSON, max_size=4)


@given(st.lists(FIELDS | JSON, max_size=4) | JSON)
def test_whatever_is_given_there_is_an_answer_and_what_is_valid_stays_valid(value: Any) -> None:
    done, problems = topics(value, SCOPES)
    if not problems:
        assert topics(done, SCOPES) == (done, {})
