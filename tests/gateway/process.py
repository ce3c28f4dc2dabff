"""The real server of one process: a portal's HTTP port, both of the gateway's, and its background jobs.

Started by `world.GatewayProcess` with `python -m tests.gateway.process '{"portal": 1, "ws": 2, "wss": 3, ...}'`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import signal
import ssl
import sys

import gateway.loop  # noqa: F401  (before daphne makes its loop)


def take_stock() -> None:
    """SIGUSR1: what there is in this process, after a collection."""
    gc.collect()
    print(f"tasks={len(asyncio.all_tasks())}.", file=sys.stderr, flush=True)


async def settle() -> None:
    """SIGUSR2: wait for the end of all sessions, write all that was counted, and say so."""
    from gateway.plane import plane

    registry, said = plane.registry, "settled"
    try:
        async with asyncio.timeout(60):
            while registry.sessions or registry.arriving:
                await asyncio.sleep(0.02)
            await registry.recorder.flush()
    except TimeoutError:
        said = f"not settled: {len(registry.sessions)} sessions, {registry.arriving} handshakes"
    print(said, flush=True)


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "wsportal.settings"
    facts = json.loads(sys.argv[1])

    from wsportal.asgi import application  # sets Django up  # isort: skip
    from django.conf import settings

    from gateway.plane import plane
    from gateway.server import GatewayServer

    settling: list[asyncio.Task[None]] = []

    async def ready() -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, take_stock)
        loop.add_signal_handler(signal.SIGUSR2, lambda: settling.append(loop.create_task(settle())))
        print("ready", flush=True)

    if "record_s" in facts:
        settings.GATEWAY_RECORD_S = facts["record_s"]
    if "threads" in facts:
        settings.GATEWAY_DATABASE_THREADS = facts["threads"]
    if "descriptors" in facts:
        resource.setrlimit(resource.RLIMIT_NOFILE, (facts["descriptors"], facts["descriptors"]))

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(facts["cert"], facts["key"])
    server = GatewayServer(
        application,
        endpoints=[f"tcp:port={facts['portal']}:interface=127.0.0.1"],
        gateway_listeners=[(facts["host"], facts["ws"], None), (facts["host"], facts["wss"], tls)],
        background=[plane.run, ready],
        drain_s=settings.DRAIN_SECONDS,
        trust=settings.TRUSTED_PROXIES,
    )
    server.run()
    sys.exit(server.exit_code)


if __name__ == "__main__":
    main()
