"""Daphne with the gateway's own listeners: portals by Twisted, handshakes by doorways, frames by the relay, one loop.

`GatewayServer` is `daphne.server.Server`; a Channels consumer answers handshakes on both kinds of port.
"""

from __future__ import annotations

import asyncio
import gc
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import gateway.loop  # noqa: F401  isort: skip - before daphne.server makes its loop

import structlog
from daphne.server import Server
from twisted.internet import defer
from twisted.internet import reactor as twisted_reactor
from twisted.internet.error import CannotListenError

from gateway.core.rejections import GOING_AWAY, Rejection, close_reason
from gateway.doorway import HEAD_WAIT_S, Doorway
from gateway.relay import Link
from gateway.sockets import BACKLOG, listen, raise_descriptor_limit

log = structlog.get_logger("gateway")
reactor: Any = twisted_reactor  # made by daphne.server, on our loop

CLOSE_LIMIT_S: Final = 2.2
"""For all links to end with 1001 at a stop: a second for a frame boundary, one for the answer (gateway.relay.link)."""
BACKGROUND_LIMIT_S: Final = 1.0  # for each background job to write down what it has left

Listener = tuple[str, int, ssl.SSLContext | None]


class GatewayServer(Server):
    """Serves portals, a gateway, or both in one process.

    Args:
        application: the ASGI application.
        endpoints: Twisted endpoint strings of the portals; may be empty.
        gateway_listeners: (host, port, TLS context or None) of the gateway's ports.
        background: called once the loop runs; each runs until the stop, which cancels it.
        health: facts to add to the answer of `GET /health`.
        options: of daphne.server.Server.

    Attributes:
        links: the live sessions of this process.
        draining: no new sessions any more.
    """

    def __init__(
        self,
        application: Any,
        *,
        endpoints: Sequence[str] = (),
        gateway_listeners: Sequence[Listener] = (),
        background: Sequence[Callable[[], Awaitable[None]]] = (),
        health: Callable[[], dict[str, Any]] | None = None,
        **options: Any,
    ) -> None:
        # Daphne leaves the process if there is no endpoint; a gateway alone has none.
        super().__init__(application, endpoints=list(endpoints) or ["none"], **options)
        self.endpoints = list(endpoints)
        self.gateway_listeners = list(gateway_listeners)
        self.background = list(background)
        self.health = health
        self.links: set[Link] = set()
        self._deserted = asyncio.Event()  # set at a stop when the last link has ended
        self.draining = False
        self.failure: BaseException | None = None
        self.exit_code = 0
        self.connections: dict[Any, dict[str, Any]] = {}
        self._servers: list[asyncio.Server] = []
        self._jobs: list[asyncio.Task[None]] = []

    def health_report(self) -> dict[str, Any]:
        """What `GET /health` answers."""
        report = {"status": "draining" if self.draining else "up", "sessions": len(self.links)}
        return {**report, **(self.health() if self.health is not None else {})}

    def link_ended(self, link: Link) -> None:
        """Called by each link at its end."""
        self.links.discard(link)
        if self.draining and not self.links:
            self._deserted.set()

    def run(self) -> None:
        """Serve until SIGINT, SIGTERM or `stop`.

        Raises:
            OSError: a port is in use or not ours; nothing was started.
        """
        raise_descriptor_limit()
        bound = [(listen(host, port), tls) for host, port, tls in self.gateway_listeners]
        reactor.callWhenRunning(lambda: self._spawn(self._start(bound)))
        reactor.addSystemEventTrigger("before", "shutdown", self._shut_down)
        try:
            super().run()
        finally:
            for sockets, _ in bound:
                for sock in sockets:
                    sock.close()
        if self.failure is not None:
            self.exit_code = 1
            raise self.failure

    def listen_error(self, failure: Any) -> None:
        """A portal's endpoint cannot be listened on: `run` raises it."""
        error = failure.value
        if isinstance(error, CannotListenError):
            error = OSError(f"port {error.port} on {error.interface or 'every address'} is in use by another program")
        self.failure = error
        self.stop()

    # -- start --------------------------------------------------------------------------------------------------

    async def _start(self, bound: list[tuple[list[Any], ssl.SSLContext | None]]) -> None:
        loop = asyncio.get_running_loop()
        for sockets, tls in bound:
            facts: dict[str, Any] = {"ssl": tls, "backlog": BACKLOG}
            if tls is not None:
                facts.update(ssl_handshake_timeout=HEAD_WAIT_S, ssl_shutdown_timeout=1.0)
            for sock in sockets:
                self._servers.append(await loop.create_server(self._door(tls is not None), sock=sock, **facts))
        for job in self.background:
            self._jobs.append(self._spawn(self._run(job)))
        # What was loaded stays: collections of the youngest objects need not walk through it.
        gc.collect()
        gc.freeze()

    def _door(self, secure: bool) -> Callable[[], Doorway]:
        return lambda: Doorway(self, secure)

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        """Start a task whose failure ends the server with it."""
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.failure = task.exception()
            self.stop()

    async def _run(self, job: Callable[[], Awaitable[None]]) -> None:
        try:
            await job()
        except Exception:
            log.exception("background_job_failed", job=getattr(job, "__qualname__", repr(job)))

    # -- stop ---------------------------------------------------------------------------------------------------

    def _shut_down(self) -> defer.Deferred[None]:
        return defer.Deferred.fromFuture(asyncio.ensure_future(self._close_everything()))

    async def _close_everything(self) -> None:
        """No new sessions; close the live ones with 1001; then let the background jobs write down what is left."""
        self.draining = True
        for server in self._servers:
            server.close()
        for protocol in list(self.connections):
            if isinstance(protocol, Doorway):
                protocol.refuse(Rejection("draining"))
        for link in list(self.links):
            link.close(GOING_AWAY, close_reason("going_away"))
        if self.links:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._deserted.wait(), CLOSE_LIMIT_S)
        for link in list(self.links):
            link.abort()
        for job in self._jobs:
            job.cancel()
        if self._jobs:
            with suppress(asyncio.CancelledError):
                await asyncio.wait(self._jobs, timeout=BACKGROUND_LIMIT_S)

    def kill_all_applications(self) -> Any:
        """As Daphne's, which stumbles over a connection whose application is done."""
        for details in list(self.connections.values()):
            if "application_instance" not in details:
                details["application_instance"] = asyncio.get_event_loop().create_future()
                details["application_instance"].cancel()
        return super().kill_all_applications()
