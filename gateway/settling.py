"""What was counted and never recorded: the minutes of an hour less its usage records (docs/billing.md).

A process that is killed has written the minutes of its sessions and not their present records. Once an hour is over and
everybody has had time to write, what is missing under each key becomes one record, whose name follows from key and
hour: whoever settles first writes it, and nobody writes it twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

import structlog
from django.db import transaction
from django.db.models import Q, Sum
from django.db.models.functions import TruncHour

from apis.models import Api, Application, Subscription
from gateway import session_days
from gateway.models import UsageMinute, UsageRecord
from gateway.rolling import KEY, Key
from gateway.usage_rows import UsageRow

log = structlog.get_logger("gateway")

HOUR_S: Final = 3_600
GRACE_S: Final = 600.0  # after the end of an hour: a process that cannot write for so long is told so all the time
BACK: Final = timedelta(hours=6)
FIRST_BACK: Final = timedelta(days=7)  # the first look of a process: nobody may have been there for days
COUNTED: Final = ("sessions", "events_in", "events_out", "bytes_in", "bytes_out", "throttled")


def settled_name(key: Key, hour: datetime) -> str:
    """`session_id` of the record of what is missing under (api, application, subscription) in an hour."""
    return f"unrecorded-{hour.astimezone(UTC):%Y%m%dT%H}-{uuid5(NAMESPACE_OID, '/'.join(map(str, key)))}"


def settle(now: float, back: timedelta) -> int:
    """Record what is missing in the hours that ended at least GRACE_S ago.

    Args:
        now: epoch seconds.
        back: how far to look.

    Returns: how many records it took.
    """
    end = datetime.fromtimestamp((now - GRACE_S) // HOUR_S * HOUR_S, UTC)
    minutes = UsageMinute.objects.filter(minute__gte=end - back, minute__lt=end).order_by()
    sums = {f"sum_{name}": Sum(name) for name in COUNTED}
    by_hour = minutes.annotate(at=TruncHour("minute", tzinfo=UTC)).values(*KEY, "at").annotate(**sums)
    recorded = UsageRecord.objects.filter(hour__gte=end - back, hour__lt=end).order_by()
    held = {_place(row): row for row in recorded.values(*KEY, "hour").annotate(**sums)}
    found = []
    for row in by_hour:
        there = held.get(_place(row), {})
        missing = {name: max(0, row[f"sum_{name}"] - there.get(f"sum_{name}", 0)) for name in COUNTED}
        if any(missing.values()):
            found.append(_record(tuple(row[name] for name in KEY), row["at"], missing))
    with transaction.atomic():
        until = session_days.late_from([one.ended_at for one in found], now)
        UsageRecord.objects.bulk_create(found, ignore_conflicts=True)
        session_days.make_anew(until, [(one.api_id, one.application_id, one.ended_at) for one in found])
    return len(found)


def _place(row: dict[str, Any]) -> Key:
    return (*[row[name] for name in KEY], row.get("at") or row["hour"])


def _record(key: Key, hour: datetime, missing: dict[str, int]) -> UsageRecord:
    api = Api.objects.select_related("version_set").filter(pk=key[0]).first()
    application = Application.objects.filter(pk=key[1]).first()
    subscription = Subscription.objects.select_related("business_plan").filter(pk=key[2]).first()
    return UsageRecord(
        session_id=settled_name(key, hour),
        sequence=0,
        **dict(zip(KEY, key, strict=True)),
        api_name=api.version_set.name if api else "",
        api_version=api.version if api else "",
        application_name=application.name if application else "",
        plan_id=str(subscription.business_plan_id) if subscription else "",
        plan=subscription.business_plan.name if subscription else "",
        hour=hour,
        started_at=hour,
        ended_at=hour + timedelta(seconds=HOUR_S),
        **missing,
    )


def unsettled(records: Iterable[UsageRow], now: float) -> list[UsageRow]:
    """These records without those that come so late that their hour was settled without them."""
    chosen = list(records)
    settled = datetime.fromtimestamp(now - GRACE_S - HOUR_S, UTC)
    late = [one for one in chosen if one.hour < settled]
    if not late:
        return chosen
    names = {settled_name(_key(one), one.hour) for one in late}
    there = set(UsageRecord.objects.filter(Q(session_id__in=names)).values_list("session_id", flat=True))
    left = [one for one in chosen if settled_name(_key(one), one.hour) not in there]
    if len(left) < len(chosen):
        log.warning("usage_records_too_late", records=len(chosen) - len(left))
    return left


def _key(one: UsageRow) -> Key:
    return tuple(str(getattr(one, name)) if getattr(one, name) else None for name in KEY)
