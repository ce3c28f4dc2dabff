"""What sam and the backend agree on in the handshake, subprotocol and compression, is theirs; the gateway watches."""

from __future__ import annotations

import itertools
import zlib

import pytest

from tests.gateway.ends import Corridor, header, message

# -- subprotocols -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ("graphql-transport-ws", "graphql-transport-ws"),
        ("graphql-transport-ws, graphql-ws", "graphql-ws"),
        ("v10.stomp, v11.stomp, v12.stomp", "v12.stomp"),
        ("v10.stomp,v11.stomp,v12.stomp", "v11.stomp"),
        ("mqtt", "mqtt"),
        ("mqttv3.1, mqtt", "mqtt"),
        ("wamp.2.json, wamp.2.msgpack, chat", "wamp.2.msgpack"),
        ("mqtt", None),
        ("graphql-transport-ws, mqtt", None),
        (None, None),
    ],
)
def test_subprotocols_are_between_sam_and_the_backend(
    corridor: Corridor, offered: str | None, chosen: str | None
) -> None:
    offer = (f"Sec-WebSocket-Protocol: {offered}",) if offered else ()
    choice = (f"Sec-WebSocket-Protocol: {chosen}",) if chosen else ()
    with corridor.session(offer, choice) as session:
        asked = [
            item.strip() for value in header(session.request, "Sec-WebSocket-Protocol") for item in value.split(",")
        ]
        assert asked == ([item.strip() for item in offered.split(",")] if offered else [])
        assert header(session.answer, "Sec-WebSocket-Protocol") == ([chosen] if chosen else [])
        session.passes("sam", message("sam"))


# -- compression --------------------------------------------------------------------------------------------------

OFFERS = [
    "; ".join(("permessage-deflate", *filter(None, parts)))
    for parts in itertools.product(
        ("", "client_max_window_bits", "client_max_window_bits=11"),
        ("", "server_max_window_bits=10"),
        ("", "client_no_context_takeover"),
        ("", "server_no_context_takeover"),
    )
]
ANSWERS = [
    ("permessage-deflate", 15, 15, False, False),
    ("permessage-deflate; client_max_window_bits=9", 9, 15, False, False),
    ("permessage-deflate; server_max_window_bits=9", 15, 9, False, False),
    ("permessage-deflate; client_no_context_takeover", 15, 15, True, False),
    ("permessage-deflate; server_no_context_takeover", 15, 15, False, True),
    (
        "permessage-deflate; server_max_window_bits=10; client_max_window_bits=12; "
        "client_no_context_takeover; server_no_context_takeover",
        12,
        10,
        True,
        True,
    ),
]
TEXTS = [b"the same words again and again " * 90, b"", b"the same words again and again " * 90, b"z"]


def deflated(text: bytes, packer: zlib._Compress) -> bytes:
    """RFC 7692 section 7.2.1."""
    return (packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


def compressed(sender: str, bits: int, no_takeover: bool) -> list[bytes]:
    """TEXTS as this end sends them, the first in two fragments: RSV1 marks the first of a message only."""
    frames, packer = [], zlib.compressobj(wbits=-bits)
    for text in TEXTS:
        packer = zlib.compressobj(wbits=-bits) if no_takeover else packer
        body = deflated(text, packer)
        frames.append(message(sender, body[:20], fin=False, rsv=0x40) + message(sender, body[20:], 0))
    return [*frames, message(sender, b"this one is not compressed")]


@pytest.mark.parametrize("offer", OFFERS)
def test_every_offer_of_compression_reaches_the_backend_as_sam_wrote_it(corridor: Corridor, offer: str) -> None:
    answer = "permessage-deflate; server_max_window_bits=10" if "server_max" in offer else "permessage-deflate"
    lines = (f"Sec-WebSocket-Extensions: {offer}",), (f"Sec-WebSocket-Extensions: {answer}",)
    with corridor.session(*lines) as session:
        assert header(session.request, "Sec-WebSocket-Extensions") == [offer]
        assert header(session.answer, "Sec-WebSocket-Extensions") == [answer]


@pytest.mark.parametrize(("answer", "in_bits", "out_bits", "in_reset", "out_reset"), ANSWERS)
def test_what_the_ends_agreed_about_compression_holds_and_compressed_frames_pass_as_they_are(
    corridor: Corridor, answer: str, in_bits: int, out_bits: int, in_reset: bool, out_reset: bool
) -> None:
    offer = "permessage-deflate; client_max_window_bits, permessage-deflate"
    lines = (f"Sec-WebSocket-Extensions: {offer}",), (f"Sec-WebSocket-Extensions: {answer}",)
    with corridor.session(*lines) as session:
        assert header(session.request, "Sec-WebSocket-Extensions") == [offer]
        assert header(session.answer, "Sec-WebSocket-Extensions") == [answer]
        for data in compressed("sam", in_bits, in_reset):
            session.passes("sam", data)
        for data in compressed("backend", out_bits, out_reset):
            session.passes("backend", data)


def test_a_backend_that_declines_compression_is_believed(corridor: Corridor) -> None:
    with corridor.session(("Sec-WebSocket-Extensions: permessage-deflate",)) as session:
        assert header(session.answer, "Sec-WebSocket-Extensions") == []
        session.passes("backend", message("backend"))


def test_offers_in_two_header_lines_are_one_list(corridor: Corridor) -> None:
    lines = (
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        "Sec-WebSocket-Extensions: permessage-deflate",
    )
    with corridor.session(lines) as session:
        offered = ", ".join(header(session.request, "Sec-WebSocket-Extensions"))
        assert offered == "permessage-deflate; client_max_window_bits, permessage-deflate"
