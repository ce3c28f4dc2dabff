"""Which event loop this process uses. Import it before `daphne.server` is imported, which makes its loop at once.

Where there is epoll (Linux) it is asyncio's own loop on the epoll of the sessions: the process waits in one place, and
a frame goes through without the loop noticing. Elsewhere sessions travel by transports, and the loop is uvloop where it
can be had.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Any, Final, TypeVarTuple

from gateway.relay.poller import HAS_EPOLL, READABLE, WRITABLE, Poller

Arguments = TypeVarTuple("Arguments")
NO_LIMIT: Final = -1.0  # wait until something happens (epoll_wait(2))


class PollerSelector(selectors.BaseSelector):
    """What asyncio watches, in the same epoll as the sessions; those are told without asyncio.

    Args:
        poller: of the loop that uses this selector.
    """

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        self._keys: dict[int, selectors.SelectorKey] = {}
        # What a handshake sets in its context must not be found by every task from then on.
        self._run = copy_context().run

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """See selectors.BaseSelector; so are the others."""
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if fd in self._keys:
            raise KeyError(f"{fileobj!r} (descriptor {fd}) is registered already")
        self._poller.epoll.register(fd, _signs(events))
        key = self._keys[fd] = selectors.SelectorKey(fileobj, fd, events, data)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """See register."""
        old = self.get_key(fileobj)
        if events != old.events:
            self._poller.epoll.modify(old.fd, _signs(events))
        key = self._keys[old.fd] = selectors.SelectorKey(old.fileobj, old.fd, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """See register."""
        key = self._keys.pop(self.get_key(fileobj).fd)
        try:
            self._poller.epoll.unregister(key.fd)
        except OSError:  # closed meanwhile
            return key
        return key

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        """See register."""
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if fd < 0:  # closed before it was unregistered: it is known by its object
            fd = next((key.fd for key in self._keys.values() if key.fileobj is fileobj), -1)
        return self._keys[fd]

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """By descriptor only."""
        return self._keys

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Let the poller go on until asyncio is wanted.

        Args:
            timeout: seconds until its next timer; None if there is none.
        """
        found = self._run(self._poller.wait, NO_LIMIT if timeout is None else max(0.0, float(timeout)))
        ready = []
        for fd, what in found:
            key = self._keys.get(fd)
            if key is not None:  # errors and ends are for both directions, as in the standard library's selector
                events = key.events & (
                    (selectors.EVENT_READ if what & ~WRITABLE else 0)
                    | (selectors.EVENT_WRITE if what & ~READABLE else 0)
                )
                if events:
                    ready.append((key, events))
        return ready

    def close(self) -> None:
        """See register."""
        self._poller.epoll.close()
        self._keys.clear()


def _signs(events: int) -> int:
    """asyncio's word for what it waits for, in epoll's: level-triggered."""
    return (READABLE if events & selectors.EVENT_READ else 0) | (WRITABLE if events & selectors.EVENT_WRITE else 0)


class Loop(asyncio.SelectorEventLoop):
    """asyncio's loop on the epoll of the sessions.

    While frames travel it does not turn, so it says what it must not miss: a callback, a timer, or its stop that is
    asked for from within a session or a handshake. Threads and signals wake it by its own pipe, as ever.

    Attributes:
        poller: see gateway.relay.poller.
    """

    def __init__(self) -> None:
        self.poller = Poller()
        super().__init__(PollerSelector(self.poller))

    def call_soon(
        self, callback: Callable[[*Arguments], object], *args: *Arguments, context: Context | None = None
    ) -> asyncio.Handle:
        """See asyncio."""
        self.poller.wanted = True
        return super().call_soon(callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Arguments], object], *args: *Arguments, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """See asyncio; `call_later` comes by here."""
        self.poller.wanted = True
        return super().call_at(when, callback, *args, context=context)

    def stop(self) -> None:
        """See asyncio."""
        self.poller.wanted = True
        super().stop()


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A fresh loop of the kind that is used here."""
    return Loop() if HAS_EPOLL else asyncio.new_event_loop()


class Policy(asyncio.DefaultEventLoopPolicy):
    """Makes every loop of this process such a one."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """See asyncio."""
        return Loop()


if HAS_EPOLL:
    asyncio.set_event_loop_policy(Policy())
else:
    with suppress(ImportError):  # none on Windows: everything works there, slower
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
