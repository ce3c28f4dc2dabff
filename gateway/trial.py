"""Try an endpoint step by step and say in plain words how far it went: name, TCP, TLS, proxy, token, upgrade.

The same pieces as a real handshake (`gateway.upstreams`, `gateway.upstream_auth`), taken one by one, and the same guard
on the addresses. Nothing that is shared with live sessions is touched: a trial may run on an event loop of its own.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from apis.words import phrase
from gateway.core.digest import Challenge, choose_challenge
from gateway.core.extras import ClientCertificate, Digest, Extras, OAuth2, bearer, with_header
from gateway.core.upstream_handshake import Answer, BadAnswer, parse_answer, upgrade_request
from gateway.exchanges import TransportExchange
from gateway.names import resolve
from gateway.sockets import connect_any, keep_alive
from gateway.targets import DialError
from gateway.trial_words import certificate_facts, certificate_words, why
from gateway.upstream_tls import make_context
from gateway.upstream_tokens import Source, fetch
from gateway.upstreams import host_header, reach

MOST_S: Final = 15.0
"""No URL takes longer, whatever its own timeouts are: a person waits for it."""
PEEK_S: Final = 3.0  # to look at a certificate that is not trusted
UNAUTHORIZED: Final = 401


@dataclass(frozen=True, slots=True)
class Subject:
    """What is tried.

    Attributes:
        extras: as in `gateway.core.extras`; None for a plain endpoint.
        connect_s, handshake_s: the endpoint's own timeouts.
        allowed: whether an IP address may be dialled.
        subprotocols: offered, as a client would write them, or None.
    """

    url: str
    extras: Extras | None
    connect_s: float
    handshake_s: float
    allowed: Callable[[str], bool]
    subprotocols: bytes | None = None


@dataclass(slots=True)
class Step:
    """One step: its name, whether it went well, how long it took, and what happened in a sentence and as facts."""

    name: str
    ok: bool = False
    ms: float = 0.0
    says: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Trial:
    """What became of one URL: the steps as far as it came, `problem` the sentence of the one that failed."""

    url: str
    ok: bool = False
    ms: float = 0.0
    problem: str = ""
    steps: list[Step] = field(default_factory=list)


class _Stop(Exception):
    """A step failed; it is written down."""


async def try_all(subjects: Sequence[Subject]) -> list[Trial]:
    """All URLs at once, each for MOST_S seconds at most."""
    return list(await asyncio.gather(*(try_url(subject) for subject in subjects)))


async def try_url(subject: Subject) -> Trial:
    """Go through all steps of a handshake with one URL, then close politely. Never raises."""
    trial = Trial(subject.url)
    began = time.monotonic()
    try:
        await _Walk(subject, trial).go()
        trial.ok = True
    except _Stop:
        trial.problem = trial.steps[-1].says
    trial.ms = _ms(began)
    return trial


def _ms(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 1)


class _Walk:
    """One trial under way."""

    def __init__(self, subject: Subject, trial: Trial) -> None:
        self.subject = subject
        self.trial = trial
        self.extras = subject.extras or Extras()
        self.url: SplitResult = urlsplit(subject.url)
        self.secure = self.url.scheme == "wss"
        self.host = self.url.hostname or ""
        self.port = self.url.port or (443 if self.secure else 80)
        self.end = time.monotonic() + MOST_S

    async def go(self) -> None:
        header = await self._token() if isinstance(self.extras.proof, OAuth2) else None
        limit = phrase("the connect timeout is {connect_s:g} s", connect_s=self.subject.connect_s)
        until = min(self.end, time.monotonic() + self.subject.connect_s)
        sock = await self._connect(until, limit)
        exchange = await self._wrap(sock, until, limit)
        try:
            await self._upgrade(exchange, header)
        finally:
            exchange.close()

    @asynccontextmanager
    async def _step(self, name: str, until: float, limit: str) -> AsyncIterator[Step]:
        """Write a step down, whatever becomes of it. Raises: _Stop."""
        step = Step(name)
        self.trial.steps.append(step)
        began = time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, min(until, self.end) - began)):
                yield step
            step.ok = True
        except TimeoutError:
            step.says = phrase(
                "There was no answer in time ({limit}).",
                limit=limit if until < self.end else f"a test ends after {MOST_S:g} s",
            )
            raise _Stop from None
        except (DialError, OSError, BadAnswer, ValueError) as error:
            step.says = step.says or why(error, f"{self.host}:{self.port}", secure=self.secure)
            raise _Stop from None
        finally:
            step.ms = _ms(began)

    async def _token(self) -> tuple[bytes, bytes]:
        proof = self.extras.proof
        assert isinstance(proof, OAuth2)  # noqa: S101  (for the type checker)
        async with self._step("token", self.end, "") as step:
            value, life_s = await fetch(Source(proof, self.extras.proxy, self.extras.tls.ca))
            step.says = phrase("The token server gave a token for {life_s:g} s.", life_s=life_s)
        return bearer(value)

    async def _connect(self, until: float, limit: str) -> Any:
        proxy = self.extras.proxy
        if proxy is not None and proxy.serves(self.host):
            async with self._step("proxy", until, limit) as step:
                sock, address = await reach(self.host, self.port, self.subject.allowed, proxy)
                step.says = f"{proxy.host}:{proxy.port} ({address}) connected to {self.host}:{self.port}."
                step.facts = {"address": address}
            return sock
        async with self._step("dns", until, limit) as step:
            found = await resolve(self.host, self.port)
            addresses = list(dict.fromkeys(str(address[0]) for _, address in found))
            step.facts = {"addresses": addresses}
            permitted = [one for one in found if self.subject.allowed(str(one[1][0]))]
            if not permitted:
                raise DialError("forbidden_address", "connect", ", ".join(addresses))
            step.says = phrase("{host} is {addresses}.", host=self.host, addresses=", ".join(addresses))
        async with self._step("tcp", until, limit) as step:
            sock, address = await connect_any(asyncio.get_running_loop(), permitted)
            step.says, step.facts = (
                phrase("{address} port {port} accepted the connection.", address=address, port=self.port),
                {"address": address},
            )
        return sock

    async def _wrap(self, sock: Any, until: float, limit: str) -> TransportExchange:
        keep_alive(sock)
        try:
            if not self.secure:
                return await _transport(sock)
            async with self._step("tls", until, limit) as step:
                name = self.extras.tls.server_name or self.host
                context = await self._context()
                try:
                    exchange = await _transport(sock, ssl=context, server_hostname=name)
                except ssl.SSLCertVerificationError as error:
                    step.says = why(error, name, secure=True)
                    step.facts = await self._peek(name)
                    raise
                step.facts = certificate_facts(_tls_of(exchange), verified=self.extras.tls.verify)
                step.says = certificate_words(step.facts)
            return exchange
        except BaseException:
            sock.close()
            raise

    async def _context(self) -> ssl.SSLContext:
        proof = self.extras.proof
        shown = proof if isinstance(proof, ClientCertificate) else None
        return await asyncio.get_running_loop().run_in_executor(None, make_context, self.extras.tls, shown)

    async def _peek(self, name: str) -> dict[str, Any]:
        """The certificate that was not trusted, seen over a connection that carries nothing else."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            async with asyncio.timeout(PEEK_S):
                sock, _ = await reach(self.host, self.port, self.subject.allowed, self.extras.proxy)
                exchange = await _transport(sock, ssl=context, server_hostname=name)
        except (OSError, DialError, TimeoutError):
            return {}
        try:
            return certificate_facts(_tls_of(exchange), verified=False)
        finally:
            exchange.close()

    async def _upgrade(self, exchange: TransportExchange, header: tuple[bytes, bytes] | None) -> None:
        limit = phrase("the handshake timeout is {handshake_s:g} s", handshake_s=self.subject.handshake_s)
        until = time.monotonic() + self.subject.handshake_s
        async with self._step("upgrade", until, limit) as step:
            try:
                answer = await self._ask(exchange, self._request(header))
            except BadAnswer as error:
                step.facts = {"status": error.status} if error.status else {}
                challenge = choose_challenge(error.challenges) if error.status == UNAUTHORIZED else None
                if not isinstance(self.extras.proof, Digest) or challenge is None:
                    raise
                step.facts = {}
                answer = await self._once_more(challenge, self.extras.proof)
            chosen = answer.subprotocol.decode("latin-1") if answer.subprotocol else None
            step.facts = {"status": 101, "subprotocol": chosen}
            step.says = "It answered 101: a client would be connected now."

    async def _once_more(self, challenge: Challenge, proof: Digest) -> Answer:
        """The first answer was the challenge; the second request, on a connection of its own, answers it."""
        path = self._target()[0].decode("ascii")
        value = challenge.authorization("GET", path, proof.username, proof.password, os.urandom(16).hex())
        sock, _ = await reach(self.host, self.port, self.subject.allowed, self.extras.proxy)
        options: dict[str, Any] = {}
        if self.secure:
            options = {"ssl": await self._context(), "server_hostname": self.extras.tls.server_name or self.host}
        exchange = await _transport(sock, **options)
        try:
            return await self._ask(exchange, self._request((b"authorization", value)))
        finally:
            exchange.close()

    def _target(self) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        """Path and query, and the endpoint's own headers."""
        path = (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")
        return self.extras.dress(path.encode("ascii"), [])

    def _request(self, header: tuple[bytes, bytes] | None) -> tuple[bytes, bytes]:
        """(key, request)."""
        key = b64encode(os.urandom(16))
        target, headers = self._target()
        if header is not None:
            headers = with_header(headers, header)
        host, offer = host_header(self.url), self.subject.subprotocols
        return key, upgrade_request(host, target, key=key, headers=headers, subprotocols=offer, extensions=None)

    async def _ask(self, exchange: TransportExchange, request: tuple[bytes, bytes]) -> Answer:
        """The upstream's 101, after which it is told that nothing follows. Raises: BadAnswer."""
        key, data = request
        head, _ = await exchange.ask(data)
        answer = parse_answer(head, key, self.subject.subprotocols, None)
        if exchange.transport is not None:
            mask = os.urandom(4)
            code = bytes(byte ^ mask[index] for index, byte in enumerate((1000).to_bytes(2, "big")))
            exchange.transport.write(b"\x88\x82" + mask + code)  # RFC 6455 section 5.5.1: a normal closure
            exchange.transport.close()
        return answer


async def _transport(sock: Any, **tls: Any) -> TransportExchange:
    try:
        _, exchange = await asyncio.get_running_loop().create_connection(TransportExchange, sock=sock, **tls)
    except BaseException:
        sock.close()
        raise
    return exchange


def _tls_of(exchange: TransportExchange) -> ssl.SSLObject:
    assert exchange.transport is not None  # noqa: S101  (it is connected)
    found: ssl.SSLObject = exchange.transport.get_extra_info("ssl_object")
    return found
