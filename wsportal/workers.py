"""The supervisor of `serve portal|gateway --workers N`: it holds the listening sockets and keeps N workers on them.

It accepts nothing itself. A worker that dies is started again after a pause that grows; SIGTERM drains all of them;
SIGHUP starts N new ones and, once every one of them accepts, has the old ones drain: there is always somebody who
accepts, and each session is sent away once only. If a new worker does not come up, the old ones go on.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog

import gateway.loop  # noqa: F401 - asyncio.run below takes the loop it chooses
from wsportal.worker import READY, RETIRE, Inheritance, Sockets

log = structlog.get_logger("wsportal.workers")

START_S: Final = 60.0  # for a worker to accept; a busy machine needs a few
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
STEADY_S: Final = 60.0  # a worker that lived so long begins again with the first pause
BEYOND_DRAIN_S: Final = 10.0  # after DRAIN_SECONDS, before a worker that is still there is killed


class Worker:
    """One worker process, as seen from here."""

    def __init__(self, index: int, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        self.index = index
        self.process = process
        self.control = control
        self.began = asyncio.get_running_loop().time()
        self.retired = False

    async def accepts(self) -> bool:
        """Wait until it accepts; False if it ends before that, or takes too long."""
        try:
            async with asyncio.timeout(START_S):
                return await asyncio.get_running_loop().sock_recv(self.control, 1) == READY
        except (TimeoutError, OSError):
            return False

    def retire(self) -> None:
        """Another one accepts in its place: let it drain."""
        self.retired = True
        with suppress(OSError):
            self.control.send(RETIRE)

    def signal(self, number: int) -> None:
        """Pass a signal on, if it is still there."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)


class Supervisor:
    """Keeps `count` workers.

    Args:
        command: starts one worker, but for its inheritance.
        sockets: what they listen on, by port.
        drain_s: how long a worker may take to send its sessions away.
        plane: what they carry, for the log.
    """

    def __init__(
        self, count: int, command: Sequence[str], sockets: Sockets, drain_s: float, plane: str = "gateway"
    ) -> None:
        self.plane = plane
        self.count = count
        self.command = list(command)
        self.sockets = sockets
        self.drain_s = drain_s
        self.current: dict[int, Worker] = {}
        self.alive: set[Worker] = set()
        self.stopping = False
        self._watches: set[asyncio.Task[None]] = set()
        self._renewal: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()

    def run(self) -> int:
        """Until SIGTERM or SIGINT, and until then the last worker is gone. Returns: the exit code."""
        return asyncio.run(self._main())

    async def _main(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop)
        loop.add_signal_handler(signal.SIGHUP, self._asked_to_renew)
        failed = not await self._begin()
        if failed:
            self._asked_to_stop()
        else:
            log.info("listening", plane=self.plane, ports=sorted(self.sockets), workers=self.count)
        await self._stop.wait()
        if self._renewal is not None:
            self._renewal.cancel()
        while self._watches:
            await asyncio.wait(set(self._watches))
        return 1 if failed else 0

    async def _begin(self) -> bool:
        """The first workers; False if one of them does not come up, whose own words stand in the log."""
        workers = [await self._start(index) for index in range(self.count)]
        self.current = {worker.index: worker for worker in workers}
        return all(await asyncio.gather(*(worker.accepts() for worker in workers)))

    async def _start(self, index: int) -> Worker:
        ours, theirs = socket.socketpair()
        with theirs:
            inheritance = Inheritance(index, theirs, self.sockets)
            process = await asyncio.create_subprocess_exec(
                *self.command,
                "--worker",
                inheritance.written(),
                pass_fds=inheritance.descriptors(),
                start_new_session=True,  # Ctrl-C is for this process, which passes it on
            )
        ours.setblocking(False)
        worker = Worker(index, process, ours)
        self.alive.add(worker)
        watch = asyncio.ensure_future(self._watch(worker))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)
        return worker

    async def _watch(self, worker: Worker) -> None:
        """Until this worker is gone; then start another one, if it was needed."""
        code = await worker.process.wait()
        worker.control.close()
        self.alive.discard(worker)
        if self.current.get(worker.index) is not worker or self.stopping:
            return
        log.error("worker_died", worker=worker.index, exit_code=code)
        pause = FIRST_PAUSE_S
        while self.current.get(worker.index) is worker and not self.stopping:
            lived = asyncio.get_running_loop().time() - worker.began
            pause = FIRST_PAUSE_S if lived > STEADY_S else pause
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
            if self.current.get(worker.index) is not worker or self.stopping:
                return
            fresh = await self._start(worker.index)
            if await fresh.accepts() and self.current.get(worker.index) is worker and not self.stopping:
                self.current[worker.index] = fresh
                if fresh.process.returncode is None:
                    log.info("worker_started", worker=worker.index)
                    return
                worker = fresh
            else:
                fresh.signal(signal.SIGTERM)

    # -- SIGHUP -------------------------------------------------------------------------------------------------

    def _asked_to_renew(self) -> None:
        if self.stopping or (self._renewal is not None and not self._renewal.done()):
            log.warning("rolling_restart_under_way")
            return
        self._renewal = asyncio.ensure_future(self._renew())

    async def _renew(self) -> None:
        """A rolling restart."""
        log.info("rolling_restart", workers=self.count)
        fresh: list[Worker] = []
        for index in range(self.count):
            worker = await self._start(index)
            fresh.append(worker)
            if not await worker.accepts():
                log.error("rolling_restart_given_up", worker=index)
                for one in fresh:
                    one.retire()
                    one.signal(signal.SIGTERM)
                return
        for worker in fresh:
            old, self.current[worker.index] = self.current[worker.index], worker
            old.retire()
            asyncio.get_running_loop().call_later(self.drain_s + BEYOND_DRAIN_S, old.signal, signal.SIGKILL)
        log.info("rolling_restart_done", workers=self.count)

    # -- SIGTERM ------------------------------------------------------------------------------------------------

    def _asked_to_stop(self) -> None:
        """The first time, let all drain; after that, pass on that there is a hurry."""
        if not self.stopping:
            self.stopping = True
            self._stop.set()
            asyncio.get_running_loop().call_later(self.drain_s + BEYOND_DRAIN_S, self._kill)
        for worker in self.alive:
            worker.signal(signal.SIGTERM)

    def _kill(self) -> None:
        for worker in self.alive:
            log.error("worker_killed", worker=worker.index)
            worker.signal(signal.SIGKILL)
