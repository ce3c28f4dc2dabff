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
from time import time_ns
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from gateway.known import Known
from wsportal.redaction import CLEAN, REDACTED, is_secret_name, quote, redact, redact_text, redacted

__all__ = ["REDACTED", "configure", "one_line", "redact", "redact_text"]

_NUMBERS: Final = frozenset({int, float, bool, type(None)})
_WHOLE: Final = {int}
_LEVELS: Final = {"warn": "warning", "exception": "error"}  # as structlog.stdlib.add_log_level has it
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@lru_cache(maxsize=1024)  # each kind of event has its own names
def _members(names: tuple[str, ...]) -> tuple[tuple[str, bool], ...]:
    """How the members of an object with these names begin, and which are secret."""
    return tuple((f"{quote(name)}: ", is_secret_name(name)) for name in names)


def spread(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A structlog processor: the fields of `known` are the event's own."""
    known = event.get("known")
    if isinstance(known, Known):
        del event["known"]
        return {**known.fields(), **event}
    return event


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
        level = _LEVELS.get(method, method)
        end = f'"level": "{level}", "logger": {quote(logger.name)}, "timestamp": "{_now()}"'
        return f"{{{_written(event)}, {end}}}"


def _written(fields: Mapping[str, Any]) -> str:
    """The members of an object with these fields, none of them with a credential in it."""
    parts = []
    for (start, secret), value in zip(_members(tuple(fields)), fields.values(), strict=True):
        kind = type(value)
        if kind is int:
            parts.append(f"{start}{value}")
        elif isinstance(value, Known):
            parts.append(value.members(_text))
        elif secret and value is not None:
            parts.append(start + _to_json(redacted("token", value)))
        elif kind is str:
            parts.append(start + _text(value))
        elif kind is list and _WHOLE.issuperset(map(type, value)):
            parts.append(f"{start}{value}")  # as JSON has it, too
        else:
            plain = kind in _NUMBERS or (kind is list and _NUMBERS.issuperset(map(type, value)))
            parts.append(start + _to_json(value if plain else redacted("", value)))
    return ", ".join(parts)


def _text(text: str) -> str:
    return CLEAN.get(text) or quote(redact_text(text))


_second: tuple[int, str] = (0, "")  # and how its moments begin


def _now() -> str:
    """The present moment as ISO 8601 in UTC, microseconds included."""
    global _second  # noqa: PLW0603 - whoever finds another one there has read both at once
    seconds, nanoseconds = divmod(time_ns(), 1_000_000_000)
    known, begins = _second
    if seconds != known:
        begins = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}."
        _second = seconds, begins
    return f"{begins}{nanoseconds // 1000:06}Z"


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
        spread,
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
