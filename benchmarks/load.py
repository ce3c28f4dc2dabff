"""The load generator of the benchmarks: N connections, K messages in flight on each, one epoll, the same for all.

Run: load.py PORT PATH CONNECTIONS IN_FLIGHT BYTES SECONDS [HEADER...]; PORT is tls:PORT for wss://
It connects, waits for a line on standard input, loads, and prints one JSON line: messages per second and round trips in
microseconds (p50, p99, max); with no message in flight it only holds its connections. A second line ends it. Its mask
is 0, which is legal and spares it and the echo the masking; no proxy looks at it.
"""

from __future__ import annotations

import array
import json
import select
import socket
import ssl
import sys
import time

READ = 1 << 18
NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def frame(size: int) -> bytes:
    """One masked binary message of `size` bytes."""
    if size < 126:
        head = bytes((0x82, 0x80 | size))
    elif size < 65536:
        head = bytes((0x82, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x82, 0x80 | 127)) + size.to_bytes(8, "big")
    return head + b"\0\0\0\0" + b"x" * size


def request(port: str, path: str, headers: list[str]) -> bytes:
    """The upgrade request."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port.rpartition(':')[2]}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def connect(port: str, path: str, headers: list[str]) -> socket.socket:
    """One WebSocket connection, not blocking."""
    scheme, _, number = port.rpartition(":")
    sock = socket.create_connection(("127.0.0.1", int(number)))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if scheme == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # what is measured made its own certificate
        sock = context.wrap_socket(sock)
    sock.sendall(request(port, path, headers))
    head = b""
    while b"\r\n\r\n" not in head:
        more = sock.recv(4096)
        if not more:
            break
        head += more
    if not head.startswith(b"HTTP/1.1 101"):
        raise SystemExit(f"the handshake failed: {head[:200]!r}")
    sock.setblocking(False)
    return sock


class Client:
    """One connection in a closed loop: every echo is answered by the next message."""

    __slots__ = ("due", "out", "sent", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.out = memoryview(b"")
        self.due = 0  # bytes of echo read towards the next whole one
        self.sent: list[float] = []

    def send(self, data: bytes) -> None:
        view = memoryview(bytes(self.out) + data) if self.out else memoryview(data)
        self.out = view
        self.flush()

    def receive(self) -> int:
        """Bytes that are there."""
        got = 0
        while True:
            try:
                data = self.sock.recv(READ)
            except NOT_NOW:
                return got
            if not data:
                raise SystemExit("the connection was closed")
            got += len(data)
            if len(data) < READ and not isinstance(self.sock, ssl.SSLSocket):  # TLS gives one record at a time
                return got

    def flush(self) -> None:
        try:
            while self.out:  # TLS takes one record at a time
                self.out = self.out[self.sock.send(self.out) :]
        except NOT_NOW:
            pass


def run(clients: list[Client], in_flight: int, size: int, seconds: float) -> dict[str, float]:
    """Load for so long; round trips are measured per message."""
    message = frame(size)
    echo = len(message) - 4
    epoll = select.epoll()
    by_fd = {client.sock.fileno(): client for client in clients}
    now = time.perf_counter()
    for fd, client in by_fd.items():
        epoll.register(fd, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
        client.sent = [now] * in_flight
        client.send(message * in_flight)
    trips = array.array("d")
    started, end = now, now + seconds
    while now < end:
        for fd, what in epoll.poll(1):
            client = by_fd[fd]
            if client.out:
                client.flush()
            if not what & ~select.EPOLLOUT:
                continue
            done, client.due = divmod(client.due + client.receive(), echo)
            if done:
                now = time.perf_counter()
                trips.extend(now - at for at in client.sent[:done])
                client.sent = client.sent[done:] + [now] * done
                client.send(message * done)
        now = time.perf_counter()
    ordered = sorted(trips)
    return {
        "messages": len(ordered),
        "per_second": len(ordered) / (now - started),
        "p50_us": ordered[len(ordered) // 2] * 1e6,
        "p99_us": ordered[len(ordered) * 99 // 100] * 1e6,
        "max_us": ordered[-1] * 1e6,
    }


def main(arguments: list[str]) -> None:
    """See the module."""
    port, path, connections, in_flight, size, seconds = arguments[:6]
    clients = [Client(connect(port, path, arguments[6:])) for _ in range(int(connections))]
    print("connected", flush=True)
    sys.stdin.readline()
    if int(in_flight):
        print(json.dumps(run(clients, int(in_flight), int(size), float(seconds))), flush=True)
    sys.stdin.readline()  # keep the connections until told, so that no ending is measured


if __name__ == "__main__":
    main(sys.argv[1:])
