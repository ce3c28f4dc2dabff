"""An application run by hand: on the spot where it waits for nothing, in a task where it waits for asyncio."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.running import Pause, Run, in_task


def ran(coroutine: Any) -> tuple[Run, list[BaseException | None]]:
    """The coroutine run from a callback of the loop, as the server does it."""
    ended: list[BaseException | None] = []
    return Run(coroutine, ended.append), ended


async def from_the_loop(run: Run) -> None:
    asyncio.get_running_loop().call_soon(run.go_on)
    await asyncio.sleep(0)


async def test_what_is_known_is_answered_on_the_spot_and_a_pause_goes_on_from_where_it_ends() -> None:
    pause, seen = Pause(), []

    async def application() -> None:
        seen.append(asyncio.current_task())
        seen.append(await pause)

    run, ended = ran(application())
    await from_the_loop(run)
    assert seen == [None]
    pause.end("an answer")
    pause.end("too late")
    assert (seen, ended) == ([None, "an answer"], [None])


async def test_code_that_needs_a_task_gets_one_and_pauses_work_in_it_too() -> None:
    pause, said = Pause(), asyncio.Event()

    async def application() -> None:
        await in_task()
        async with asyncio.timeout(5):
            await said.wait()
            assert await pause == 7
            raise ValueError("its own")

    run, ended = ran(application())
    await from_the_loop(run)
    said.set()
    await asyncio.sleep(0.01)
    pause.end(7)
    while not ended:
        await asyncio.sleep(0.01)
    assert str(ended[0]) == "its own"


async def test_a_client_that_leaves_cancels_it_by_hand_as_in_a_task() -> None:
    cleaned: list[str] = []

    async def application(kind: str) -> None:
        try:
            if kind == "task":
                await asyncio.sleep(60)
            await Pause()
        finally:
            cleaned.append(kind)

    for kind in ("hand", "task"):
        run, ended = ran(application(kind))
        await from_the_loop(run)
        await asyncio.sleep(0.01)
        run.cancel()
        while not ended:
            await asyncio.sleep(0.01)
        assert isinstance(ended[0], asyncio.CancelledError)
    assert cleaned == ["hand", "task"]


async def test_an_error_is_raised_where_it_is_waited_for() -> None:
    pause = Pause()

    async def application() -> str:
        try:
            await pause
        except OSError as error:
            return str(error)
        return ""

    run, ended = ran(application())
    await from_the_loop(run)
    pause.fail(OSError("refused"))
    assert ended == [None]
