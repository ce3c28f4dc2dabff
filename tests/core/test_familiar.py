"""A head that comes again is read as it was the first time, and nobody's secret is kept for that."""

from __future__ import annotations

import base64
import os
import pickle
from typing import Any

import pytest

from gateway.core.answers import accept_key
from gateway.core.familiar import KEPT, LONGEST, Heads
from gateway.core.handshake import Upgrade, parse_request
from gateway.core.rejections import Rejection
from gateway.core.upstream_handshake import BadAnswer, Form, parse_answer, upgrade_request
from tests.core.test_handshake import KEY, request

SECRET = b"s3cr3t-of-sam"
SECRETS = (
    b"Authorization: Bearer " + SECRET,
    b"apikey:   " + SECRET + b"  ",
    b"Cookie: a=" + SECRET,
    b"X-Whatever:" + SECRET,
    b"X_Low: 1",
    b"Origin: https://app.example",
    b"X-Empty:",
)


def key() -> bytes:
    return base64.b64encode(os.urandom(16))


def facts(upgrade: Any) -> tuple[Any, ...]:
    assert isinstance(upgrade, Upgrade)
    return (
        upgrade.raw_path, upgrade.path, upgrade.query, upgrade.headers, upgrade.key, upgrade.subprotocols,
    )  # fmt: skip


def head(*more: bytes, line: bytes = b"GET /echo/1.0.0 HTTP/1.1", **other: bytes) -> bytes:
    return request(line, *more, without=(), **{"Sec_WebSocket_Key": key(), **other})


@pytest.mark.parametrize("more", [SECRETS, (), SECRETS[:1], (SECRETS[3], SECRETS[4], SECRETS[0])])
def test_every_time_it_is_read_as_the_first_time(more: tuple[bytes, ...]) -> None:
    heads = Heads()
    for _ in range(5):
        one = head(*more)
        assert facts(heads.read(one)) == facts(parse_request(one))
    assert len(heads) == 1
    known = heads.read(head(*more))
    assert isinstance(known, Upgrade)
    assert known.familiar is not None
    assert known.familiar.origin == ("https://app.example" if SECRETS[5] in more else "")


@pytest.mark.parametrize("more", [SECRETS, SECRETS[:1]])
def test_no_credential_is_kept(more: tuple[bytes, ...]) -> None:
    heads = Heads()
    for _ in range(4):
        heads.read(head(*more))
    (known,) = heads._known.values()
    kept = pickle.dumps([getattr(known, name) for name in dir(known) if not callable(getattr(known, name))])
    assert SECRET not in kept
    assert b"websocket" in kept


def test_two_tokens_are_two_heads() -> None:
    heads = Heads()
    for token in (b"sam", b"eve", b"sam", b"eve", b"sam", b"eve"):
        one = head(b"Authorization: Bearer " + token)
        assert facts(heads.read(one)) == facts(parse_request(one))
    assert len(heads) == 2


@pytest.mark.parametrize("bad", [b"\r\nX-Evil: 1\r\nAAAAAAAAAAA", b"a" * 24, b"YWJj" * 6, b" " * 24, b"="])
def test_a_key_is_looked_at_each_time(bad: bytes) -> None:
    heads = Heads()
    for _ in range(4):
        heads.read(head())
    with pytest.raises(Rejection) as refused:
        heads.read(request(b"GET /echo/1.0.0 HTTP/1.1", Sec_WebSocket_Key=bad))
    assert refused.value.code == "bad_request"


@pytest.mark.parametrize(
    "one",
    [
        request(b"GET /echo/1.0.0?access_token=x HTTP/1.1"),
        request(b"GET /echo/1.0.0 HTTP/1.1", b"Sec-WebSocket-Protocol: mqtt"),
        request(b"GET /echo/1.0.0 HTTP/1.1", b"X-Long: " + b"x" * LONGEST),
        b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
        request(b"GET /echo/1.0.0 HTTP/1.1", without=(b"Sec-WebSocket-Key",), sec_websocket_key=KEY),
    ],
)
def test_what_may_hold_anything_or_is_spelled_otherwise_is_read_anew(one: bytes) -> None:
    heads = Heads()
    for _ in range(4):
        heads.read(one)
    assert len(heads) == 0


def test_so_many_are_kept_and_no_more() -> None:
    heads = Heads()
    for number in range(KEPT + 10):
        for _ in range(2):
            heads.read(head(b"X-Number: %d" % number))
    assert 0 < len(heads) <= KEPT


def test_the_form_of_a_request_is_filled_in_with_key_and_id() -> None:
    def made(key: bytes, name: bytes) -> bytes:
        headers = [(b"origin", b"https://app.example"), (b"x-request-id", name), (b"x-last", b"1")]
        return upgrade_request(
            b"backend", b"/a", key=key, headers=headers, subprotocols=None, extensions=b"permessage-x"
        )

    form = Form()
    assert not form.learnt
    form.learn(made(KEY, b"0" * 32), KEY, b"0" * 32, b"permessage-x")
    assert form.learnt
    assert form.extensions == b"permessage-x"
    other = key()
    assert form.filled(other, b"1" * 32) == made(other, b"1" * 32)


def test_a_request_that_names_its_key_twice_makes_no_form() -> None:
    form = Form()
    form.learn(b"a KEY b KEY c id", b"KEY", b"id", None)
    form.learn(b"a id b KEY c", b"KEY", b"id", None)
    assert not form.learnt


def answer(accept: bytes, *more: bytes) -> bytes:
    lines = [
        b"HTTP/1.1 101 Yes",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + accept,
        *more,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def test_each_answer_must_prove_anew_that_the_request_was_understood() -> None:
    for _ in range(3):
        mine = key()
        for more in ((), (b"X-Node: 7",), (b"Set-Cookie: a=b",)):
            found = parse_answer(answer(accept_key(mine), *more), mine, None, None)
            assert found.headers == [tuple(line.lower().split(b": ")) for line in more]
        for wrong in (accept_key(key()), b"", accept_key(mine)[:-1]):
            with pytest.raises(BadAnswer):
                parse_answer(answer(wrong), mine, None, None)
        with pytest.raises(BadAnswer):  # elsewhere it proves nothing
            parse_answer(answer(accept_key(key()), b"X-Proof: " + accept_key(mine)), mine, None, None)
    mine = key()
    assert parse_answer(answer(accept_key(mine), b"Sec-WebSocket-Protocol: a"), mine, b"a, b", None).subprotocol == b"a"
    with pytest.raises(BadAnswer):
        parse_answer(answer(accept_key(mine), b"Sec-WebSocket-Protocol: a"), mine, b"b", None)
