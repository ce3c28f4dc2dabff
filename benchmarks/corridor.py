"""The corridor beside nginx and HAProxy: CPU per message and handshake, round trips, memory, a storm. See README.md.

Run by hand on a machine with nothing else to do: python benchmarks/corridor.py [--rows messages,tls] [--seconds 4]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from proxies import HERE, ROOT, Proxy, gateway, haproxy, nginx, pinned, wait_for
from tables import Table, verdict

PORTS = {
    "direct": 21100, "nginx": 21101, "nginx 64k": 21102, "gateway": 21103, "HAProxy": 21104, "nginx TLS": 21105,
    "gateway compiled": 21106,
}  # fmt: skip
GATEWAYS = ("gateway", "gateway compiled")
TLS_BELOW = 1000  # a gateway's TLS port is so far below the other, as the product's own ports lie to each other
COMPILED_TARGET = 1.15
PROXY_CORE, LOAD_CORE = 0, 1
LARGE_BUFFERS = "proxy_buffer_size 64k; proxy_buffers 8 64k;"
LOADS = [(50, 1, 64), (50, 16, 64), (50, 1, 65536)]  # connections, messages in flight on each, bytes
TARGETS = {(50, 1, 64): ("nginx", 1.4), (50, 16, 64): ("nginx", 1.8), (50, 1, 65536): ("nginx 64k", 1.2)}
TLS_TARGET, IDLE_TARGET, HANDSHAKE_TARGET_US = 1.4, 0.25, 350
STORM = (32, 20)  # clients that come and go, sessions that stay
STORM_TARGETS_US = {"p999_us": 5_000, "max_us": 20_000}
Numbers = dict[str, float]


@contextmanager
def running(script: str, proxy: Proxy, *facts: float) -> Iterator[subprocess.Popen[str]]:
    """A load generator, connected and waiting for a line on its standard input."""
    command = [sys.executable, str(HERE / script), proxy.door, proxy.path, *map(str, facts), *proxy.headers]
    process = pinned(LOAD_CORE, *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        if process.stdout.readline() != "connected\n":
            raise SystemExit(f"{proxy.name}: the load generator did not connect")
        yield process
    finally:
        process.communicate("\n\n", timeout=60)


def measured(script: str, proxy: Proxy, *facts: float) -> Numbers:
    """What the generator found, and the proxy's CPU time meanwhile as `cpu_s`."""
    with running(script, proxy, *facts) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        time.sleep(0.2)  # what the handshakes left to do is not the messages'
        before = proxy.cpu_s()
        process.stdin.write("\n")
        process.stdin.flush()
        result: Numbers = json.loads(process.stdout.readline())
        result["cpu_s"] = proxy.cpu_s() - before
    return result


def medians(proxies: list[Proxy], rounds: int, measure: Callable[[Proxy], Numbers]) -> dict[str, Numbers]:
    """The median of each number over so many rounds, the proxies in turn."""
    runs: dict[str, list[Numbers]] = {proxy.name: [] for proxy in proxies}
    for _ in range(rounds):
        for proxy in proxies:
            runs[proxy.name].append(measure(proxy))
    return {name: {key: statistics.median(run[key] for run in some) for key in some[0]} for name, some in runs.items()}


def loads(title: str, proxies: list[Proxy], bases: list[str], options: argparse.Namespace) -> dict[str, Any]:
    """All LOADS on these proxies; ratios to the CPU per message of each of `bases`."""
    table = Table(title, "load", "proxy", "CPU us/msg", *[f"x {one}" for one in bases], "msg/s", "p50 us", "p99 us")
    found: dict[str, Any] = {}
    for shape in LOADS:

        def measure(proxy: Proxy, shape: tuple[int, int, int] = shape) -> Numbers:
            result = measured("load.py", proxy, *shape, options.seconds)
            return {**result, "cpu_us": result["cpu_s"] / result["messages"] * 1e6}

        name = "{} x {} x {}".format(*shape)
        middle = found[name] = medians(proxies, options.rounds, measure)
        for proxy, one in middle.items():
            # the CPU time of `direct` is the echo's, which is the same for all
            ratios = ["-" if proxy == "direct" else f"{one['cpu_us'] / middle[base]['cpu_us']:.2f}" for base in bases]
            rest = [f"{one[key]:.0f}" for key in ("per_second", "p50_us", "p99_us")]
            table.add(name, proxy, f"{one['cpu_us']:.2f}", *ratios, *rest)
        base, limit = TARGETS[shape] if len(bases) > 1 else (bases[0], TLS_TARGET)
        for proxy, mine in middle.items():
            if not proxy.startswith("gateway"):
                continue
            target = COMPILED_TARGET if "compiled" in proxy else limit
            ratio, trip = (mine[key] / middle[base][key] for key in ("cpu_us", "p50_us"))
            table.note(f"{name}, {proxy}: {verdict(ratio, target)} of {base}'s CPU per message")
            table.note(f"{name}, {proxy}: {verdict(trip, 1.15)} of {base}'s median round trip")
    table.print()
    return found


def messages(proxies: list[Proxy], options: argparse.Namespace) -> dict[str, Any]:
    """Frames of live sessions, no TLS."""
    return loads("Messages", [one for one in proxies if not one.tls], ["nginx", "nginx 64k"], options)


def tls(proxies: list[Proxy], options: argparse.Namespace) -> dict[str, Any]:
    """The same with TLS on the client's leg."""
    return loads("Messages, TLS on the client's leg", [one for one in proxies if one.tls], ["nginx TLS"], options)


def handshakes(proxies: list[Proxy], options: argparse.Namespace) -> dict[str, Any]:
    """Complete handshakes, goodbye and log line included, four at a time."""

    def measure(proxy: Proxy) -> Numbers:
        result = measured("churn.py", proxy, 4, 0, options.seconds)
        return {**result, "cpu_us": result["cpu_s"] / result["handshakes"] * 1e6}

    table = Table("Handshakes", "proxy", "CPU us", "x nginx", "per second")
    found = medians(between(proxies, "nginx", "HAProxy", *GATEWAYS), options.rounds, measure)
    for name, one in found.items():
        ratio = one["cpu_us"] / found["nginx"]["cpu_us"]
        table.add(name, f"{one['cpu_us']:.0f}", f"{ratio:.2f}", f"{one['per_second']:.0f}")
    table.note(f"{verdict(found['gateway']['cpu_us'], HANDSHAKE_TARGET_US)} us of CPU per handshake")
    table.print()
    return found


def storm(proxies: list[Proxy], options: argparse.Namespace) -> dict[str, Any]:
    """Round trips of sessions that stay while others reconnect in a loop. The worst round counts for the longest."""
    table = Table(
        "{} clients reconnect in a loop beside {} live sessions".format(*STORM),
        *("proxy", "handshakes/s", "p50 us", "p99 us", "p99.9 us", "longest us"),
    )
    found: dict[str, Any] = {}
    for proxy in between(proxies, "nginx", "HAProxy", *GATEWAYS):
        runs = [measured("churn.py", proxy, *STORM, options.seconds) for _ in range(options.rounds)]
        one = found[proxy.name] = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        one["max_us"] = max(run["max_us"] for run in runs)
        keys = ("per_second", "p50_us", "p99_us", "p999_us", "max_us")
        table.add(proxy.name, *[f"{one[key]:.0f}" for key in keys])
    for key, target in STORM_TARGETS_US.items():
        table.note(f"{key}: {verdict(found['gateway'][key], target)}")
    table.print()
    return found


def idle(proxies: list[Proxy], options: argparse.Namespace) -> dict[str, Any]:
    """User memory per idle session in bytes, after a first round that makes the process as large as it gets anyway."""
    sessions = options.sessions
    table = Table(f"{sessions} idle sessions", "proxy", "Rss bytes", "Pss bytes", "x nginx (Rss)", "idle CPU %")
    found: dict[str, Numbers] = {}
    for proxy in between(proxies, "nginx", "nginx 64k", "HAProxy", *GATEWAYS):
        with running("load.py", proxy, 200, 0, 64, 0):
            time.sleep(1)
        time.sleep(2)
        before = proxy.memory_kib()
        with running("load.py", proxy, sessions, 0, 64, 0):
            time.sleep(3)
            after, settled = proxy.memory_kib(), proxy.cpu_s()
            time.sleep(5)
            cpu = (proxy.cpu_s() - settled) / 5 * 100
        one = found[proxy.name] = {key.lower(): (after[key] - before[key]) * 1024 / sessions for key in before}
        one["idle_cpu_percent"] = cpu
        ratio = one["rss"] / found["nginx"]["rss"]
        table.add(proxy.name, f"{one['rss']:.0f}", f"{one['pss']:.0f}", f"{ratio:.2f}", f"{cpu:.2f}")
    for name in [name for name in found if name in GATEWAYS]:
        ratio = found[name]["rss"] / found["nginx"]["rss"]
        table.note(f"{name}: {verdict(ratio, IDLE_TARGET)} of nginx's memory per idle session")
    table.print()
    return found


ROWS: dict[str, Callable[[list[Proxy], argparse.Namespace], dict[str, Any]]] = {
    "messages": messages,
    "tls": tls,
    "handshakes": handshakes,
    "storm": storm,
    "idle": idle,
}


def between(proxies: list[Proxy], *names: str) -> list[Proxy]:
    """Those of them that are here."""
    return [proxy for proxy in proxies if proxy.name in names]


def start_all(stack: ExitStack, folder: Path, builds: Path | None) -> list[Proxy]:
    """Upstream and proxies; they stop with the stack. With `builds`, a second gateway runs compiled."""
    upstream = PORTS["direct"]
    echo = pinned(LOAD_CORE, sys.executable, str(HERE / "upstream.py"), str(upstream), stdout=subprocess.DEVNULL)
    wait_for(upstream, echo)
    made = [Proxy("direct", upstream, echo)]
    stack.callback(made[0].stop)
    for name, buffers in (("nginx", ""), ("nginx 64k", LARGE_BUFFERS), ("nginx TLS", LARGE_BUFFERS)):
        made.append(nginx(name, PORTS[name], upstream, PROXY_CORE, folder, buffers, tls=name == "nginx TLS"))
        stack.callback(made[-1].stop)
    if shutil.which("haproxy"):
        made.append(haproxy(PORTS["HAProxy"], upstream, PROXY_CORE, folder))
        stack.callback(made[-1].stop)
    else:
        print("HAProxy is not installed here: without it.")
    for name in GATEWAYS if builds else GATEWAYS[:1]:
        made.append(gateway(name, PORTS[name], upstream, PROXY_CORE, folder, builds if name != "gateway" else None))
        stack.callback(made[-1].stop)
        secure = replace(made[-1], name=f"{name} TLS", port=PORTS[name] - TLS_BELOW, tls=True)
        made.append(secure)
    return made


def compiled(folder: Path) -> Path:
    """The folder of a build of these sources, made there."""
    builds = folder / "builds"
    subprocess.run([sys.executable, "manage.py", "compile", "--into", str(builds)], cwd=ROOT, check=True)
    return builds


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default=",".join(ROWS), help=f"which measurements: {', '.join(ROWS)}")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each kind; the median counts")
    parser.add_argument("--sessions", type=int, default=5000, help="idle sessions")
    parser.add_argument("--compiled", action="store_true", help="measure the compiled corridor, too; compiles it first")
    parser.add_argument("--port-offset", type=int, default=0, help="added to all ports")
    parser.add_argument("--json", type=Path, help="also write the numbers there")
    options = parser.parse_args()
    rows = options.rows.split(",")
    if not set(rows) <= set(ROWS):
        parser.error(f"rows are {', '.join(ROWS)}")
    print(f"Linux {platform.release()}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    for name in PORTS:
        PORTS[name] += options.port_offset
    with tempfile.TemporaryDirectory(prefix="wsportal-bench-") as folder, ExitStack() as stack:
        proxies = start_all(stack, Path(folder), compiled(Path(folder)) if options.compiled else None)
        found = {name: ROWS[name](proxies, options) for name in rows}
        busy = os.getloadavg()[1]
    print(f"\nLoad average of the last five minutes: {busy:.1f}; above 2 somebody else was at work on these cores.")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
