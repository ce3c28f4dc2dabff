"""What a service raises when it will not do what it was asked. Every screen turns these into its own words.

REST maps them to problem documents, forms to errors beside their fields, admin to messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apis.words import phrase


class ServiceError(Exception):
    """Base of all refusals of the control plane.

    Attributes:
        code: a stable word for machines.
        status: the HTTP status that fits, for REST and pages alike.
    """

    code = "error"
    status = 400

    def __init__(self, detail: str, *, code: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code


class Invalid(ServiceError):
    """Input that breaks a rule.

    Args:
        fields: field name (or "a/0/b" path inside nested input) -> sentences for it.
    """

    code = "invalid"
    status = 400

    def __init__(self, fields: Mapping[str, str | Sequence[str]], detail: str = "Some fields are not valid.") -> None:
        super().__init__(detail)
        self.fields: dict[str, list[str]] = {
            name: [texts] if isinstance(texts, str) else list(texts) for name, texts in fields.items()
        }

    def __str__(self) -> str:
        return " ".join(f"{name}: {' '.join(texts)}" for name, texts in self.fields.items())


class Taken(Invalid):
    """A value that must be unique is in use: a conflict that names its fields."""

    code = "already_exists"
    status = 409

    def __init__(self, fields: Mapping[str, str | Sequence[str]], detail: str = "This is already taken.") -> None:
        super().__init__(fields, detail)


class Missing(ServiceError):
    """The object does not exist, or this person must not know that it does."""

    code = "not_found"
    status = 404

    def __init__(self, detail: str = "There is no such object.") -> None:
        super().__init__(detail)


class Forbidden(ServiceError):
    """The person may see the object but not do this."""

    code = "forbidden"
    status = 403


class TooOften(ServiceError):
    """Somebody tries something too often.

    Args:
        wait_s: seconds until it may be tried again.
        detail: what is too often, where that can be said.
    """

    code = "throttled"
    status = 429

    def __init__(self, wait_s: int, detail: str = "This was tried too often") -> None:
        super().__init__(phrase("{detail}; try again in {wait_s} seconds.", detail=detail, wait_s=wait_s))
        self.wait_s = wait_s


class Unavailable(ServiceError):
    """Somebody else must be asked first, and does not answer now."""

    code = "unavailable"
    status = 503


class Conflict(ServiceError):
    """Legal in general, not in the present state."""

    code = "conflict"
    status = 409


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """One thing that somebody else changed since a page was made.

    Attributes:
        action: the word of the history entry.
        field: a path such as "runtime/idle_s"; `label` is the same in words.
        before, after: in words, "" for nothing; never a secret.
        clashes: whether it is what the person wants to change too.
    """

    who: str
    at: datetime
    action: str
    field: str
    label: str
    before: str
    after: str
    clashes: bool = True


class Stale(ServiceError):
    """What is to be changed was changed by somebody else meanwhile. REST answers 412, as RFC 9110 has it for If-Match.

    Args:
        changes: who changed what.
        seen: the edition to save with once the person has read this.
        merged: what would be saved if theirs and mine were put together and mine counted where they clash; a tree from
            the root of apis.happenings. None where there is nothing to put together.
    """

    code = "changed_meanwhile"
    status = 409

    def __init__(self, changes: Sequence[Meanwhile], *, seen: int, merged: dict[str, Any] | None = None) -> None:
        who = ", ".join(dict.fromkeys(change.who for change in changes)) or "Somebody"
        what = ", ".join(dict.fromkeys(change.label for change in changes if change.clashes)) or "this"
        super().__init__(phrase("{who} changed {what} meanwhile, so nothing was saved.", who=who, what=what))
        self.changes = list(changes)
        self.seen = seen
        self.merged = merged
