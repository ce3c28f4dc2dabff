"""`python3 manage.py serve portal|gateway`: one plane in production (CONTRACT section 8). It makes nothing up."""

from __future__ import annotations

import sys
from typing import Any

import structlog
from django.core.management.base import BaseCommand

from gateway.server import GatewayServer
from wsportal import env, metrics, serving, startup
from wsportal.certificates import KeyPairFiles

log = structlog.get_logger("wsportal.serve")


class Command(BaseCommand):
    help = "Start one plane in production: portal or gateway."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("plane", choices=("portal", "gateway"))
        parser.add_argument("--workers", type=int, default=1, help="processes that share the port")
        # Both are read before the settings are loaded (wsportal.bootstrap); here they are described.
        parser.add_argument("--host", default=env.HOST, help="address to listen on (default: this machine only)")
        parser.add_argument("--port-offset", type=int, default=env.PORT_OFFSET, help="added to every port")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            server = prepare(options["plane"], options["workers"])
            server.run()
            sys.exit(server.exit_code)
        except (startup.StartError, env.ConfigurationError) as error:
            sys.exit(f"wsportal: {error}")
        except OSError as error:  # a port that was free a moment ago
            sys.exit(f"wsportal: {error}")
        except KeyboardInterrupt:  # before the server took over the signals
            sys.exit(130)


def prepare(plane: str, workers: int) -> GatewayServer:
    """Check everything that has to stand, and return the server of one plane, ready to run.

    Raises: StartError.
    """
    if workers != 1:
        raise startup.StartError(f"--workers {workers} is not possible yet: one process serves one plane for now.")
    if missing := startup.pending_migrations():
        raise startup.StartError(f"The database lacks {missing} migrations; run: python3 manage.py migrate")
    ports = env.PORTS
    if plane == "portal":
        certificate = _given(env.PORTAL_TLS_CERT, env.PORTAL_TLS_KEY)
        plain, tls, make = ports.portal, ports.portal_tls, serving.portal
    else:
        certificate = _given(env.GATEWAY_TLS_CERT, env.GATEWAY_TLS_KEY)
        plain, tls, make = ports.gateway, ports.gateway_tls, serving.gateway
    wanted = {plane: plain} | ({f"{plane}, TLS": tls} if certificate else {})
    startup.check_ports(env.HOST, wanted)
    if env.METRICS_PORT:
        startup.check_ports(env.METRICS_HOST, {"metrics": env.METRICS_PORT})
        metrics.serve(env.METRICS_HOST, env.METRICS_PORT)

    def ready() -> None:
        log.info("listening", plane=plane, host=env.HOST, ports=sorted(wanted.values()), metrics=env.METRICS_PORT)

    return make(env.HOST, ports, certificate, ready)


def _given(cert: Any, key: Any) -> KeyPairFiles | None:
    return KeyPairFiles(cert, key) if cert and key else None
