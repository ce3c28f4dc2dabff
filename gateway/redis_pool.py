"""The pool of windows in Redis: calls there and back, and what it tells all processes (`gateway.core.pool`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from gateway.core.pool import SCRIPT, Answer, Call, arguments

PREFIX: Final = "wsportal:window:"
CHANNEL: Final = "wsportal:windows"
KEEP_S: Final = 300  # a window is kept so long beyond its end, for clocks that do not agree
ANSWER_S: Final = 1.0
"""For one try of a call; there are two before Redis counts as away. Long enough for a busy machine to be late."""
ERRORS: Final = (RedisError, OSError, TimeoutError, RuntimeError)
"""What means that it is away; some event loops' word for a connection that broke a moment ago is a RuntimeError."""
Hears = Callable[[str, str], object]  # DRY or ROOM, and the key of the window


class RedisPool:
    """One process's way to the windows.

    Args:
        url: of Redis.
    """

    def __init__(self, url: str) -> None:
        timeouts: dict[str, Any] = {"socket_timeout": ANSWER_S, "socket_connect_timeout": ANSWER_S}
        none = Retry(NoBackoff(), 0)  # every call says it all, so the next one is the retry
        self.redis: Redis = Redis.from_url(url, decode_responses=True, retry=none, **timeouts)
        self._ears: Redis = Redis.from_url(url, decode_responses=True, retry=none, socket_connect_timeout=ANSWER_S)
        self._digest = ""

    async def tell(self, calls: Sequence[Call]) -> list[Answer | None]:
        """Make these calls in one round trip, on a fresh connection once more where that fails.

        Returns:
            The answers in their order; None for a call that came after a later one.
        Raises:
            One of ERRORS: it is away, or cannot do it.
        """
        try:
            return await self._tell(calls)
        except NoScriptError:  # it was started anew
            self._digest = ""
        except ERRORS:
            await self.redis.connection_pool.disconnect(inuse_connections=False)
        return await self._tell(calls)

    async def _tell(self, calls: Sequence[Call]) -> list[Answer | None]:
        async with asyncio.timeout(ANSWER_S):
            if not self._digest:
                self._digest = await self.redis.script_load(SCRIPT)
            pipe = self.redis.pipeline(transaction=False)
            for call in calls:
                pipe.evalsha(self._digest, 1, PREFIX + call.key, *arguments(call, CHANNEL, KEEP_S))
            rows = await pipe.execute()
        return [Answer(*map(int, row)) if row else None for row in rows]

    async def listen(self, hears: Hears, began: Callable[[], object]) -> None:
        """Hear what all processes are told, until it breaks.

        Args:
            began: called when from here on nothing will be missed.
        Raises:
            One of ERRORS: it is away.
        """
        async with self._ears.pubsub() as ears:
            await ears.subscribe(CHANNEL)
            began()
            async for message in ears.listen():
                if message["type"] == "message":
                    word, _, key = message["data"].partition(" ")
                    hears(word, key.removeprefix(PREFIX))

    async def close(self) -> None:
        """Let go of the connections."""
        for one in (self.redis, self._ears):
            with suppress(*ERRORS):
                await one.aclose()
