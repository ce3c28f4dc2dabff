"""What eve writes into a handshake to be taken for somebody else, or for two: on plain and on TLS connections."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from apis.services.securing import security_configure
from tests.gateway.ends import Corridor, End, header
from tests.gateway.faults import runtime
from tests.gateway.world import World


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "tls"])
def corridor(world: World, request: pytest.FixtureRequest) -> Iterator[Corridor]:
    """An API whose backend is told by X-JWT-Assertion who comes."""
    made = Corridor(world, request.param)
    security_configure(actor=world.actors["paul"], api=made.deal.api, settings={"backend_jwt": True})
    runtime(world, made.deal)
    yield made
    made.close()


def refused(corridor: Corridor, sam: End) -> tuple[bytes, str]:
    """Status and code of the answer, behind which the connection ends; nobody was dialled for it."""
    head, body = sam.head(), sam.rest()
    sam.close()
    corridor.listener.settimeout(0.1)
    try:
        with pytest.raises(TimeoutError):
            corridor.listener.accept()
    finally:
        corridor.listener.settimeout(10)
    return head.split(b" ")[1], json.loads(body[: int(header(head, "Content-Length")[0])])["code"]


@pytest.mark.parametrize(
    ("lines", "behind"),
    [
        (("Content-Length: 5",), b"hello"),
        (("Content-Length: 0",), b""),
        (("Transfer-Encoding: chunked",), b"5\r\nhello\r\n0\r\n\r\n"),
        (("Content-Length: 5", "Transfer-Encoding: chunked"), b"0\r\n\r\n"),
        ((), b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"),
        ((), b"POST /admin HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"),
    ],
    ids=["body", "empty", "chunked", "both", "get", "post"],
)
def test_an_upgrade_with_a_body_or_another_request_behind_it_is_refused_and_reaches_nobody(
    corridor: Corridor, lines: tuple[str, ...], behind: bytes
) -> None:
    assert refused(corridor, corridor.knock(*lines, behind=behind)) == (b"400", "bad_request")


@pytest.mark.parametrize("offered", ["zürich", "chat, z\u0142oty", "caf\u00e9"])
def test_a_subprotocol_that_is_not_ascii_is_refused_and_reaches_nobody(corridor: Corridor, offered: str) -> None:
    sam = corridor.knock(f"Sec-WebSocket-Protocol: {offered}")
    assert refused(corridor, sam) == (b"400", "bad_request")


@pytest.mark.parametrize("second", ["Bearer {token}", "Bearer somebody-elses", "Basic c2FtOnNhbQ==", ""])
def test_two_authorization_headers_are_no_credential(corridor: Corridor, second: str) -> None:
    sam = corridor.knock("Authorization: " + second.format(token=corridor.deal.token))
    assert refused(corridor, sam) == (b"401", "missing_credentials")


OURS = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Request-ID", "X-JWT-Assertion")


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("hop_by_hop", [False, True], ids=["sent", "named in Connection"])
def test_the_backend_hears_of_the_client_from_the_gateway_only(corridor: Corridor, name: str, hop_by_hop: bool) -> None:
    """Whatever eve sends under the same name, with underscores, or to have ours taken for headers of one hop."""
    lines = [f"{name}: eve", f"{name.lower()}: eve", f"{name.replace('-', '_')}: eve"]
    if hop_by_hop:
        lines.append(f"Connection: {name}, {name.replace('-', '_')}")
    with corridor.session(tuple(lines)) as session:
        (said,) = header(session.request, name)
        assert said
        assert b"eve" not in session.request
        assert b"_" not in b"".join(line.partition(b":")[0] for line in session.request.split(b"\r\n")[1:])
        if name == "X-Request-ID":
            assert header(session.answer, name) == [said]
