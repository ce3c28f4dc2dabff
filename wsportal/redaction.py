"""What must not be read in a log: texts and fields are looked through, and credentials are left out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from structlog.typing import EventDict, WrappedLogger

REDACTED: Final = "[redacted]"
_DEPTH_LIMIT: Final = 6

_SECRET_NAME: Final = re.compile(
    r"authorization|token|secret|password|passwd|cookie|api.?key|ticket|credential|assertion|private.?key|signature|"
    r"sec-websocket-protocol|^code_verifier$|^pin$",
    re.IGNORECASE,
)
# Names that hold a word from above and no secret.
_PLAIN_NAME: Final = frozenset({"token_type", "token_endpoint", "key_type"})

_SECRET_TEXT: Final = re.compile(
    r"""
      (?P<scheme>\b(?:Bearer|Basic|Digest)\s+)[^\s,;'"]+            # RFC 6750 section 2.1, RFC 7617
    | (?P<protocol>base64url\.bearer\.authorization\.)[\w.\-=]+     # CONTRACT section 5
    | (?P<name>\b(?:access_token|refresh_token|id_token|token|api_?key|ticket|client_secret|secret|password|
        code_verifier|sessionid|wsportal_session\w*|wsportal_csrf\w*|csrfmiddlewaretoken)["']?\s*[=:]\s*["']?)[^\s&;,"'}\]]+
    | (?P<code>[?&]code=)[^\s&"']+                                  # RFC 6749 section 4.1.2
    | (?P<url>\b[a-z][a-z0-9+.\-]*://[^\s/:@]*:)[^\s/@]+(?=@)       # user:password@host
    | \beyJ[\w\-]+\.[\w\-]+\.[\w\-]*                                # a JWT
    """,
    re.IGNORECASE | re.VERBOSE,
)
_MAY_BE_SECRET_TEXT: Final = re.compile(r"[\s.=:]")  # each of the forms above holds one of these
CLEAN_TEXTS: Final = 4096
CLEAN_LENGTH: Final = 200
CLEAN: Final[dict[str, str]] = {}
"""Texts that are no mere ids, were looked through and hold nothing, and how JSON writes them: most come again with
every session. None with a credential in it is ever kept here."""
quote: Final = json.encoder.encode_basestring_ascii


def redact_text(text: str) -> str:
    """The text without what looks like a credential."""
    # Most values are ids, which are told by one look: all the forms cost ten times as much.
    if text in CLEAN or not _MAY_BE_SECRET_TEXT.search(text):
        return text
    kept = _SECRET_TEXT.sub(_replacement, text)
    if kept == text and len(text) <= CLEAN_LENGTH:
        if len(CLEAN) >= CLEAN_TEXTS:
            CLEAN.clear()
        CLEAN[text] = quote(text)
    return kept


def _replacement(match: re.Match[str]) -> str:
    kept = next((group for group in match.groups() if group), "")
    return f"{kept}{REDACTED}"


@lru_cache(maxsize=1024)  # the names of fields are few, and each line would search the same ones again
def is_secret_name(name: str) -> bool:
    """Whether what a field of this name holds is nobody's to read."""
    return _SECRET_NAME.search(name) is not None and name.lower() not in _PLAIN_NAME


def redacted(name: str, value: Any, depth: int = 0) -> Any:
    """The value of a field, as plain JSON, without what looks like a credential."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if is_secret_name(name):
        return REDACTED
    if depth >= _DEPTH_LIMIT:
        return "..."
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return redact_text(bytes(value).decode("latin-1"))
    if isinstance(value, Mapping):
        return {str(key): redacted(str(key), item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        if len(value) == 2 and isinstance(value, tuple) and isinstance(value[0], str | bytes):
            # A header as ASGI carries it.
            first = value[0] if isinstance(value[0], str) else value[0].decode("latin-1")
            return [first, redacted(first, value[1], depth + 1)]
        return [redacted(name, item, depth + 1) for item in value]
    return redact_text(str(value))


def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A structlog processor: no field and no text leaves with a credential in it."""
    return {key: value if key.startswith("_") else redacted(key, value) for key, value in event.items()}
