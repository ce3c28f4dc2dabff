"""Concurrent sessions of all gateway processes: how many places of one thing are taken, in Redis.

Each process says how many it takes, as a total, so a call that is lost is put right by the next. A process that is no
longer alive counts no more: it says every few seconds that it is. Source: CONTRACT section 7.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from itertools import count
from typing import Any, Final

from gateway.redis_pool import ANSWER_S, ERRORS, RedisPool

PREFIX: Final = "wsportal:places:"
ALIVE: Final = "wsportal:alive:"
BEAT_S: Final = 4.0
ALIVE_S: Final = 15  # a process that was killed holds its places so long
KEEP_S: Final = 8 * 86_400
SCRIPT: Final = """
local me, number, mine, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local others, newest = 0, 0
local all = redis.call('HGETALL', KEYS[1])
for index = 1, #all, 2 do
  local said, taken = string.match(all[index + 1], '(%d+) (%d+)')
  if all[index] == me then newest = tonumber(said)
  elseif redis.call('EXISTS', ARGV[5] .. all[index]) == 1 then others = others + tonumber(taken)
  else redis.call('HDEL', KEYS[1], all[index]) end
end
if most >= 0 and others + mine > most then mine = mine - 1 end
if number > newest then
  redis.call('HSET', KEYS[1], me, ARGV[2] .. ' ' .. mine)
  redis.call('EXPIRE', KEYS[1], ARGV[6])
end
return others
"""
Place = Hashable


class SharedPlaces:
    """Places of one process among all.

    Args:
        pool: the way to Redis.
        process: what this one is called there.
    """

    def __init__(self, pool: RedisPool, process: str) -> None:
        self.taken: Callable[[Place], int] = lambda place: 0  # how many this process takes, without those on their way
        self._pool = pool
        self._process = process
        self._numbers = count(1)
        self._arriving: Counter[Place] = Counter()
        self._said: dict[Place, int] = {}
        self._changed: dict[Place, None] = {}

    async def others(self, wanted: Sequence[tuple[Place, int | None]]) -> list[int]:
        """Take a place of each that has a limit, where there is one.

        Args:
            wanted: places, and how many there are of each; None for one that is not limited.
        Returns:
            How many other processes take of each. It is decided by the caller, at once, whether there is one for it.
        Raises:
            One of ERRORS: Redis is away.
        """
        limited = [(place, most) for place, most in wanted if most is not None]
        calls: list[tuple[Place, int, int]] = []
        for place, most in limited:
            self._arriving[place] += 1
            calls.append((place, self._count(place), most))
        try:
            told = dict(zip([place for place, _ in limited], await self._say(calls), strict=True))
        finally:
            for place, _ in limited:
                self._arriving[place] -= 1
                if not self._arriving[place]:
                    del self._arriving[place]
                self._changed[place] = None  # whatever comes of it, it is looked at again
        return [told.get(place, 0) for place, _ in wanted]

    def left(self, place: Place) -> None:
        """A session is over."""
        if place in self._said:
            self._changed[place] = None

    def _count(self, place: Place) -> int:
        return self.taken(place) + self._arriving[place]

    async def report(self) -> None:
        """Say what has changed since. Raises: one of ERRORS."""
        changed, self._changed = self._changed, {}
        calls = [(place, self._count(place), -1) for place in changed]
        try:
            await self._say([call for call in calls if call[1] != self._said.get(call[0], 0)])
        except ERRORS:
            self._changed = {**changed, **self._changed}
            raise

    async def begin_anew(self) -> None:
        """Redis was away and may have forgotten: say everything. Raises: one of ERRORS."""
        self._changed = {**dict.fromkeys(self._said), **self._changed}
        self._said = dict.fromkeys(self._said, -1)
        await self.beat()
        await self.report()

    async def beat(self) -> None:
        """This process is alive. Raises: one of ERRORS."""
        async with asyncio.timeout(ANSWER_S):
            await self._pool.redis.set(ALIVE + self._process, 1, ex=ALIVE_S)

    async def leave(self) -> None:
        """It goes. Raises: one of ERRORS."""
        async with asyncio.timeout(ANSWER_S):
            await self._pool.redis.delete(ALIVE + self._process)

    async def _say(self, calls: Sequence[tuple[Place, int, int]]) -> list[int]:
        if not calls:
            return []
        facts = [ALIVE, KEEP_S]
        async with asyncio.timeout(ANSWER_S):
            pipe: Any = self._pool.redis.pipeline(transaction=False)
            for place, mine, most in calls:
                pipe.eval(SCRIPT, 1, f"{PREFIX}{place!r}", self._process, next(self._numbers), mine, most, *facts)
            rows = await pipe.execute()
        for (place, mine, most), others in zip(calls, rows, strict=True):
            said = mine - 1 if 0 <= most < int(others) + mine else mine
            if said:
                self._said[place] = said
            else:
                self._said.pop(place, None)
        return [int(others) for others in rows]
