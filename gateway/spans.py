"""Moments in the queries of REST."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.utils.dateparse import parse_datetime

from apis.rest.problems import BadQuery

YEARS: Final = range(1971, 9999)  # nearer to the ends of the calendar a moment may have no counterpart in UTC


def moment(name: str, text: str) -> datetime | None:
    """A parameter that is a moment, or None for ""; UTC unless it says otherwise.

    Raises: BadQuery for what is none.
    """
    if not text:
        return None
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or found.year not in YEARS:
        raise BadQuery({name: "This should be a date and time such as 2026-11-24T12:00:00Z."})
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
