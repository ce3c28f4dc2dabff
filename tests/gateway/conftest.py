"""Gateway tests run on the loop that the gateway runs on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """uvloop for every asynchronous test here."""
    return {"uvloop": uvloop.new_event_loop}
