"""What the upstream is asked for where a topic has a URL mapping, and the version that answers without being named."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from apis.shapes_topics import mapping_problem, topic_name_problem
from gateway.core.handshake import Upgrade, parse_request
from gateway.core.matching import RoutingTable, climbs, segments, upstream_target
from gateway.core.rejections import Rejection
from gateway.core.snapshot import ApiSnapshot, TopicSnapshot
from gateway.core.upstream_handshake import upgrade_request

HEADERS = b"Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
HEADERS += b"dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"


def api(path: str, *topics: tuple[str, str], default: str = "", closed: tuple[str, ...] = ()) -> ApiSnapshot:
    rows = tuple([TopicSnapshot(name, url_mapping=mapping) for name, mapping in topics or [("/*", "")]])
    context, version = path.rsplit("/", 1)
    return ApiSnapshot(
        path, path, context, version, path, "published", rows, {}, default_path=default, closed_paths=closed
    )


def target(topic: str, mapping: str, asked: str, query: bytes = b"", endpoint: str = "ws://up/base") -> str | None:
    route = RoutingTable([api("/chat/1", (topic, mapping))]).find("/chat/1" + asked)
    return route and upstream_target(endpoint, route.rest, query).decode("ascii")


@pytest.mark.parametrize(
    ("topic", "mapping", "asked", "expected"),
    [
        ("/rooms/{roomID}", "", "/rooms/7", "/base/rooms/7"),
        ("/rooms/{roomID}", "/rooms?room={uri.var.roomID}", "/rooms/7", "/base/rooms?room=7"),
        ("/rooms/{roomID}", "/r/{uri.var.roomID}/x", "/rooms/a%20b", "/base/r/a%20b/x"),
        ("/rooms/{roomID}", "/r?q={uri.var.roomID}", "/rooms/a%20b", "/base/r?q=a%20b"),
        ("/rooms/{roomID}", "/r?q={uri.var.roomID}", "/rooms/a&b=c", "/base/r?q=a%26b%3Dc"),
        ("/rooms/{roomID}", "/r?q={uri.var.roomID}", "/rooms/a+b%2Bc", "/base/r?q=a%2Bb%2Bc"),
        ("/rooms/{roomID}", "/r/{uri.var.roomID}", "/rooms/a%3Fb%23c", "/base/r/a%3Fb%23c"),
        ("/rooms/{roomID}", "/r/{uri.var.roomID}", "/rooms/%0d%0aX:y", "/base/r/%0d%0aX:y"),
        ("/rooms/{roomID}", "/r?q={uri.var.roomID}", "/rooms/%0d%0aX:y", "/base/r?q=%0D%0AX%3Ay"),
        ("/rooms/{roomID}", "/r/{uri.var.roomID}", "/rooms/7/", "/base/r/7"),
        ("/{a}/{b}", "/{uri.var.b}/{uri.var.a}?{uri.var.a}", "/x/y", "/base/y/x?x"),
        ("/rooms/*", "/chat", "/rooms/a/b", "/base/chat"),
        ("/rooms/*", "/chat/*", "/rooms/a/b", "/base/chat/a/b"),
        ("/rooms/*", "/chat/*", "/rooms", "/base/chat"),
        ("/rooms/{id}/*", "/c/{uri.var.id}/*?v=2", "/rooms/7/a%2Fb/c", "/base/c/7/a%2Fb/c?v=2"),
        ("/*", "/", "/anything", "/base/"),
        ("/news", "/feed", "/news", "/base/feed"),
    ],
)
def test_a_mapping_is_filled_with_what_the_client_asked_for(
    topic: str, mapping: str, asked: str, expected: str
) -> None:
    assert mapping_problem(mapping, topic) == ""
    assert target(topic, mapping, asked) == expected


def test_all_queries_travel_in_the_order_endpoint_mapping_client() -> None:
    mapped = target("/r/{id}", "/x?id={uri.var.id}", "/r/7", b"id=8&z", "ws://up/base?key=1")
    assert mapped == "/base/x?key=1&id=7&id=8&z"


@pytest.mark.parametrize("value", ["..", ".", "%2e%2e", "..%2f..", "a%2f..", "..;x", "%2e"])
def test_eve_cannot_climb_by_a_parameter(value: str) -> None:
    assert target("/r/{id}", "/x/{uri.var.id}", f"/r/{value}") is None
    assert target("/r/{id}/*", "/x/*", f"/r/7/{value}") is None


def test_pieces_that_are_harmless_alone_do_not_make_a_dot_segment() -> None:
    assert target("/{a}/{b}", "/x/.{uri.var.a}{uri.var.b}/y", "/;/;") is None
    assert target("/{a}/{b}", "/x/{uri.var.a}{uri.var.b}/y", "/.a/b.") == "/base/x/.ab./y"


ODD = ("%2F", "%2e", "%0D", "%0a", "%25", "%C3", "%00")
SEGMENT = st.text(st.sampled_from("az09.~-_!$&'()*+,;=:@\"<>^`{|}"), min_size=1, max_size=4) | st.sampled_from(ODD)
PIECE = st.sampled_from(["/", "x", ".", "?", "=", "&", "{uri.var.a}", "{uri.var.b}", "%2e", ";", "/*"])


@given(st.lists(PIECE, max_size=8).map("".join), st.lists(SEGMENT, min_size=2, max_size=5))
def test_whatever_is_asked_for_the_endpoints_path_is_never_left_and_no_line_is_added(
    mapping: str, asked: list[str]
) -> None:
    topic, mapping = "/{a}/{b}/*", "/" + mapping
    assume(topic_name_problem(topic) == mapping_problem(mapping, topic) == "")
    try:
        request = parse_request(b"GET /chat/1/" + "/".join(asked).encode() + b" HTTP/1.1\r\n" + HEADERS)
    except Rejection:
        return
    assert isinstance(request, Upgrade)
    raw = request.raw_path.decode("latin-1").removeprefix("/chat/1")
    sent = target(topic, mapping, raw, request.query)
    if sent is None:
        return
    path, _, query = sent.partition("?")
    assert path.startswith("/base")
    assert not climbs(map(unquote, segments(path)))
    line = upgrade_request(b"up", sent.encode(), key=b"k", headers=[], subprotocols=None, extensions=None).partition(
        b"\r\n"
    )[0]
    assert line == b"GET " + sent.encode() + b" HTTP/1.1"
    fixed = mapping.partition("?")[2]
    if "{uri.var.a}" in fixed:
        assert query.count("&") == fixed.count("&")


@given(st.text(max_size=20))
def test_a_parameter_in_a_query_is_one_value_however_it_is_written(value: str) -> None:
    escaped = "".join(f"%{byte:02x}" for byte in value.encode("utf-8", "replace"))
    sent = target("/r/{id}", "/x?id={uri.var.id}", "/r/" + escaped)
    if sent is not None:
        read = parse_qsl(sent.partition("?")[2], keep_blank_values=True, strict_parsing=True)
        assert read == [("id", value.encode("utf-8", "replace").decode())]


DEFAULTS = RoutingTable(
    [
        api("/echo/1.0.0"),
        api("/echo/2.0.0", ("/*", ""), ("/rooms/{id}", ""), default="/echo", closed=("/echo/0.9",)),
        api("/echo/rooms/1"),
        api("/plain/1"),
        ApiSnapshot(
            "inside", "i", "/{version}/ws", "3", "/3/ws", "published", (TopicSnapshot("/*"),), {}, default_path="/ws"
        ),
    ]
)


@pytest.mark.parametrize(
    ("path", "api_id", "rest"),
    [
        ("/echo", "/echo/2.0.0", ""),
        ("/echo/", "/echo/2.0.0", "/"),
        ("/echo/rooms/7", "/echo/2.0.0", "/rooms/7"),
        ("/ec%68o/a/b", "/echo/2.0.0", "/a/b"),
        ("/echo/2.0.0/x", "/echo/2.0.0", "/x"),
        ("/echo/1.0.0", "/echo/1.0.0", ""),
        ("/echo/1.0.0/x", "/echo/1.0.0", "/x"),
        ("/echo/rooms/1", "/echo/rooms/1", ""),
        ("/echo/3.0.0/x", "/echo/2.0.0", "/3.0.0/x"),
        ("/ws/x", "inside", "/x"),
        ("/3/ws/x", "inside", "/x"),
    ],
)
def test_the_default_version_answers_where_no_version_is_named(path: str, api_id: str, rest: str) -> None:
    route = DEFAULTS.find(path)
    assert route is not None
    assert (route.api.api_id, route.rest) == (api_id, rest)


@pytest.mark.parametrize("path", ["/echo/0.9", "/echo/0.9/x", "/echo/0%2E9/x", "/plain", "/plain/x", "/echo/../x"])
def test_a_version_that_is_not_deployed_is_not_answered_by_the_default_one(path: str) -> None:
    assert DEFAULTS.find(path) is None
