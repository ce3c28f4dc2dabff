"""Conditions on a handshake: its address, header fields, query and claims (section 6.3 of the reference)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final
from urllib.parse import parse_qsl

from gateway.core.credentials import Headers
from gateway.core.denying import address_of

SEARCHED: Final = (
    256  # characters of a value that a pattern is tried on: what a client sends must not keep others waiting
)
FIELDS_READ: Final = 100  # of a query


@dataclass(frozen=True, slots=True)
class Asked:
    """What a handshake shows that conditions may ask for.

    Attributes:
        client: IP address.
        headers: lower-case names and values.
        query: what is left of the query once credentials were taken out.
    """

    client: str = ""
    headers: Headers = ()
    query: bytes = b""

    def kept(self, conditions: Iterable[Condition]) -> Asked:
        """Only what these conditions ask for: what a session keeps, to be judged again when its plans change."""
        wanted = {(one.kind, one.name) for one in conditions}
        headers = tuple([pair for pair in self.headers if ("header", pair[0].decode("latin-1")) in wanted])
        parts = [part for part in _parts(self.query) for name, _ in _pairs(part) if ("query", name) in wanted]
        return Asked(self.client, headers, b"&".join(parts))


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition. Make it with `condition`.

    Attributes:
        kind: "ip", "header" (`name` in lower case), "query" or "claim".
        value: an exact value, a network, or a pattern that is searched for.
        invert: whether it holds where the value is not there.
    """

    kind: str
    name: str
    value: str | re.Pattern[str] | IPv4Network | IPv6Network
    invert: bool = False

    def holds(self, asked: Asked, claims: Mapping[str, Any]) -> bool:
        """Whether a handshake meets it.

        Args:
            claims: of the token, and what else is known of who comes.
        """
        values = _VALUES[self.kind](self.name, asked, claims)
        return any(map(self._fits, values)) is not self.invert

    def _fits(self, value: str) -> bool:
        wanted = self.value
        if isinstance(wanted, str):
            return value == wanted
        if isinstance(wanted, re.Pattern):
            return wanted.search(value[:SEARCHED]) is not None
        address = address_of(value)
        return address is not None and address in wanted


def condition(kind: str, name: str, value: str, invert: bool) -> Condition:
    """A condition of a plan (shape: apis.shapes_plans.condition)."""
    if kind == "ip":
        return Condition(kind, "", ip_network(value), invert)
    name = name.lower() if kind == "header" else name
    if len(value) > 2 and value.startswith("/") and value.endswith("/"):
        return Condition(kind, name, re.compile(value[1:-1]), invert)
    return Condition(kind, name, value, invert)


def _addresses(_: str, asked: Asked, claims: Mapping[str, Any]) -> list[str]:
    return [asked.client]


def _fields(name: str, asked: Asked, claims: Mapping[str, Any]) -> list[str]:
    wanted = name.encode("ascii", "replace")
    return [value.decode("latin-1") for field, value in asked.headers if field == wanted]


def _arguments(name: str, asked: Asked, claims: Mapping[str, Any]) -> list[str]:
    return [value for part in _parts(asked.query) for key, value in _pairs(part) if key == name]


def _parts(query: bytes) -> list[bytes]:
    return query.split(b"&", FIELDS_READ)[:FIELDS_READ] if query else []


def _pairs(part: bytes) -> list[tuple[str, str]]:
    return parse_qsl(part.decode("latin-1"), keep_blank_values=True)


def _claimed(name: str, asked: Asked, claims: Mapping[str, Any]) -> list[str]:
    value = claims.get(name)
    many = value if isinstance(value, list | tuple | set | frozenset) else [value]
    return [_text(one) for one in many if one is not None]


def _text(value: Any) -> str:
    """A claim as it stands in JSON, texts without their quotes."""
    return str(value).lower() if isinstance(value, bool) else str(value)


_VALUES: Final[dict[str, Callable[[str, Asked, Mapping[str, Any]], list[str]]]] = {
    "ip": _addresses,
    "header": _fields,
    "query": _arguments,
    "claim": _claimed,
}
