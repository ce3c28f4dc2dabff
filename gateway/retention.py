"""Letting go of old usage records: the only way that any of them goes, and it stands in the history."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apis.errors import Invalid
from apis.models import HistoryEntry
from gateway.models import UsageRecord

OPERATOR = "operator"  # who has a shell on the machine; no person of the portal


@transaction.atomic
def usage_prune(before: datetime) -> int:
    """Delete the records that ended before a moment, and write that into the history.

    Args:
        before: not later than the start of the last full month, whose statements are still asked for.

    Returns: how many.
    Raises: Invalid.
    """
    now = timezone.now()
    this = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    last = this.replace(year=this.year - (this.month == 1), month=(this.month - 2) % 12 + 1)
    if before > last:
        raise Invalid({"before": f"This month and the last one are kept: {last:%Y-%m-%d} is the latest."})
    count = UsageRecord.objects.prune(before)
    HistoryEntry.objects.create(
        actor_name=OPERATOR,
        subject="usage records",
        action="prune_usage",
        detail={"before": before.isoformat(), "records": count},
    )
    return count
