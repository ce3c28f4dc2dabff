"""`python3 manage.py up`: everything on this machine in one go, for trying wsportal out (CONTRACT section 1)."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any, Final

from django.core.management.base import BaseCommand
from rich.console import Console

from apis.services import demo
from gateway.server import GatewayServer
from wsportal import env, serving, start_screen, startup
from wsportal.certificates import self_signed

PURPOSES: Final = {
    "portal_tls": "portals, TLS",
    "portal": "portals",
    "gateway": "gateway",
    "gateway_tls": "gateway, TLS",
    "demo": "demo backend",
}


class Command(BaseCommand):
    help = "Start portals, gateway and a demo backend on this machine, with everything they need."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: Any) -> None:
        # Both are read before the settings are loaded (wsportal.bootstrap); here they are described.
        parser.add_argument("--host", default=env.HOST, help="address to listen on (default: this machine only)")
        parser.add_argument("--port-offset", type=int, default=env.PORT_OFFSET, help="added to every port")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        # A shell script ignores Ctrl-C for what it starts with `&`; here it is the way to stop.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with ExitStack() as stack:
                server = prepare(stack, started)
                server.run()
            sys.exit(server.exit_code)
        except (startup.StartError, env.ConfigurationError) as error:
            sys.exit(f"wsportal: {error}")
        except OSError as error:  # a port that was free a moment ago
            sys.exit(f"wsportal: {error}")
        except KeyboardInterrupt:  # before the server took over the signals
            sys.exit(130)


def prepare(stack: ExitStack, started: float) -> GatewayServer:
    """Everything that has to stand before the server runs; what needs an end is put on `stack`.

    Args:
        started: when the command began (time.monotonic), for the screen.
    Raises: StartError, ConfigurationError.
    """
    host, ports = env.HOST, env.PORTS
    folder = env.writable_var_dir()
    startup.check_ports(host, {PURPOSES[name]: port for name, port in asdict(ports).items()})
    stack.enter_context(startup.claimed(folder))
    if startup.pending_migrations():
        sys.stderr.write("Preparing the database ...\n")
        startup.migrate()
    first = demo.seed() is not None
    demo.relocate(ports.demo)
    certificate = self_signed(folder, "localhost" if start_screen.is_everywhere(host) else host)
    stack.enter_context(startup.DemoBackend(host, ports.demo))
    facts = start_screen.gather(host, ports, first=first)

    def ready() -> None:
        start_screen.show(facts, Console(), seconds=time.monotonic() - started)

    return serving.both(host, ports, certificate, ready)
