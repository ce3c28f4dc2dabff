"""How every gateway process finds the URLs of an endpoint, read from the rows that each writes (`gateway.health`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Count

from apis.errors import Missing
from apis.models import Api
from gateway.core.suspension import ACTIVE, PROBING, SUSPENDED
from gateway.meters import without_secrets
from gateway.models import LiveSession, UpstreamHealth

IDLE: Final = "unknown"  # no process has served this endpoint yet
_WORST_FIRST: Final = (SUSPENDED, PROBING, ACTIVE)


@dataclass(frozen=True, slots=True)
class UrlHealth:
    """One URL of an endpoint, all processes together: the state that most are worried about, and each one's own."""

    url: str
    state: str
    sessions: int
    processes: list[UpstreamHealth]


def report(api_id: UUID, key_type: str, urls: Iterable[str]) -> list[UrlHealth]:
    """How the URLs of an endpoint are in every process that runs. Two queries.

    Args:
        urls: as they are configured; dynamic targets included.
    """
    rows = list(UpstreamHealth.objects.filter(api_id=api_id, key_type=key_type).select_related("process"))
    counted = LiveSession.objects.filter(api_id=api_id, key_type=key_type).values_list("upstream")
    sessions = dict(counted.annotate(number=Count("pk")).order_by())
    found: list[UrlHealth] = []
    for url in dict.fromkeys(urls):
        own = [row for row in rows if row.url == url]
        states = {row.state for row in own}
        state = next((one for one in _WORST_FIRST if one in states), IDLE)
        found.append(UrlHealth(url, state, sessions.get(without_secrets(url), 0), own))
    return found


def health_of(api: Api, key_type: str) -> list[UrlHealth]:
    """The health of an endpoint's URLs.

    Raises: Missing, where the API has no such endpoint.
    """
    endpoint = api.endpoints.filter(key_type=key_type).first()
    if endpoint is None:
        raise Missing("There is no such endpoint.")
    targets = (endpoint.config.get("dynamic") or {}).get("targets") or {}
    return report(api.pk, key_type, [*[item["url"] for item in endpoint.config["urls"]], *targets.values()])
