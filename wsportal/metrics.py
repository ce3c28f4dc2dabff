"""Numbers for Prometheus: the process, Python, and what the gateway holds.

In `up` they are a page of the portals for this machine only; in `serve` each process has a small server of its own
on METRICS_PORT. Never on the gateway's port (CONTRACT section 2).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Final

import structlog
from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest, start_http_server

log = structlog.get_logger("wsportal.metrics")

RETRY_S: Final = 0.3
_server: list[Any] = []  # ours, where we have one
SESSIONS = Gauge("wsportal_sessions", "WebSocket sessions that are open at the gateway of this process.")


def watch_sessions(count: Callable[[], int]) -> None:
    """Have `wsportal_sessions` tell what `count` returns when it is asked for."""
    SESSIONS.set_function(count)


def page(request: HttpRequest) -> HttpResponse:
    """The numbers as Prometheus text, for this machine only."""
    if not ip_address(request.META["REMOTE_ADDR"]).is_loopback:
        raise Http404
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def serve(host: str, port: int) -> None:
    """Answer on a port of its own, from a thread. Raises: OSError when the port cannot be had."""
    _server.append(start_http_server(port, addr=host)[0])


async def serve_when_free(host: str, port: int) -> None:
    """As `serve`, as soon as whoever has the port now lets go of it: the worker that this one takes over from."""
    said = False
    while True:
        try:
            serve(host, port)
            return
        except OSError as error:
            if not said:
                log.info("metrics_port_in_use", port=port, error=str(error))
            said = True
            await asyncio.sleep(RETRY_S)


def stop() -> None:
    """Give the port back; takes up to half a second."""
    while _server:
        server = _server.pop()
        server.shutdown()
        server.server_close()
