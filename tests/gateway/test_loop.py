"""The gateway's event loop: frames travel without it, and it misses nothing meanwhile."""

from __future__ import annotations

import asyncio
import os
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import pytest

from gateway.loop import Loop, PollerSelector
from gateway.relay import HAS_EPOLL, Poller

pytestmark = pytest.mark.skipif(not HAS_EPOLL, reason="no epoll here: asyncio's own loop is used")

WORD: ContextVar[str] = ContextVar("WORD", default="nobody's")


class Spinner:
    """A session that is ready for ever: whatever it reads it writes to itself again.

    Args:
        act: done at its first turn.
    """

    def __init__(self, poller: Poller, act: Callable[[], object] | None = None) -> None:
        self.poller = poller
        self.near, self.far = socket.socketpair()
        self.near.setblocking(False)
        self.fd = self.near.fileno()
        self.act = act
        self.turns = 0
        poller.add(self)
        self.far.send(b"x")

    def ready(self, what: int) -> None:
        """See gateway.relay.poller.Member."""
        with suppress(BlockingIOError):
            os.read(self.fd, 10)
        self.turns += 1
        act, self.act = self.act, None
        if act is not None:
            act()
        self.far.send(b"x")

    def close(self) -> None:
        """No longer."""
        self.poller.forget(self.fd)
        self.near.close()
        self.far.close()


@pytest.fixture
def loop() -> Iterator[Loop]:
    """One that nobody else uses."""
    made = Loop()
    yield made
    made.close()


def within(loop: Loop, seconds: float, work: Any) -> Any:
    """Run it on this loop, for so long at most; a watchdog outside stops the loop where it misses that."""
    watchdog = threading.Timer(seconds + 10, loop.call_soon_threadsafe, [loop.stop])
    watchdog.start()
    try:
        return loop.run_until_complete(asyncio.wait_for(work, seconds))
    finally:
        watchdog.cancel()


async def test_tests_run_on_the_loop_of_the_gateway() -> None:
    assert isinstance(asyncio.get_running_loop(), Loop)
    another = asyncio.new_event_loop()
    another.close()
    assert isinstance(another, Loop)


def test_timers_ring_while_frames_never_cease(loop: Loop) -> None:
    spinner = Spinner(loop.poller)

    async def go() -> list[int]:
        seen = []
        for _ in range(3):
            await asyncio.sleep(0.01)
            seen.append(spinner.turns)
        return seen

    first, second, third = within(loop, 5, go())
    spinner.close()
    assert 0 < first < second < third


def test_other_threads_and_sockets_are_heard_while_frames_never_cease(loop: Loop) -> None:
    spinner = Spinner(loop.poller)
    sam, backend = socket.socketpair()
    for one in (sam, backend):
        one.setblocking(False)

    async def go() -> bytes:
        assert await asyncio.to_thread(lambda: "from a thread") == "from a thread"
        await loop.sock_sendall(sam, b"hello")
        return await loop.sock_recv(backend, 100)

    assert within(loop, 5, go()) == b"hello"
    spinner.close()
    for one in (sam, backend):
        one.close()


def test_a_session_may_ask_the_loop_for_something(loop: Loop) -> None:
    rung = asyncio.Event()
    later = asyncio.Event()

    def act() -> None:
        loop.call_soon(rung.set)
        loop.call_later(0.01, later.set)

    async def go() -> None:
        spinner = Spinner(loop.poller, act)
        await rung.wait()
        await later.wait()
        spinner.close()

    within(loop, 5, go())


def test_a_session_may_stop_the_loop(loop: Loop) -> None:
    spinner = Spinner(loop.poller, loop.stop)
    watchdog = threading.Timer(10, os.abort)
    watchdog.start()
    loop.run_forever()
    watchdog.cancel()
    assert spinner.turns >= 1
    spinner.close()


def test_what_a_session_sets_in_its_context_is_not_found_by_others(loop: Loop) -> None:
    async def go() -> str:
        spinner = Spinner(loop.poller, lambda: WORD.set("carol's"))
        while not spinner.turns:
            await asyncio.sleep(0.001)
        spinner.close()
        return WORD.get()

    assert within(loop, 5, go()) == "nobody's"
    assert WORD.get() == "nobody's"


def test_a_session_that_fails_is_told_of_and_the_others_go_on(loop: Loop) -> None:
    told: list[Any] = []
    loop.set_exception_handler(lambda _, facts: told.append(facts["exception"]))

    def fail() -> None:
        raise ValueError("a fault")

    async def go() -> int:
        broken, sound = Spinner(loop.poller, fail), Spinner(loop.poller)
        while not (told and sound.turns > 2):
            await asyncio.sleep(0.001)
        broken.close()
        sound.close()
        return sound.turns

    assert within(loop, 5, go()) > 2
    assert [str(one) for one in told] == ["a fault"]


def test_a_descriptor_is_watched_as_the_standard_library_does() -> None:
    poller = Poller()
    ours, theirs = PollerSelector(poller), selectors.EpollSelector()
    near, far = socket.socketpair()
    for one in (ours, theirs):
        one.register(near, selectors.EVENT_WRITE, "data")
        with pytest.raises(KeyError):
            one.register(near, selectors.EVENT_READ)
    far.send(b"x")
    for events in (selectors.EVENT_WRITE, selectors.EVENT_READ, selectors.EVENT_READ | selectors.EVENT_WRITE):
        keys = [one.modify(near, events, "data") for one in (ours, theirs)]
        assert keys[0] == keys[1]
        assert ours.select(0) == theirs.select(0) == [(keys[0], events)]
    far.close()
    assert ours.select(0) == theirs.select(0)  # an end is news for both directions
    near.close()
    for one in (ours, theirs):
        assert one.unregister(near).data == "data"  # known by its object, for its number is gone
        assert one.select(0) == []
        with pytest.raises((KeyError, ValueError)):
            one.get_key(near)
        one.close()


async def test_programs_can_be_started() -> None:
    process = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
    out, _ = await asyncio.wait_for(process.communicate(b"through pipes"), 10)
    assert (out, process.returncode) == (b"through pipes", 0)
