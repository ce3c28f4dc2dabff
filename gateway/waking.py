"""A wake-up for the other processes: the outbox has news. Redis carries it, and nothing depends on it.

Without Redis a change reaches another process when its ticker looks next (`conf` TICK_S); with it, within
milliseconds. The outbox stays the truth: a wake-up says only that it is worth a look, and one that is lost costs the
rest of a tick. Whoever writes never waits: a thread of its own tells, and many writes at once are told once.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import structlog
from channels.layers import BaseChannelLayer, InMemoryChannelLayer, get_channel_layer

from apis.signals import changed

log = structlog.get_logger("gateway")

GROUP: Final = "gateways"
NEWS: Final = {"type": "outbox.news"}
GAP_S: Final = 0.02  # between two wake-ups: so often a process tells at most, and is heard at most
SEND_S: Final = 2.0
JOIN_S: Final = 30.0  # Redis forgets who listens unless told again, after a restart of its own at once
AWAY_S: Final = 1.0
LAST_WORD_S: Final = 0.3  # a command that wrote something ends; its news are worth this wait and no more


def shared_layer() -> BaseChannelLayer | None:
    """The channel layer that other processes hear, or None where there is none (no REDIS_URL)."""
    layer = get_channel_layer()
    return None if layer is None or isinstance(layer, InMemoryChannelLayer) else layer


class Herald:
    """Tells every gateway process that this process changed something."""

    def __init__(self) -> None:
        self._news = threading.Event()
        self._told = threading.Event()
        self._told.set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def listen(self) -> None:
        """Tell of every change that is committed here, if there is somebody who could hear it."""
        if shared_layer() is not None:
            changed.connect(self.tell, weak=False, dispatch_uid="gateway.waking")
            atexit.register(self._told.wait, LAST_WORD_S)

    def tell(self, **_: Any) -> None:
        """Tell soon; returns at once, from whatever thread."""
        self._told.clear()
        self._news.set()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="wake-ups", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        loop = asyncio.new_event_loop()
        away, pause = False, threading.Event()
        while self._news.wait():
            self._news.clear()
            try:
                loop.run_until_complete(_send())
            except Exception as error:
                if not away:
                    log.warning("wake_ups_not_sent", error=type(error).__name__)
                away = True
            else:
                if away:
                    log.warning("wake_ups_sent_again")
                away = False
            if not self._news.is_set():
                self._told.set()
            pause.wait(AWAY_S if away else GAP_S)


async def _send() -> None:
    layer = shared_layer()
    if layer is not None:
        async with asyncio.timeout(SEND_S):
            await layer.group_send(GROUP, NEWS)


class WakeUps:
    """Hears the wake-ups of all processes, its own included.

    Args:
        wake: called in the event loop, at most every GAP_S.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._name = f"gateway.{uuid.uuid4().hex}"
        self._next = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Listen until cancelled; where nobody can be heard there is nothing to do."""
        layer = shared_layer()
        if layer is None:
            return
        away = False
        while True:
            try:
                await layer.group_add(GROUP, self._name)
                if away:
                    away = False
                    log.warning("wake_ups_heard_again")
                    self._heard()  # whatever was told meanwhile
                with suppress(TimeoutError):
                    async with asyncio.timeout(JOIN_S):
                        while True:
                            await layer.receive(self._name)
                            self._heard()
            except Exception as error:
                if not away:
                    log.warning("wake_ups_not_heard", error=type(error).__name__)
                away = True
                await asyncio.sleep(AWAY_S)

    def _heard(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._next), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._next = asyncio.get_running_loop().time() + GAP_S
        self._wake()


herald: Final = Herald()
