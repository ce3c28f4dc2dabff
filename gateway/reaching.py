"""Whether the upstreams of an API can be reached just now, before any client has tried: its name, and a connection.

No more than that: no backend meets a session of ours because somebody looks at a page. What an upgrade would be
answered is the Test endpoint button's to find out (`gateway.trial`). An endpoint behind a proxy is left to that, too.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from apis.checking import asking
from apis.checking.found import Found, found
from apis.models import Api
from apis.shapes_endpoint import complete
from gateway import conf
from gateway.targets import DialError
from gateway.trial_runs import on_a_loop_of_its_own
from gateway.trial_words import why
from gateway.upstreams import reach

MOST_S: Final = 2.5  # a person waits for it


def unreachable_now(api: Api) -> list[Found]:
    """`upstream_unreachable` for each URL of the API's endpoints that takes no connection; dials all at once."""
    urls = list(dict.fromkeys(url for row in api.endpoints.all() for url in _direct(complete(row.config))))
    said = on_a_loop_of_its_own(_all(urls))
    return [found("upstream_unreachable", url=url, problem=text) for url, text in zip(urls, said, strict=True) if text]


def _direct(config: dict[str, Any]) -> Iterable[str]:
    return (
        []
        if config["proxy"]["url"]
        else [*(item["url"] for item in config["urls"]), *config["dynamic"]["targets"].values()]
    )


async def _all(urls: list[str]) -> list[str]:
    return list(await asyncio.gather(*(_problem(url) for url in urls)))


async def _problem(url: str) -> str:
    """Why no connection can be made, or "". Never raises."""
    parts = urlsplit(url)
    secure = parts.scheme == "wss"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    try:
        async with asyncio.timeout(MOST_S):
            sock, _ = await reach(host, port, conf.may_dial)
    except TimeoutError:
        return why(OSError(errno.ETIMEDOUT, ""), f"{host}:{port}", secure=secure)
    except (DialError, OSError) as error:
        return why(error, f"{host}:{port}", secure=secure)
    sock.close()
    return ""


def answer() -> None:
    """Register with the control plane of this process; called once the apps are loaded."""
    if unreachable_now not in asking.lookers:
        asking.lookers.append(unreachable_now)
