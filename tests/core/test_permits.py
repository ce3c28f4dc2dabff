"""What sam may do at a topic, by its rules and the scopes of the token."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.core.frames import DROP
from gateway.core.permits import BOTH_WAYS, Permit, permit
from gateway.core.records import SessionRecord
from gateway.core.rejections import Rejection
from gateway.core.session import Session
from gateway.core.snapshot import ApiSnapshot, Entitlement, Principal, TopicSnapshot
from tests.wires import TEXT, frame

R, W, C = frozenset({"read"}), frozenset({"write"}), frozenset({"connect"})
NONE: frozenset[str] = frozenset()
SENDS, RECEIVES = Permit(receive=False, send=True), Permit(receive=True, send=False)


def topic(**rules: Any) -> TopicSnapshot:
    return TopicSnapshot("/*", **rules)


@pytest.mark.parametrize(
    ("rules", "scopes", "expected"),
    [
        ({}, NONE, BOTH_WAYS),
        ({}, W, BOTH_WAYS),
        ({"scopes": C}, C, BOTH_WAYS),
        ({"publish": False}, NONE, RECEIVES),
        ({"subscribe": False}, NONE, SENDS),
        ({"publish_scopes": W}, NONE, RECEIVES),
        ({"publish_scopes": W}, W, BOTH_WAYS),
        ({"subscribe_scopes": R}, NONE, SENDS),
        ({"subscribe_scopes": R, "publish_scopes": W}, R, RECEIVES),
        ({"subscribe_scopes": R, "publish_scopes": W}, W, SENDS),
        ({"subscribe_scopes": R, "publish_scopes": R | W}, R | W, BOTH_WAYS),
        ({"subscribe_scopes": R, "publish_scopes": R | W}, W, None),
        ({"publish": False, "publish_scopes": W}, NONE, RECEIVES),
        ({"security": "none", "scopes": C, "publish_scopes": W}, NONE, BOTH_WAYS),
        ({"security": "none", "publish": False}, NONE, RECEIVES),
    ],
)
def test_directions_that_are_open(rules: dict[str, Any], scopes: frozenset[str], expected: Permit | None) -> None:
    if expected is None:
        with pytest.raises(Rejection):
            permit(topic(**rules), scopes)
    else:
        assert permit(topic(**rules), scopes) == expected
        assert permit(topic(**rules), scopes).whole is (expected is BOTH_WAYS)


@pytest.mark.parametrize(
    ("rules", "scopes", "needed", "lacking"),
    [
        ({"scopes": C | R}, R, "connect read", "connect"),
        ({"scopes": C, "publish_scopes": W}, W, "connect", "connect"),
        ({"subscribe_scopes": R | W, "publish_scopes": W}, NONE, "write", "write"),
        ({"scopes": C, "publish": False, "subscribe_scopes": R}, C, "connect read", "read"),
        ({"subscribe": False, "publish_scopes": W}, R, "write", "write"),
    ],
)
def test_a_refusal_names_what_is_needed(
    rules: dict[str, Any], scopes: frozenset[str], needed: str, lacking: str
) -> None:
    with pytest.raises(Rejection) as refused:
        permit(topic(**rules), scopes)
    assert (refused.value.code, refused.value.status) == ("insufficient_scope", 403)
    challenge = f'Bearer error="insufficient_scope", scope="{needed}"'
    assert refused.value.headers == (("WWW-Authenticate", challenge),)
    assert refused.value.detail == f"The access token lacks: {lacking}."


# On a live session ------------------------------------------------------------------------------------------------


class House:
    """Where the session of a test lives."""

    clock = monotonic = staticmethod(lambda: 1_800_000_000.0)

    def held(self, session: Session) -> None: ...
    def ended(self, session: Session, record: SessionRecord) -> None: ...


def session(where: TopicSnapshot, scopes: frozenset[str], deflate: bool = False) -> Session:
    return Session(
        House(),
        session_id="r1",
        api=ApiSnapshot("api", "Echo", "/echo", "1", "/echo/1", "published", (where,), {}),
        principal=Principal("oauth", "key", "7", "app", scopes=scopes),
        entitlement=Entitlement("sub", "api", "app", "App", "sam"),
        client="192.0.2.1",
        upstream="ws://up",
        deflate=deflate,
        topic=where,
    )


def sent(one: Session, masked: bool = True) -> int:
    """One message of that direction: how many of its bytes pass."""
    scanner = one.scanner_in if masked else one.scanner_out
    data = frame(TEXT, b"hello", masked=masked)
    passed = scanner.feed(data)
    if scanner.event == DROP:
        passed = len(scanner.sift(data[passed:])[0])
    return passed


def test_a_token_with_other_scopes_opens_and_closes_directions_of_a_live_session() -> None:
    one = session(topic(publish_scopes=W), NONE)
    assert (sent(one), sent(one, masked=False)) == (0, 7)
    one.principal = replace(one.principal, scopes=W)
    assert one.permit()
    assert sent(one) == 11
    one.principal = replace(one.principal, scopes=NONE)
    assert one.permit()
    assert sent(one) == 0
    assert (one.tally().throttled, one.tally().events_in, one.tally().events_out) == (2, 1, 1)


def test_a_topic_with_other_rules_counts_from_now_on() -> None:
    one = session(topic(), NONE)
    assert one.permit(topic(subscribe=False))
    assert (sent(one), sent(one, masked=False)) == (11, 0)
    assert one.topic.subscribe is False
    assert not one.permit(topic(scopes=C))
    assert one.permit(topic())
    assert sent(one, masked=False) == 7


def test_compression_that_was_agreed_on_needs_every_message() -> None:
    one = session(topic(publish_scopes=W), W, deflate=True)
    assert one.permit()
    one.principal = replace(one.principal, scopes=NONE)
    assert not one.permit()
