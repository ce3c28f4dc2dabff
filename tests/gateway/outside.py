"""Real pieces that stand around a customer's backend: a certificate authority, a CONNECT proxy, a token server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


class Authority:
    """A certificate authority of one customer.

    Attributes:
        pem: its own certificate.
    """

    def __init__(self, name: str = "A customer's authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._build(self._name, self._key.public_key(), x509.BasicConstraints(ca=True, path_length=0))
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        self._certificate = made.add_extension(usage, critical=True).sign(self._key, SHA256())
        self.pem = self._certificate.public_bytes(Encoding.PEM).decode()

    def _build(self, name: x509.Name, key: Any, constraints: x509.BasicConstraints) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(constraints, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )

    def issue(self, *names: str) -> tuple[str, str]:
        """A certificate for these host names or addresses, and its key, both PEM. Good for servers and clients."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            self._build(subject, key.public_key(), x509.BasicConstraints(ca=False, path_length=None))
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .sign(self._key, SHA256())
        )
        return (
            certificate.public_bytes(Encoding.PEM).decode(),
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        )

    def server(self, folder: Path, *names: str, ask_client: bool = False) -> ssl.SSLContext:
        """What a server of these names uses; `ask_client`: nobody comes in without a certificate of this authority."""
        certificate, key = self.issue(*names)
        pair = folder / f"{names[0]}.pem"
        pair.write_text(key + certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair)
        if ask_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=self.pem)
        return context


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class ConnectProxy:
    """An HTTP proxy that only knows CONNECT, in a thread of its own.

    Args:
        login: "user:password" that it wants, or "" for none.
        names: what it resolves by itself: host -> address.

    Attributes:
        asked: (authority, Proxy-Authorization or "") of every request.
    """

    def __init__(self, login: str = "", names: dict[str, str] | None = None) -> None:
        self.asked: list[tuple[str, str]] = []
        self._wanted = "Basic " + b64encode(login.encode()).decode() if login else ""
        self._names = names or {}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self._thread.start()
        assert self._ready.wait(5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
            method, authority, _ = head[0].split(" ")
            self.asked.append((authority, headers.get("proxy-authorization", "")))
            if method != "CONNECT" or headers.get("proxy-authorization", "") != self._wanted:
                writer.write(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n")
            else:
                await self._connect(authority, reader, writer)
        writer.close()

    async def _connect(self, authority: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = authority.rpartition(":")
        try:
            far_reader, far_writer = await asyncio.open_connection(self._names.get(host, host.strip("[]")), int(port))
        except OSError:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n")
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


class TokenServer:
    """A token endpoint of somebody's authorization server.

    Attributes:
        asked: (Authorization, form) of every request.
        life_s: what it says about the next token; None says nothing.
        status: answered instead of a token, unless it is 200.
        valid: the tokens that it takes for good; clear it to revoke them all.
        late: set it to let the requests through that wait; they wait while it is cleared.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.life_s: int | None = 3600
        self.status = 200
        self.valid: set[str] = set()
        self.late = threading.Event()
        self.late.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True)
                outer._answer(self, {name: values[0] for name, values in form.items()})

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}/oauth2/token"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _answer(self, request: BaseHTTPRequestHandler, form: dict[str, str]) -> None:
        self.asked.append((request.headers.get("Authorization", ""), form))
        self.late.wait(20)
        if self.status == 200:
            token = f"token-{len(self.asked)}"
            self.valid.add(token)
            answer: dict[str, Any] = {"access_token": token, "token_type": "Bearer"}
            if self.life_s is not None:
                answer["expires_in"] = self.life_s
        else:
            answer = {"error": "invalid_client", "error_description": "the secret hush is wrong"}
        body = json.dumps(answer).encode()
        request.send_response(self.status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def stop(self) -> None:
        self.late.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def token_server(tls: ssl.SSLContext | None = None) -> Iterator[TokenServer]:
    """A token server for a block."""
    server = TokenServer(tls)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def connect_proxy(login: str = "", names: dict[str, str] | None = None) -> Iterator[ConnectProxy]:
    """A proxy for a block."""
    proxy = ConnectProxy(login, names)
    try:
        yield proxy
    finally:
        proxy.stop()
