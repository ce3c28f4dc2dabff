"""The addresses of a name, asked for once a second."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address
from time import monotonic
from typing import Final

from gateway.running import in_task
from gateway.sockets import Address
from gateway.targets import DialError

RESOLVED_S: Final = 1.0
"""How long the addresses of a name are used again. Only that: whether one may be dialled is judged each time."""
NAMES: Final = 1024
_resolved: Final[dict[tuple[str, int], tuple[float, list[Address], bool]]] = {}


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host; what they are is checked at every dial, and exactly these are dialled.

    An answer is good for RESOLVED_S: the resolver works in a thread and reads files, which is a quarter of the CPU time
    of a handshake, and in a storm of reconnects every handshake asks it for the same name.
    """
    known = _resolved.get((host, port))
    if known is not None and monotonic() < known[0]:
        return known[1]
    await in_task()
    found = await _look_up(host, port)
    if len(_resolved) >= NAMES:
        _resolved.clear()
    prompt = len(found) == 1 or all(ip_address(str(address[0]).partition("%")[0]).is_loopback for _, address in found)
    _resolved[host, port] = monotonic() + RESOLVED_S, found, prompt
    return found


def prompt_addresses(host: str, port: int) -> list[Address] | None:
    """The addresses of a host if they are known and may be tried one after the other: there is only one, or each says
    on the spot whether it answers, because it is on this machine."""
    known = _resolved.get((host, port))
    return known[1] if known is not None and known[2] and monotonic() < known[0] else None


def forget(host: str, port: int) -> None:
    """It did not answer: it may lead somewhere else by now."""
    _resolved.pop((host, port), None)


async def _look_up(host: str, port: int) -> list[Address]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DialError("unreachable", "connect", f"{host} does not resolve: {error}") from None
    return [(family, address) for family, _, _, _, address in found]
