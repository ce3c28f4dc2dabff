"""What wsportal writes to its log: one line per event, JSON in `serve`, readable in `up`, never a secret.

Everything goes through here, whether it comes from structlog or from the standard library's loggers of
Django, Daphne and the rest. Logs go to stderr.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED: Final = "[redacted]"
_DEPTH_LIMIT: Final = 6

_SECRET_NAME: Final = re.compile(
    r"authorization|token|secret|password|passwd|cookie|api.?key|ticket|credential|assertion|private.?key|signature|"
    r"sec-websocket-protocol|^code_verifier$|^pin$",
    re.IGNORECASE,
)
_NUMBERS: Final = frozenset({int, float, bool, type(None)})
_LEVELS: Final = {"warn": "warning", "exception": "error"}  # as structlog.stdlib.add_log_level has it
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
_clean: Final[dict[str, str]] = {}
"""Texts that were looked through and hold nothing, and how JSON writes them: most come again with every session. None
with a credential in it is ever kept here."""
_quote: Final = json.encoder.encode_basestring_ascii
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def redact_text(text: str) -> str:
    """The text without what looks like a credential."""

    def replacement(match: re.Match[str]) -> str:
        kept = next((group for group in match.groups() if group), "")
        return f"{kept}{REDACTED}"

    if text in _clean:
        return text
    # Most values are ids, which are told by one look: all the forms cost ten times as much.
    redacted = _SECRET_TEXT.sub(replacement, text) if _MAY_BE_SECRET_TEXT.search(text) else text
    if redacted == text and len(text) <= CLEAN_LENGTH:
        if len(_clean) >= CLEAN_TEXTS:
            _clean.clear()
        _clean[text] = _quote(text)
    return redacted


@lru_cache(maxsize=1024)  # the names of fields are few, and each line would search the same ones again
def _is_secret_name(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None and name.lower() not in _PLAIN_NAME


@lru_cache(maxsize=1024)  # each kind of event has its own names
def _members(names: tuple[str, ...]) -> tuple[tuple[str, bool], ...]:
    """How the members of an object with these names begin, and which are secret."""
    return tuple((f"{_quote(name)}: ", _is_secret_name(name)) for name in names)


def _redact(name: str, value: Any, depth: int = 0) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if _is_secret_name(name):
        return REDACTED
    if depth >= _DEPTH_LIMIT:
        return "..."
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return redact_text(bytes(value).decode("latin-1"))
    if isinstance(value, Mapping):
        return {str(key): _redact(str(key), item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        if len(value) == 2 and isinstance(value, tuple) and isinstance(value[0], str | bytes):
            # A header as ASGI carries it.
            first = value[0] if isinstance(value[0], str) else value[0].decode("latin-1")
            return [first, _redact(first, value[1], depth + 1)]
        return [_redact(name, item, depth + 1) for item in value]
    return redact_text(str(value))


def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A structlog processor: no field and no text leaves with a credential in it."""
    return {key: value if key.startswith("_") else _redact(key, value) for key, value in event.items()}


def one_line(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A structlog processor: a line break in a value cannot forge a second log line.

    Only a traceback stays readable; its lines are set in, so none of them can be taken for an event.
    """
    return {key: _escaped(key, value) if isinstance(value, str) else value for key, value in event.items()}


def _escaped(key: str, text: str) -> str:
    if key in ("exception", "stack"):
        return "\n".join("    " + _escaped("", line) for line in text.splitlines())
    return _CONTROL.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), text)


def _json_encoder() -> Callable[[Any], str]:
    """One encoder for all lines: `json.dumps` makes new ones for each. `redact` has left nothing it does not know."""
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # an interpreter without the accelerator
        return json.JSONEncoder(default=repr).encode
    chunks = make(None, repr, json.encoder.encode_basestring_ascii, None, ": ", ", ", False, False, True)
    return lambda value: "".join(chunks(value, 0))


_to_json: Final = _json_encoder()


class _Direct:
    """Where the events of our own loggers go in `serve`: finished lines, one write each, straight to stderr.

    By way of the standard library every line costs two log records, a walk up the stack and a handler's lock, which
    was a fifth of the CPU time of a whole handshake.
    """

    def __init__(self, name: str = "wsportal") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        """Write one line. A log that cannot be written (a full disk, a pipe nobody reads) stops no session."""
        try:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            return

    debug = info = warning = error = critical = exception = msg


class _Line:
    """The one processor of our own loggers in `serve`: an event becomes its line at once.

    What it does is what the processors in `slowly` do one after the other; those are asked where a traceback or what
    was bound to the context belongs to the event. For the line at the end of a session this is a sixth of their cost.
    """

    def __init__(self, slowly: Sequence[Processor]) -> None:
        self._slowly = slowly

    def __call__(self, logger: Any, method: str, event: EventDict) -> str:
        """See structlog: the finished line."""
        context = structlog.contextvars.get_contextvars()
        if context or "exc_info" in event or "stack_info" in event:
            result: Any = event
            for step in self._slowly:
                result = step(logger, method, result)
            return str(result)
        parts = []
        for (start, secret), value in zip(_members(tuple(event)), event.values(), strict=True):
            kind = type(value)
            if kind is int:
                text = str(value)
            elif secret and value is not None:
                text = _to_json(_redact("token", value))
            elif kind is str:
                text = _clean.get(value) or _quote(redact_text(value))
            elif kind is list and _NUMBERS.issuperset(map(type, value)):
                text = _to_json(value)
            else:
                text = _to_json(_redact("", value))
            parts.append(start + text)
        level = _LEVELS.get(method, method)
        moment = datetime.now(UTC).isoformat()[:-6]
        parts.append(f'"level": "{level}", "logger": {_quote(logger.name)}, "timestamp": "{moment}Z"')
        return "{" + ", ".join(parts) + "}"


class _Logger(structlog.make_filtering_bound_logger(logging.INFO)):  # type: ignore[misc]  # made at runtime
    """The usual bound logger, with a short way for what is said most."""

    def info(self, event: str | None = None, *args: Any, **fields: Any) -> Any:
        """See structlog."""
        if args or event is None:
            return super().info(event, *args, **fields)
        fields = {**self._context, **fields, "event": event}
        return self._logger.msg(self._processors[0](self._logger, "info", fields))


def configure(mode: str) -> dict[str, Any]:
    """Set up structlog, and return what Django's LOGGING setting needs so that all others do the same.

    Args:
        mode: `up`, `serve` or `test` (see wsportal.env).
    """
    entry: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso" if mode == "serve" else "%H:%M:%S", utc=mode == "serve"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    to_json = structlog.processors.JSONRenderer(lambda event, **_: _to_json(event))
    if mode == "serve":
        structlog.configure(
            processors=[_Line([*entry, redact, to_json])],
            logger_factory=_Direct,
            wrapper_class=_Logger,
            cache_logger_on_first_use=True,
        )
    else:
        structlog.configure(
            processors=[
                structlog.stdlib.filter_by_level,
                structlog.stdlib.PositionalArgumentsFormatter(),
                *entry,
                structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
            ],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
            cache_logger_on_first_use=mode != "test",
        )
    last: list[Processor] = (
        [to_json]
        if mode == "serve"
        else [one_line, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "wsportal": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [structlog.stdlib.ExtraAdder(), *entry],
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, *last],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "wsportal"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "wsportal": {"level": "INFO"},
            "gateway": {"level": "INFO"},
            "apis": {"level": "INFO"},
            # Django hands its own messages to a handler of its own and warns about every 4xx, which are answers here.
            "django": {"handlers": [], "level": "WARNING", "propagate": True},
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            "django.security": {"level": "ERROR"},
            "daphne": {"level": "WARNING"},
            "oauth2_provider": {"level": "ERROR"},
            "axes": {"level": "ERROR"},
        },
    }
