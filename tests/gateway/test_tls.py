"""TLS in the poller: records however they are cut, goodbyes of either side, new keys, and what is no TLS at all."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess

import pytest

from gateway.relay import Ending, Link, SocketLeg, TlsLayer, TlsLeg
from gateway.relay.tls import PLAIN
from tests.gateway.backends import Backend
from tests.gateway.faults import request
from tests.gateway.legs import Owner, client_tls, server_tls, tcp
from tests.gateway.world import World
from tests.wires import CLOSE, close, frame, take

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
BIG = bytes(range(256)) * 400


def pair(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> tuple[TlsLayer, TlsLayer]:
    """Server and client, neither of whom has said anything."""
    theirs = ssl.create_default_context()
    theirs.check_hostname, theirs.verify_mode = False, ssl.CERT_NONE
    theirs.maximum_version = version
    client = TlsLayer(theirs, server_side=False)
    client.begin()
    return TlsLayer(server_tls(), server_side=True), client


def cut(receiver: TlsLayer, data: bytes, most: int) -> bytes:
    """What the receiver hears, `most` bytes at a time."""
    return b"".join(receiver.opened(data[at : at + most]) for at in range(0, len(data), most))


def shake(server: TlsLayer, client: TlsLayer, most: int = 1 << 20) -> None:
    for _ in range(5):
        assert cut(server, client.outgoing(), most) == b""
        assert cut(client, server.outgoing(), most) == b""
    assert server.established
    assert client.established


@pytest.mark.parametrize("most", [1, 3, 100, 16_400, 1 << 20])
@pytest.mark.parametrize("version", VERSIONS, ids=["1.2", "1.3"])
def test_records_are_opened_however_they_are_cut(version: ssl.TLSVersion, most: int) -> None:
    server, client = pair(version)
    shake(server, client, most)
    assert cut(server, client.sealed(b"hello"), most) == b"hello"
    assert cut(server, client.sealed(b"one") + client.sealed(b"two") + client.sealed(b"three"), most) == b"onetwothree"
    assert cut(client, b"".join(server.records(BIG)), most) == BIG
    assert len(server.records(BIG)) == -(-len(BIG) // PLAIN)


@pytest.mark.parametrize("version", VERSIONS, ids=["1.2", "1.3"])
def test_who_has_said_goodbye_still_hears_the_other(version: ssl.TLSVersion) -> None:
    server, client = pair(version)
    shake(server, client)
    assert server.opened(client.sealed(b"last words") + client.goodbye()) == b"last words"
    assert server.ended
    assert client.goodbye() == b""
    assert client.opened(b"".join(server.records(BIG))) == BIG
    assert not client.ended
    assert client.opened(server.sealed(b"and the answer") + server.goodbye()) == b"and the answer"
    assert client.ended


def test_nothing_after_a_goodbye_is_heard() -> None:
    server, client = pair()
    shake(server, client)
    late = client.sealed(b"before") + client.goodbye()
    assert server.opened(late + late) == b"before"
    assert server.opened(late) == b""


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x80\x40\x01\x03\x01" + bytes(100),  # a hello of SSL 2
        bytes(50),
        b"\x16\x03\x01\xff\xff",  # a record that would be too long
        b"\x17\x03\x03\x00\x05hello",
    ],
)
def test_what_is_no_tls_is_refused_at_once(garbage: bytes) -> None:
    server, _ = pair()
    with pytest.raises(ssl.SSLError):
        server.opened(garbage)
    assert not server.established


@pytest.mark.parametrize("garbage", [b"\x81\x85\0\0\0\0hello", b"\x17\x03\x03\x00\x20" + bytes(32)])
def test_what_is_not_authentic_ends_an_established_connection_with_an_alert(garbage: bytes) -> None:
    server, client = pair()
    shake(server, client)
    with pytest.raises(ssl.SSLError):
        server.opened(garbage)
    with pytest.raises(ssl.SSLError):
        client.opened(server.outgoing())


async def test_a_client_that_says_goodbye_in_both_languages_at_once_still_gets_its_answer() -> None:
    loop = asyncio.get_running_loop()
    server, client = pair()
    shake(server, client)
    owner = Owner()
    link = Link(loop, owner)
    (sam, near), (backend, far) = tcp(), tcp()
    link.join(TlsLeg(link, owner.scanner_in, near.detach(), server), SocketLeg(link, owner.scanner_out, far.detach()))
    link.start(b"", b"", b"")
    goodbye = close(1000, b"that is all", masked=True)
    await loop.sock_sendall(sam, client.sealed(goodbye) + client.goodbye())
    assert await asyncio.wait_for(loop.sock_recv(backend, 1000), 5) == goodbye
    await loop.sock_sendall(backend, close(1000, b"that is all", masked=False))
    heard = b""
    while not client.ended:
        came = await asyncio.wait_for(loop.sock_recv(sam, 65536), 5)
        assert came, "the connection ended without close_notify"
        heard += client.opened(came)
    seen, rest = take(heard)
    assert seen is not None
    assert (seen.opcode, seen.code, rest) == (CLOSE, 1000, b"")
    assert await owner.ending() == Ending("client", 1000, "that is all", "close")
    for sock in (sam, backend):
        sock.close()


async def test_a_session_that_is_cut_off_has_no_regular_end() -> None:
    loop = asyncio.get_running_loop()
    server, client = pair()
    shake(server, client)
    owner = Owner()
    link = Link(loop, owner)
    (sam, near), (backend, far) = tcp(), tcp()
    link.join(TlsLeg(link, owner.scanner_in, near.detach(), server), SocketLeg(link, owner.scanner_out, far.detach()))
    link.start(b"", b"", b"")
    link.abort()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(loop.sock_recv(sam, 65536), 5)
    for sock in (sam, backend):
        sock.close()


def test_the_gateway_trusts_nobody_with_a_wrong_name() -> None:
    server = TlsLayer(server_tls(), server_side=True)
    client = TlsLayer(client_tls(), server_side=False, server_hostname="somebody-else.example")
    client.begin()
    server.opened(client.outgoing())
    with pytest.raises(ssl.SSLCertVerificationError):
        client.opened(server.outgoing())
    assert not client.established


@pytest.mark.skipif(shutil.which("openssl") is None, reason="only OpenSSL's own client asks for new keys")
def test_sessions_go_on_with_new_keys(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{world.gateway.wss_port}", "-tls1_3"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as sam:
        assert sam.stdin is not None
        assert sam.stdout is not None
        heard = b""

        def until_heard(what: bytes) -> None:
            nonlocal heard
            while what not in heard:
                more = sam.stdout.read1(65536)  # type: ignore[union-attr]
                assert more, heard
                heard += more
            heard = heard[heard.index(what) + len(what) :]

        def say(data: bytes) -> None:
            sam.stdin.write(data)  # type: ignore[union-attr]
            sam.stdin.flush()  # type: ignore[union-attr]

        try:
            say(request(deal))
            until_heard(b"101 Switching Protocols")
            for number in range(5):
                say(b"K\n")  # new keys, and an answer with new keys, please
                until_heard(b"KEYUPDATE")
                text = b"after %d" % number
                say(frame(1, text, masked=True))
                until_heard(text)
        finally:
            sam.kill()


def test_a_client_that_only_connects_to_the_tls_port_and_leaves_is_no_news(world: World) -> None:
    before = world.gateway.log.read_text()
    for said in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01"):
        with socket.create_connection(("127.0.0.1", world.gateway.wss_port), 10) as eve:
            eve.sendall(said)
            eve.shutdown(socket.SHUT_WR)
            assert len(eve.recv(100)) < 100
            assert eve.recv(100) == b""
    assert world.gateway.log.read_text()[len(before) :].count("Traceback") == 0
    assert world.gateway.health()["status"] == "up"
