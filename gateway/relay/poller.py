"""One epoll for the sockets of all sessions, and for those that are about to become some (Linux)."""

from __future__ import annotations

import asyncio
import os
import select
from collections import deque
from time import perf_counter
from typing import Any, ClassVar, Final, Protocol
from weakref import WeakKeyDictionary, ref

HAS_EPOLL: Final = hasattr(select, "epoll")

ROUNDS: Final = 4
"""Polls before the loop gets its turn."""
BATCH: Final = 256  # sockets of one poll
GUESTS_S: Final = 0.001
"""How long guests may keep the sessions waiting: a storm of handshakes must not be felt by those who are in."""

READABLE: Final = 1  # EPOLLIN, linux/eventpoll.h
WRITABLE: Final = 4  # EPOLLOUT
BROKEN: Final = 8 | 16  # EPOLLERR | EPOLLHUP
LEFT: Final = 0x2000  # EPOLLRDHUP: the other end closed its side
GONE: Final = BROKEN | LEFT
EDGES: Final = READABLE | WRITABLE | LEFT | (1 << 31)  # EPOLLET


class Member(Protocol):
    """Whoever is told what a socket is ready for."""

    @property
    def fd(self) -> int:
        """Its descriptor; -1 once it is closed or somebody else's."""

    def ready(self, what: int) -> None: ...


class Guest(Protocol):
    """A member that is no session: a listener, a client that is not let in yet, an upstream that is dialled.

    When it is told that its socket is ready it calls `postpone`, which gathers that in `signs`; its turn comes after
    the sessions'. `fd` is -1 once the socket is closed, or a leg's, which then looks at `signs` for what nobody has
    acted on.
    """

    fd: int
    signs: int

    def ready(self, what: int) -> None:
        """See Member."""

    def turn(self, what: int) -> None:
        """Act on what the socket is ready for."""


class Poller:
    """One epoll for all sessions, itself one reader of the event loop. `Poller.of(loop)` gives it.

    Attributes:
        legs: who is told about which descriptor.
        later: guests whose turn comes when the sessions have had theirs.
    """

    __slots__ = ("_again", "epoll", "later", "legs", "poll")
    _all: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, Poller]] = WeakKeyDictionary()
    _last: ClassVar[tuple[Any, Any]] = (lambda: None, None)  # the loop, weakly, and its poller: mostly there is one

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.epoll = select.epoll()
        self.poll = self.epoll.poll
        self.legs: dict[int, Member] = {}
        self.later: deque[Guest] = deque()
        self._again = False
        loop.add_reader(self.epoll.fileno(), self.run)

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> Poller:
        """The poller of this loop, made at the first call."""
        known, poller = cls._last
        if known() is not loop:
            poller = cls._all.get(loop)
            if poller is None:
                poller = cls._all[loop] = cls(loop)
            cls._last = ref(loop), poller
        found: Poller = poller
        return found

    def add(self, member: Member, events: int = EDGES) -> None:
        """Tell this one from now on what its socket is ready for."""
        self.epoll.register(member.fd, events)
        self.legs[member.fd] = member

    def forget(self, fd: int) -> None:
        """Tell nobody any more of a socket that stays open."""
        del self.legs[fd]
        self.epoll.unregister(fd)

    def close(self, fd: int) -> None:
        """Close a socket; that takes it out of the epoll, too."""
        del self.legs[fd]
        os.close(fd)

    def postpone(self, guest: Guest, what: int) -> None:
        """Give this guest a turn when the sessions have had theirs."""
        if not guest.signs:
            self.later.append(guest)
        guest.signs |= what

    def run(self) -> None:
        """Something is ready."""
        legs = self.legs
        poll = self.poll
        later = self.later
        for _ in range(ROUNDS):
            ready = poll(0, BATCH)
            for fd, what in ready:
                leg = legs.get(fd)
                if leg is not None:
                    try:
                        leg.ready(what)
                    except Exception as error:  # the others of this poll are told once and for all, too
                        _failed(leg, error)
            if later:
                self._serve_guests()
            if len(ready) < 2 and not later:
                return
        if later and not self._again:
            self._again = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._again = False
        self.run()

    def _serve_guests(self) -> None:
        later = self.later
        end = perf_counter() + GUESTS_S
        while later:
            guest = later.popleft()
            what, guest.signs = guest.signs, 0
            if guest.fd >= 0:
                try:
                    guest.turn(what)
                except Exception as error:  # the others have been told of their sockets once and for all
                    facts = {"message": "a guest failed", "exception": error}
                    asyncio.get_running_loop().call_exception_handler(facts)
            if perf_counter() >= end:
                return


def _failed(leg: Member, error: Exception) -> None:
    """This session has a fault: tell so, and end it, for nobody can say what was passed on of it."""
    facts = {"message": "a session failed", "exception": error}
    asyncio.get_running_loop().call_exception_handler(facts)
    link = getattr(leg, "link", None)
    if link is not None:
        link.abort()
