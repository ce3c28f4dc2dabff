"""Clients that come and go: handshakes in a loop, beside live sessions whose round trips are measured. One epoll.

Run: churn.py PORT PATH CLIENTS LIVE SECONDS [HEADER...]
CLIENTS connect, are answered 101, say goodbye with a close frame, read the answer and connect again; meanwhile each of
LIVE sessions sends a 64-byte message every 10 ms and reads its echo. It connects the live sessions, waits for a line
on standard input, and prints one JSON line: handshakes, and round trips of the live sessions in microseconds.
"""

from __future__ import annotations

import array
import heapq
import json
import select
import socket
import sys
import time

from load import connect, frame, request

GOODBYE = b"\x88\x82\0\0\0\0\x03\xe8"  # a close frame with code 1000 and mask 0
ANSWER = b"\x88\x02\x03\xe8"
MESSAGE = frame(64)
EVERY_S = 0.01


class Visitor:
    """One client that comes and goes."""

    __slots__ = ("address", "data", "epoll", "request", "said", "sock")

    def __init__(self, epoll: select.epoll, port: int, request: bytes) -> None:
        self.epoll = epoll
        self.address = ("127.0.0.1", port)
        self.request = request
        self.come()

    def come(self) -> None:
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.connect_ex(self.address)
        self.data = b""
        self.said = 0  # nothing, the request, goodbye
        self.epoll.register(self.sock.fileno(), select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)

    def ready(self, what: int) -> bool:
        """Do what comes next; True when it is gone, one handshake later."""
        if not self.said:
            if not what & select.EPOLLOUT:
                return False
            self.sock.send(self.request)
            self.said = 1
        try:
            while True:
                more = self.sock.recv(4096)
                if not more:
                    raise SystemExit(f"a client was sent away: {self.data[:200]!r}")
                self.data += more
                head, end, rest = self.data.partition(b"\r\n\r\n")
                if end and self.said == 1:
                    if not head.startswith(b"HTTP/1.1 101"):
                        raise SystemExit(f"a handshake failed: {head[:200]!r}")
                    self.sock.send(GOODBYE)
                    self.said = 2
                if end and rest.startswith(ANSWER):
                    self.sock.close()
                    return True
        except BlockingIOError:
            return False


class Live:
    """One session that stays: a message every EVERY_S, as long as the one before has come back."""

    __slots__ = ("due", "sent", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.due = 0  # bytes of echo still to come
        self.sent = 0.0

    def send(self, now: float) -> None:
        if not self.due:
            self.sent = now
            self.due = len(MESSAGE) - 4
            self.sock.send(MESSAGE)

    def ready(self) -> bool:
        """Read; True when a whole echo is there."""
        try:
            got = len(self.sock.recv(4096))
        except BlockingIOError:
            return False
        if not got:
            raise SystemExit("a live session was closed")
        self.due -= got
        return not self.due


def run(
    epoll: select.epoll, port: int, asked: bytes, clients: int, live: dict[int, Live], seconds: float
) -> dict[str, float]:
    """The whole measurement. A message that could not be sent because the one before is late counts in that one."""
    visitors = {}
    for visitor in [Visitor(epoll, port, asked) for _ in range(clients)]:
        visitors[visitor.sock.fileno()] = visitor
    now = time.perf_counter()
    started, end = now, now + seconds
    turns = [(now + EVERY_S * number / max(1, len(live)), number) for number in range(len(live))]
    by_number = list(live.values())
    trips = array.array("d")
    handshakes = 0
    while now < end:
        wait = max(0.0, turns[0][0] - now) if turns else 0.1
        ready = epoll.poll(wait)
        for fd, _ in ready:  # those who are measured first
            session = live.get(fd)
            if session is not None and session.ready():
                trips.append(time.perf_counter() - session.sent)
        now = time.perf_counter()
        while turns and turns[0][0] <= now:
            when, number = heapq.heappop(turns)
            by_number[number].send(now)
            heapq.heappush(turns, (max(when + EVERY_S, now), number))
        for fd, what in ready:
            visitor = visitors.get(fd)
            if visitor is not None and visitor.ready(what):
                handshakes += 1
                del visitors[fd]
                visitor.come()
                visitors[visitor.sock.fileno()] = visitor
        now = time.perf_counter()
    found: dict[str, float] = {"handshakes": handshakes, "per_second": handshakes / (now - started)}
    if trips:
        ordered = sorted(trips)
        for name, part in (("p50_us", 0.5), ("p99_us", 0.99), ("p999_us", 0.999)):
            found[name] = ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1e6
        found["max_us"] = ordered[-1] * 1e6
    return found


def main(arguments: list[str]) -> None:
    """See the module."""
    port, path, clients, live, seconds = arguments[:5]
    sessions = [Live(connect(port, path, arguments[5:])) for _ in range(int(live))]
    epoll = select.epoll()
    for session in sessions:
        epoll.register(session.sock.fileno(), select.EPOLLIN | select.EPOLLET)
    print("connected", flush=True)
    sys.stdin.readline()
    by_fd = {session.sock.fileno(): session for session in sessions}
    asked = request(port, path, arguments[5:])
    print(json.dumps(run(epoll, int(port), asked, int(clients), by_fd, float(seconds))), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main(sys.argv[1:])
