"""What the upstream learns of a client's handshake."""

from __future__ import annotations

import pytest

from gateway.core.forwarding import about_client, backward, onward

PLAIN = [(b"origin", b"https://app.example"), (b"x-tenant", b"7"), (b"user-agent", b"sam/1"), (b"cookie", b"a=1; b=2")]


def test_cookies_and_other_headers_pass_in_their_order() -> None:
    assert onward(PLAIN) == PLAIN


@pytest.mark.parametrize(
    "name",
    [
        *(b"host", b"connection", b"upgrade", b"te", b"transfer-encoding", b"content-length", b"proxy-authorization"),
        *(b"sec-websocket-key", b"sec-websocket-protocol", b"sec-websocket-extensions", b"sec-websocket-version"),
        *(b"authorization", b"apikey"),
        *(b"x-forwarded-for", b"x-forwarded-host", b"forwarded", b"x-request-id", b"x-real-ip", b"x-jwt-assertion"),
        *(b"x_forwarded_for", b"x_jwt_assertion", b"weird name", b""),
    ],
)
def test_what_belongs_to_this_hop_or_to_the_gateway_stays_here(name: bytes) -> None:
    assert onward([*PLAIN, (name, b"eve")]) == PLAIN


def test_connection_names_what_else_stays_here_but_cannot_touch_the_gateways_own() -> None:
    headers = [*PLAIN, (b"connection", b"Upgrade, X-Tenant"), (b"connection", b" x-forwarded-for ")]
    assert onward(headers) == [pair for pair in PLAIN if pair[0] != b"x-tenant"]


def test_the_portals_own_cookies_are_not_given_to_backends() -> None:
    headers = [
        (b"cookie", b"wsportal_session_s=secret; theme=dark; wsportal_csrf=x"),
        (b"cookie", b"wsportal_session=x"),
    ]
    assert onward(headers) == [(b"cookie", b"theme=dark")]


def test_a_backend_sets_cookies_of_its_own_but_none_of_the_portals() -> None:
    own = [(b"set-cookie", b"sticky=7; Path=/"), (b"x-backend", b"a")]
    assert backward([(b"set-cookie", b" wsportal_session=eve; Path=/"), *own]) == own


def test_the_gateway_says_who_the_client_is() -> None:
    assert dict(about_client("192.0.2.7", True, b"gw.example:8099", "r-1")) == {
        b"x-forwarded-for": b"192.0.2.7",
        b"x-forwarded-proto": b"https",
        b"x-forwarded-host": b"gw.example:8099",
        b"forwarded": b'for=192.0.2.7;host="gw.example:8099";proto=https',
        b"x-request-id": b"r-1",
    }
    assert (
        dict(about_client("2001:db8::1", False, b'h"x', "r"))[b"forwarded"]
        == b'for="[2001:db8::1]";host="h\\"x";proto=http'
    )
