"""German: as Django has it, with hours of two digits."""

from __future__ import annotations

from typing import Final

SHORT_DATE_FORMAT: Final = "d.m.Y"
SHORT_DATETIME_FORMAT: Final = "d.m.Y H:i"
