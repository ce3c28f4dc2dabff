"""English: the order that everybody in the world reads alike (ISO 8601), not that of one country."""

from __future__ import annotations

from typing import Final

SHORT_DATE_FORMAT: Final = "Y-m-d"
SHORT_DATETIME_FORMAT: Final = "Y-m-d H:i"
