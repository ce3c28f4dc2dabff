"""Which planes a server process carries: portals, a gateway, or both (CONTRACT sections 1, 2 and 8)."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

import structlog
from django.conf import settings
from django.utils.module_loading import import_string
from OpenSSL import SSL

from gateway.plane import plane
from gateway.server import GatewayServer, Port
from gateway.sockets import listen
from wsportal import env, metrics, startup
from wsportal.certificates import KeyPairFiles
from wsportal.env import Ports
from wsportal.portals import PortalPorts, Tls
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
    Raises:
        StartError, OSError: a certificate or a port cannot be used.
    """
    tls = _tls(certificate)
    return _server(
        ready,
        portals=_portal_ports(host, ports, certificate, {}),
        gateway_listeners=_gateway_listeners(host, ports, tls),
        background=[plane.run],
    )


def portal(
    host: str, ports: Ports, certificate: KeyPairFiles | None, ready: Ready, inherited: Inheritance | None = None
) -> GatewayServer:
    """The portals alone; TLS only with a certificate, which is taken up anew when its files change.

    Args:
        inherited: what the supervisor gave to this process, if it is one of several workers.
    Raises:
        StartError, OSError: a certificate or a port cannot be used.
    """
    listening = _portal_ports(host, ports, certificate, inherited.sockets if inherited else {})
    server = _server(ready, portals=listening, background=[partial(_hear_hangup, listening.renew)])
    if inherited is not None:
        server.background.append(partial(inherited.obey, server, partial(listening.finish, server)))
    return server


def gateway(
    host: str, ports: Ports, certificate: KeyPairFiles | None, ready: Ready, inherited: Inheritance | None = None
) -> GatewayServer:
    """The gateway alone; TLS only with a certificate, which is taken up anew at SIGHUP and when its files change.

    Args:
        inherited: what the supervisor gave to this process, if it is one of several workers.
    """
    tls = _tls(certificate) if certificate else None

    jobs: list[Callable[[], Awaitable[None]]] = [plane.run, partial(_hear_hangup, tls.renew if tls else None)]
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


async def _hear_hangup(take_up: Callable[[], object] | None) -> None:
    """SIGHUP is a wish for renewal, never the end of it all."""

    def renew() -> None:
        if take_up is not None:
            take_up()
        else:
            log.info("nothing_to_renew")

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, renew)


def _server(
    ready: Ready,
    *,
    background: list[Callable[[], Awaitable[None]]] | None = None,
    portals: PortalPorts | None = None,
    **where: Any,
) -> GatewayServer:
    async def tell() -> None:
        ready()

    async def open_portals() -> None:
        if portals is not None:
            await portals.run(server)

    server = GatewayServer(
        import_string("wsportal.asgi.application"),
        background=[open_portals, *(background or []), tell],
        http_timeout=REQUEST_SECONDS,
        server_name=SERVER_NAME,
        drain_s=env.DRAIN_SECONDS,
        trust=settings.TRUSTED_PROXIES,
        **where,
    )
    metrics.watch_sessions(lambda: len(server.links))
    return server


def _portal_ports(
    host: str, ports: Ports, certificate: KeyPairFiles | None, inherited: Mapping[int, list[socket.socket]]
) -> PortalPorts:
    wanted: list[tuple[int, Tls | None]] = [(ports.portal, None)]
    if certificate:
        try:
            wanted.append((ports.portal_tls, Tls(certificate)))
        except (OSError, SSL.Error) as error:
            raise startup.StartError(f"{certificate.cert} and its key cannot be used ({error}).") from None
    return PortalPorts([(sock, tls) for port, tls in wanted for sock in inherited.get(port) or listen(host, port)])


def _gateway_listeners(host: str, ports: Ports, tls: Certificate | None) -> list[Port]:
    listeners: list[Port] = [(host, ports.gateway, None)]
    return [*listeners, (host, ports.gateway_tls, tls.context)] if tls else listeners


def _tls(files: KeyPairFiles) -> Certificate:
    try:
        return Certificate(files)
    except (OSError, ssl.SSLError) as error:
        raise startup.StartError(f"{files.cert} and its key cannot be used ({error}).") from None
