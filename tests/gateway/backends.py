"""Customers' backends: one that behaves and remembers what it saw, and one that says any bytes it is told to."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response


class Backend:
    """A `websockets` server in a thread of its own.

    `/...` echoes; `?refuse=403` answers that status; `?late=1` answers the upgrade a second later; `?push=5` sends five
    messages first; `?close=4321` closes so; `?silent` takes everything and answers nothing.

    Attributes:
        requests: every upgrade request that arrived.
        counts: messages and bytes, "received" and "sent".
        closes: close codes that clients sent.
    """

    def __init__(self, subprotocols: list[str] | None = None, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.counts: Counter[str] = Counter()
        self.closes: list[int | None] = []
        self._subprotocols: Any = subprotocols
        self._tls = tls
        self._port = port
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self._thread.start()
        assert self._ready.wait(5)

    @property
    def url(self) -> str:
        return f"{'wss' if self._tls else 'ws'}://127.0.0.1:{self._port}"

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        options: dict[str, Any] = {
            "process_request": self._request,
            "process_response": self._response,
            "subprotocols": self._subprotocols,
            "ssl": self._tls,
        }
        async with serve(self._serve, "127.0.0.1", self._port, max_size=None, **options) as server:
            self._port = next(iter(server.sockets)).getsockname()[1]
            self._ready.set()
            await self._stop.wait()

    async def _request(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        wish = parse_qs(urlsplit(request.path).query)
        if "late" in wish:
            await asyncio.sleep(float(wish["late"][0]))
        if "refuse" in wish:
            return connection.respond(int(wish["refuse"][0]), "no\n")
        return None

    def _response(self, connection: ServerConnection, request: Request, response: Response) -> None:
        for cookie in ("sticky=7; Path=/", "wsportal_session=eve; Path=/"):
            response.headers["Set-Cookie"] = cookie

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        wish = parse_qs(urlsplit(connection.request.path).query, keep_blank_values=True)
        try:
            for number in range(int(wish.get("push", ["0"])[0])):
                await self._send(connection, f"push {number}")
            if "close" in wish:
                await connection.close(int(wish["close"][0]), "as you wish")
            async for message in connection:
                self.counts["received"] += 1
                self.counts["bytes received"] += len(message.encode() if isinstance(message, str) else message)
                if "silent" not in wish:
                    await self._send(connection, message)
        except ConnectionClosed:
            pass
        await connection.wait_closed()
        self.closes.append(connection.close_code)

    async def _send(self, connection: ServerConnection, message: str | bytes) -> None:
        await connection.send(message)
        self.counts["sent"] += 1
        self.counts["bytes sent"] += len(message.encode() if isinstance(message, str) else message)

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(5)


@contextmanager
def says(answer: bytes | None, asked: list[bytes] | None = None) -> Iterator[str]:
    """A TCP server that reads a request (into `asked`) and answers these bytes; for None it keeps silent.

    Yields its URL.
    """
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.05)
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    def talk(connection: socket.socket) -> None:
        with connection:
            request = connection.recv(65536)
            if asked is not None:
                asked.append(request)
            if answer is None:
                over.wait(30)
                return
            connection.sendall(answer)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"ws://127.0.0.1:{server.getsockname()[1]}"
    finally:
        over.set()
        thread.join(5)
        server.close()


def until(check: Callable[[], Any], seconds: float = 10.0, what: str = "") -> Any:
    """Wait until `check` answers something true, and return that. Fails after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < end, what or "it did not come about in time"
        time.sleep(0.01)
