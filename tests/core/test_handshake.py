"""Which requests open the door, what each of eve's gets instead, and which answers of a backend are believed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.answers import accept_answer, accept_key, final_answer, plain_answer, render_head
from gateway.core.handshake import (
    HEAD_LIMIT,
    TARGET_LIMIT,
    Plain,
    Upgrade,
    check_early,
    head_end,
    parse_request,
)
from gateway.core.rejections import Rejection
from gateway.core.upstream_handshake import (
    BadAnswer,
    answer_end,
    offered_extensions,
    parse_answer,
    upgrade_request,
)
from tests.wires import PING, TEXT, frame

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 section 1.3
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
GOOD = {
    b"Host": b"gateway.example:9099",
    b"Upgrade": b"websocket",
    b"Connection": b"Upgrade",
    b"Sec-WebSocket-Version": b"13",
    b"Sec-WebSocket-Key": KEY,
}


def request(
    line: bytes = b"GET /echo/1.0.0?a=b HTTP/1.1", *more: bytes, without: tuple[bytes, ...] = (), **other: bytes
) -> bytes:
    """Sam's request; `more` are further header lines, `other` replaces values (underscore for hyphen)."""
    fields = {name: value for name, value in GOOD.items() if name not in without}
    fields.update({name.replace("_", "-").encode(): value for name, value in other.items()})
    return b"\r\n".join([line, *(name + b": " + value for name, value in fields.items()), *more]) + b"\r\n\r\n"


def upgrade(head: bytes) -> Upgrade:
    read = parse_request(head)
    assert isinstance(read, Upgrade)
    return read


def test_sams_upgrade_is_read() -> None:
    read = upgrade(
        request(
            b"GET /echo/1.0.0/r%C3%A4um?q=%20 HTTP/1.1",
            b"X-Trace:  abc ",
            b"x_trace: eve",
            b"Sec-WebSocket-Protocol: chat, v2.json",
            b"Sec-WebSocket-Protocol: base64url.bearer.authorization.YWJj",
        )
    )
    assert (read.raw_path, read.path, read.query) == (b"/echo/1.0.0/r%C3%A4um", "/echo/1.0.0/räum", b"q=%20")
    assert read.key == KEY
    assert read.subprotocols == ["chat", "v2.json", "base64url.bearer.authorization.YWJj"]
    assert (b"x-trace", b"abc") in read.headers
    assert (b"host", b"gateway.example:9099") in read.headers
    assert not [name for name, _ in read.headers if b"_" in name]


@pytest.mark.parametrize(
    "head",
    [
        request(Upgrade=b"WebSocket", Connection=b"keep-alive, upgrade"),
        request(Upgrade=b"h2c, websocket"),
        request(Host=b"[::1]:9099"),
        request(b"GET / HTTP/1.1"),
        request(b"GET /?x HTTP/1.1", b"Cookie: n=Ang\xc3\xa9lique", b"User-Agent:", b"X-Tab: a\tb"),
    ],
)
def test_what_the_rfc_allows_is_accepted(head: bytes) -> None:
    assert upgrade(head)


BAD = {
    "another method": request(b"POST /echo HTTP/1.1"),
    "HTTP/1.0": request(b"GET /echo HTTP/1.0"),
    "HTTP/2.0": request(b"GET /echo HTTP/2.0"),
    "no version": request(b"GET /echo"),
    "two spaces": request(b"GET  /echo HTTP/1.1"),
    "absolute form": request(b"GET http://gateway.example/echo HTTP/1.1"),
    "authority form": request(b"GET gateway.example:80 HTTP/1.1"),
    "asterisk form": request(b"GET * HTTP/1.1"),
    "a fragment": request(b"GET /echo#x HTTP/1.1"),
    "a backslash": request(b"GET /echo\\x HTTP/1.1"),
    "a raw umlaut": request("GET /räum HTTP/1.1".encode()),
    "a control byte in the path": request(b"GET /echo\x01 HTTP/1.1"),
    "half a percent escape": request(b"GET /echo%2 HTTP/1.1"),
    "a percent escape of nonsense": request(b"GET /echo%zz HTTP/1.1"),
    "an escaped line feed": request(b"GET /echo%0Ax HTTP/1.1"),
    "an escaped null": request(b"GET /echo%00 HTTP/1.1"),
    "escaped bytes that are not UTF-8": request(b"GET /echo%FF HTTP/1.1"),
    "dot segments": request(b"GET /echo/../admin HTTP/1.1"),
    "escaped dot segments": request(b"GET /echo/%2e%2E/admin HTTP/1.1"),
    "no Host": request(without=(b"Host",)),
    "an empty Host": request(Host=b""),
    "two Hosts": request(b"GET /echo HTTP/1.1", b"Host: other.example"),
    "a Host with a path": request(Host=b"gateway.example/echo"),
    "a Host with a user": request(Host=b"eve@gateway.example"),
    "two Origins": request(b"GET /echo HTTP/1.1", b"Origin: https://a", b"Origin: https://b"),
    "no Upgrade": request(without=(b"Upgrade",)),
    "another Upgrade": request(Upgrade=b"h2c"),
    "no Connection": request(without=(b"Connection",)),
    "Connection without upgrade": request(Connection=b"keep-alive"),
    "no key": request(without=(b"Sec-WebSocket-Key",)),
    "a short key": request(Sec_WebSocket_Key=b"c2hvcnQ="),
    "a long key": request(Sec_WebSocket_Key=KEY + KEY),
    "a key that is not base64": request(Sec_WebSocket_Key=b"!" * 22 + b"=="),
    "two keys": request(b"GET /echo HTTP/1.1", b"Sec-WebSocket-Key: " + KEY),
    "two versions": request(b"GET /echo HTTP/1.1", b"Sec-WebSocket-Version: 13"),
    "a subprotocol that is not ASCII": request(b"GET /echo HTTP/1.1", "Sec-WebSocket-Protocol: zürich".encode()),
    "a subprotocol with a space": request(b"GET /echo HTTP/1.1", b"Sec-WebSocket-Protocol: a b"),
    "an empty subprotocol": request(b"GET /echo HTTP/1.1", b"Sec-WebSocket-Protocol: a,,b"),
    "a subprotocol twice": request(b"GET /echo HTTP/1.1", b"Sec-WebSocket-Protocol: a, a"),
    "extensions that are not ASCII": request(b"GET /echo HTTP/1.1", "Sec-WebSocket-Extensions: é".encode()),
    "a body by length": request(b"GET /echo HTTP/1.1", b"Content-Length: 5"),
    "a body of no length": request(b"GET /echo HTTP/1.1", b"Content-Length: 0"),
    "a chunked body": request(b"GET /echo HTTP/1.1", b"Transfer-Encoding: chunked"),
    "both": request(b"GET /echo HTTP/1.1", b"Content-Length: 5", b"Transfer-Encoding: chunked"),
    "a folded line": request(b"GET /echo HTTP/1.1", b"X-A: 1", b" folded"),
    "a space before the colon": request(b"GET /echo HTTP/1.1", b"X-A : 1"),
    "a line without a colon": request(b"GET /echo HTTP/1.1", b"X-A"),
    "a line without a name": request(b"GET /echo HTTP/1.1", b": 1"),
    "a name with a parenthesis": request(b"GET /echo HTTP/1.1", b"X(A): 1"),
    "a name that is not ASCII": request(b"GET /echo HTTP/1.1", "X-É: 1".encode()),
    "a bare carriage return": request(b"GET /echo HTTP/1.1", b"X-A: 1\rX-B: 2"),
    "a null": request(b"GET /echo HTTP/1.1", b"X-A: 1\x002"),
    "a vertical tab": request(b"GET /echo HTTP/1.1", b"X-A: 1\x0b2"),
    "a form feed": request(b"GET /echo HTTP/1.1", b"X-A: 1\x0c2"),
    "a unit separator": request(b"GET /echo HTTP/1.1", b"X-A: 1\x1f2"),
    "a next-line in latin-1": request(b"GET /echo HTTP/1.1", b"X-A: 1\x852"),
    "a next-line in UTF-8": request(b"GET /echo HTTP/1.1", "X-A: 1\x852".encode()),
    "a line separator": request(b"GET /echo HTTP/1.1", "X-A: 1\u20282".encode()),
    "a delete": request(b"GET /echo HTTP/1.1", b"X-A: 1\x7f2"),
}


@pytest.mark.parametrize("what", BAD)
def test_eves_request_is_a_bad_request_with_a_sentence_that_says_why(what: str) -> None:
    with pytest.raises(Rejection) as caught:
        parse_request(BAD[what])
    assert (caught.value.status, caught.value.code) == (400, "bad_request")
    assert caught.value.detail.endswith(".")


@pytest.mark.parametrize("version", [b"8", b"14", b"777", b"", b"13, 8"])
def test_another_version_of_the_protocol_is_426_and_is_told_the_right_one(version: bytes) -> None:
    with pytest.raises(Rejection) as caught:
        parse_request(request(Sec_WebSocket_Version=version))
    assert caught.value.status == 426
    assert (b"Sec-WebSocket-Version", b"13") in caught.value.all_headers()


def test_too_long_a_url_and_too_many_headers_are_431() -> None:
    long = b"GET /" + b"a" * TARGET_LIMIT + b" HTTP/1.1"
    for head in (request(long), request(b"GET / HTTP/1.1", *[b"X-A: 1"] * 100)):
        with pytest.raises(Rejection) as caught:
            parse_request(head)
        assert caught.value.status == 431
    assert upgrade(request(b"GET /" + b"a" * (TARGET_LIMIT - 1) + b" HTTP/1.1"))


def test_a_head_is_waited_for_until_its_limit() -> None:
    head = request()
    for end in range(len(head)):
        assert head_end(head[:end]) == 0
    assert head_end(head + b"rest") == len(head)
    for large in (b"GET / HTTP/1.1\r\nX: " + b"a" * HEAD_LIMIT, b"G" * HEAD_LIMIT):
        with pytest.raises(Rejection) as caught:
            head_end(large)
        assert caught.value.status == 431


@pytest.mark.parametrize(
    "start", [b"GET / HTTP/1.1\nHost: x\n", b"\x16\x03\x01\x02\x00", b"\r\nGET", b" GET", b"get /", b"\0"]
)
def test_what_cannot_become_a_request_is_refused_at_once(start: bytes) -> None:
    with pytest.raises(Rejection) as caught:
        head_end(start)
    assert caught.value.status == 400


@given(st.binary(max_size=400))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_no_bytes_whatsoever_lead_to_anything_but_a_request_or_a_refusal(noise: bytes) -> None:
    for data in (
        noise + b"\r\n\r\n",
        request()[:60] + noise + request()[60:],
        request(b"GET /" + noise + b" HTTP/1.1"),
    ):
        status = 400
        try:
            end = head_end(data)
            if end:
                parse_request(data[:end])
        except Rejection as rejection:
            status = rejection.status
        assert 400 <= status < 500


def test_a_request_that_is_no_upgrade_is_told_so_unless_it_asks_for_health() -> None:
    plain = parse_request(b"GET /health HTTP/1.0\r\n\r\n")
    assert plain == Plain("GET", "/health")
    head, _, body = plain_answer(plain, {"status": "up", "sessions": 3}).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert json.loads(body) == {"status": "up", "sessions": 3}
    assert plain_answer(Plain("HEAD", "/health"), {"status": "up"}).endswith(b"\r\n\r\n")
    for other in (Plain("POST", "/health"), Plain("GET", "/"), Plain("GET", "/health/x")):
        head, _, body = plain_answer(other, {}).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 426 ")
        assert b"\r\nUpgrade: websocket\r\n" in head
        assert json.loads(body)["code"] == "upgrade_required"
        assert b"\r\nContent-Length: %d\r\n" % len(body) in head


def test_frames_may_follow_a_request_and_nothing_else_may() -> None:
    check_early(b"")
    check_early(frame(TEXT, b"early", masked=True) + frame(PING, b"", masked=True)[:3])
    for smuggled in (b"GET /admin HTTP/1.1\r\n\r\n", frame(TEXT, b"x", masked=False), b"0\r\n\r\n", b"{}"):
        with pytest.raises(Rejection):
            check_early(smuggled)


def test_the_answer_that_opens_a_session() -> None:
    assert accept_key(KEY) == ACCEPT
    lines = accept_answer(KEY, b"chat", b"permessage-deflate", [(b"RateLimit", b"x")]).split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 101 Switching Protocols"
    assert set(lines[1:-2]) == {
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + ACCEPT,
        b"Sec-WebSocket-Protocol: chat",
        b"Sec-WebSocket-Extensions: permessage-deflate",
        b"RateLimit: x",
    }
    assert b"Sec-WebSocket-Protocol" not in accept_answer(KEY, None, None)


def test_a_final_answer_says_its_length_once_and_closes() -> None:
    answer = final_answer(
        429, [(b"content-length", b"999"), (b"Retry-After", b"7"), (b"Connection", b"keep-alive")], b"no"
    )
    assert answer == (
        b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
    )
    assert final_answer(418, [], b"").startswith(b"HTTP/1.1 418 ")
    assert final_answer(499, [], b"").startswith(b"HTTP/1.1 499 Refused\r\n")


@pytest.mark.parametrize("header", [(b"X", b"a\r\nSet-Cookie: b"), (b"X", b"a\nb"), (b"X: y", b"z"), (b"", b"z")])
def test_no_header_breaks_out_of_its_line(header: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError, match="not a header"):
        render_head(b"HTTP/1.1 200 OK", [header])


# -- the backend's side -------------------------------------------------------------------------------------------

YES = {b"Upgrade": b"websocket", b"Connection": b"Upgrade", b"Sec-WebSocket-Accept": ACCEPT}


def answer(line: bytes = b"HTTP/1.1 101 Switching Protocols", *more: bytes, **other: bytes) -> bytes:
    """A backend's answer to KEY; a value of b"" leaves the header out."""
    fields = {**YES, **{name.replace("_", "-").encode(): value for name, value in other.items()}}
    lines = [name + b": " + value for name, value in fields.items() if value]
    return b"\r\n".join([line, *lines, *more]) + b"\r\n\r\n"


def test_the_request_to_a_backend_is_itself_a_valid_upgrade() -> None:
    head = upgrade_request(
        b"backend:9998",
        b"/base/chat?x=1",
        key=KEY,
        headers=[(b"cookie", b"a=b"), (b"x-forwarded-for", b"192.0.2.1")],
        subprotocols=b"chat, v2",
        extensions=b"permessage-deflate",
    )
    read = upgrade(head)
    assert (read.path, read.query, read.subprotocols) == ("/base/chat", b"x=1", ["chat", "v2"])
    assert (b"host", b"backend:9998") in read.headers
    assert (b"x-forwarded-for", b"192.0.2.1") in read.headers


@pytest.mark.parametrize("path", [b"", b"chat", b"/a b", b"/a\r\nX: y", b"/\xff"])
def test_no_path_breaks_out_of_the_request_line(path: bytes) -> None:
    with pytest.raises(ValueError, match="request target"):
        upgrade_request(b"backend", path, key=KEY, headers=[], subprotocols=None, extensions=None)


def test_only_extensions_that_the_relay_can_carry_are_offered_on() -> None:
    assert offered_extensions(b"x-webkit-deflate-frame, permessage-deflate; client_max_window_bits, foo") == (
        b"permessage-deflate; client_max_window_bits"
    )
    assert offered_extensions(b"foo") is None
    assert offered_extensions(None) is None


def test_a_backends_yes_is_believed_with_its_choices_and_cookies() -> None:
    head = answer(
        b"HTTP/1.1 101",
        b"Sec-WebSocket-Protocol: v2",
        b"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover",
        b"Set-Cookie: node=3",
        b"Server: x",
    )
    read = parse_answer(head, KEY, b"chat, v2", b"permessage-deflate; client_max_window_bits")
    assert read.subprotocol == b"v2"
    assert read.extensions == b"permessage-deflate; server_no_context_takeover"
    assert read.headers == [(b"set-cookie", b"node=3")]


@pytest.mark.parametrize("status", [100, 103, 200, 204, 301, 302, 400, 401, 403, 404, 426, 500, 502, 503])
def test_any_other_status_is_no_session_and_is_remembered(status: int) -> None:
    with pytest.raises(BadAnswer) as caught:
        parse_answer(answer(b"HTTP/1.1 %d Whatever" % status), KEY, None, None)
    assert caught.value.status == status


NONSENSE = {
    "no HTTP": answer(b"SSH-2.0-OpenSSH_9.2"),
    "an odd status": answer(b"HTTP/1.1 1010 OK"),
    "HTTP/1.0": answer(b"HTTP/1.0 101 Switching"),
    "no Upgrade": answer(Upgrade=b""),
    "another Upgrade": answer(Upgrade=b"h2c"),
    "no Connection": answer(Connection=b""),
    "no proof": answer(Sec_WebSocket_Accept=b""),
    "a wrong proof": answer(Sec_WebSocket_Accept=accept_key(b"another key")),
    "two proofs": answer(b"HTTP/1.1 101 x", b"Sec-WebSocket-Accept: " + ACCEPT),
    "a subprotocol nobody offered": answer(b"HTTP/1.1 101 x", b"Sec-WebSocket-Protocol: v3"),
    "two subprotocols": answer(b"HTTP/1.1 101 x", b"Sec-WebSocket-Protocol: chat", b"Sec-WebSocket-Protocol: v2"),
    "an extension nobody offered": answer(b"HTTP/1.1 101 x", b"Sec-WebSocket-Extensions: x-foo"),
    "two of one family": answer(b"HTTP/1.1 101 x", b"Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate"),
    "a folded line": answer(b"HTTP/1.1 101 x", b"X-A: 1", b" 2"),
    "a control byte": answer(b"HTTP/1.1 101 x", b"X-A: 1\x0b2"),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_an_answer_that_proves_nothing_opens_nothing(what: str) -> None:
    with pytest.raises(BadAnswer):
        parse_answer(NONSENSE[what], KEY, b"chat, v2", b"permessage-deflate")


def test_an_answer_is_waited_for_until_its_limit_or_until_it_cannot_be_one() -> None:
    head = answer()
    for end in range(len(head)):
        assert answer_end(head[:end]) == 0
    assert answer_end(head + b"\x81\x00") == len(head)
    for hopeless in (b"HTTP/1.1 200 OK\r\nX: " + b"a" * HEAD_LIMIT, b"SSH-2.0", b"\x00"):
        with pytest.raises(BadAnswer):
            answer_end(hopeless)
