"""Behind proxies the client is whom trusted hands name, and eve cannot be somebody else by saying so."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.proxies import FORWARDED, Trust, Visitor

TRUST = Trust((ip_network("10.0.0.0/8"), ip_network("fd00::/8")))
RFC7239 = Trust(TRUST.networks, FORWARDED)


def xff(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-forwarded-for", value.encode()) for value in values]


def forwarded(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"forwarded", value.encode("latin-1")) for value in values]


@pytest.mark.parametrize(
    ("peer", "headers", "address", "proxies"),
    [
        ("203.0.113.9", xff("198.51.100.1"), "203.0.113.9", ()),  # eve says so herself
        ("10.0.0.1", [], "10.0.0.1", ()),
        ("10.0.0.1", xff("198.51.100.1"), "198.51.100.1", ("10.0.0.1",)),
        ("10.0.0.1", xff("1.2.3.4, 198.51.100.1"), "198.51.100.1", ("10.0.0.1",)),  # 1.2.3.4 is what eve said
        ("10.0.0.1", xff("1.2.3.4", "198.51.100.1"), "198.51.100.1", ("10.0.0.1",)),
        ("10.0.0.1", xff("198.51.100.1, 10.0.0.2"), "198.51.100.1", ("10.0.0.2", "10.0.0.1")),
        ("10.0.0.1", xff("10.0.0.3, 10.0.0.2"), "10.0.0.3", ("10.0.0.2", "10.0.0.1")),
        ("10.0.0.1", xff("198.51.100.1, unknown"), "10.0.0.1", ()),
        ("10.0.0.1", xff("198.51.100.1, 10.0.0.2, "), "198.51.100.1", ("10.0.0.2", "10.0.0.1")),
        ("10.0.0.1", xff("198.51.100.1:4711"), "198.51.100.1", ("10.0.0.1",)),
        ("10.0.0.1", xff("[2001:db8::1]:443"), "2001:db8::1", ("10.0.0.1",)),
        ("::ffff:10.0.0.1", xff("::ffff:198.51.100.1"), "198.51.100.1", ("10.0.0.1",)),
        ("fd00::7%eth0", xff("2001:DB8:0::1"), "2001:db8::1", ("fd00::7",)),
        ("10.0.0.1", forwarded("for=198.51.100.1"), "10.0.0.1", ()),  # not the header this proxy writes
    ],
)
def test_the_client_is_the_rightmost_address_that_is_not_trusted(
    peer: str, headers: list[tuple[bytes, bytes]], address: str, proxies: tuple[str, ...]
) -> None:
    visitor = TRUST.visitor(peer, False, headers)
    assert visitor == Visitor(address, False, proxies)
    assert visitor.path == (address, *proxies)


@pytest.mark.parametrize(
    ("headers", "visitor"),
    [
        (forwarded("for=198.51.100.1;proto=https"), Visitor("198.51.100.1", True, ("10.0.0.1",))),
        (forwarded('For="[2001:db8::1]:80" ; Proto=HTTP'), Visitor("2001:db8::1", False, ("10.0.0.1",))),
        (forwarded("for=1.2.3.4, for=198.51.100.1"), Visitor("198.51.100.1", False, ("10.0.0.1",))),
        (forwarded("for=_hidden"), Visitor("10.0.0.1", False)),
        (forwarded('for="198.51.100.1, for=1.2.3.4"'), Visitor("10.0.0.1", False)),
        (forwarded("for=198.51.100.1;;=x"), Visitor("10.0.0.1", False)),
        (xff("198.51.100.1"), Visitor("10.0.0.1", False)),
    ],
)
def test_a_proxy_may_write_rfc_7239_instead(headers: list[tuple[bytes, bytes]], visitor: Visitor) -> None:
    assert RFC7239.visitor("10.0.0.1", False, headers) == visitor


@pytest.mark.parametrize(
    ("peer", "own", "said", "secure"),
    [
        ("10.0.0.1", False, "https", True),
        ("10.0.0.1", True, "http", False),  # TLS between proxy and gateway says nothing about the client
        ("10.0.0.1", False, "http, https", True),  # the nearest proxy's word
        ("10.0.0.1", False, "gopher", False),
        ("10.0.0.1", True, "", True),
        ("203.0.113.9", False, "https", False),
    ],
)
def test_the_scheme_is_believed_as_the_address_is(peer: str, own: bool, said: str, secure: bool) -> None:
    headers = [(b"x-forwarded-proto", said.encode())] if said else []
    assert TRUST.visitor(peer, own, headers).secure is secure


@given(st.text(max_size=200), st.sampled_from([TRUST, RFC7239]))
def test_whatever_eve_writes_stays_left_of_what_the_proxy_writes(text: str, trust: Trust) -> None:
    """The proxy appends; so nothing before that may decide."""
    raw = text.encode("utf-8", "replace").decode("latin-1").replace('"', "")
    name, own = (b"forwarded", "for=198.51.100.1") if trust is RFC7239 else (b"x-forwarded-for", "198.51.100.1")
    visitor = trust.visitor("10.0.0.1", False, [(name, f"{raw}, {own}".encode("latin-1"))])
    assert visitor == Visitor("198.51.100.1", False, ("10.0.0.1",))


def test_nobody_is_trusted_unless_somebody_says_so() -> None:
    assert Trust().visitor("127.0.0.1", False, xff("198.51.100.1")) == Visitor("127.0.0.1", False)
    assert Trust((ip_network("0.0.0.0/0"),)).visitor("", False, xff("1.1.1.1")) == Visitor("", False)
