"""Redis wakes other processes when the outbox has news; nothing waits for it, and nothing breaks without it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from channels.layers import channel_layers

from gateway import waking
from tests.engines import Redis
from tests.gateway.world import free_port


@pytest.fixture
def redis(tmp_path: Path, settings: Any) -> Iterator[Redis]:
    """A Redis that the channel layer of this process uses."""
    server = Redis(tmp_path, free_port())
    host = {"address": server.url, "socket_connect_timeout": 1, "socket_timeout": 10}
    config = {"hosts": [host], "prefix": "test", "group_expiry": 120}
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": config}}
    channel_layers.backends.clear()
    yield server
    channel_layers.backends.clear()
    server.stop()


async def heard_again_and_again(herald: waking.Herald, woken: asyncio.Event) -> None:
    """Tell until it is heard: while Redis comes up, some wake-ups may be lost."""
    woken.clear()
    async with asyncio.timeout(30):
        while not woken.is_set():
            herald.tell()
            await asyncio.sleep(0.1)


async def test_a_change_of_one_process_wakes_another_and_again_after_redis_was_away(redis: Redis) -> None:
    herald, woken = waking.Herald(), asyncio.Event()
    listening = asyncio.create_task(waking.WakeUps(woken.set).run())
    try:
        await heard_again_and_again(herald, woken)
        await asyncio.to_thread(redis.stop)
        started = time.monotonic()
        for _ in range(1000):
            herald.tell()
        assert time.monotonic() - started < 1, "whoever writes does not wait for Redis"
        await asyncio.sleep(0.5)
        assert not listening.done()
        await asyncio.to_thread(redis.start)
        await heard_again_and_again(herald, woken)
    finally:
        listening.cancel()


async def test_many_changes_at_once_are_few_wake_ups(redis: Redis) -> None:
    herald, woken = waking.Herald(), asyncio.Event()
    turns: list[float] = []

    def wake() -> None:
        turns.append(time.monotonic())
        woken.set()

    listening = asyncio.create_task(waking.WakeUps(wake).run())
    try:
        await heard_again_and_again(herald, woken)
        turns.clear()
        for _ in range(1000):
            herald.tell()
        await asyncio.sleep(0.5)
        assert 1 <= len(turns) <= 26
        assert all(later - earlier > waking.GAP_S / 2 for earlier, later in pairwise(turns))
    finally:
        listening.cancel()


async def test_without_redis_there_is_nobody_to_hear() -> None:
    assert waking.shared_layer() is None
    await asyncio.wait_for(waking.WakeUps(lambda: None).run(), 5)
