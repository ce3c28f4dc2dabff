"""The corridor beside nginx: CPU per message, throughput, round trips, and memory of idle sessions. See README.md.

Run by hand on a machine with nothing else to do: python benchmarks/corridor.py [--seconds 4] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from proxies import HERE, Proxy, gateway, nginx, pinned, wait_for

PORTS = {"direct": 21100, "nginx": 21101, "nginx 64k": 21102, "gateway": 21103}
PROXY_CORE, LOAD_CORE = 0, 1
LARGE_BUFFERS = "proxy_buffer_size 64k; proxy_buffers 8 64k;"
LOADS = [(50, 1, 64), (50, 16, 64), (50, 1, 65536)]  # connections, messages in flight on each, bytes
TARGETS = {(50, 1, 64): ("nginx", 1.6), (50, 1, 65536): ("nginx 64k", 1.2)}
IDLE_TARGET = 0.5


@contextmanager
def load(proxy: Proxy, connections: int, in_flight: int, size: int, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """The load generator, connected and waiting for a line on its standard input."""
    shape = [str(one) for one in (connections, in_flight, size, seconds)]
    command = [sys.executable, str(HERE / "load.py"), str(proxy.port), proxy.path, *shape, *proxy.headers]
    process = pinned(LOAD_CORE, *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if process.stdout.readline() != "connected\n":
            raise SystemExit(f"{proxy.name}: the load generator did not connect")
        yield process
    finally:
        process.communicate("\n\n", timeout=60)


def messages(proxy: Proxy, shape: tuple[int, int, int], seconds: float) -> dict[str, float]:
    """One measurement under load."""
    with load(proxy, *shape, seconds) as process:
        time.sleep(0.2)  # what the handshakes left to do is not the messages'
        before = proxy.cpu_s()
        process.stdin.write("\n")
        process.stdin.flush()
        result: dict[str, float] = json.loads(process.stdout.readline())
        result["cpu_us"] = (proxy.cpu_s() - before) / result["messages"] * 1e6
    return result


def idle(proxy: Proxy, sessions: int) -> dict[str, float]:
    """User memory per idle session in bytes, after a first round that makes the process as large as it gets anyway."""
    with load(proxy, 200, 0, 64, 0):
        time.sleep(1)
    time.sleep(2)
    before = proxy.memory_kib()
    started = proxy.cpu_s()
    with load(proxy, sessions, 0, 64, 0):
        handshake_us = (proxy.cpu_s() - started) / sessions * 1e6
        time.sleep(3)
        after = proxy.memory_kib()
        settled = proxy.cpu_s()
        time.sleep(5)
        idle_cpu = (proxy.cpu_s() - settled) / 5
    per_session = {name.lower(): (after[name] - before[name]) * 1024 / sessions for name in before}
    return {**per_session, "handshake_us": handshake_us, "idle_cpu_percent": idle_cpu * 100}


def start_all(stack: ExitStack, folder: Path) -> list[Proxy]:
    """Upstream and proxies; they stop with the stack."""
    upstream = pinned(
        LOAD_CORE, sys.executable, str(HERE / "upstream.py"), str(PORTS["direct"]), stdout=subprocess.DEVNULL
    )
    wait_for(PORTS["direct"], upstream)
    direct = Proxy("direct", PORTS["direct"], upstream)
    stack.callback(direct.stop)
    made = [direct]
    for name, buffers in (("nginx", ""), ("nginx 64k", LARGE_BUFFERS)):
        made.append(nginx(name, PORTS[name], PORTS["direct"], PROXY_CORE, folder, buffers))
        stack.callback(made[-1].stop)
    made.append(gateway(PORTS["gateway"], PORTS["direct"], PROXY_CORE, folder))
    stack.callback(made[-1].stop)
    return made


def measure_messages(proxies: list[Proxy], rounds: int, seconds: float) -> dict[str, Any]:
    """All loads on all proxies in turn, the median of the rounds; printed as it comes."""
    found: dict[str, Any] = {}
    columns = ("CPU us/msg", "x nginx", "x 64k", "msg/s", "p50 us", "p99 us")
    print(f"{'load':16} {'proxy':10} " + " ".join(f"{one:>10}" for one in columns))
    for shape in LOADS:
        runs: dict[str, list[dict[str, float]]] = {proxy.name: [] for proxy in proxies}
        for _ in range(rounds):
            for proxy in proxies:
                runs[proxy.name].append(messages(proxy, shape, seconds))
        middle = {
            name: {key: statistics.median(run[key] for run in some) for key in some[0]} for name, some in runs.items()
        }
        title = "{} x {} x {}".format(*shape)
        found[title] = middle
        for name, one in middle.items():
            ratios = [one["cpu_us"] / middle[base]["cpu_us"] for base in ("nginx", "nginx 64k")]
            if name == "direct":  # its own CPU is the echo's, which is the same for all
                ratios = [float("nan")] * 2
            print(
                f"{title:16} {name:10} {one['cpu_us']:10.2f} {ratios[0]:10.2f} {ratios[1]:10.2f} "
                f"{one['per_second']:10.0f} {one['p50_us']:10.0f} {one['p99_us']:10.0f}"
            )
        if shape in TARGETS:
            base, target = TARGETS[shape]
            ratio = middle["gateway"]["cpu_us"] / middle[base]["cpu_us"]
            print(f"{title:16} {'':10} {verdict(ratio, target)} of {base}'s CPU per message")
    return found


def measure_idle(proxies: list[Proxy], sessions: int) -> dict[str, Any]:
    """Memory of idle sessions."""
    found = {proxy.name: idle(proxy, sessions) for proxy in proxies if proxy.name != "direct"}
    print(f"\n{sessions} idle sessions: {'Rss B':>8} {'Pss B':>8} {'handshake us':>13} {'idle CPU %':>11}")
    for name, one in found.items():
        print(
            f"{name:22} {one['rss']:8.0f} {one['pss']:8.0f} {one['handshake_us']:13.0f} {one['idle_cpu_percent']:11.2f}"
        )
    ratio = found["gateway"]["rss"] / found["nginx"]["rss"]
    print(f"{'':22} {verdict(ratio, IDLE_TARGET)} of nginx's memory per idle session")
    return found


def verdict(ratio: float, target: float) -> str:
    """The ratio beside its target, in words."""
    return f"{ratio:.2f} (target: at most {target}, {'met' if ratio <= target else 'MISSED'})"


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each kind; the median counts")
    parser.add_argument("--sessions", type=int, default=2000, help="idle sessions")
    parser.add_argument("--json", type=Path, help="also write the numbers there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wsportal-bench-") as folder, ExitStack() as stack:
        proxies = start_all(stack, Path(folder))
        found = {
            "messages": measure_messages(proxies, options.rounds, options.seconds),
            "idle": measure_idle(proxies, options.sessions),
        }
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
