"""The demo backend of `up`: a small WebSocket server that stands for a customer's own (CONTRACT section 2).

It runs in a process of its own (`python -m wsportal.demo_backend --port 9998`) and sends nothing unasked,
so what a client sees through the gateway is exactly what this page says:

* `/` and any other path: every message comes back as it was, text or binary, whole or in fragments.
* `/ticker`: one JSON message a second.
* `/close?code=4321&reason=x`: accepts, then closes with that code and reason.
* `/slow?seconds=2`: like `/`, but answers so much later.
* `/silent`: accepts and takes everything, never says a word.
* `/headers`: one JSON message with the path, the headers and the subprotocol that arrived, then close 1000.

Every path takes `?handshake_delay=S`: the upgrade itself is answered S seconds late. A wrong value in the
query is answered 400 with a sentence. The first subprotocol offered is chosen; permessage-deflate is on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, ProtocolError
from websockets.frames import Close
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

MAX_MESSAGE_BYTES: Final = 32 << 20
LONGEST_DELAY_S: Final = 120.0
_MAX_REASON_BYTES: Final = 123  # RFC 6455 section 5.5
LOGGER: Final = logging.getLogger("wsportal.demo_backend")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the address of a connection asks for.

    Raises (`read`): ValueError with a sentence for the person who typed the address.
    """

    path: str
    code: int
    reason: str
    seconds: float
    handshake_delay: float

    @classmethod
    def read(cls, target: str) -> Wish:
        """From the request target, e.g. `/close?code=4321&reason=x`."""
        parts = urlsplit(target)
        query = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        return cls(
            path=parts.path,
            code=_close_code(query.get("code", "1000")),
            reason=_reason(query.get("reason", "")),
            seconds=_seconds("seconds", query.get("seconds", "2")),
            handshake_delay=_seconds("handshake_delay", query.get("handshake_delay", "0")),
        )


def _close_code(value: str) -> int:
    try:
        code = int(value)
        Close(code, "").check()  # RFC 6455 section 7.4: the codes that may be sent
    except (ValueError, ProtocolError):
        raise ValueError(f"code={value} is not a close code that may be sent (1000 to 1014, 3000 to 4999).") from None
    return code


def _reason(value: str) -> str:
    if len(value.encode("utf-8", "surrogatepass")) > _MAX_REASON_BYTES or not value.isprintable():
        raise ValueError(f"reason must be printable and at most {_MAX_REASON_BYTES} bytes.")
    return value


def _seconds(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= LONGEST_DELAY_S:  # also false for nan
        raise ValueError(f"{name}={value} is not a number of seconds from 0 to {LONGEST_DELAY_S:.0f}.")
    return number


async def echo(connection: ServerConnection, wish: Wish) -> None:
    """Send every message back in the same fragments."""
    await _send_back(connection, delay_s=0)


async def slow(connection: ServerConnection, wish: Wish) -> None:
    """Send every message back `seconds` after it was read."""
    await _send_back(connection, delay_s=wish.seconds)


async def _send_back(connection: ServerConnection, *, delay_s: float) -> None:
    while True:
        fragments = [fragment async for fragment in connection.recv_streaming()]
        if len(fragments) > 1 and not fragments[-1]:
            fragments.pop()  # the library ends every fragmented message with an empty fragment of its own
        if delay_s:
            await asyncio.sleep(delay_s)
        await connection.send(fragments[0] if len(fragments) == 1 else fragments)


async def ticker(connection: ServerConnection, wish: Wish) -> None:
    """One JSON message a second; what arrives is read and forgotten, so that pings and closes are seen."""
    reader = asyncio.create_task(silent(connection, wish))
    try:
        tick = 0
        while not reader.done():
            tick += 1
            await connection.send(
                json.dumps({"tick": tick, "at": datetime.now(UTC).isoformat(timespec="milliseconds")})
            )
            await asyncio.wait([reader], timeout=1)
    finally:
        reader.cancel()


async def close(connection: ServerConnection, wish: Wish) -> None:
    """Close as the address says."""
    await connection.close(wish.code, wish.reason)


async def silent(connection: ServerConnection, wish: Wish) -> None:
    """Take everything, answer nothing."""
    async for _ in connection:
        pass


async def headers(connection: ServerConnection, wish: Wish) -> None:
    """Tell what arrived here, which is what a gateway in between sent."""
    request = connection.request
    arrived = list(request.headers.raw_items()) if request else []
    target = request.path if request else wish.path
    await connection.send(json.dumps({"path": target, "headers": arrived, "subprotocol": connection.subprotocol}))


BEHAVIOURS: Final[dict[str, Callable[[ServerConnection, Wish], Awaitable[None]]]] = {
    "/ticker": ticker,
    "/close": close,
    "/slow": slow,
    "/silent": silent,
    "/headers": headers,
}


async def _before_upgrade(connection: ServerConnection, request: Request) -> Response | None:
    try:
        wish = Wish.read(request.path)
    except ValueError as error:
        body = f"{error}\n".encode("utf-8", "replace")
        fields = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body)), "Connection": "close"}
        return Response(400, "Bad Request", Headers(fields), body)
    await asyncio.sleep(wish.handshake_delay)
    return None


async def _converse(connection: ServerConnection) -> None:
    wish = Wish.read(connection.request.path if connection.request else "/")
    try:
        await BEHAVIOURS.get(wish.path, echo)(connection, wish)
    except ConnectionClosed:
        pass  # the other side left, which is how most conversations end


def _first(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return offered[0] if offered else None


async def run(host: str, port: int, *, until_eof: bool = False) -> None:
    """Serve until SIGINT, SIGTERM or, with `until_eof`, the end of standard input.

    The end of a pipe is how this process notices that the one that started it is gone, however it went.
    Prints one line once it listens.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if until_eof:
        await loop.connect_read_pipe(lambda: _Leash(stop), sys.stdin)
    # The seeded endpoint says localhost, so loopback is served whatever else is. (asyncio takes several hosts; the
    # annotation of `serve` knows one.)
    hosts: Any = [host] if host in ("127.0.0.1", "0.0.0.0", "localhost") else [host, "127.0.0.1"]  # noqa: S104
    async with serve(
        _converse,
        hosts,
        port,
        process_request=_before_upgrade,
        select_subprotocol=_first,
        max_size=MAX_MESSAGE_BYTES,
        open_timeout=LONGEST_DELAY_S + 10,
        ping_interval=None,
        close_timeout=1,
        logger=LOGGER,
    ) as server:
        print(f"demo backend on ws://localhost:{next(iter(server.sockets)).getsockname()[1]}", flush=True)
        await stop.wait()


class _Leash(asyncio.Protocol):
    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop.set()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m wsportal.demo_backend", description="The demo backend of wsportal."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9998)
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input ends")
    options = parser.parse_args()
    logging.basicConfig(format="demo backend: %(message)s")
    LOGGER.setLevel(logging.CRITICAL)  # a client's broken handshake is no news here
    try:
        asyncio.run(run(options.host, options.port, until_eof=options.until_eof))
    except OSError as error:
        sys.exit(f"demo backend: port {options.port}: {error.strerror}")


if __name__ == "__main__":
    main()
