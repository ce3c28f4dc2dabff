"""Numbers for Prometheus: the process, Python, and what the gateway holds.

In `up` they are a page of the portals for this machine only; in `serve` each process has a small server of its own
on METRICS_PORT. Never on the gateway's port (CONTRACT section 2).
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest, start_http_server

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
    start_http_server(port, addr=host)
