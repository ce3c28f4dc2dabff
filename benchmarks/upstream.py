"""The echo backend of the benchmarks: one epoll, no validation, as cheap as Python can be, the same for every proxy.

Run: upstream.py PORT. It expects the masking key 0 of load.py and echoes each frame without its mask.
"""

from __future__ import annotations

import base64
import hashlib
import select
import socket
import sys

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
READ = 1 << 18


def unmasked(data: bytes) -> tuple[bytes, bytes]:
    """The echo of all whole frames in `data`, and what is left."""
    out, at, end = [], 0, len(data)
    while end - at >= 6:
        size, head = data[at + 1] & 127, 2
        if size == 126:
            head = 4
        elif size == 127:
            head = 10
        if end - at < head + 4:
            break
        if head > 2:
            size = int.from_bytes(data[at + 2 : at + head], "big")
        if end - at < head + 4 + size:
            break
        out.append(bytes((data[at], data[at + 1] & 127)) + data[at + 2 : at + head])
        at += head + 4
        out.append(data[at : at + size])
        at += size
    return b"".join(out), data[at:]


class Connection:
    """One client: its handshake, then its echo."""

    __slots__ = ("chunks", "have", "need", "open", "out", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.open = False
        self.chunks: list[bytes] = []
        self.have = self.need = 0
        self.out = b""

    def ready(self, what: int) -> bool:
        """Read, echo, write; False when the connection is over."""
        try:
            if what & select.EPOLLOUT and self.out:
                self.out = self.out[self.sock.send(self.out) :]
            while what & ~select.EPOLLOUT:
                data = self.sock.recv(READ)
                if not data:
                    return False
                self.chunks.append(data)
                self.have += len(data)
                if self.have >= self.need:
                    self.work()
                if len(data) < READ:
                    break
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def work(self) -> None:
        data = self.chunks[0] if len(self.chunks) == 1 else b"".join(self.chunks)
        if not self.open:
            head, mark, data = data.partition(b"\r\n\r\n")
            if not mark:
                return
            self.open = True
            key = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
            accept = base64.b64encode(hashlib.sha1(key.split(b":")[1].strip() + GUID).digest())
            self.send(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
        echo, rest = unmasked(data)
        self.chunks = [rest] if rest else []
        self.have = len(rest)
        # a large frame: look again when it is complete, not at every read of it
        self.need = 0
        if len(rest) >= 10 and rest[1] & 127 == 127:
            self.need = 14 + int.from_bytes(rest[2:10], "big")
        if echo:
            self.send(echo)

    def send(self, data: bytes) -> None:
        if self.out:
            self.out += data
            return
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        self.out = data[sent:]


def main(port: int) -> None:
    """Serve for ever."""
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    listener.setblocking(False)
    epoll = select.epoll()
    epoll.register(listener.fileno(), select.EPOLLIN)
    connections: dict[int, Connection] = {}
    print("ready", flush=True)
    while True:
        for fd, what in epoll.poll():
            if fd == listener.fileno():
                while True:
                    try:
                        sock, _ = listener.accept()
                    except BlockingIOError:
                        break
                    sock.setblocking(False)
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    connections[sock.fileno()] = Connection(sock)
                    epoll.register(sock.fileno(), select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
            elif not connections[fd].ready(what):
                connections.pop(fd).sock.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
