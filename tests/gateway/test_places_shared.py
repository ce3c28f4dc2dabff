"""Places that several gateway processes share, at a real Redis: as many are let in as there are."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Hashable, Sequence

import pytest

from gateway.redis_places import Claim, SharedPlaces
from gateway.redis_pool import ERRORS, RedisPool
from tests.engines import Redis
from tests.gateway.fleet import server
from tests.gateway.world import free_port

__all__ = ["server"]

MOST = 5
ROUNDS = 60


class Gate:
    """One process: it lets in whom there is a place for, as the handshake does."""

    def __init__(self, url: str, name: str) -> None:
        self.inside: Counter[Hashable] = Counter()
        self.pool = RedisPool(url)
        self.places = SharedPlaces(self.pool, name)
        self.places.taken = lambda place: self.inside[place]

    async def arrive(self, place: Hashable, most: int = MOST) -> bool:
        others = (await self.places.others([(place, most)]))[0]
        if self.inside[place] + others >= most:
            return False
        self.inside[place] += 1
        return True

    async def leave(self, place: Hashable) -> None:
        self.inside[place] -= 1
        self.places.left(place)
        await self.places.report()


async def test_who_arrives_at_once_at_three_processes_gets_just_the_places_there_are(server: Redis) -> None:
    gates = [Gate(server.url, name) for name in ("one", "two", "three")]
    for gate in gates:
        await gate.places.beat()
    for turn in range(ROUNDS):
        place = ("crowd", turn)
        let_in = await asyncio.gather(*(gate.arrive(place) for _ in range(4) for gate in gates))
        assert sum(let_in) == MOST
        assert sum(gate.inside[place] for gate in gates) == MOST
    for gate in gates:
        await gate.pool.close()


async def test_a_place_that_was_given_back_is_there_for_another_process(server: Redis) -> None:
    one, two = Gate(server.url, "leaves"), Gate(server.url, "waits")
    for gate in (one, two):
        await gate.places.beat()
    assert list(await asyncio.gather(*(one.arrive("room") for _ in range(7)))) == [True] * MOST + [False] * 2
    assert not await two.arrive("room")
    await one.leave("room")
    assert list(await asyncio.gather(two.arrive("room"), two.arrive("room"))) == [True, False]
    for gate in (one, two):
        await gate.pool.close()


async def test_a_limit_that_was_lowered_takes_no_place_from_who_is_in(server: Redis) -> None:
    one, two = Gate(server.url, "before"), Gate(server.url, "after")
    for gate in (one, two):
        await gate.places.beat()
    assert all(await asyncio.gather(*(one.arrive("less") for _ in range(4))))
    assert not await one.arrive("less", 2)
    assert await two.arrive("less", 5)
    assert not await two.arrive("less", 5)
    for gate in (one, two):
        await gate.pool.close()


async def test_everybody_who_waits_hears_that_redis_is_away() -> None:
    gate = Gate(f"redis://127.0.0.1:{free_port()}/0", "alone")
    told = await asyncio.gather(*(gate.arrive("nowhere") for _ in range(5)), return_exceptions=True)
    assert all(isinstance(error, ERRORS) for error in told)
    await gate.pool.close()


async def test_who_goes_away_while_it_is_asked_spoils_nothing_for_those_behind(
    server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(server.url, "patient")
    await gate.places.beat()
    asked, say = asyncio.Event(), SharedPlaces._say

    async def never_answered(places: SharedPlaces, claims: Sequence[Claim]) -> list[int]:
        monkeypatch.setattr(SharedPlaces, "_say", say)  # only this once
        asked.set()
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(SharedPlaces, "_say", never_answered)
    first, second = (asyncio.ensure_future(gate.arrive("door", 1)) for _ in range(2))
    await asked.wait()
    first.cancel()
    assert await second
    with pytest.raises(asyncio.CancelledError):
        await first
    await gate.pool.close()
