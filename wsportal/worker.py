"""A worker's side of `serve portal|gateway --workers N`: what it inherits, and how it hears from the supervisor.

One byte goes each way over a pair of sockets: READY when it accepts connections, RETIRE when another worker does so in
its place. Where the supervisor is gone, whatever its end was, the pair ends and the worker drains by itself.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from gateway.server import GatewayServer
from wsportal import metrics

log = structlog.get_logger("wsportal.worker")

READY: Final = b"r"
RETIRE: Final = b"q"
Sockets = Mapping[int, list[socket.socket]]


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What a supervisor gives to a worker.

    Attributes:
        index: 0 up to the number of workers.
        control: this worker's end of the pair.
        sockets: listening sockets by port, shared with the other workers: the kernel gives each connection to one of
            them, and what waits to be accepted belongs to all.
    """

    index: int
    control: socket.socket
    sockets: Sockets

    @classmethod
    def read(cls, text: str) -> Inheritance:
        """From the command line of the worker; see `written`."""
        facts = json.loads(text)
        sockets = {int(port): [_opened(fd) for fd in fds] for port, fds in facts["sockets"].items()}
        return cls(facts["index"], _opened(facts["control"]), sockets)

    def written(self) -> str:
        """For the command line: descriptors keep their numbers in the new process."""
        ports = {port: [sock.fileno() for sock in sockets] for port, sockets in self.sockets.items()}
        return json.dumps({"index": self.index, "control": self.control.fileno(), "sockets": ports})

    def descriptors(self) -> list[int]:
        """All that must stay open in the new process."""
        return [self.control.fileno(), *(sock.fileno() for sockets in self.sockets.values() for sock in sockets)]

    def ready(self) -> None:
        """Tell the supervisor that this worker accepts."""
        self.control.send(READY)

    async def obey(self, server: GatewayServer, finish: Callable[[], Awaitable[None]] | None = None) -> None:
        """Drain when told to, or when there is nobody any more who could say so.

        Args:
            finish: ends what another worker replaces, where it is not by sessions that are sent away.
        """
        word = await asyncio.get_running_loop().sock_recv(self.control, 1)
        if word != RETIRE:
            log.error("supervisor_gone", worker=self.index)
        if finish is not None:
            await finish()
        else:
            server.drain(replaced=word == RETIRE)
        await asyncio.to_thread(metrics.stop)  # the next worker of this index waits for the port


def _opened(fd: int) -> socket.socket:
    sock = socket.socket(fileno=fd)
    sock.setblocking(False)
    sock.set_inheritable(False)
    return sock
