"""What Autobahn judges, with and without the gateway in between: an echo, as a server and as a client.

A process of its own, because `websockets` reads its limit on fragments (an environment variable) when it is imported.

    python -m tests.conformance.echo serve '{"cert", "key", "deflate"}'
    python -m tests.conformance.echo call '{"url", "token", "ca", "deflate", "parallel"}'

`cert`, `key` and `ca` are files, `ca` may be null; without a `token` no header is sent. The server says its plain and
its TLS port; the client ends when the fuzzing server has seen all cases.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import sys
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, WebSocketException

AGENT = "echo"
PATIENT_S = 60.0


async def _echo(connection: ServerConnection | ClientConnection) -> None:
    with suppress(ConnectionClosed):
        async for message in connection:
            await connection.send(message)


async def _serve(facts: dict[str, Any]) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(facts["cert"], facts["key"])
    options: dict[str, Any] = {
        "max_size": None,
        "ping_interval": None,
        "compression": "deflate" if facts["deflate"] else None,
    }
    plain = await serve(_echo, "127.0.0.1", 0, **options)
    secure = await serve(_echo, "127.0.0.1", 0, ssl=tls, **options)
    print(*(next(iter(server.sockets)).getsockname()[1] for server in (plain, secure)), flush=True)
    await asyncio.Future()


async def _call(facts: dict[str, Any]) -> None:
    tls = ssl.create_default_context(cafile=facts["ca"]) if facts["ca"] else None
    headers = {"Authorization": f"Bearer {facts['token']}"} if facts["token"] else {}
    at_once = asyncio.Semaphore(facts["parallel"])

    def caller(path: str) -> connect:
        return connect(
            facts["url"] + path,
            additional_headers=headers,
            ssl=tls,
            proxy=None,
            max_size=None,
            ping_interval=None,
            open_timeout=PATIENT_S,
            compression="deflate" if facts["deflate"] else None,
        )

    async def case(number: int) -> None:
        async with at_once, caller(f"/runCase?case={number}&agent={AGENT}") as connection:
            await _echo(connection)

    async with caller("/getCaseCount") as connection:
        count = int(await connection.recv())
    await asyncio.gather(*(case(number) for number in range(1, count + 1)))
    with suppress(WebSocketException, OSError):  # it ends at this request, mostly before it has answered
        async with caller(f"/updateReports?agent={AGENT}") as connection:
            await connection.wait_closed()


def main() -> None:
    logging.disable(logging.CRITICAL)  # what it refuses is judged by the suite, not by its log
    what, facts = sys.argv[1], json.loads(sys.argv[2])
    asyncio.run({"serve": _serve, "call": _call}[what](facts))


if __name__ == "__main__":
    main()
