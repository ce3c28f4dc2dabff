"""Request heads that came before, and what their next comings need not work out again.

A client that comes back, and the next of a thousand devices of one application, sends the same head but for its key.
From the third time on such a head is told by its digest. No credential is kept: what a head holds of values that may be
somebody's secret is kept as places, and cut out of the head at hand.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from gateway.core.handshake import Plain, Upgrade, check_key, parse_request

if TYPE_CHECKING:
    from gateway.core.recalling import Admitted

LONGEST: Final = 4_096  # bytes of a head that is kept
KEPT: Final = 1_024  # heads; about 3 KB each
SEEN: Final = 16_384  # digests of those that came once
KEY_LINE: Final = b"\r\nSec-WebSocket-Key: "  # as nearly everybody spells it; whoever does not is read anew each time
KEY_BYTES: Final = 24
PLAIN_VALUES: Final = frozenset(
    b"host upgrade connection origin user-agent accept accept-encoding accept-language cache-control pragma "
    b"sec-websocket-version sec-websocket-extensions sec-fetch-dest sec-fetch-mode sec-fetch-site".split()
)
"""Names of headers whose values are nobody's secret, whatever they are."""
SECRET_ONLY_HERE: Final = frozenset({b"authorization", b"apikey", b"sec-websocket-key"})

Cut = tuple[int, bytes, int, int]  # number of the header, its name, and from where to where its value stands


class Familiar:
    """One such head.

    Attributes:
        origin: of the page that a browser came from, or "".
        passes: no value travels on that is not kept here.
        admitted: what somebody came to who showed it (`gateway.core.recalling`), or None.
    """

    __slots__ = ("_cuts", "_headers", "_path", "_raw_path", "admitted", "origin", "passes")

    def __init__(self, head: bytes, request: Upgrade) -> None:
        self._raw_path = request.raw_path
        self._path = request.path
        self._headers = [pair if pair[0] in PLAIN_VALUES else (pair[0], b"") for pair in request.headers]
        self._cuts = _cuts(head, request.headers)
        self.origin = next((value.decode("latin-1") for name, value in request.headers if name == b"origin"), "")
        self.passes = all(cut[1] in SECRET_ONLY_HERE for cut in self._cuts)
        self.admitted: Admitted | None = None

    def upgrade(self, head: bytes, key: bytes) -> Upgrade:
        """The request, as `parse_request` would read it."""
        headers = self._headers.copy()
        for number, name, start, end in self._cuts:
            headers[number] = (name, head[start:end])
        return Upgrade(self._raw_path, self._path, b"", headers, key, [], self)


def _cuts(head: bytes, headers: list[tuple[bytes, bytes]]) -> tuple[Cut, ...]:
    """Where the values stand that are not kept."""
    found: list[Cut] = []
    at, number = head.index(b"\r\n") + 2, 0
    for line in head[at:-4].split(b"\r\n"):
        name, _, value = line.partition(b":")
        if b"_" not in name:  # of those the request knows nothing
            if name.lower() not in PLAIN_VALUES:
                start = at + len(name) + 1 + len(value) - len(value.lstrip(b" \t"))
                found.append((number, headers[number][0], start, start + len(headers[number][1])))
            number += 1
        at += len(line) + 2
    return tuple(found)


class Heads:
    """Reads requests, and remembers."""

    __slots__ = ("_known", "_seen")

    def __init__(self) -> None:
        self._known: dict[bytes, Familiar] = {}
        self._seen: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._known)

    def read(self, head: bytes) -> Upgrade | Plain:
        """As `gateway.core.handshake.parse_request`, which see."""
        start = head.find(KEY_LINE) + len(KEY_LINE)
        end = start + KEY_BYTES
        if start < len(KEY_LINE) or len(head) > LONGEST:
            return parse_request(head)
        # Where the key stood is told by the line before it: heads of one digest differ in nothing else.
        name = blake2b(head[:start] + head[end:], digest_size=32).digest()
        known = self._known.get(name)
        key = head[start:end]
        if known is not None:
            check_key(key)
            return known.upgrade(head, key)
        request = parse_request(head)
        if isinstance(request, Upgrade) and request.key == key:
            self._came(name, head, request)
        return request

    def _came(self, name: bytes, head: bytes, request: Upgrade) -> None:
        """It is a good one: kept if it has come before, but not with a query or an offer, which may hold anything."""
        if request.query or request.subprotocols:
            return
        if name not in self._seen:
            if len(self._seen) >= SEEN:
                self._seen.clear()
            self._seen.add(name)
            return
        if len(self._known) >= KEPT:
            self._known.clear()
        self._seen.discard(name)
        self._known[name] = Familiar(head, request)


heads: Final = Heads()
"""Those of this process."""
