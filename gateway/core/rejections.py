"""Every way the gateway says no: at the handshake (HTTP) and on a live session (WebSocket close).

One table for each. An error knows its wire code, so nothing else in the gateway spells a status,
a problem code or a close code. Source: CONTRACT sections 5 and 6; RFC 9457 (problem documents),
RFC 6750 section 3 (WWW-Authenticate), RFC 6455 section 7.4 (close codes).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

PROBLEM_TYPE: Final = "application/problem+json"
REASON_LIMIT: Final = 123  # RFC 6455 section 5.5: control frame payload 125 bytes, 2 of them the code

_BEARER: Final = ("WWW-Authenticate", "Bearer")
_INVALID_TOKEN: Final = ("WWW-Authenticate", 'Bearer error="invalid_token"')
_SCOPE: Final = ("WWW-Authenticate", 'Bearer error="insufficient_scope"')


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row of the handshake table: the HTTP status, what it means, and fixed headers."""

    status: int
    detail: str
    headers: tuple[tuple[str, str], ...] = ()


REFUSALS: Final[dict[str, Refusal]] = {
    "bad_request": Refusal(400, "The request is not a valid WebSocket upgrade."),
    "missing_credentials": Refusal(401, "No usable credential was sent with the handshake.", (_BEARER,)),
    "invalid_token": Refusal(401, "The access token is unknown, expired or revoked.", (_INVALID_TOKEN,)),
    "subscription_required": Refusal(403, "The application has no active subscription to this API."),
    "subscription_blocked": Refusal(403, "The subscription of this application is blocked."),
    "wrong_key_type": Refusal(403, "This API has no endpoint for the key type of the credential."),
    "insufficient_scope": Refusal(403, "The access token lacks a scope that this topic needs.", (_SCOPE,)),
    "denied": Refusal(403, "A deny policy refuses this client."),
    "origin_not_allowed": Refusal(403, "The Origin of this page is not allowed for this API."),
    "not_found": Refusal(404, "There is no such API, version or topic here."),
    "handshake_timeout": Refusal(408, "The request headers were not complete in time."),
    "upgrade_required": Refusal(426, "This address speaks WebSocket: send an upgrade request."),
    "quota_exceeded": Refusal(429, "The plan of this subscription is spent for the present window."),
    "too_many_connections": Refusal(429, "The plan allows no further concurrent session."),
    "header_too_large": Refusal(431, "The request line or headers are larger than the gateway accepts."),
    "internal_error": Refusal(500, "The gateway failed to handle this handshake."),
    "upstream_unreachable": Refusal(502, "The endpoint of this API could not be reached."),
    "upstream_bad_response": Refusal(502, "The endpoint of this API did not answer the upgrade properly."),
    "upstream_refused": Refusal(502, "The endpoint of this API refused the upgrade."),
    "api_blocked": Refusal(503, "This API is blocked for the time being."),
    "upstream_suspended": Refusal(503, "The endpoint of this API is suspended after repeated failures."),
    "draining": Refusal(503, "This gateway is shutting down; connect again.", (("Retry-After", "1"),)),
    "overloaded": Refusal(503, "This gateway cannot take another session now.", (("Retry-After", "5"),)),
    "upstream_timeout": Refusal(504, "The endpoint of this API did not answer in time."),
}


NO_MORE: Final[Mapping[str, Any]] = MappingProxyType({})


class Rejection(Exception):
    """A refused handshake.

    Args:
        code: a key of REFUSALS; it is also the problem document's `code`.
        detail: a sentence for this very case, or "" for the row's own.
        status: only for `upstream_refused`, where the upstream's own 4xx passes on.
        headers: further headers (`Retry-After`, `RateLimit`, ...); they take the place of the row's of that name.
        more: further members of the problem document, e.g. `limit`.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        status: int = 0,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        more: Mapping[str, Any] = NO_MORE,
    ) -> None:
        super().__init__(code)
        self.more = more
        row = REFUSALS[code]
        self.code = code
        self.detail = detail or row.detail
        self.status = status or row.status
        own = {name for name, _ in headers}
        self.headers: tuple[tuple[str, str], ...] = (*[pair for pair in row.headers if pair[0] not in own], *headers)

    def body(self) -> bytes:
        """The problem document (RFC 9457), UTF-8 JSON."""
        return json.dumps(
            {
                "type": "about:blank",
                "title": title(self.status),
                "status": self.status,
                "detail": self.detail,
                "code": self.code,
                **self.more,
            }
        ).encode()

    def all_headers(self) -> list[tuple[bytes, bytes]]:
        """Headers of the answer in wire form, Content-Type and Content-Length included."""
        pairs = [
            ("Content-Type", PROBLEM_TYPE),
            ("Content-Length", str(len(self.body()))),
            ("Cache-Control", "no-store"),
            *self.headers,
        ]
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


def title(status: int) -> str:
    """The standard phrase of an HTTP status; a status of an upstream's own making has none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Refused"


@dataclass(frozen=True, slots=True)
class CloseCode:
    """One row of the close-code table: `code`, its standing name, what it means, what the client should do."""

    code: int
    name: str
    means: str
    advice: str


GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
NO_STATUS: Final = 1005  # never sent (RFC 6455 section 7.4.1): a close frame without a code
ABNORMAL: Final = 1006  # never sent: the connection ended without a close frame
POLICY: Final = 1008
TOO_BIG: Final = 1009
GATEWAY_FAULT: Final = 1011
RESTARTING: Final = 1012
UPSTREAM_VANISHED: Final = 1014
SLOW_CONSUMER: Final = 4108
TOKEN_DEAD: Final = 4401
FORBIDDEN: Final = 4403
TIME_OVER: Final = 4408
REPLACED: Final = 4409
PLAN_SPENT: Final = 4429

CLOSE_CODES: Final[tuple[CloseCode, ...]] = (
    CloseCode(GOING_AWAY, "going_away", "The gateway is going away.", "Reconnect with jitter."),
    CloseCode(PROTOCOL_ERROR, "protocol_error", "An illegal frame; sent to both sides.", "Do not retry unchanged."),
    CloseCode(POLICY, "api_unavailable", "The API was blocked, retired or undeployed.", "Do not retry unchanged."),
    CloseCode(TOO_BIG, "message_too_big", "A message larger than the limit.", "Do not retry unchanged."),
    CloseCode(GATEWAY_FAULT, "gateway_fault", "The gateway failed.", "Back off, then reconnect."),
    CloseCode(RESTARTING, "restarting", "The gateway is draining, or the endpoint moved.", "Reconnect with jitter."),
    CloseCode(UPSTREAM_VANISHED, "upstream_vanished", "The endpoint vanished.", "Back off, then reconnect."),
    CloseCode(SLOW_CONSUMER, "slow_consumer", "The client reads too slowly.", "Back off, then reconnect."),
    CloseCode(TOKEN_DEAD, "token_invalid", "The token expired or was revoked.", "Get a new token first."),
    CloseCode(FORBIDDEN, "forbidden", "The subscription was blocked or removed, or a deny policy.", "Do not retry."),
    CloseCode(TIME_OVER, "time_over", "The session was idle or its time is over.", "Reconnect."),
    CloseCode(REPLACED, "replaced", "A newer connection took this one's place.", "Do not retry at once."),
    CloseCode(PLAN_SPENT, "quota_exceeded", "The plan is spent.", "Reconnect after `retry_after` seconds."),
)


# What is said of a spent limit: all of it, or the most telling that fits.
_TOLD: Final = (
    ("level", "name", "amount", "per", "kind"),
    ("level", "name", "per", "kind"),
    ("level", "name"),
    ("level", "per", "kind"),
)


def spent_reason(wait_s: int, limit: Mapping[str, int | str]) -> str:
    """The reason of 4429: how long to wait, and as much of which limit is spent as fits.

    Args:
        limit: `gateway.core.announcing.told`.
    """
    for names in _TOLD:
        facts = {name: limit[name] for name in names if name in limit}
        more = {"limit": facts} if facts else {}
        text = json.dumps(
            {"code": "quota_exceeded", "retry_after": wait_s, **more}, separators=(",", ":"), ensure_ascii=False
        )
        if len(text.encode()) <= REASON_LIMIT:
            return text
    return close_reason("quota_exceeded", retry_after=wait_s)


def close_reason(code: str, **facts: int | str) -> str:
    """The reason text of a close frame: compact JSON with the problem code, at most 123 bytes of UTF-8.

    Args:
        code: a word a client can switch on, e.g. "quota_exceeded".
        facts: further members, e.g. `retry_after` in seconds; dropped from the end if they do not fit.
    """
    while True:
        text = json.dumps({"code": code, **facts}, separators=(",", ":"), ensure_ascii=False)
        if len(text.encode()) <= REASON_LIMIT or not facts:
            return text
        facts.popitem()
