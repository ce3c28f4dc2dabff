"""Two people at one page of the publisher portal: see `apis.seeing`."""

from __future__ import annotations

from apis.seeing import edition, in_section, seen_in, told

__all__ = ["edition", "in_section", "seen_in", "told"]
