"""One epoll for all sockets of a process: of sessions, of those about to become some, and the event loop's (Linux)."""

from __future__ import annotations

import asyncio
import os
import select
from collections import deque
from time import perf_counter
from typing import Any, Final, Protocol, cast

HAS_EPOLL: Final = hasattr(select, "epoll")

BATCH: Final = 256  # sockets of one poll, then the loop has its turn if it is wanted
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
    """One epoll for all sessions, and for whatever the event loop watches. `Poller.of(loop)` gives the loop's.

    The event loop (`gateway.loop`) waits by `wait`, which tells members what their sockets are ready for and comes
    back only when the loop has something to do itself.

    Attributes:
        epoll: the loop's own descriptors are in it, too.
        later: guests whose turn comes when the sessions have had theirs.
        legs: who is told about which descriptor.
        wanted: the loop has something to do. Whoever gives it something from within a session or a guest sets this.
    """

    __slots__ = ("epoll", "later", "legs", "poll", "wanted")

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.poll = self.epoll.poll
        self.legs: dict[int, Member] = {}
        self.later: deque[Guest] = deque()
        self.wanted = False

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> Poller:
        """The poller of this loop, which must be one of `gateway.loop`."""
        poller: Poller = cast(Any, loop).poller
        return poller

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

    def wait(self, timeout: float) -> list[tuple[int, int]]:
        """Tell members what their sockets are ready for, until the loop is wanted or its time has come.

        Args:
            timeout: seconds until the loop's next timer; 0 to look once, negative if there is none.

        Returns:
            What descriptors that are no member's are ready for.
        """
        legs, later, poll = self.legs, self.later, self.poll
        others: list[tuple[int, int]] = []
        self.wanted = False
        end = perf_counter() + timeout
        left = timeout
        while True:
            for fd, what in poll(0.0 if later else left, BATCH):
                leg = legs.get(fd)
                if leg is None:
                    others.append((fd, what))
                else:
                    try:
                        leg.ready(what)
                    except Exception as error:  # the others of this poll are told once and for all, too
                        _failed(leg, error)
            if later:
                self._serve_guests()
            if self.wanted or others or timeout == 0.0:
                return others
            if timeout > 0.0:
                left = end - perf_counter()
                if left <= 0.0:
                    return others

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
