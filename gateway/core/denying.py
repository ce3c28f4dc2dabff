"""Deny policies, compiled: is this client refused? (CONTRACT section 5: 403 `denied`; section 6: 4403.)

Rules are found by the most telling of their conditions, so that a handshake looks at the few that may concern it; a
list without rules costs one comparison.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

Address = IPv4Address | IPv6Address
NETWORK_64: Final = 64  # bits of an IPv6 address that one customer of a provider shares (RFC 6177)
_ADDRESSES: Final = 4096  # addresses of clients whose parsing is remembered: it costs more than all the rest


@lru_cache(maxsize=_ADDRESSES)
def address_of(text: str) -> Address | None:
    """An IP address as text; IPv4 in IPv6 is IPv4. None for what is no address."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def place_of(client: str) -> str:
    """What counts as one address: the address, or the /64 of an IPv6 one."""
    address = address_of(client)
    if address is None or address.version == 4:
        return client
    return f"{int(address) >> (128 - NETWORK_64):x}/{NETWORK_64}"


@dataclass(frozen=True, slots=True)
class DenyRule:
    """One policy: everything that is set must be met.

    Attributes:
        api_id, application_id, end_user: "" asks nothing.
        low, high: the first and last address of a range; None asks nothing.
        invert: the address must be outside the range.
        expires_at: epoch seconds, or None.
    """

    policy_id: str
    api_id: str = ""
    application_id: str = ""
    end_user: str = ""
    low: Address | None = None
    high: Address | None = None
    invert: bool = False
    expires_at: float | None = None

    def refuses(self, api_id: str, application_id: str, end_user: str, client: str) -> bool:
        """Whether it meets this client, by everything but its time."""
        return (
            self.api_id in {"", api_id}
            and self.application_id in {"", application_id}
            and self.end_user in {"", end_user}
            and (self.low is None or self._meets(address_of(client)))
        )

    def _meets(self, address: Address | None) -> bool:
        if address is None or self.low is None or self.high is None:
            return False  # a client whose address nobody knows is met by no condition on addresses
        if address.version != self.low.version:
            return self.invert
        inside = self.low <= address <= self.high  # type: ignore[operator]  # same version
        return inside != self.invert


@dataclass(slots=True)
class DenyList:
    """All policies that are on."""

    rules: tuple[DenyRule, ...] = ()
    _by: dict[tuple[str, object], list[DenyRule]] = field(default_factory=dict)
    _others: list[DenyRule] = field(default_factory=list)

    @classmethod
    def of(cls, rules: Iterable[DenyRule]) -> DenyList:
        """Compile them."""
        made = cls(tuple(rules))
        for rule in made.rules:
            made._place(rule)
        return made

    def _place(self, rule: DenyRule) -> None:
        if rule.end_user:
            key: tuple[str, object] = ("person", rule.end_user)
        elif rule.application_id:
            key = ("application", rule.application_id)
        elif rule.low is not None and rule.low == rule.high and not rule.invert:
            key = ("address", rule.low)
        elif rule.api_id:
            key = ("api", rule.api_id)
        else:
            self._others.append(rule)
            return
        self._by.setdefault(key, []).append(rule)

    def find(self, api_id: str, application_id: str, end_user: str, client: str, now: float) -> DenyRule | None:
        """The first rule that refuses this client.

        Args:
            client: its IP address as text.
            now: epoch seconds.
        """
        if not self.rules:
            return None
        keys = (("person", end_user), ("application", application_id), ("address", address_of(client)), ("api", api_id))
        for rules in (*(self._by.get(key, ()) for key in keys), self._others):
            for rule in rules:
                if rule.expires_at is not None and rule.expires_at <= now:
                    continue
                if rule.refuses(api_id, application_id, end_user, client):
                    return rule
        return None


NOBODY: Final = DenyList()
