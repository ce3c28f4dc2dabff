"""From a path to an API, a topic and what the upstream gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.matching import RoutingTable, upstream_target
from gateway.core.snapshot import ApiSnapshot, TopicSnapshot


def api(api_id: str, path: str, *topics: str) -> ApiSnapshot:
    names = topics or ("/*",)
    return ApiSnapshot(api_id, api_id, path, "1", path, "published", tuple(map(TopicSnapshot, names)), {})


TABLE = RoutingTable(
    [
        api("echo", "/echo/1.0.0"),
        api("deep", "/echo/1.0.0/inner/2"),
        api("rooms", "/chat/1", "/rooms/{roomID}", "/rooms/lobby", "/rooms/{roomID}/members/*", "/news"),
        api("inside", "/v/1.0.0/ws"),
        api("accents", "/café/1"),
    ]
)


def found(path: str) -> tuple[str, str, str, dict[str, str]] | None:
    route = TABLE.find(path)
    return route and (route.api.api_id, route.topic.name, route.rest, route.parameters)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/echo/1.0.0", ("echo", "/*", "", {})),
        ("/echo/1.0.0/", ("echo", "/*", "/", {})),
        ("/echo/1.0.0/a/b%20c//d", ("echo", "/*", "/a/b%20c//d", {})),
        ("/ec%68o/1%2E0.0/x", ("echo", "/*", "/x", {})),
        ("/echo/1.0.0/inner", ("echo", "/*", "/inner", {})),
        ("/echo/1.0.0/inner/2/x", ("deep", "/*", "/x", {})),
        ("/chat/1/rooms/lobby", ("rooms", "/rooms/lobby", "/rooms/lobby", {})),
        ("/chat/1/rooms/7", ("rooms", "/rooms/{roomID}", "/rooms/7", {"roomID": "7"})),
        ("/chat/1/rooms/7/", ("rooms", "/rooms/{roomID}", "/rooms/7/", {"roomID": "7"})),
        ("/chat/1/rooms/a%20b", ("rooms", "/rooms/{roomID}", "/rooms/a%20b", {"roomID": "a b"})),
        (
            "/chat/1/rooms/7/members/x/y",
            ("rooms", "/rooms/{roomID}/members/*", "/rooms/7/members/x/y", {"roomID": "7"}),
        ),
        ("/chat/1/news", ("rooms", "/news", "/news", {})),
        ("/v/1.0.0/ws/q", ("inside", "/*", "/q", {})),
        ("/caf%C3%A9/1", ("accents", "/*", "", {})),
    ],
)
def test_the_longest_path_and_the_most_specific_topic_win(path: str, expected: tuple) -> None:
    assert found(path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "//",
        "/echo",
        "/echo/",
        "/echo/1.0",
        "/echo/1.0.00",
        "/Echo/1.0.0",
        "/chat/1",
        "/chat/1/rooms",
        "/chat/1/rooms//",
        "/chat/1/rooms/7/8",
        "/chat/1/news/today",
        "/nowhere/1",
        "echo/1.0.0",
        "*",
    ],
)
def test_anything_else_is_nowhere(path: str) -> None:
    assert found(path) is None


@pytest.mark.parametrize("climb", ["..", ".", "%2e%2e", ".%2E", "a/..", "..%2f..", "..%5c", "a%2f..%2fb", "..;"])
def test_eve_cannot_climb_out_of_the_endpoints_path(climb: str) -> None:
    assert found(f"/echo/1.0.0/{climb}/admin") is None
    assert found(f"/echo/1.0.0/{climb}") is None


def test_dots_inside_a_name_are_only_dots() -> None:
    assert found("/echo/1.0.0/a..b/...c") is not None


@pytest.mark.parametrize(
    ("url", "rest", "query", "target"),
    [
        ("ws://host", "", b"", b"/"),
        ("ws://host", "/a", b"", b"/a"),
        ("ws://host/", "/a", b"x=1&y", b"/a?x=1&y"),
        ("ws://host/base", "", b"", b"/base"),
        ("ws://host/base/", "", b"", b"/base/"),
        ("ws://host/base/", "/a%20b", b"", b"/base/a%20b"),
        ("ws://host/base?key=1", "/a", b"x=2", b"/base/a?key=1&x=2"),
        ("ws://host?key=1", "", b"", b"/?key=1"),
    ],
)
def test_the_upstream_gets_its_own_path_then_the_rest_then_both_queries(
    url: str, rest: str, query: bytes, target: bytes
) -> None:
    assert upstream_target(url, rest, query) == target


@given(st.text(st.characters(max_codepoint=255), max_size=80))
def test_any_path_has_an_answer(tail: str) -> None:
    found("/echo/1.0.0/" + tail)
    found(tail)
