"""Which planes a server process carries: portals, a gateway, or both (CONTRACT sections 1, 2 and 8)."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Final

from django.conf import settings
from django.utils.module_loading import import_string

from gateway.plane import plane
from gateway.server import GatewayServer
from wsportal import env, metrics, startup
from wsportal.certificates import KeyPairFiles
from wsportal.env import Ports

Ready = Callable[[], None]
SERVER_NAME: Final = "wsportal"  # what the Server header says
REQUEST_SECONDS: Final = 120  # a portal page that takes longer is given up


def both(host: str, ports: Ports, certificate: KeyPairFiles, ready: Ready) -> GatewayServer:
    """Portals and gateway in one process, TLS beside plain, as `up` has it.

    Args:
        ready: called once everything accepts connections.
    """
    return _server(
        ready,
        endpoints=_portal_endpoints(host, ports, certificate),
        gateway_listeners=_gateway_listeners(host, ports, certificate),
        background=[plane.run],
    )


def portal(host: str, ports: Ports, certificate: KeyPairFiles | None, ready: Ready) -> GatewayServer:
    """The portals alone; TLS only with a certificate."""
    return _server(ready, endpoints=_portal_endpoints(host, ports, certificate))


def gateway(host: str, ports: Ports, certificate: KeyPairFiles | None, ready: Ready) -> GatewayServer:
    """The gateway alone; TLS only with a certificate."""
    return _server(ready, gateway_listeners=_gateway_listeners(host, ports, certificate), background=[plane.run])


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


def _gateway_listeners(
    host: str, ports: Ports, certificate: KeyPairFiles | None
) -> list[tuple[str, int, ssl.SSLContext | None]]:
    listeners: list[tuple[str, int, ssl.SSLContext | None]] = [(host, ports.gateway, None)]
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(certificate.cert, certificate.key)
        except (OSError, ssl.SSLError) as error:
            raise startup.StartError(f"{certificate.cert} and its key cannot be used ({error}).") from None
        listeners.append((host, ports.gateway_tls, context))
    return listeners
