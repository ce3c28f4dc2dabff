"""`python3 manage.py serve portal|gateway`: one plane in production (CONTRACT section 8). It makes nothing up."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import structlog
from django.core.management.base import BaseCommand

from gateway.server import GatewayServer
from gateway.sockets import listen
from wsportal import compiled, env, metrics, serving, startup
from wsportal.certificates import KeyPairFiles
from wsportal.worker import Inheritance
from wsportal.workers import Supervisor

log = structlog.get_logger("wsportal.serve")

MOST_WORKERS: Final = 64
MAKERS: Final[dict[str, Callable[..., GatewayServer]]] = {"portal": serving.portal, "gateway": serving.gateway}


class Command(BaseCommand):
    help = "Start one plane in production: portal or gateway."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("plane", choices=("portal", "gateway"))
        parser.add_argument("--workers", type=int, help="processes that share the plane's ports; SIGHUP renews them")
        parser.add_argument("--worker", help=argparse.SUPPRESS)  # what such a process inherits (wsportal.worker)
        # Both are read before the settings are loaded (wsportal.bootstrap); here they are described.
        parser.add_argument("--host", default=env.HOST, help="address to listen on (default: this machine only)")
        parser.add_argument("--port-offset", type=int, default=env.PORT_OFFSET, help="added to every port")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            sys.exit(serve(options["plane"], options["workers"], options["worker"]))
        except (startup.StartError, env.ConfigurationError) as error:
            sys.exit(f"wsportal: {error}")
        except OSError as error:  # a port that was free a moment ago
            sys.exit(f"wsportal: {error}")
        except KeyboardInterrupt:  # before the server took over the signals
            sys.exit(130)


def serve(plane: str, workers: int | None, worker: str | None) -> int:
    """Run one plane until it is asked to stop.

    Args:
        workers: how many processes are wanted, kept by this one; None to be the only one.
        worker: what this process inherits from such a keeper.
    Returns: the exit code.
    Raises: StartError, OSError.
    """
    if plane == "gateway" and worker is None and compiled.state().stale:
        log.warning("compiled_corridor_stale", hint=compiled.state().stale)
    if workers is not None:
        return supervise(plane, workers)
    server = prepare(plane, Inheritance.read(worker) if worker else None)
    server.run()
    return server.exit_code


def supervise(plane: str, workers: int) -> int:
    """Keep `workers` processes on the ports of a plane. Returns: the exit code. Raises: StartError, OSError."""
    if not 1 <= workers <= MOST_WORKERS:
        raise startup.StartError(f"--workers is {workers}; expected a number from 1 to {MOST_WORKERS}.")
    check_database()
    certificate = _certificate(plane)
    wanted = _ports(plane, certificate)
    startup.check_ports(env.HOST, wanted)
    if env.METRICS_PORT:
        metrics_ports = {f"metrics, worker {index}": env.METRICS_PORT + index for index in range(workers)}
        startup.check_ports(env.METRICS_HOST, metrics_ports)
    if workers > 1 and plane == "gateway":
        log.warning(
            "plans_counted_per_worker",
            workers=workers,
            hint=f"each worker counts by itself: a plan of 100 lets through up to {100 * workers}; with REDIS_URL they "
            "count together",
        )
    sockets = {port: listen(env.HOST, port) for port in wanted.values()}
    command = [sys.executable, sys.argv[0], "serve", plane, "--host", env.HOST, "--port-offset", str(env.PORT_OFFSET)]
    return Supervisor(workers, command, sockets, env.DRAIN_SECONDS, plane).run()


def check_database() -> None:
    """Raises: StartError, unless its tables are there."""
    if missing := startup.pending_migrations():
        raise startup.StartError(f"The database lacks {missing} migrations; run: python3 manage.py migrate")


def _ports(plane: str, certificate: KeyPairFiles | None) -> dict[str, int]:
    """What a plane listens on."""
    ports = env.PORTS
    plain, tls = (ports.portal, ports.portal_tls) if plane == "portal" else (ports.gateway, ports.gateway_tls)
    return {plane: plain} | ({f"{plane}, TLS": tls} if certificate else {})


def prepare(plane: str, inherited: Inheritance | None = None) -> GatewayServer:
    """Check everything that has to stand, and return the server of one plane, ready to run.

    Args:
        inherited: of a worker, whose keeper has checked the ports.
    Raises: StartError.
    """
    if inherited is not None:
        return _worker(plane, inherited)
    check_database()
    certificate = _certificate(plane)
    wanted = _ports(plane, certificate)
    startup.check_ports(env.HOST, wanted)
    if env.METRICS_PORT:
        startup.check_ports(env.METRICS_HOST, {"metrics": env.METRICS_PORT})
        metrics.serve(env.METRICS_HOST, env.METRICS_PORT)

    def ready() -> None:
        corridor = "compiled" if compiled.state().compiled else "source"
        ports = sorted(wanted.values())
        log.info("listening", plane=plane, host=env.HOST, ports=ports, metrics=env.METRICS_PORT, corridor=corridor)

    return MAKERS[plane](env.HOST, env.PORTS, certificate, ready)


def _worker(plane: str, inherited: Inheritance) -> GatewayServer:
    server = MAKERS[plane](env.HOST, env.PORTS, _certificate(plane), inherited.ready, inherited)
    if env.METRICS_PORT:
        port = env.METRICS_PORT + inherited.index
        server.background.append(partial(metrics.serve_when_free, env.METRICS_HOST, port))
    return server


def _certificate(plane: str) -> KeyPairFiles | None:
    if plane == "portal":
        return _given(env.PORTAL_TLS_CERT, env.PORTAL_TLS_KEY)
    return _given(env.GATEWAY_TLS_CERT, env.GATEWAY_TLS_KEY)


def _given(cert: Any, key: Any) -> KeyPairFiles | None:
    return KeyPairFiles(cert, key) if cert and key else None
