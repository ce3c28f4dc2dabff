"""Daphne with the gateway's own listeners: portals by Twisted, handshakes by doorways, frames by the relay, one loop.

`GatewayServer` is `daphne.server.Server`; a Channels consumer answers handshakes on both kinds of port.
"""

from __future__ import annotations

import asyncio
import gc
import random
import signal
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import gateway.loop  # noqa: F401  isort: skip - before daphne.server makes its loop

import structlog
from daphne.server import Server
from twisted.internet import defer
from twisted.internet import reactor as twisted_reactor
from twisted.internet.error import CannotListenError

from gateway.capacity import LAST_DESCRIPTORS, descriptor_limit
from gateway.core.draining import spread
from gateway.core.proxies import Trust
from gateway.core.rejections import GOING_AWAY, RESTARTING, close_reason
from gateway.doorway import Doorway
from gateway.listening import Listener
from gateway.relay import Link
from gateway.sockets import listen, raise_descriptor_limit
from gateway.timekeeper import Timekeeper

log = structlog.get_logger("gateway")
reactor: Any = twisted_reactor  # made by daphne.server, on our loop

CLOSE_LIMIT_S: Final = 2.2
"""For all links to end with 1001 at a stop: a second for a frame boundary, one for the answer (gateway.relay.link)."""
BACKGROUND_LIMIT_S: Final = 1.0  # for each background job to write down what it has left
SETTLE_S: Final = 0.5  # a drain lasts at least so long: what was accepted a moment before it must be seen
HEAD_GRACE_S: Final = 2.0
"""For a client that connected before the drain to say what it wants; then it is told to come again."""
RESTARTING_REASON: Final = close_reason("restarting")

NOBODY: Final = Trust()
Port = tuple[str, int, ssl.SSLContext | None]


class GatewayServer(Server):
    """Serves portals, a gateway, or both in one process.

    Args:
        application: the ASGI application.
        endpoints: Twisted endpoint strings of the portals; may be empty.
        gateway_listeners: (host, port, TLS context or None) of the gateway's ports.
        background: called once the loop runs; each runs until the stop, which cancels it.
        health: facts to add to the answer of `GET /health`.
        drain_s: seconds over which a stop spreads its closes; 0 to close everything at once.
        trust: which proxies may speak for clients.
        inherited: listening sockets by port, where this process shares them with others.
        options: of daphne.server.Server.

    Attributes:
        links: the live sessions of this process.
        arrivals: connections that came before a drain and are not answered yet.
        draining: on the way to a stop.
        replaced: while draining: another process accepts instead; otherwise whoever connects now is refused.
        closing: the very end: no handshake becomes a session any more.
    """

    def __init__(
        self,
        application: Any,
        *,
        endpoints: Sequence[str] = (),
        gateway_listeners: Sequence[Port] = (),
        background: Sequence[Callable[[], Awaitable[None]]] = (),
        health: Callable[[], dict[str, Any]] | None = None,
        drain_s: float = 0.0,
        trust: Trust = NOBODY,
        inherited: Mapping[int, list[Any]] | None = None,
        **options: Any,
    ) -> None:
        # Daphne leaves the process if there is no endpoint; a gateway alone has none.
        super().__init__(application, endpoints=list(endpoints) or ["none"], signal_handlers=False, **options)
        self.endpoints = list(endpoints)
        self.gateway_listeners = list(gateway_listeners)
        self.background = list(background)
        self.health = health
        self.drain_s = drain_s
        self.trust = trust
        self.inherited = inherited or {}
        self.links: set[Link] = set()
        self.arrivals: set[Doorway] = set()
        self.draining = self.replaced = self.closing = False
        self._quiet = asyncio.Event()  # set during a stop when the last link and the last arrival are gone
        self._drained_at = 0.0  # when a drain must be over
        self._drainer: asyncio.Task[None] | None = None
        self._stopping = False
        self.failure: BaseException | None = None
        self.exit_code = 0
        self.timekeeper: Timekeeper
        self.connections: dict[Any, dict[str, Any]] = {}
        self._descriptors = descriptor_limit()
        self._listeners: list[Listener] = []
        self._jobs: list[asyncio.Task[None]] = []

    def health_report(self) -> dict[str, Any]:
        """What `GET /health` answers."""
        report = {"status": "draining" if self.draining else "up", "sessions": len(self.links)}
        return {**report, **(self.health() if self.health is not None else {})}

    def crowded(self, fd: int) -> bool:
        """Hardly a descriptor is left: whoever connects now is refused unheard.

        Args:
            fd: the newest descriptor; the system gives the lowest that is free, so all below are in use.
        """
        return fd >= self._descriptors - LAST_DESCRIPTORS

    def descriptor_free(self) -> None:
        """A connection that was refused is closed."""
        for listener in self._listeners:
            listener.go_on()

    def link_began(self, link: Link) -> None:
        """A session has begun. One that was on its way when a drain began is sent away like the others."""
        self.links.add(link)
        if self.draining:
            loop = asyncio.get_running_loop()
            loop.call_at(random.uniform(loop.time(), self._drained_at), self._send_away, link)  # noqa: S311

    def link_ended(self, link: Link) -> None:
        """Called by each link at its end."""
        self.links.discard(link)
        self._look_around()

    def arrival_over(self, doorway: Doorway) -> None:
        """Called by each doorway once it has answered, or has nobody to answer."""
        self.arrivals.discard(doorway)
        self._look_around()

    def _look_around(self) -> None:
        if self.draining and not self.links and not self.arrivals:
            self._quiet.set()

    def run(self) -> None:
        """Serve until SIGINT, SIGTERM or `stop`.

        Raises:
            OSError: a port is in use or not ours; nothing was started.
        """
        raise_descriptor_limit()
        self._descriptors = descriptor_limit()
        bound = [(self.inherited.get(port) or listen(host, port), tls) for host, port, tls in self.gateway_listeners]
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
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.drain)
        self.timekeeper = Timekeeper.of(loop)
        self._listeners = [Listener(self, sock, tls) for sockets, tls in bound for sock in sockets]
        for job in self.background:
            self._jobs.append(self._spawn(self._run(job)))
        # What was loaded stays: collections of the youngest objects need not walk through it.
        gc.collect()
        gc.freeze()

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

    def drain(self, *, replaced: bool = False) -> None:
        """Send everybody away within `drain_s`, then stop. Asked a second time, or with no time for it: stop now.

        Args:
            replaced: another process accepts on the same sockets, so this one lets go of them; otherwise they stay
                open until the end, to answer `/health` and whoever comes with 503.
        """
        if self.draining or not self.drain_s:
            self.stop()
            return
        self.draining, self.replaced = True, replaced
        log.info("draining", sessions=len(self.links), seconds=self.drain_s, replaced=replaced)
        if replaced:
            self._let_go_of_ports()
        self._drainer = self._spawn(self._drain())

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._drained_at = began + self.drain_s
        links = list(self.links)
        random.shuffle(links)
        for link, after_s in zip(links, spread(len(links), self.drain_s, random.random), strict=True):
            loop.call_at(began + after_s, self._send_away, link)
        loop.call_at(began + min(HEAD_GRACE_S, self.drain_s), self._refuse_arrivals, False)
        await asyncio.sleep(min(SETTLE_S, self.drain_s))
        self._look_around()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._drained_at):
                await self._quiet.wait()
        self.stop()

    def _send_away(self, link: Link) -> None:
        link.close(RESTARTING, RESTARTING_REASON)

    def _refuse_arrivals(self, deciding: bool) -> None:
        for doorway in list(self.arrivals):
            if deciding or not doorway.deciding:
                doorway.dismiss()

    def _let_go_of_ports(self) -> None:
        for listener in self._listeners:
            listener.close()

    def stop(self) -> None:
        """Stop now: live links are closed with 1001, which takes a few seconds at most."""
        if not self._stopping:
            self._stopping = True
            super().stop()

    def _shut_down(self) -> defer.Deferred[None]:
        return defer.Deferred.fromFuture(asyncio.ensure_future(self._close_everything()))

    async def _close_everything(self) -> None:
        """No new sessions; close the live ones with 1001; then let the background jobs write down what is left."""
        self.draining = self.closing = True
        if self._drainer is not None:
            self._drainer.cancel()
        self._let_go_of_ports()
        self._refuse_arrivals(True)
        for link in list(self.links):
            link.close(GOING_AWAY, close_reason("going_away"))
        self._quiet.clear()
        if self.links:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._quiet.wait(), CLOSE_LIMIT_S)
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
