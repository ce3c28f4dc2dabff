"""The gateway's own upgrade request to an upstream, and the judgement of its answer (sans-IO).

Only a 101 that proves it understood the request opens a session: everything else is an error, whatever bytes follow it
(CVE-2024-23326, CVE-2026-73548). Source: RFC 6455 section 4.1, CONTRACT section 5.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.core.answers import accept_key, render_head
from gateway.core.handshake import HEAD_LIMIT, VERSION, lists, read_header_lines

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) (\d{3})(?: [\t -~\x80-\xff]*)?")
_NO_TARGET: Final = re.compile(rb"[\r\n\0 ]")
ANSWERS_KEPT: Final = 256
LONGEST_KEPT: Final = 2_048  # bytes of an answer
_PERMESSAGE: Final = b"permessage-"
# What the gateway writes itself, or what belongs to one hop only
_OURS: Final = frozenset(
    b"connection upgrade sec-websocket-accept sec-websocket-protocol sec-websocket-extensions sec-websocket-version "
    b"content-length transfer-encoding keep-alive server date".split()
)


class BadAnswer(Exception):
    """The upstream did not upgrade.

    Args:
        detail: what was wrong, for the log.
        status: its HTTP status if it answered with another than 101, else None: the answer was nonsense.
        challenges: values of WWW-Authenticate that came with the status.
    """

    def __init__(self, detail: str, status: int | None = None, challenges: Sequence[bytes] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.challenges = challenges


@dataclass(slots=True)  # not frozen: to set each field by way of object.__setattr__ costs more than all checks
class Answer:
    """An upstream's valid 101: what it chose, and its further headers (cookies, say)."""

    subprotocol: bytes | None
    extensions: bytes | None
    headers: list[tuple[bytes, bytes]]


def offered_extensions(extensions: bytes | None) -> bytes | None:
    """What of a client's offer the relay can carry: the permessage family, whose only mark on a frame is RSV1 of a
    message's first (RFC 7692). An extension with other marks would make every one of its frames illegal here."""
    if not extensions:
        return None
    items = [item.strip() for item in extensions.split(b",")]
    return b", ".join(item for item in items if item.lower().startswith(_PERMESSAGE)) or None


def upgrade_request(
    host: bytes,
    path_and_query: bytes,
    *,
    key: bytes,
    headers: Sequence[tuple[bytes, bytes]],
    subprotocols: bytes | None,
    extensions: bytes | None,
) -> bytes:
    """The request to an upstream.

    Args:
        host: host and, unless it is the scheme's own, port of the endpoint.
        key: 16 random bytes in base64.
        headers: everything else that it shall know.
        subprotocols, extensions: the offers, or None.
    Raises:
        ValueError: a header or the path would break out of its line.
    """
    if not path_and_query.startswith(b"/") or not path_and_query.isascii() or _NO_TARGET.search(path_and_query):
        raise ValueError("the path is not a request target")
    pairs = [
        (b"Host", host),
        (b"Upgrade", b"websocket"),
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Version", VERSION.encode()),
        (b"Sec-WebSocket-Key", key),
    ]
    if subprotocols:
        pairs.append((b"Sec-WebSocket-Protocol", subprotocols))
    if extensions:
        pairs.append((b"Sec-WebSocket-Extensions", extensions))
    return render_head(b"GET " + path_and_query + b" HTTP/1.1", [*pairs, *headers])


class Form:
    """The request of one head to one URL, with blanks for its key and its id; the first one made becomes the form.

    Attributes:
        extensions: that are offered.
    """

    __slots__ = ("_parts", "extensions")

    def __init__(self) -> None:
        self._parts: tuple[bytes, bytes, bytes] | None = None
        self.extensions: bytes | None = None

    @property
    def learnt(self) -> bool:
        """Whether a request can be made by it."""
        return self._parts is not None

    def filled(self, key: bytes, request_id: bytes) -> bytes:
        """The request. `learnt` it must be."""
        assert self._parts is not None  # noqa: S101
        before, between, after = self._parts
        return b"".join((before, key, between, request_id, after))

    def learn(self, request: bytes, key: bytes, request_id: bytes, extensions: bytes | None) -> None:
        """Take the form of a request with this key and, behind it, this id."""
        if request.count(key) == 1 and request.count(request_id) == 1:
            before, _, rest = request.partition(key)
            between, found, after = rest.partition(request_id)
            if found:
                self._parts, self.extensions = (before, between, after), extensions


def answer_end(data: bytes | bytearray) -> int:
    """Where the answer's head ends, blank line included, or 0 while it is not complete.

    Raises:
        BadAnswer: it is too large, or no HTTP at all.
    """
    end = data.find(b"\r\n\r\n") + 4
    if end > HEAD_LIMIT or (end < 4 and len(data) >= HEAD_LIMIT):
        raise BadAnswer("the head of the answer is too large")
    if end >= 4:
        return end
    if not b"HTTP/1.".startswith(bytes(data[:7])):
        raise BadAnswer("the answer is not HTTP")
    return 0


def parse_answer(head: bytes, key: bytes, subprotocols: bytes | None, extensions: bytes | None) -> Answer:
    """Judge a whole head of an answer (RFC 6455 section 4.1, the six points on the server's response).

    Args:
        head: blank line included.
        key, subprotocols, extensions: as they were sent.
    Raises:
        BadAnswer: it does not open a session.
    """
    accept = accept_key(key)
    before, found, after = head.partition(accept)
    shape = before, after, subprotocols, extensions
    known = _known.get(shape)
    if known is not None and found:
        return known
    answer = _judged(head, accept, subprotocols, extensions)
    if b"set-cookie:" not in head.lower() and accept not in after and len(head) <= LONGEST_KEPT:
        if len(_known) >= ANSWERS_KEPT:
            _known.clear()
        _known[shape] = answer
    return answer


_known: Final[dict[tuple[bytes, bytes, bytes | None, bytes | None], Answer]] = {}
"""Answers that were judged, by all that is in them but the proof that the request was understood: each backend gives
the same one to everybody. None with a cookie, which may be somebody's secret."""


def _judged(head: bytes, accept: bytes, subprotocols: bytes | None, extensions: bytes | None) -> Answer:
    first, _, fields = head[:-2].partition(b"\r\n")
    matched = _STATUS_LINE.fullmatch(first)
    if not matched:
        raise BadAnswer("the status line is malformed")
    status = int(matched[2])
    if status != 101 or matched[1] != b"1":
        challenges = _values(read_header_lines(fields) or (), b"www-authenticate")
        raise BadAnswer(f"the answer is {status}, not 101", status, challenges)
    headers = read_header_lines(fields)
    if headers is None:
        raise BadAnswer("a header line of the answer is malformed")
    named = _by_name(headers)
    if not lists(named.get(b"upgrade", b""), b"websocket") or not lists(named.get(b"connection", b""), b"upgrade"):
        raise BadAnswer("the answer lacks Upgrade: websocket or Connection: Upgrade")
    if named.get(b"sec-websocket-accept") != accept:
        raise BadAnswer("Sec-WebSocket-Accept is missing or wrong")
    return Answer(
        _chosen_subprotocol(named.get(b"sec-websocket-protocol"), subprotocols),
        _chosen_extensions(named.get(b"sec-websocket-extensions"), extensions),
        [header for header in headers if header[0] not in _OURS],
    )


def _values(headers: Sequence[tuple[bytes, bytes]], wanted: bytes) -> list[bytes]:
    return [value for name, value in headers if name == wanted]


def _by_name(headers: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Lines of one name are one list (RFC 9110 section 5.3)."""
    named = dict(headers)
    if len(named) != len(headers):
        named = {name: b", ".join(filter(None, _values(headers, name))) for name in named}
    return named


def _chosen_subprotocol(chosen: bytes | None, offered: bytes | None) -> bytes | None:
    if chosen is None:
        return None
    if chosen not in [item.strip() for item in (offered or b"").split(b",")]:
        raise BadAnswer("the answer chose a subprotocol that was not offered")
    return chosen or None


def _chosen_extensions(chosen: bytes | None, offered: bytes | None) -> bytes | None:
    if not chosen:
        return None
    known = {_extension_name(item) for item in (offered or b"").split(b",")}
    names = [_extension_name(item) for item in chosen.split(b",")]
    # only one of the family may be in use: they all mean something else by RSV1 (RFC 7692 section 5)
    if not set(names) <= known or len(names) > 1:
        raise BadAnswer("the answer chose an extension that was not offered")
    return chosen


def _extension_name(item: bytes) -> bytes:
    return item.partition(b";")[0].strip().lower()
