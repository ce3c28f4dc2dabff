"""The PROXY protocol as proxies speak it, in any pieces; whoever speaks it badly is not guessed at."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.proxy_protocol import LONGEST_TEXT, SIGNATURE, Malformed, Source, parse, wanted

PORTS = st.integers(0, 65535)


def read(stream: bytes) -> tuple[Source, bytes]:
    """As a reader does it that takes only what is wanted; the source, and what was left alone."""
    taken = 0
    while (more := wanted(stream[:taken])) > taken:
        if more > len(stream):
            raise EOFError
        taken = more
    return parse(stream[:taken]), stream[taken:]


def text(source: object, target: object, family: int, port: int, target_port: int) -> bytes:
    return f"PROXY TCP{family} {source} {target} {port} {target_port}\r\n".encode()


def binary(payload: bytes, command: int = 0x21, family: int = 0x11) -> bytes:
    return SIGNATURE + bytes([command, family]) + struct.pack("!H", len(payload)) + payload


@given(st.ip_addresses(v=4), st.ip_addresses(v=4), PORTS, PORTS, st.binary(max_size=40))
def test_a_line_about_ipv4(source: IPv4Address, target: IPv4Address, port: int, other: int, rest: bytes) -> None:
    assert read(text(source, target, 4, port, other) + rest) == (Source(str(source), port), rest)


@given(st.ip_addresses(v=6), st.ip_addresses(v=6), PORTS, PORTS, st.binary(max_size=40))
def test_a_line_about_ipv6(source: IPv6Address, target: IPv6Address, port: int, other: int, rest: bytes) -> None:
    assert read(text(source, target, 6, port, other) + rest) == (Source(str(source), port), rest)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), PORTS, st.sampled_from([None, False, True]), st.binary())
def test_the_binary_form(source: IPv4Address | IPv6Address, port: int, secure: bool | None, rest: bytes) -> None:
    payload = source.packed * 2 + struct.pack("!HH", port, 443) + b"\x04\x00\x02xx"
    if secure is not None:
        payload += b"\x20\x00\x05" + bytes([secure]) + bytes(4)
    data = binary(payload, family=0x11 if source.version == 4 else 0x21)
    assert read(data + rest) == (Source(str(source), port, secure), rest)


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n",
        binary(b"", command=0x20, family=0),  # LOCAL: the proxy's own health check
        binary(bytes(12), command=0x20),
        binary(bytes(216), family=0x31),  # AF_UNIX
        binary(bytes(12), family=0x12),  # a datagram
    ],
)
def test_a_proxy_that_speaks_for_itself_or_does_not_know_names_nobody(header: bytes) -> None:
    assert read(header + b"GET") == (Source(), b"GET")


@pytest.mark.parametrize(
    "stream",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n" + bytes(100),
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
        b"PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n",
        b"PROXY TCP4 ::1 ::1 1 2\r\n",
        b"PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n",
        b"PROXY TCP4 1.2.3.400 5.6.7.8 1 2\r\n",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n",
        b"PROXY UNKNOWN" + b"x" * LONGEST_TEXT + b"\r\n",
        b"PROXY UNKNOWNX\r\n",
        b"proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
        binary(bytes(12), command=0x31),
        binary(bytes(12), command=0x22),
        binary(bytes(11)),
        binary(bytes(12) + b"\x20\x00\x09xxxxx"),
        binary(bytes(12) + b"\x20\x00"),
        binary(bytes(12) + b"\x20\x00\x01\x01"),
        binary(bytes(5000)),
        SIGNATURE[:-1] + b"X" + bytes(4),
    ],
)
def test_what_is_no_header_is_refused(stream: bytes) -> None:
    with pytest.raises(Malformed):
        read(stream)


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=60).map(lambda tail: SIGNATURE + tail)))
def test_no_bytes_upset_the_reader(stream: bytes) -> None:
    try:
        source, rest = read(stream)
    except (Malformed, EOFError):
        return
    assert stream.endswith(rest)
    assert isinstance(source, Source)
