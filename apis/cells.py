"""Cells of tables that leave for a spreadsheet."""

from __future__ import annotations

from typing import Any, Final

# How a cell begins that a spreadsheet may run (OWASP, "CSV Injection").
_RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: text that looks like one gets a ', nothing is empty."""
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_RISKY) else value
