"""From a checked configuration to a trial of all its URLs, run to its end in the thread that asks.

A view is a thread of its own; it waits here on an event loop of its own, so neither portal nor gateway waits with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar

from gateway import conf
from gateway.core.extras import extras_of
from gateway.trial import Subject, Trial, try_all

MS: Final = 1000.0
Outcome = TypeVar("Outcome")


def run(config: Mapping[str, Any], subprotocols: Sequence[str] = ()) -> list[Trial]:
    """Try every URL of an endpoint, dynamic targets included; takes `gateway.trial.MOST_S` seconds at most.

    Args:
        config: complete and valid (shape: apis.shapes_endpoint.endpoint_config), secrets as plain text.
        subprotocols: offered as a client would; each a token (RFC 9110 section 5.6.2).
    """
    extras = extras_of(config, str)
    timeouts = config["timeouts"]
    urls = dict.fromkeys([*[item["url"] for item in config["urls"]], *config["dynamic"]["targets"].values()])
    offer = ", ".join(subprotocols).encode("ascii") or None
    waits = timeouts["connect_ms"] / MS, timeouts["handshake_ms"] / MS
    subjects = [Subject(url, extras, *waits, conf.may_dial, offer) for url in urls]
    return on_a_loop_of_its_own(try_all(subjects))


def on_a_loop_of_its_own(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Like asyncio.run, but nothing waits for a resolver that is still asked: its thread ends by itself."""
    loop = asyncio.SelectorEventLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        if left := asyncio.all_tasks(loop):
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.wait(left))
        loop.close()
