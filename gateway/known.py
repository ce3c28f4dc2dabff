"""Fields that many events of the log have in common, as one object: how they are written is worked out once."""

from __future__ import annotations

from typing import Any


class Known(dict[str, Any]):
    """Give it to a logger as the field `known`; the event then has these fields in its place (wsportal.logs).

    Attributes:
        text: how they are written, once somebody has written them. They must not be changed after that.
    """

    __slots__ = ("text",)

    def __init__(self, **fields: Any) -> None:
        super().__init__(fields)
        self.text = ""
