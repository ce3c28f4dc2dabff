"""What the text of an environment variable may be, and what it becomes. A ValueError says that it is something else."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final
from urllib.parse import urlsplit

Network = IPv4Network | IPv6Network

# RFC 1918, RFC 6598 (carrier-grade NAT), RFC 4193. Link-local is left out on purpose: that is where
# cloud providers answer with credentials (169.254.169.254).
NAMED_NETWORKS: Final[dict[str, tuple[str, ...]]] = {
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"),
    "loopback": ("127.0.0.0/8", "::1/128"),
}


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """A whole number, both bounds included."""

    def parse(value: str) -> int:
        number = int(value)
        if not lowest <= number <= highest:
            raise ValueError(value)
        return number

    return parse


def boolean(value: str) -> bool:
    """Yes or no, in any of the usual words."""
    if value.lower() not in {"1", "true", "yes", "on", "0", "false", "no", "off"}:
        raise ValueError(value)
    return value.lower() in {"1", "true", "yes", "on"}


def base_url(*schemes: str) -> Callable[[str], str]:
    """A URL of one of these schemes without query, fragment and user; it ends without a slash."""

    def parse(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError(value)
        return value.rstrip("/")

    return parse


def one_of(*words: str) -> Callable[[str], str]:
    """One of these words (lower case), however it is written."""

    def parse(value: str) -> str:
        if value.lower() not in words:
            raise ValueError(value)
        return value.lower()

    return parse


def networks(value: str) -> tuple[Network, ...]:
    """Addresses, networks and names of NAMED_NETWORKS, with commas between them."""
    words = [word.strip() for word in value.split(",") if word.strip()]
    return tuple(ip_network(cidr) for word in words for cidr in NAMED_NETWORKS.get(word.lower(), (word,)))
