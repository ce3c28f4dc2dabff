"""New keys in TLS 1.3: whoever asks for them is answered, and whoever asks without end costs little and is gone."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Iterator

import pytest

from gateway.relay import Ending, Link, SocketLeg, TlsLayer, TlsLeg, tls
from gateway.relay.tls_leg import UNTAKEN_BYTES
from tests.gateway.key_updates import SSL, Rekeying
from tests.gateway.legs import Owner, server_tls, tcp
from tests.wires import TEXT, frame

pytestmark = pytest.mark.skipif(SSL is None, reason="OpenSSL is not a library of its own here")


@pytest.fixture
def eve() -> Iterator[Rekeying]:
    made = Rekeying()
    yield made
    made.close()


def meet(eve: Rekeying) -> TlsLayer:
    """The gateway's end, after the handshake with eve."""
    server = TlsLayer(server_tls(), server_side=True)
    for _ in range(3):
        server.opened(eve.said())
        eve.hear(server.outgoing())
    assert server.established
    return server


def test_every_update_of_keys_is_answered_and_what_is_said_under_new_keys_is_heard(eve: Rekeying) -> None:
    server = meet(eve)
    usual = server.sealed(b"from me 00")
    eve.hear(usual)
    for number in range(tls.QUIET_RECORDS):
        assert server.opened(eve.update()) == b""
        assert server.news
        answer = server.outgoing() + server.sealed(b"from me %02d" % number)
        assert len(answer) > len(usual)
        assert eve.hear(answer) == b"from me %02d" % number
        assert server.opened(eve.say(b"to you %d" % number)) == b"to you %d" % number


@pytest.mark.parametrize("between", [b"", b"a word"], ids=["and-nothing-else", "with-words-in-between"])
@pytest.mark.parametrize("at_once", [1, 6000], ids=["one-by-one", "in-one-read"])
def test_who_asks_for_new_keys_without_end_is_refused_after_a_few(eve: Rekeying, at_once: int, between: bytes) -> None:
    server = meet(eve)
    flood = [eve.update() + (eve.say(between) if between else b"") for _ in range(6000)]
    reads = [b"".join(flood[at : at + at_once]) for at in range(0, len(flood), at_once)]
    spent = time.thread_time()
    with pytest.raises(ssl.SSLError, match="too many records"):
        [server.opened(read) for read in reads]
    spent = time.thread_time() - spent
    size = len(eve.update())
    assert len(server.outgoing()) <= 2 * size * tls.QUIET_RECORDS  # the answers that are kept for her
    assert spent < 0.03  # each takes 21 us, all of them would take four times as long as this


def test_updates_of_keys_spread_over_time_are_welcome(eve: Rekeying, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(tls, "monotonic", lambda: now)
    server = meet(eve)
    for _ in range(10 * tls.QUIET_RECORDS):
        now += tls.QUIET_S / tls.QUIET_RECORDS * 1.01
        assert server.opened(eve.update()) == b""
    eve.hear(server.outgoing())
    assert eve.hear(server.sealed(b"still here")) == b"still here"


class Corridor:
    """eve's socket, and the session that it belongs to."""

    def __init__(self, server: TlsLayer) -> None:
        self.owner = Owner()
        link = Link(asyncio.get_running_loop(), self.owner)
        (self.eve, near), (self.backend, far) = tcp(), tcp()
        for sock, which in ((near, socket.SO_SNDBUF), (self.eve, socket.SO_RCVBUF)):
            sock.setsockopt(socket.SOL_SOCKET, which, 4096)
        self.leg = TlsLeg(link, self.owner.scanner_in, near.detach(), server)
        link.join(self.leg, SocketLeg(link, self.owner.scanner_out, far.detach()))
        link.start(b"", b"", b"")

    async def send(self, data: bytes) -> None:
        await asyncio.wait_for(asyncio.get_running_loop().sock_sendall(self.eve, data), 20)

    def close(self) -> None:
        self.eve.close()
        self.backend.close()


async def flooded(corridor: Corridor, more: Callable[[], bytes], most: int) -> int:
    """eve sends and never reads until her session is over. Returns: the most bytes that waited for her."""
    waited = 0
    for _ in range(most):
        try:
            await corridor.send(more())
        except OSError:
            break
        await asyncio.sleep(0)
        waited = max(waited, corridor.leg.unsent())
        if corridor.owner.endings:
            break
    assert await corridor.owner.ending() == Ending("client", 1006, "", "reset")
    return waited


async def test_a_flood_of_updates_ends_the_session_and_nobody_waits_for_it(eve: Rekeying) -> None:
    corridor = Corridor(meet(eve))
    await corridor.send(eve.say(frame(TEXT, b"hello", masked=True)))
    heard = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(corridor.backend, 1000), 5)
    assert heard == frame(TEXT, b"hello", masked=True)
    flood = [b"".join([eve.update() for _ in range(1000)]) for _ in range(10)]
    spent = time.thread_time()
    waited = await flooded(corridor, lambda: flood.pop(0), 10)
    assert time.thread_time() - spent < 0.1  # all of them would take twice as long
    assert waited <= 100 * tls.QUIET_RECORDS
    corridor.close()


async def test_answers_that_eve_never_reads_wait_up_to_a_bound(eve: Rekeying, monkeypatch: pytest.MonkeyPatch) -> None:
    # as if she took hours: her updates come slowly enough to be welcome
    monkeypatch.setattr(tls, "QUIET_RECORDS", 1 << 40)
    corridor = Corridor(meet(eve))
    waited = await flooded(corridor, lambda: b"".join([eve.update() for _ in range(200)]), 3_000)
    assert UNTAKEN_BYTES // 2 < waited <= UNTAKEN_BYTES + 2 * 81920
    corridor.close()
