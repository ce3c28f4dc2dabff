"""A small relay of TCP connections for what kosoku cannot do itself: send an Authorization header, or speak TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

READ_BYTES = 1 << 18


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Move bytes, then the end of the stream: an end as an end, a reset as a reset."""
    try:
        while data := await reader.read(READ_BYTES):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()
    except ssl.SSLError:
        writer.close()
    except OSError:
        writer.transport.abort()


@asynccontextmanager
async def splice(
    host: str,
    port: int,
    *,
    token: str = "",
    accept: ssl.SSLContext | None = None,
    dial: ssl.SSLContext | None = None,
) -> AsyncIterator[int]:
    """Accept connections and relay each to host and port. Yields: the port to connect to.

    Args:
        token: added to each request as `Authorization: Bearer`.
        accept: speak TLS with those who connect.
        dial: speak TLS with the host.
    """
    ends: set[asyncio.StreamWriter] = set()
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        ends.add(writer)
        far_reader, far_writer = await asyncio.open_connection(
            host, port, ssl=dial, server_hostname=host if dial else None
        )
        ends.add(far_writer)
        if token:
            head = await reader.readuntil(b"\r\n\r\n")
            far_writer.write(head[:-2] + f"Authorization: Bearer {token}\r\n\r\n".encode())
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        for end in (writer, far_writer):
            end.close()
            ends.discard(end)
        serving.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=accept, limit=READ_BYTES)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for end in ends:
            end.transport.abort()
        await asyncio.gather(*serving, return_exceptions=True)
