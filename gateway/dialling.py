"""Find an upstream that answers: the endpoint's URLs in the strategy's order, without those that are left alone.

What goes wrong becomes the refusal of CONTRACT section 5, and what the URL's suspension counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog

from gateway import conf
from gateway.core.endpoints import EndpointState, Url
from gateway.core.rejections import Rejection
from gateway.core.suspension import (
    BAD_RESPONSE,
    CONNECT_FAILED,
    CONNECT_TIMEOUT,
    HANDSHAKE_TIMEOUT,
    SERVER_ERROR,
)
from gateway.doorway import ANSWER_WAIT_S
from gateway.meters import without_secrets
from gateway.running import in_task
from gateway.upstream_auth import dial_secured
from gateway.upstream_tokens import NO_CREDENTIALS
from gateway.upstreams import DialError, Target, Upstream, dial

log = structlog.get_logger("gateway")

FORBIDDEN_ADDRESS: Final = "forbidden_address"
LONGEST_WAIT_S: Final = ANSWER_WAIT_S - 5  # the doorway gives up on us a little later
EXHAUSTED: Final = "exhausted"  # ours is the fault, and the next URL would meet it, too
REFUSED: Final = "refused"  # an answer of the backend's own: it lives, so nothing else is tried and nothing counts
ENDS_HERE: Final = frozenset({REFUSED, EXHAUSTED, NO_CREDENTIALS})


def counted_as(error: DialError) -> str:
    """The word that a suspension policy uses for this failure; "" for one that says nothing about the URL's health."""
    if error.kind == "timeout":
        return CONNECT_TIMEOUT if error.phase == "connect" else HANDSHAKE_TIMEOUT
    words = {"unreachable": CONNECT_FAILED, "bad_response": BAD_RESPONSE, "server_error": SERVER_ERROR}
    return words.get(error.kind, "")


def refusal(error: DialError) -> Rejection:
    """What the client is told: an upstream's own 4xx passes on, its other answers become 502."""
    if error.status is not None:
        status = error.status if 400 <= error.status < 500 else 0
        return Rejection("upstream_refused", f"The endpoint of this API answered {error.status}.", status)
    codes = {"timeout": "upstream_timeout", "bad_response": "upstream_bad_response", EXHAUSTED: "overloaded"}
    return Rejection(codes.get(error.kind, "upstream_unreachable"))


async def dial_any(
    state: EndpointState,
    target_of: Callable[[str], Target],
    clock: Callable[[], float],
    chosen: str | None = None,
) -> tuple[Url, Upstream]:
    """Dial until one answers.

    Args:
        target_of: what to dial for a URL of the endpoint.
        clock: seconds that are never set: a suspension is a duration.
        chosen: the only URL to dial, where a dynamic endpoint chose one.

    Returns:
        The URL, whose sessions are not counted up yet, and its upgraded connection, which the caller must use or close.

    Raises:
        Rejection: what became of the last one tried; upstream_suspended where none may be tried.
    """
    last: DialError | None = None
    began = clock()
    timeouts = state.config.timeouts
    longest_s = timeouts.connect_s + timeouts.handshake_s  # of one URL
    for url in state.candidates(began, chosen):
        target = target_of(url.url)
        work = _dial(url, target, clock)
        try:
            if last is None and target.extras is None and longest_s <= LONGEST_WAIT_S:
                return url, await work  # its own limits are enough
            return url, await _within(began + _budget_s(longest_s) - clock(), work)
        except DialError as error:
            last = error
            if error.kind in ENDS_HERE or (error.kind == "timeout" and timeouts.action == "refuse"):
                break
        except TimeoutError:
            break
    raise refusal(last) if last is not None else Rejection("upstream_timeout")


async def _within(left_s: float, work: Coroutine[Any, Any, Upstream]) -> Upstream:
    """Wait for it no longer than that."""
    await in_task()
    async with asyncio.timeout(left_s):
        return await work


def _budget_s(longest_s: float) -> float:
    """How long a client waits for all URLs together: at least as long as the endpoint gives a single one."""
    return min(max(conf.get("DIAL_BUDGET_S"), longest_s), LONGEST_WAIT_S)


async def _dial(url: Url, target: Target, clock: Callable[[], float]) -> Upstream:
    url.sessions += 1  # a dial under way weighs like a session, or a burst would all go to one URL
    try:
        upstream = await (dial(target) if target.extras is None else dial_secured(target, target.extras))
    except DialError as error:
        word = counted_as(error)
        if word or error.kind in {FORBIDDEN_ADDRESS, NO_CREDENTIALS}:
            url.error = word or error.kind
        if word:
            url.suspension.failed(word, clock())
        elif error.kind == REFUSED:
            url.suspension.succeeded()
        else:
            url.suspension.abandoned()
        if error.kind == FORBIDDEN_ADDRESS:
            log.warning("upstream_address_forbidden", upstream=without_secrets(url.url))
        elif error.kind == NO_CREDENTIALS:
            log.warning("upstream_credentials_unavailable", upstream=without_secrets(url.url), detail=error.detail)
        raise
    except BaseException:
        url.suspension.abandoned()
        raise
    finally:
        url.sessions -= 1
    url.suspension.succeeded()
    url.error = ""
    return upstream
