"""Which virtual host a request names, and whose requests an API takes."""

from __future__ import annotations

import pytest

from apis.shapes_vhosts import host_problem
from gateway.core.vhosts import OWN, host_of, is_elsewhere

HOSTS = {"ws.example.com": OWN, "partners.example.com": "partners.example.com", "::1": "::1"}


@pytest.mark.parametrize(
    ("value", "host"),
    [
        (b"ws.example.com", "ws.example.com"),
        (b"WS.Example.com:8099", "ws.example.com"),
        (b"ws.example.com.", "ws.example.com"),
        (b"[::1]:9099", "::1"),
        (b"127.0.0.1:9099", "127.0.0.1"),
        (b"", ""),
    ],
)
def test_the_host_is_compared_without_port_and_case(value: bytes, host: str) -> None:
    assert host_of([(b"upgrade", b"websocket"), (b"host", value)]) == host


@pytest.mark.parametrize(
    ("asked", "vhost", "elsewhere"),
    [
        (b"ws.example.com", OWN, False),
        (b"partners.example.com:443", OWN, True),
        (b"ws.example.com", "partners.example.com", True),
        (b"PARTNERS.example.com", "partners.example.com", False),
        (b"127.0.0.1:9099", "partners.example.com", False),
        (b"gateway-7.internal", OWN, False),
        (b"[::1]:1", OWN, True),
    ],
)
def test_only_another_virtual_host_is_elsewhere(asked: bytes, vhost: str, elsewhere: bool) -> None:
    assert is_elsewhere(HOSTS, vhost, [(b"host", asked)]) is elsewhere


def test_a_request_without_a_host_is_served() -> None:
    assert not is_elsewhere(HOSTS, "partners.example.com", [])


@pytest.mark.parametrize("host", ["localhost", "a.example", "WS.Example.Com", "192.0.2.7", "[2001:db8::1]", "x" * 63])
def test_these_are_hosts(host: str) -> None:
    assert host_problem(host) == ""


@pytest.mark.parametrize(
    "host",
    ["", "a b", "-a", "a-", "a..b", "1.2.3", "999.1.1.1", "[::g]", "::1", "[fe80::1%1]", "ä.example", "x" * 64, 7],
)
def test_these_are_none(host: object) -> None:
    assert host_problem(host)
