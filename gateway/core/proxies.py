"""Who is really there, where proxies stand in front: a forwarding header is believed as far as trusted hands wrote it.

The chain of addresses is read from the right, where the nearest proxy wrote: each address that is trusted was told by
the next one to its right; the first that is not trusted is the client. What stands left of that, the client may have
made up, and it goes nowhere. Source: RFC 7239 section 8; CONTRACT section 8, TRUSTED_PROXIES.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Network = IPv4Network | IPv6Network
X_FORWARDED_FOR: Final = "x-forwarded-for"
FORWARDED: Final = "forwarded"
HEADERS: Final = (X_FORWARDED_FOR, FORWARDED)
MOST_HOPS: Final = 32  # a chain that is longer is read so far

_PAIR: Final = re.compile(r'\s*([!#$%&\'*+\-.^_`|~0-9A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^\s";,]*)\s*')
_ELEMENT: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_IN_BRACKETS: Final = re.compile(r"\[([^\]]*)\](?::\w+)?")
_WITH_PORT: Final = re.compile(r"(\d+\.\d+\.\d+\.\d+):\w+")


@dataclass(frozen=True, slots=True)
class Visitor:
    """The client of a connection.

    Attributes:
        address: its IP address, as plain as it can be written.
        secure: whether it came by TLS.
        proxies: addresses of the trusted proxies between it and us, the nearest last.
    """

    address: str
    secure: bool
    proxies: tuple[str, ...] = ()

    @property
    def path(self) -> tuple[str, ...]:
        """What X-Forwarded-For says to the next one: the client, then every proxy."""
        return (self.address, *self.proxies)


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom to believe.

    Attributes:
        networks: of the proxies (TRUSTED_PROXIES).
        header: the one header they write the client's address into; the other one is whatever the client sent.
        proxy_protocol: they begin every connection with a PROXY protocol header.
    """

    networks: tuple[Network, ...] = ()
    header: str = X_FORWARDED_FOR
    proxy_protocol: bool = False

    def trusts(self, address: str) -> bool:
        """Whether what comes from this IP address may speak for somebody else."""
        return bool(self.networks) and _is_in(self.networks, address)

    def visitor(self, peer: str, secure: bool, headers: Iterable[tuple[bytes, bytes]]) -> Visitor:
        """Who is there.

        Args:
            peer: address of the other end of the connection, or what the PROXY protocol says of it.
            secure: whether that connection speaks TLS.
            headers: of the request, names in lower case.
        """
        if not self.networks:
            return _stranger(peer, secure)
        peer = plain(peer) or peer
        if not self.trusts(peer):
            return _stranger(peer, secure)
        named: dict[bytes, list[str]] = {}
        for name, value in headers:
            named.setdefault(name, []).append(value.decode("latin-1"))
        if self.header == FORWARDED:
            hops = list(_forwarded(",".join(named.get(b"forwarded", ()))))
        else:
            hops = [(one, "") for one in ",".join(named.get(b"x-forwarded-for", ())).split(",") if one.strip()]
            protos = ",".join(named.get(b"x-forwarded-proto", ())).split(",")
            secure = _secure(protos[-1], secure)
        return self._walk(peer, secure, hops)

    def _walk(self, peer: str, secure: bool, hops: Sequence[tuple[str, str]]) -> Visitor:
        """From the nearest proxy outwards, as far as each may be believed."""
        address = peer
        proxies: list[str] = []
        for node, proto in list(reversed(hops))[:MOST_HOPS]:
            found = plain(node)
            secure = _secure(proto, secure)
            if found is None:  # "unknown", or nonsense: the proxy that said so is as far as anybody knows
                break
            proxies.insert(0, address)
            address = found
            if not self.trusts(address):
                break
        return Visitor(address, secure, tuple(proxies))


@lru_cache(maxsize=4096)  # the same clients come again
def _stranger(peer: str, secure: bool) -> Visitor:
    return Visitor(plain(peer) or peer, secure)


@lru_cache(maxsize=4096)
def _is_in(networks: tuple[Network, ...], address: str) -> bool:
    text = plain(address)
    if text is None:
        return False
    found = ip_address(text)
    return any(found in network for network in networks)


@lru_cache(maxsize=4096)  # the same clients come again
def plain(node: str) -> str | None:
    """The IP address in an element of a forwarding header, without port, brackets and zone; None if there is none.

    An IPv4 address that is written as IPv6 (::ffff:10.0.0.1) is the IPv4 address: trust must not depend on spelling.
    """
    text = node.strip()
    if matched := _IN_BRACKETS.fullmatch(text) or _WITH_PORT.fullmatch(text):
        text = matched[1]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(found)


def _secure(proto: str, otherwise: bool) -> bool:
    word = proto.strip().lower()
    return word in {"https", "wss"} if word in {"http", "https", "ws", "wss"} else otherwise


def _forwarded(text: str) -> Iterator[tuple[str, str]]:
    """(for, proto) of each element of `Forwarded` (RFC 7239 section 4). One that is malformed names nobody."""
    for element in _ELEMENT.findall(text):
        pairs: dict[str, str] = {}
        for part in re.findall(r'(?:[^;"]|"(?:[^"\\]|\\.)*")+', element):
            matched = _PAIR.fullmatch(part)
            if matched is None:
                pairs = {}
                break
            value = matched[2]
            if value.startswith('"'):
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            pairs[matched[1].lower()] = value
        if element.strip():
            yield pairs.get("for", "unknown"), pairs.get("proto", "")
