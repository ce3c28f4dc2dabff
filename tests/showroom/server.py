"""The showroom as a process of its own: `python -m tests.showroom.server PORT`, with VAR_DIR of the environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.starts import is_free
from wsportal.env import ROOT

BEAT_S: Final = 1.0
START_S: Final = 120.0
READY: Final = "READY "


@dataclass(frozen=True)
class Showroom:
    """A running one.

    Attributes:
        home: its address, without a slash at the end.
        ids: of what there is in it, for `tests.apis.addresses.filled`.
        routes: every address there is, as `tests.apis.addresses.routes` tells them.
    """

    home: str
    ids: dict[str, str]
    routes: tuple[str, ...]


@contextmanager
def showroom(port: int = 0) -> Iterator[Showroom]:
    """Fill a database and serve it, until the block is left.

    Args:
        port: of this machine; 0 takes any that is free.
    """
    with tempfile.TemporaryDirectory(prefix="showroom-") as folder:
        port = port or next(number for number in range(36_500, 36_900) if is_free(number))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "DATABASE_"))}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.showroom.server", str(port)],
            cwd=ROOT,
            env={**kept, "VAR_DIR": folder, "WSPORTAL_MODE": "up", "DJANGO_SETTINGS_MODULE": "wsportal.settings"},
            stdout=subprocess.PIPE,
            stderr=(log := (Path(folder) / "log").open("w+")),
            text=True,
        )
        try:
            yield Showroom(f"http://localhost:{port}", *_said(process, log.name))
        finally:
            process.terminate()
            process.wait(10)
            assert process.stdout
            process.stdout.close()
            log.close()


def _said(process: subprocess.Popen[str], log: str) -> tuple[dict[str, str], tuple[str, ...]]:
    assert process.stdout
    for line in process.stdout:
        if line.startswith(READY):
            ids, routes = json.loads(line.removeprefix(READY))
            return ids, tuple(routes)
    raise RuntimeError(f"the showroom did not open:\n{Path(log).read_text()}")


def main(port: int) -> None:
    """Fill, serve, and beat as gateways do, until the process is ended."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler, get_internal_wsgi_application
    from django.urls import get_resolver

    from tests.apis.addresses import routes
    from tests.showroom import traffic, world

    known = list(routes(get_resolver()))  # before there is more in it
    settings.ROOT_URLCONF = "tests.showroom.urls"

    call_command("migrate", verbosity=0)
    ids = world.build()

    started_by = os.getppid()

    def beat() -> None:
        while os.getppid() == started_by:
            traffic.heartbeat()
            time.sleep(BEAT_S)
        os._exit(0)  # nobody is there any more to end it

    threading.Thread(target=beat, daemon=True).start()
    server = ThreadedWSGIServer(("localhost", port), WSGIRequestHandler, allow_reuse_address=True)
    server.set_app(get_internal_wsgi_application())
    sys.stdout.write(READY + json.dumps([ids, known]) + "\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
