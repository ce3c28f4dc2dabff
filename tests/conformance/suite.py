"""The Autobahn cases, run directly and through the gateway, in both directions.

A fuzzing client judges an echo server that stands behind the gateway; a fuzzing server judges an echo client that
stands before it. Source: CONTRACT sections 5 to 7; the cases are Autobahn's, run by kosoku.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.verdicts import Verdict, Verdicts
from tests.gateway.world import Deal, World

CORE = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*")
LIMITS = ("9.*",)
DEFLATE = ("12.*", "13.*")
LARGEST = 64 << 20  # bytes; the largest message that a plan can allow
PARALLEL = 4
PATIENCE_S = 1800.0

ROOT = Path(__file__).resolve().parents[2]
VARIABLES = {"WEBSOCKETS_MAX_FRAGMENTS": str(1 << 30)}  # group 9 sends 16 MiB in pieces of 64 bytes


@dataclass(frozen=True)
class Routes:
    """The ways to run cases in one direction.

    Attributes:
        direct: without a gateway.
        through: with one; True for TLS on both of its legs.
    """

    direct: Callable[[Sequence[str]], Verdicts]
    through: Callable[[Sequence[str], bool], Verdicts]


@contextmanager
def _part(module: str, what: str, **facts: Any) -> Iterator[subprocess.Popen[str]]:
    """One of our processes; what it says can be read."""
    line = (sys.executable, "-m", f"tests.conformance.{module}", what, json.dumps(facts))
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, text=True, env={**os.environ, **VARIABLES}, cwd=ROOT
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"the process failed: {process.args!r}"
    return line


class Aborted(Exception):
    """The fuzzing end itself died: kosoku 0.1.0 now and then aborts its own interpreter, whatever it talks to."""


def _steadily(run: Callable[[], Verdicts]) -> Verdicts:
    """Run once more, at most twice, where the fuzzing end died."""
    for _ in range(2):
        try:
            return run()
        except Aborted:
            continue
    return run()


def _verdicts(process: subprocess.Popen[str]) -> Verdicts:
    """What a fuzzing end says when it is done."""
    said, _ = process.communicate(timeout=PATIENCE_S)
    if process.returncode == -signal.SIGABRT:
        raise Aborted(process.args)
    assert process.returncode == 0, f"ended with {process.returncode}: {process.args!r}"
    return {case: Verdict(*row) for case, row in json.loads(said).items()}


def _deal(world: World, endpoint: str, largest: int = LARGEST) -> Deal:
    return world.deal(endpoint, plan={"max_message_bytes": largest})


# -- a fuzzing client and an echo server --------------------------------------------------------------------------


@contextmanager
def server_routes(
    world: World, *, deflate: bool = False, parallel: int = PARALLEL, largest: int = LARGEST
) -> Iterator[Routes]:
    """An echo server, to be judged directly and behind the gateway.

    Args:
        deflate: it agrees to compress.
        parallel: cases at a time.
        largest: message of the plan, in bytes.
    """
    gateway = world.gateway
    files = {"cert": str(gateway.certificate.cert), "key": str(gateway.certificate.key)}
    with _part("echo", "serve", deflate=deflate, **files) as server:
        plain, secure = _line(server).split()
        deals = {
            False: _deal(world, f"ws://127.0.0.1:{plain}", largest),
            True: _deal(world, f"wss://localhost:{secure}", largest),
        }

        def judge(cases: Sequence[str], url: str, token: str = "", ca: str | None = None) -> Verdicts:
            facts = {"url": url, "cases": list(cases), "parallel": parallel, "token": token, "ca": ca}

            def once() -> Verdicts:
                with _part("fuzz", "client", **facts) as client:
                    return _verdicts(client)

            return _steadily(once)

        def through(cases: Sequence[str], tls: bool) -> Verdicts:
            deal = deals[tls]
            return judge(cases, gateway.url(deal.path, secure=tls), deal.token, files["cert"] if tls else None)

        yield Routes(lambda cases: judge(cases, f"ws://127.0.0.1:{plain}"), through)


# -- a fuzzing server and an echo client --------------------------------------------------------------------------


def client_routes(world: World, *, deflate: bool = False, parallel: int = PARALLEL) -> Routes:
    """An echo client, to be judged directly and through the gateway; arguments as of `server_routes`."""
    gateway = world.gateway
    files = {"cert": str(gateway.certificate.cert), "key": str(gateway.certificate.key)}

    def call(server: subprocess.Popen[str], url: str, token: str = "", ca: str | None = None) -> Verdicts:
        facts = {"url": url, "token": token, "ca": ca, "deflate": deflate, "parallel": parallel}
        with _part("echo", "call", **facts) as client:
            assert client.wait(PATIENCE_S) == 0, "the echo client failed"
        return _verdicts(server)

    def direct(cases: Sequence[str]) -> Verdicts:
        with _part("fuzz", "server", cases=list(cases), cert=None, key=None) as server:
            return call(server, f"ws://127.0.0.1:{_line(server).strip()}")

    def through(cases: Sequence[str], tls: bool) -> Verdicts:
        own = files if tls else {"cert": None, "key": None}
        with _part("fuzz", "server", cases=list(cases), **own) as server:
            port = _line(server).strip()
            deal = _deal(world, f"wss://localhost:{port}" if tls else f"ws://127.0.0.1:{port}")
            return call(server, gateway.url(deal.path, secure=tls), deal.token, files["cert"] if tls else None)

    return Routes(
        lambda cases: _steadily(lambda: direct(cases)), lambda cases, tls: _steadily(lambda: through(cases, tls))
    )
