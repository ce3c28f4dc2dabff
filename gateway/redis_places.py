"""Concurrent sessions of all gateway processes: how many places of one thing are taken, in Redis.

Each process says how many it takes, as a total, so a call that is lost is put right by the next. A process that is no
longer alive counts no more: it says every few seconds that it is. One call of a process is on its way at a time, for
everybody who arrived before it left: answers that overtook each other would be about different moments, and would let
in one too many or one too few. Source: CONTRACT section 7.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from itertools import count
from typing import Any, Final, NamedTuple

from gateway.redis_pool import ANSWER_S, ERRORS, RedisPool

PREFIX: Final = "wsportal:places:"
ALIVE: Final = "wsportal:alive:"
BEAT_S: Final = 4.0
ALIVE_S: Final = 15  # a process that was killed holds its places so long
KEEP_S: Final = 8 * 86_400
SCRIPT: Final = """
local me, number, held, mine, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local others, newest = 0, 0
local all = redis.call('HGETALL', KEYS[1])
for index = 1, #all, 2 do
  local said, taken = string.match(all[index + 1], '(%d+) (%d+)')
  if all[index] == me then newest = tonumber(said)
  elseif redis.call('EXISTS', ARGV[6] .. all[index]) == 1 then others = others + tonumber(taken)
  else redis.call('HDEL', KEYS[1], all[index]) end
end
if most >= 0 then mine = math.min(mine, math.max(held, most - others)) end
if number > newest then
  redis.call('HSET', KEYS[1], me, ARGV[2] .. ' ' .. mine)
  redis.call('EXPIRE', KEYS[1], ARGV[7])
end
return others
"""
Place = Hashable


class Claim(NamedTuple):
    """What this process says of a place: how many it holds, and with those who arrive; how many there are (or -1)."""

    place: Place
    held: int
    mine: int
    most: int


class Batch:
    """Those who arrived before a call left, and what it brought.

    Attributes:
        wanted: how many places there are of each.
        others: how many other processes take of each, once it is known.
        error: why nobody knows.
    """

    __slots__ = ("error", "others", "wanted")

    def __init__(self) -> None:
        self.wanted: dict[Place, int] = {}
        self.others: dict[Place, int] | None = None
        self.error: BaseException | None = None


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
        self._lane = asyncio.Lock()
        self._next: Batch | None = None  # whoever arrives now goes along with it

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
        batch = self._next = self._next or Batch()
        for place, most in limited:
            self._arriving[place] += 1
            batch.wanted[place] = max(most, batch.wanted.get(place, 0))
        try:
            told = await self._told(batch)
        finally:
            for place, _ in limited:
                self._arriving[place] -= 1
                if not self._arriving[place]:
                    del self._arriving[place]
                self._changed[place] = None  # whatever comes of it, it is looked at again
        return [told.get(place, 0) for place, _ in wanted]

    async def _told(self, batch: Batch) -> dict[Place, int]:
        """What the call of this batch brings; the first of it makes the call.

        The lane lets everybody through in the order they came, so all of a batch have decided before the next one's
        call is made, which counts them rightly.
        """
        async with self._lane:
            if batch.others is None and batch.error is None:
                if self._next is batch:
                    self._next = None
                claims = [
                    Claim(place, self.taken(place), self._count(place), most) for place, most in batch.wanted.items()
                ]
                try:
                    batch.others = dict(zip(batch.wanted, await self._say(claims), strict=True))
                except ERRORS as error:
                    batch.error = error
            if batch.others is None:
                assert batch.error is not None  # noqa: S101  (one or the other)
                raise batch.error
            return batch.others

    def left(self, place: Place) -> None:
        """A session is over."""
        if place in self._said:
            self._changed[place] = None

    def _count(self, place: Place) -> int:
        return self.taken(place) + self._arriving[place]

    async def report(self) -> None:
        """Say what has changed since. Raises: one of ERRORS."""
        async with self._lane:
            changed, self._changed = self._changed, {}
            claims = [Claim(place, 0, self._count(place), -1) for place in changed]
            try:
                await self._say([claim for claim in claims if claim.mine != self._said.get(claim.place, 0)])
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

    async def _say(self, claims: Sequence[Claim]) -> list[int]:
        if not claims:
            return []
        async with asyncio.timeout(ANSWER_S):
            pipe: Any = self._pool.redis.pipeline(transaction=False)
            for place, *numbers in claims:
                facts = [self._process, next(self._numbers), *numbers, ALIVE, KEEP_S]
                pipe.eval(SCRIPT, 1, f"{PREFIX}{place!r}", *facts)
            rows = [int(others) for others in await pipe.execute()]
        for (place, held, mine, most), others in zip(claims, rows, strict=True):
            said = mine if most < 0 else min(mine, max(held, most - others))
            if said:
                self._said[place] = said
            else:
                self._said.pop(place, None)
        return rows
