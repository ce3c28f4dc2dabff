"""Dial an endpoint that asks for more than a connection: TLS of its own, a proxy, and a proof of who the gateway is.

The plain way (`gateway.upstreams.dial`) knows nothing of this; `gateway.dialling` comes here only for endpoints with
extras. Source: RFC 6750, RFC 7616, RFC 7617, RFC 6749; CONTRACT section 5.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Final

from gateway.core.digest import Challenge, choose_challenge
from gateway.core.extras import ClientCertificate, Digest, Extras, Lost, OAuth2, bearer, with_header
from gateway.meters import without_secrets
from gateway.running import in_task
from gateway.upstream_tls import context_of
from gateway.upstream_tokens import NO_CREDENTIALS, Source, Tokens, fetch
from gateway.upstreams import DialError, Target, Upstream, dial

UNAUTHORIZED: Final = 401
CHALLENGES: Final = 1024
_challenges: Final[dict[tuple[str, Digest], Challenge]] = {}
tokens: Final = Tokens(fetch, time.monotonic)


async def dial_secured(target: Target, extras: Extras) -> Upstream:
    """Connect and upgrade as the endpoint asks for.

    Args:
        target: its headers and path hold already what is the same for every handshake (`Extras.dress`).

    Raises:
        DialError: see there; "no_credentials" where the proof could not be had.
    """
    await in_task()
    proof = extras.proof
    if isinstance(proof, Lost):
        raise DialError(NO_CREDENTIALS, "connect", "the endpoint's secrets cannot be read with this SECRET_KEY")
    target = replace(target, proxy=extras.proxy, server_name=extras.tls.server_name, extras=None)
    if target.url.startswith("wss:"):
        shown = proof if isinstance(proof, ClientCertificate) else None
        try:
            target = replace(target, tls=await context_of(extras.tls, shown, without_secrets(target.url)) or target.tls)
        except OSError as error:
            raise DialError(NO_CREDENTIALS, "connect", f"the certificates cannot be used: {error}") from None
    if isinstance(proof, OAuth2):
        return await _with_token(target, Source(proof, extras.proxy, extras.tls.ca))
    if isinstance(proof, Digest):
        return await _with_digest(target, proof)
    return await dial(target)


async def _with_token(target: Target, source: Source) -> Upstream:
    """Show a token; if the upstream does not take one that was kept, get another one and try once more."""
    token, new = await tokens.get(source)
    try:
        return await dial(_saying(target, bearer(token)))
    except DialError as error:
        if error.status != UNAUTHORIZED or new or not tokens.doubt(source, token):
            raise
    token, _ = await tokens.get(source)
    try:
        return await dial(_saying(target, bearer(token)))
    except DialError as error:
        if error.status == UNAUTHORIZED:
            tokens.refused(source)
        raise


async def _with_digest(target: Target, proof: Digest) -> Upstream:
    """Answer the challenge that is known; if there is none, or another one comes back, answer that one once."""
    key = target.url, proof
    known = _challenges.get(key)
    try:
        return await dial(target if known is None else _saying(target, _answer(target, proof, known)))
    except DialError as error:
        challenge = choose_challenge(error.challenges) if error.status == UNAUTHORIZED else None
        if challenge is None or (known is not None and known.nonce == challenge.nonce):
            raise
    if len(_challenges) >= CHALLENGES:
        _challenges.clear()
    _challenges[key] = challenge
    try:
        return await dial(_saying(target, _answer(target, proof, challenge)))
    except DialError as error:
        if error.status == UNAUTHORIZED:
            _challenges.pop(key, None)
        raise


def _answer(target: Target, proof: Digest, challenge: Challenge) -> tuple[bytes, bytes]:
    uri = target.path_and_query.decode("ascii")
    return b"authorization", challenge.authorization("GET", uri, proof.username, proof.password, os.urandom(16).hex())


def _saying(target: Target, header: tuple[bytes, bytes]) -> Target:
    return replace(target, headers=with_header(target.headers, header))
