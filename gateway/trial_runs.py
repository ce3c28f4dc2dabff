"""From a checked configuration to a trial of all its URLs, run to its end in the thread that asks.

A view is a thread of its own; it waits here on an event loop of its own, so neither portal nor gateway waits with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from gateway import conf
from gateway.core.extras import extras_of
from gateway.trial import Subject, Trial, try_all

MS: Final = 1000.0


def run(config: Mapping[str, Any]) -> list[Trial]:
    """Try every URL of an endpoint, dynamic targets included; takes `gateway.trial.MOST_S` seconds at most.

    Args:
        config: complete and valid (shape: apis.shapes_endpoint.endpoint_config), secrets as plain text.
    """
    extras = extras_of(config, str)
    timeouts = config["timeouts"]
    urls = dict.fromkeys([*[item["url"] for item in config["urls"]], *config["dynamic"]["targets"].values()])
    subjects = [
        Subject(url, extras, timeouts["connect_ms"] / MS, timeouts["handshake_ms"] / MS, conf.may_dial) for url in urls
    ]
    return asyncio.run(try_all(subjects))
