"""What the publish check asks the data plane (`apis.checking.asking`): upstreams that fail, and who is connected."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.db.models.functions import Now

from apis.checking import asking
from apis.checking.found import Found, found
from apis.describing import CLOSE_CODES as CODES
from apis.models import Api
from apis.shapes_endpoint import SUSPENSION_ERRORS
from gateway.core.rejections import CLOSE_CODES
from gateway.core.suspension import SUSPENDED
from gateway.directory import DEAD_S
from gateway.models import LiveSession, UpstreamHealth

_OTHERWISE: Final = "It does not answer as it should"


def unreachable(api: Api) -> Iterator[Found]:
    """The URLs of an API that some running gateway process leaves alone or has just failed to reach. One query."""
    rows = UpstreamHealth.objects.filter(api_id=api.pk, process__seen_at__gt=Now() - timedelta(seconds=DEAD_S))
    for row in rows:
        if row.state == SUSPENDED or row.failures:
            problem = SUSPENSION_ERRORS.get(row.last_error, _OTHERWISE)
            yield found("upstream_unreachable", url=row.url, problem=f"{problem[0].lower()}{problem[1:]}.")


def connected(api: Api) -> int:
    """How many sessions there are now, in processes that run. One query."""
    alive = LiveSession.objects.filter(process__seen_at__gt=Now() - timedelta(seconds=DEAD_S))
    return alive.filter(api_id=api.pk).count()


def answer() -> None:
    """Register with the control plane of this process; called once the apps are loaded."""
    # What definitions of APIs say of close codes (apis.describing).
    CODES[:] = [{"code": row.code, "means": row.means, "advice": row.advice} for row in CLOSE_CODES]
    if unreachable not in asking.askers:
        asking.askers.append(unreachable)
        asking.counters.append(connected)
