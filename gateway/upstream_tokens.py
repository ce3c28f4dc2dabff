"""OAuth 2.0 tokens for upstreams: fetched once for everybody who waits, kept until shortly before they expire.

Source: RFC 6749 sections 2.3.1, 4.3, 4.4 and 5; CONTRACT section 5. No secret and no token is ever logged.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

from gateway import conf
from gateway.core.extras import OAuth2, Proxy
from gateway.fetching import BadReply, post
from gateway.upstreams import DialError

NO_CREDENTIALS: Final = "no_credentials"
FETCH_S: Final = 10.0  # for the token server altogether
LIFE_S: Final = 300.0  # of a token that does not say how long it lives (RFC 6749 section 5.1 leaves it open)
MARGIN_S: Final = 30.0  # a token is renewed so long before it expires, or a tenth of its life where that is less
SPARE_S: Final = 1.0  # a token server that failed is left alone for so long
REFUSED_S: Final = 10.0  # an upstream that refused a new token, too, gets no newer one for so long
TOKENS: Final = 1024
_TOKEN: Final = re.compile(r"[!-~]{1,16384}")
_ERROR: Final = re.compile(r"[a-z_]{1,60}")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a token comes from: the grant, and how the token server is reached and trusted."""

    grant: OAuth2
    proxy: Proxy | None = None
    ca: str = field(default="", repr=False)


@dataclass(slots=True)
class Token:
    """A fetched token; `until` by the loop's clock."""

    value: str = field(repr=False)
    until: float


Fetch = Callable[[Source], Awaitable[tuple[str, float]]]


class Tokens:
    """The tokens of one process.

    Args:
        fetch: gets a token and its life in seconds; raises DialError of the kind NO_CREDENTIALS.
        clock: seconds that are never set.
    """

    def __init__(self, fetch: Fetch, clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._known: OrderedDict[Source, Token] = OrderedDict()
        self._fetching: dict[Source, asyncio.Future[Token]] = {}
        self._failed: dict[Source, tuple[float, DialError]] = {}
        self._refused: dict[Source, float] = {}

    async def get(self, source: Source) -> tuple[str, bool]:
        """A token, and whether it was fetched only now.

        Raises:
            DialError: none could be had.
        """
        now = self._clock()
        known = self._known.get(source)
        if known is not None and now < known.until:
            return known.value, False
        failed = self._failed.get(source)
        if failed is not None and now < failed[0]:
            raise DialError(failed[1].kind, failed[1].phase, failed[1].detail)
        fetching = self._fetching.get(source)
        if fetching is None:
            fetching = self._fetching[source] = asyncio.ensure_future(self._renew(source))
            fetching.add_done_callback(lambda done: done.cancelled() or done.exception())  # looked at, come what may
        # Whoever waits may give up; the others still want it.
        return (await asyncio.shield(fetching)).value, True

    async def _renew(self, source: Source) -> Token:
        try:
            value, life_s = await self._fetch(source)
        except DialError as error:
            now = self._clock()
            self._failed = {one: failed for one, failed in self._failed.items() if now < failed[0]}
            self._failed[source] = now + SPARE_S, error
            raise
        finally:
            del self._fetching[source]
        self._failed.pop(source, None)
        token = Token(value, self._clock() + life_s - min(MARGIN_S, life_s / 10))
        self._known[source] = token
        while len(self._known) > TOKENS:
            self._known.popitem(last=False)
        return token

    def doubt(self, source: Source, value: str) -> bool:
        """An upstream answered 401 to a token that was kept: whether to get another one and try again."""
        known = self._known.get(source)
        if known is not None and known.value == value:
            if self._clock() < self._refused.get(source, 0.0):
                return False
            del self._known[source]
        return True

    def refused(self, source: Source) -> None:
        """It refused the new one, too: the token is not what is wrong."""
        self._refused = {one: until for one, until in self._refused.items() if until > self._clock()}
        self._refused[source] = self._clock() + REFUSED_S


async def fetch(source: Source) -> tuple[str, float]:
    """Ask the token server: the token, and its life in seconds.

    Raises:
        DialError: NO_CREDENTIALS, with what happened.
    """
    grant = source.grant
    server = urlsplit(grant.token_url).netloc.rpartition("@")[2]
    # RFC 6749 section 3.2 wants TLS; inside an operator's own networks it is theirs to decide.
    allowed = conf.may_dial if grant.token_url.startswith("https:") else conf.named_by_operator
    try:
        async with asyncio.timeout(FETCH_S):
            tls = await asyncio.get_running_loop().run_in_executor(None, _trust, source.ca)
            status, body = await post(
                grant.token_url, _form(grant), _headers(grant), allowed=allowed, proxy=source.proxy, tls=tls
            )
    except TimeoutError:
        raise _none(f"the token server {server} did not answer within {FETCH_S:g} s") from None
    except (OSError, BadReply) as error:
        raise _none(f"the token server {server} failed: {error}") from None
    except DialError as error:
        hint = "" if allowed is conf.may_dial else " (in the clear only ALLOWED_UPSTREAM_NETWORKS are)"
        raise _none(f"the token server {server} cannot be reached: {error.detail}{hint}") from None
    return _read(server, status, body)


def _form(grant: OAuth2) -> bytes:
    facts: dict[str, str] = {"grant_type": grant.grant}
    if grant.grant == "password":
        facts |= {"username": grant.username, "password": grant.password}
    if grant.scopes:
        facts["scope"] = " ".join(grant.scopes)
    return urlencode(facts).encode()


def _headers(grant: OAuth2) -> dict[str, str]:
    """Client authentication by HTTP Basic, which every token server must support (RFC 6749 section 2.3.1)."""
    pair = f"{quote_plus(grant.client_id)}:{quote_plus(grant.client_secret)}"
    return {
        "Authorization": "Basic " + b64encode(pair.encode()).decode(),
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }


def _trust(ca: str) -> ssl.SSLContext:
    """The system's authorities, and the endpoint's own besides; a token server is always verified."""
    context = ssl.create_default_context()
    if ca:
        context.load_verify_locations(cadata=ca)
    return context


def _read(server: str, status: int, body: bytes) -> tuple[str, float]:
    try:
        answer: Any = json.loads(body)
    except ValueError:
        answer = None
    facts = answer if isinstance(answer, dict) else {}
    if status != 200:
        word = facts.get("error")
        known = f" ({word})" if isinstance(word, str) and _ERROR.fullmatch(word) else ""
        raise _none(f"the token server {server} answered {status}{known}")
    token, kind = facts.get("access_token"), facts.get("token_type", "bearer")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token) or str(kind).lower() != "bearer":
        raise _none(f"the token server {server} answered no bearer token")
    life = facts.get("expires_in")
    if isinstance(life, bool) or not isinstance(life, int | float):
        return token, LIFE_S
    return token, float(max(0, life))


def _none(detail: str) -> DialError:
    return DialError(NO_CREDENTIALS, "connect", detail)
