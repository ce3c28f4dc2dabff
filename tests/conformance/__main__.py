"""Run the Autobahn cases with and without the gateway, and print what differs (docs/conformance.md).

.venv/bin/python -m tests.conformance [--cases GROUP ...] [--deflate] [--tls]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conformance.suite import Routes
    from tests.conformance.verdicts import Verdicts
    from tests.gateway.world import World


def main() -> int:
    """Returns: the exit code, 1 if anything differs."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="wsportal-conformance-") as folder, _world(Path(folder)) as world:
        from tests.conformance import suite  # what it imports needs Django set up

        default = suite.DEFLATE if options.deflate else (*suite.CORE, *suite.LIMITS)
        groups = [f"{one}.*" if one.isdecimal() else one for one in options.cases or default]
        legs = [False, True] if options.tls else [False]
        facts = {"deflate": options.deflate, "parallel": options.parallel}
        with suite.server_routes(world, **facts) as routes:
            found = _compare("echo server, judged by a fuzzing client", routes, groups, legs)
        routes = suite.client_routes(world, **facts)
        found += _compare("echo client, judged by a fuzzing server", routes, groups, legs)
    print(f"\n{found or 'no'} difference{'' if found == 1 else 's'} in all")
    return 1 if found else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument(
        "--cases", nargs="+", metavar="GROUP", help="groups, globs or ids (1 7.3.* 9.1.1); default: 1 to 7, 9 and 10"
    )
    parser.add_argument("--deflate", action="store_true", help="both echoes compress; default cases: groups 12 and 13")
    parser.add_argument("--tls", action="store_true", help="once more with TLS on both legs of the gateway")
    parser.add_argument("--parallel", type=int, default=4, help="cases at a time (4)")
    return parser.parse_args()


@contextmanager
def _world(folder: Path) -> Iterator[World]:
    """A gateway with a database of its own."""
    database = folder / "conformance.sqlite3"
    os.environ.update(
        DJANGO_SETTINGS_MODULE="wsportal.settings",
        WSPORTAL_MODE="test",
        DATABASE_URL=f"sqlite:///{database}",
        VAR_DIR=str(folder),
    )
    import django

    django.setup()
    from django.core.management import call_command

    from tests.gateway.world import GatewayProcess, World
    from wsportal.certificates import self_signed

    call_command("migrate", verbosity=0)
    certificate = self_signed(folder)
    gateway = GatewayProcess(str(database), certificate, folder, SSL_CERT_FILE=str(certificate.cert))
    try:
        yield World(gateway)
    finally:
        gateway.stop()


def _compare(title: str, routes: Routes, groups: list[str], legs: list[bool]) -> int:
    """Print one table and its differences; their number."""
    from tests.conformance.verdicts import by_group, differences

    print(f"\n== {title} ==", flush=True)
    runs = {"direct": _timed("direct", lambda: routes.direct(groups))}
    for tls in legs:
        name = "gateway, wss" if tls else "gateway, ws"
        runs[name] = _timed(name, partial(routes.through, groups, tls))
    tables = {name: by_group(verdicts) for name, verdicts in runs.items()}
    rows = [["group", *runs], *([str(group), *_row(tables, group)] for group in tables["direct"])]
    width = max(len(cell) for row in rows for cell in row[1:])
    for row in rows:
        print(f"  {row[0]:>5}  " + "  ".join(cell.ljust(width) for cell in row[1:]).rstrip())
    lines = [f"  {name}: {line}" for name in runs for line in differences(runs["direct"], runs[name])]
    print("\n".join(lines) if lines else "  no difference")
    return len(lines)


def _row(tables: dict[str, dict[int, Counter[str]]], group: int) -> list[str]:
    from tests.conformance.verdicts import summary

    return [summary(table.get(group, Counter())) for table in tables.values()]


def _timed(name: str, run: Callable[[], Verdicts]) -> Verdicts:
    started = time.monotonic()
    verdicts = run()
    print(f"  {name}: {len(verdicts)} cases in {time.monotonic() - started:.0f} s", flush=True)
    return verdicts


if __name__ == "__main__":
    sys.exit(main())
