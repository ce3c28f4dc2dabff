"""From where an API key may be used: addresses and networks, and pages (reference section 7.2).

A browser sends no Referer with a WebSocket handshake but always an Origin, so a pattern is compared with the Referer
where there is one, and else with the Origin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from gateway.core.denying import address_of

Network = IPv4Network | IPv6Network
_MAPPED: Final = 96  # bits in front of an IPv4 address in ::ffff:0:0/96
Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Restrictions:
    """What must hold where an API key is used; an empty list asks nothing."""

    networks: tuple[Network, ...] = ()
    pages: tuple[re.Pattern[str], ...] = ()

    @classmethod
    def of(cls, addresses: Iterable[str], referers: Iterable[str]) -> Restrictions | None:
        """Compile them (shape: apis.shapes_keys); None where there is nothing to ask."""
        made = cls(tuple(map(_network, addresses)), tuple(map(page_pattern, referers)))
        return made if made.networks or made.pages else None

    def allow(self, client: str, headers: Headers) -> bool:
        """Whether a client at this address may come in with these (lower-case) headers."""
        return self._allow_address(client) and self._allow_page(headers)

    def _allow_address(self, client: str) -> bool:
        if not self.networks:
            return True
        address = address_of(client)
        if address is None:
            return False
        return any(address in network for network in self.networks if network.version == address.version)

    def _allow_page(self, headers: Headers) -> bool:
        if not self.pages:
            return True
        shown = {name: value for name, value in headers if name in {b"referer", b"origin"}}
        page = shown.get(b"referer") or shown.get(b"origin")
        if page is None:
            return False
        text = page.decode("latin-1")
        return any(pattern.fullmatch(text) for pattern in self.pages)


@lru_cache(maxsize=1024)
def _network(text: str) -> Network:
    network = ip_network(text, strict=False)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is not None and network.prefixlen >= _MAPPED:  # clients are compared as IPv4, then
        return IPv4Network((mapped, network.prefixlen - _MAPPED))
    return network


@lru_cache(maxsize=1024)
def page_pattern(referer: str) -> re.Pattern[str]:
    """A permitted referer as a pattern for whole URLs: anchored, so that no other host can contain it.

    Args:
        referer: `[scheme://]host[:port][/path]`, where `*` stands for anything; in the host it stops at the host's end.
            Without a scheme http and https are meant, without a path any.
    """
    scheme, found, rest = referer.rpartition("://")
    host, slash, path = rest.partition("/")
    begin = re.escape(scheme.lower()) if found else "https?"
    middle = re.escape(host.lower()).replace(r"\*", "[A-Za-z0-9_.-]*")
    end = "/" + re.escape(path).replace(r"\*", ".*") if slash else "(?:[/?#].*)?"
    if slash and path in {"", "*"}:
        end = "(?:/.*)?"  # an Origin has no path at all
    return re.compile(f"(?i:{begin}://{middle}){end}", re.DOTALL)
