"""Fields of an event that know by themselves how the log has them: what many events share is put into words once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Known:
    """Give it to a logger as the field `known`; the event then has these fields in its place (wsportal.logs)."""

    __slots__ = ()

    def fields(self) -> dict[str, Any]:
        """The fields."""
        raise NotImplementedError

    def members(self, text: Callable[[str], str]) -> str:
        """The same as members of a JSON object, for a log of many lines.

        Args:
            text: a text as JSON, without what looks like a credential.
        """
        raise NotImplementedError
