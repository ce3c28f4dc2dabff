"""A relay between two real TCP connections of this test: sam's client on one side, the backend on the other."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
import ipaddress
import os
import socket
import ssl
import struct
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.core.frames import FOREVER, FrameScanner
from gateway.relay import Direction, Ending, Link, Poller, SocketLeg, TlsLayer, TlsLeg, TransportLeg
from tests.wires import Seen, take


@functools.cache
def certificate() -> Path:
    """A folder with a self-signed cert.pem and key.pem for localhost and 127.0.0.1; processes of a test share it."""
    if "WSPORTAL_TEST_CERTIFICATE" in os.environ:
        return Path(os.environ["WSPORTAL_TEST_CERTIFICATE"])
    folder = Path(tempfile.mkdtemp(prefix="wsportal-tests-"))
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder


def server_tls() -> ssl.SSLContext:
    """A server's context with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate() / "cert.pem", certificate() / "key.pem")
    return context


@functools.cache
def client_tls() -> ssl.SSLContext:
    """A client's context that trusts that certificate and nothing else."""
    return ssl.create_default_context(cafile=str(certificate() / "cert.pem"))


def tcp() -> tuple[socket.socket, socket.socket]:
    """Two ends of one TCP connection, not blocking."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    for sock in (near, far):
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return near, far


class Peer:
    """The far end of a leg, as a test drives it: a plain socket, or TLS over one."""

    def __init__(self, sock: socket.socket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sock, self.reader, self.writer = sock, reader, writer
        self.held = b""

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def bytes(self, count: int) -> bytes:
        while len(self.held) < count:
            more = await asyncio.wait_for(self.reader.read(1 << 18), 5)
            assert more, f"the stream ended after {len(self.held)} of {count} bytes: {self.held[:200]!r}"
            self.held += more
        data, self.held = self.held[:count], self.held[count:]
        return data

    async def frame(self) -> Seen:
        while True:
            seen, self.held = take(self.held)
            if seen is not None:
                return seen
            more = await asyncio.wait_for(self.reader.read(1 << 18), 5)
            assert more, f"the stream ended: {self.held[:200]!r}"
            self.held += more

    async def rest(self) -> tuple[bytes, str]:
        """Everything until the stream ends, and how it ended: "eof" or "reset"."""
        data, self.held = self.held, b""
        try:
            while more := await asyncio.wait_for(self.reader.read(1 << 18), 8):
                data += more
        except (ConnectionError, ssl.SSLError):
            return data, "reset"
        return data, "eof"

    def vanish(self, how: str) -> None:
        """End the TCP connection without a word, as the kernel does for a process that dies: end of stream or reset."""
        if how == "reset":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if how == "reset" or self.writer.get_extra_info("ssl_object"):
            self.writer.transport.abort()
        else:
            self.writer.close()


class Owner:
    """Decides about one link the way a test wants."""

    def __init__(self, **facts: int) -> None:
        facts = {"events": FOREVER, "octets": FOREVER, **facts}
        self.scanner_in = FrameScanner(True, **facts)
        self.scanner_out = FrameScanner(False, events=FOREVER, octets=FOREVER)
        self.endings: list[Ending] = []
        self.over = asyncio.Event()
        self.on_spent: Callable[[Direction], None] = lambda direction: None
        self.asked: list[Direction] = []
        self.on_discarded: Callable[[Direction], None] = lambda direction: None

    def spent(self, direction: Direction) -> None:
        self.asked.append(direction)
        self.on_spent(direction)

    def discarded(self, direction: Direction) -> None:
        self.on_discarded(direction)

    def ended(self, ending: Ending) -> None:
        self.endings.append(ending)
        self.over.set()

    async def ending(self) -> Ending:
        await asyncio.wait_for(self.over.wait(), 8)
        assert len(self.endings) == 1
        return self.endings[0]


class Relay:
    """sam <-> link <-> backend."""

    sam: Peer
    backend: Peer
    link: Link

    def __init__(self, owner: Owner) -> None:
        self.owner = owner


async def _side(kind: str, server: bool, link: Link, scanner: FrameScanner) -> tuple[Peer, Callable[[], object]]:
    """One TCP connection: the far end for the test, and how to make the leg on the near end."""
    loop = asyncio.get_running_loop()
    far, near = tcp()
    if kind == "socket":
        reader, writer = await asyncio.open_connection(sock=far)
        return Peer(far, reader, writer), lambda: SocketLeg(link, scanner, near.detach())
    tls = "tls" in kind

    async def outer() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if server:  # the gateway is the server on its client leg
            context = client_tls() if tls else None
            return await asyncio.open_connection(sock=far, ssl=context, server_hostname="localhost" if tls else None)
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, far, ssl=server_tls() if tls else None)
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def layered() -> Callable[[], object]:
        context, name = (server_tls(), None) if server else (client_tls(), "localhost")
        layer = TlsLayer(context, server_side=server, server_hostname=name)
        layer.begin()
        while True:
            await loop.sock_sendall(near, layer.outgoing())
            if layer.established:
                return lambda: TlsLeg(link, scanner, near.detach(), layer)
            assert layer.opened(await loop.sock_recv(near, 65536)) == b""

    async def inner() -> asyncio.Transport:
        if server:
            transport, _ = await loop.connect_accepted_socket(asyncio.Protocol, near, ssl=server_tls() if tls else None)
        else:
            transport, _ = await loop.create_connection(
                asyncio.Protocol,
                sock=near,
                ssl=client_tls() if tls else None,
                server_hostname="localhost" if tls else None,
            )
        return transport

    if kind == "tls":
        (reader, writer), leg = await asyncio.gather(outer(), layered())
        return Peer(far, reader, writer), leg
    (reader, writer), transport = await asyncio.gather(outer(), inner())
    return Peer(far, reader, writer), lambda: TransportLeg(link, scanner, transport)


@contextlib.asynccontextmanager
async def relay(kinds: tuple[str, str], owner: Owner | None = None) -> AsyncIterator[Relay]:
    """A running relay; kinds of the client's and the upstream's leg.

    Kinds are "socket" and "tls", both in the poller, and "transport" and "transport tls".
    """
    owner = owner or Owner()
    made = Relay(owner)
    loop = asyncio.get_running_loop()
    made.link = Link(loop, owner)
    made.sam, client = await _side(kinds[0], True, made.link, owner.scanner_in)
    made.backend, upstream = await _side(kinds[1], False, made.link, owner.scanner_out)
    made.link.join(client(), upstream())
    made.link.start(b"", b"", b"")
    try:
        yield made
    finally:
        made.link.abort()
        for peer in (made.sam, made.backend):
            peer.writer.transport.abort()
        await asyncio.sleep(0)
        assert made.link not in [getattr(leg, "link", None) for leg in Poller.of(loop).legs.values()]
