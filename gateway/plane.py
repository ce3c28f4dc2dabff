"""The data plane of this process: its memory, its sessions, its usage and its live control, wired together once."""

from __future__ import annotations

import asyncio
from typing import Final

from gateway.control import Control
from gateway.memory import Memory, memory
from gateway.registry import Registry
from gateway.usage import Recorder


class Plane:
    """What every handshake of this process shares."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.registry = Registry(Recorder(memory.ask))
        self.control = Control(memory, self.registry)

    async def run(self) -> None:
        """Keep live control and usage going until cancelled; then write what is still uncounted.

        The server starts this once its loop runs, and cancels it when its last session has ended.
        """
        try:
            await asyncio.gather(self.control.run(), self.registry.recorder.run())
        finally:
            await self.registry.recorder.flush()


plane: Final = Plane(memory)
