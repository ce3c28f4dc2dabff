"""Which planes a server process carries: portals, a gateway, or both (CONTRACT sections 1, 2 and 8)."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import structlog
from django.conf import settings
from django.utils.module_loading import import_string

from gateway.plane import plane
from gateway.server import GatewayServer, Port
from wsportal import env, metrics, startup
from wsportal.certificates import KeyPairFiles
from wsportal.env import Ports
from wsportal.renewal import Certificate
from wsportal.worker import Inheritance

log = structlog.get_logger("wsportal.serving")

Ready = Callable[[], None]
SERVER_NAME: Final = "wsportal"  # what the Server header says
REQUEST_SECONDS: Final = 120  # a portal page that takes longer is given up


def both(host: str, ports: Ports, certificate: KeyPairFiles, ready: Ready) -> GatewayServer:
    """Portals and gateway in one process, TLS beside plain, as `up` has it.

    Args:
        ready: called once everything accepts connections.
    """
    tls = _tls(certificate)
    return _server(
        ready,
        endpoints=_portal_endpoints(host, ports, certificate),
        gateway_listeners=_gateway_listeners(host, ports, tls),
        background=[plane.run],
    )


def portal(host: str, ports: Ports, certificate: KeyPairFiles | None, ready: Ready) -> GatewayServer:
    """The portals alone; TLS only with a certificate."""
    return _server(ready, endpoints=_portal_endpoints(host, ports, certificate))


def gateway(
    host: str, ports: Ports, certificate: KeyPairFiles | None, ready: Ready, inherited: Inheritance | None = None
) -> GatewayServer:
    """The gateway alone; TLS only with a certificate, which is taken up anew at SIGHUP and when its files change.

    Args:
        inherited: what the supervisor gave to this process, if it is one of several workers.
    """
    tls = _tls(certificate) if certificate else None

    jobs: list[Callable[[], Awaitable[None]]] = [plane.run, partial(_hear_hangup, tls)]
    if tls is not None:
        jobs.append(tls.watch)
    server = _server(
        ready,
        gateway_listeners=_gateway_listeners(host, ports, tls),
        background=jobs,
        inherited=inherited.sockets if inherited else None,
    )
    if inherited is not None:
        server.background.append(partial(inherited.obey, server))
    return server


async def _hear_hangup(tls: Certificate | None) -> None:
    """SIGHUP is a wish for renewal, never the end of it all."""

    def renew() -> None:
        if tls is not None:
            tls.renew()
        else:
            log.info("nothing_to_renew")

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, renew)


def _server(
    ready: Ready, *, background: list[Callable[[], Awaitable[None]]] | None = None, **where: Any
) -> GatewayServer:
    async def tell() -> None:
        ready()

    server = GatewayServer(
        import_string("wsportal.asgi.application"),
        background=[*(background or []), tell],
        http_timeout=REQUEST_SECONDS,
        server_name=SERVER_NAME,
        drain_s=env.DRAIN_SECONDS,
        trust=settings.TRUSTED_PROXIES,
        **where,
    )
    metrics.watch_sessions(lambda: len(server.links))
    return server


def _portal_endpoints(host: str, ports: Ports, certificate: KeyPairFiles | None) -> list[str]:
    return startup.twisted_endpoints(host, plain=ports.portal, tls=ports.portal_tls, certificate=certificate)


def _gateway_listeners(host: str, ports: Ports, tls: Certificate | None) -> list[Port]:
    listeners: list[Port] = [(host, ports.gateway, None)]
    return [*listeners, (host, ports.gateway_tls, tls.context)] if tls else listeners


def _tls(files: KeyPairFiles) -> Certificate:
    try:
        return Certificate(files)
    except (OSError, ssl.SSLError) as error:
        raise startup.StartError(f"{files.cert} and its key cannot be used ({error}).") from None
