"""An application's coroutine, run on the spot: a handshake whose answers are all known needs no task to wait in.

The server runs an application by hand, from one event to the next: `Run` sends it on until it waits for something. What
it waits for is a `Pause`, which sends it on from wherever it ends. Anything else that can be awaited belongs to asyncio
and needs a task, which the run turns into by itself. Code that asks asyncio for the current task before it waits
(`asyncio.timeout`, most libraries) must be told so first: `await in_task()`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any, Final

Wake = Callable[[], object]


class Pause:
    """Something that is waited for once, by whoever runs: a `Run` or a task."""

    __slots__ = ("_done", "_error", "_result", "wake")

    def __init__(self) -> None:
        self._done = False
        self._result: Any = None
        self._error: BaseException | None = None
        self.wake: Wake | None = None

    def __await__(self) -> Generator[Any, None, Any]:
        if not self._done:
            if asyncio.current_task() is None:
                yield self
            else:
                future = asyncio.get_running_loop().create_future()
                self.wake = partial(_tell, future)
                yield from future
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
        finally:
            del error  # it knows this frame
        return self._result

    @property
    def done(self) -> bool:
        """It has ended."""
        return self._done

    def end(self, result: Any = None) -> None:
        """It is over: whoever waits goes on at once. Only the first end counts."""
        if not self._done:
            self._done, self._result = True, result
            wake, self.wake = self.wake, None
            if wake is not None:
                wake()

    def fail(self, error: BaseException) -> None:
        """As `end`; whoever waits gets the error."""
        if not self._done:
            self._error = error
            self.end()


def _tell(future: asyncio.Future[None]) -> None:
    if not future.done():  # else its task was cancelled
        future.set_result(None)


class _InTask:
    """See `in_task`."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, None]:
        if asyncio.current_task() is None:
            yield self


_IN_TASK: Final = _InTask()


def in_task() -> _InTask:
    """`await in_task()`: from here on this coroutine runs in a task of asyncio. Costs nothing where it does already."""
    return _IN_TASK


class Run:
    """One coroutine on its way.

    Args:
        coroutine: not started yet.
        on_end: called once when it is over, with the exception that ended it, or None; a cancellation is one.
    """

    __slots__ = ("_coroutine", "_on_end", "_task")
    __deletable__ = ("_on_end",)  # mypyc wants to know

    def __init__(self, coroutine: Coroutine[Any, Any, Any], on_end: Callable[[BaseException | None], object]) -> None:
        self._coroutine: Coroutine[Any, Any, Any] | None = coroutine
        self._on_end = on_end
        self._task: asyncio.Task[None] | None = None

    def go_on(self) -> None:
        """Run until it waits, or is over. The first call starts it, the later ones come from what it waits for."""
        if self._coroutine is not None:
            self._step(self._coroutine.send, None)

    def cancel(self) -> None:
        """Whatever it does is for nobody. Does nothing where it is over, or is itself on its way to here."""
        if self._task is not None:
            self._task.cancel()
        elif self._coroutine is not None and not getattr(self._coroutine, "cr_running", False):
            self._step(self._coroutine.throw, asyncio.CancelledError())

    def _step(self, resume: Callable[[Any], Any], value: Any) -> None:
        try:
            asked = resume(value)
        except StopIteration:
            self._finish(None)
        except BaseException as error:
            self._finish(error)
        else:
            if type(asked) is Pause:
                asked.wake = self.go_on
            else:
                self._become_task(asked)

    def _finish(self, error: BaseException | None) -> None:
        self._coroutine = self._task = None
        on_end = self._on_end
        del self._on_end
        on_end(error)

    def _become_task(self, asked: Any) -> None:
        assert self._coroutine is not None  # noqa: S101 - it has just asked for something
        self._task = asyncio.get_running_loop().create_task(_rest(self._coroutine, asked))
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._finish(asyncio.CancelledError() if task.cancelled() else task.exception())


async def _rest(coroutine: Coroutine[Any, Any, Any], asked: Any) -> None:
    await _Rest(coroutine, asked)


class _Rest:
    """What is left of a coroutine that already waits for `asked`, to be awaited by a task."""

    __slots__ = ("_asked", "_coroutine")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], asked: Any) -> None:
        self._coroutine = coroutine
        self._asked = asked

    def __await__(self) -> Generator[Any, Any, None]:
        coroutine, asked = self._coroutine, self._asked
        try:
            while True:
                if asked is _IN_TASK:
                    asked = coroutine.send(None)
                    continue
                try:
                    value = yield asked
                except GeneratorExit:
                    coroutine.close()
                    raise
                except BaseException as error:
                    asked = coroutine.throw(error)
                else:
                    asked = coroutine.send(value)
        except StopIteration:
            return
