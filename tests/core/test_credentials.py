"""Where a handshake shows its credential, and what of it must not travel on."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.credentials import Credential, Shown, find_credential, sort_query, sort_subprotocols
from gateway.core.rejections import Rejection

TOKEN = "sam-Token_1.~+/=="


def b64(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def bearer_protocol(text: str | bytes) -> bytes:
    return b"base64url.bearer.authorization." + b64(text)


def show(*headers: tuple[bytes, bytes], query: bytes = b"", in_query: bool = False) -> Credential:
    return find_credential(Shown(headers, sort_subprotocols(headers), sort_query(query), in_query))


def find(*headers: tuple[bytes, bytes]) -> str:
    return show(*headers).token


def refusal(*headers: tuple[bytes, bytes]) -> Rejection:
    with pytest.raises(Rejection) as caught:
        find(*headers)
    return caught.value


@pytest.mark.parametrize("scheme", [b"Bearer ", b"bearer ", b"BEARER   "])
def test_sam_sends_the_token_in_a_header(scheme: bytes) -> None:
    assert find((b"authorization", scheme + TOKEN.encode())) == TOKEN


def test_a_browser_sends_it_as_a_subprotocol() -> None:
    offered = b"graphql-transport-ws, " + bearer_protocol(TOKEN) + b", mqtt"
    sorted_out = sort_subprotocols([(b"sec-websocket-protocol", offered)])
    assert find((b"sec-websocket-protocol", offered)) == TOKEN
    assert sorted_out.offer == b"graphql-transport-ws, mqtt"
    assert sorted_out.answer(b"mqtt") == b"mqtt"
    assert sorted_out.answer(None) is None


def test_padding_of_the_subprotocol_token_does_not_matter() -> None:
    padded = b"base64url.bearer.authorization." + base64.urlsafe_b64encode(TOKEN.encode())
    assert find((b"sec-websocket-protocol", padded)) == TOKEN


def test_the_placeholder_is_never_sent_upstream_and_answered_where_nothing_was_chosen() -> None:
    sorted_out = sort_subprotocols([(b"sec-websocket-protocol", b"wsportal, " + bearer_protocol(TOKEN))])
    assert sorted_out.offer is None
    assert sorted_out.answer(None) == b"wsportal"
    assert sorted_out.answer(b"chosen") == b"chosen"


def test_subprotocols_over_several_lines_are_one_list() -> None:
    headers = [
        (b"sec-websocket-protocol", b"a"),
        (b"x", b"y"),
        (b"sec-websocket-protocol", b" b ,, " + bearer_protocol("t")),
    ]
    sorted_out = sort_subprotocols(headers)
    assert sorted_out.real == (b"a", b"b")
    assert find(*headers) == "t"


def test_the_header_wins_over_the_subprotocol() -> None:
    assert find((b"authorization", b"Bearer one"), (b"sec-websocket-protocol", bearer_protocol("two"))) == "one"


def test_another_scheme_leaves_room_for_the_subprotocol() -> None:
    assert find((b"authorization", b"Basic eDp5"), (b"sec-websocket-protocol", bearer_protocol("two"))) == "two"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"")],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer ")],
        [(b"authorization", b"Bearer a b")],
        [(b"authorization", "Bearer schlüssel".encode())],
        [(b"authorization", b"Bearer a"), (b"authorization", b"Bearer a")],
        [(b"authorization", b"Basic eDp5")],
        [(b"sec-websocket-protocol", b"chat")],
        [(b"sec-websocket-protocol", b"base64url.bearer.authorization.")],
        [(b"sec-websocket-protocol", b"base64url.bearer.authorization.%%%")],
        [(b"sec-websocket-protocol", b"base64url.bearer.authorization.a")],
        [(b"sec-websocket-protocol", bearer_protocol(b"\xff\x00"))],
        [(b"sec-websocket-protocol", bearer_protocol("a") + b", " + bearer_protocol("b"))],
    ],
)
def test_no_or_malformed_credential_is_401(headers: list[tuple[bytes, bytes]]) -> None:
    rejection = refusal(*headers)
    assert (rejection.status, rejection.code) == (401, "missing_credentials")
    assert ("WWW-Authenticate", "Bearer") in rejection.headers


def test_a_token_appears_in_no_repr() -> None:
    headers = [(b"authorization", b"Bearer open-sesame"), (b"sec-websocket-protocol", bearer_protocol("open-sesame"))]
    sorted_out = Shown(headers, sort_subprotocols(headers), sort_query(b"a=1&ticket=open-sesame"))
    shown = repr(find_credential(sorted_out)) + repr(sorted_out) + repr(show(query=b"ticket=open-sesame"))
    assert "open-sesame" not in shown
    assert b64("open-sesame").decode() not in shown


@given(st.binary(max_size=60), st.booleans())
def test_whatever_eve_sends_is_a_token_or_a_401(value: bytes, in_header: bool) -> None:
    header = (
        (b"authorization", b"Bearer " + value)
        if in_header
        else (b"sec-websocket-protocol", b"base64url.bearer.authorization." + value)
    )
    try:
        outcome: object = find(header)
    except Rejection as rejection:
        outcome = rejection.status
    assert outcome == 401 or (isinstance(outcome, str) and outcome.isascii() and outcome)
