"""What this process tells Prometheus about its handshakes, its sessions' ends, its loop and its upstreams.

Nothing here is on the way of a frame. Messages and bytes are what the recorder sweeps out of the sessions' own counters
once a second anyway. Labels have few values: outcomes and codes are words of ours, and what a peer makes up is put
under one word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.core.records import Tally
from gateway.core.rejections import CLOSE_CODES

HANDSHAKE_SECONDS: Final = Histogram(
    "wsportal_handshake_seconds",
    "From the complete request to its answer, dialling the upstream included.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
LOOP_LAG_SECONDS: Final = Histogram(
    "wsportal_loop_lag_seconds",
    "How late the event loop was for a timer, four times a second: what anything that comes may have to wait.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
ADDED_LATENCY_SECONDS: Final = Histogram(
    "wsportal_added_latency_seconds",
    "From turning to a connection that has data until its messages are written to the other side; one connection "
    "without TLS a second is timed. What it waited for its turn before is in wsportal_loop_lag_seconds.",
    buckets=(0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25),
)
COUNTERS_DEGRADED: Final = Gauge(
    "wsportal_counters_degraded", "1 while Redis is away and plans are counted on local credit; 0 without REDIS_URL."
)
COUNTER_CALLS: Final = Counter("wsportal_counters_calls", "Calls to Redis about limits: one for each allotment.")
COUNTER_CALLS_FAILED: Final = Counter("wsportal_counters_calls_failed", "Calls to Redis that were not answered.")
COUNTER_SECONDS: Final = Histogram(
    "wsportal_counters_seconds",
    "Round trips to Redis; one may carry the calls of many limits.",
    buckets=(0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)
COUNTER_LOCAL_CREDIT: Final = Counter(
    "wsportal_counters_local_credit",
    "Events, bytes, handshakes and seconds that were lent while Redis was away, all limits together.",
)

ACCEPTED: Final = "accepted"
ABANDONED: Final = "abandoned"
_NAMED: Final = frozenset(range(1000, 1016)) | {row.code for row in CLOSE_CODES}
Upstream = tuple[str, str, bool]  # path of the API, URL, whether it is up


def handshake_ended(outcome: str) -> None:
    """A handshake is over, in one of the words of REFUSALS, or ACCEPTED or ABANDONED."""
    _outcomes[outcome] = _outcomes.get(outcome, 0) + 1


def session_ended(code: int, initiator: str) -> None:
    """A session is over. Codes of an application's own are counted by their range only."""
    end = code if code in _NAMED else code // 1000, initiator
    _ends[end] = _ends.get(end, 0) + 1


_outcomes: Final[dict[str, int]] = {}
_ends: Final[dict[tuple[int, str], int]] = {}  # by code, or its thousands, and initiator


class Counts(Collector):
    """Handshakes and ends of sessions. Only the loop counts: a lock for each, and objects, cost more than to count."""

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        handshakes = CounterMetricFamily(
            "wsportal_handshakes",
            "Handshakes by outcome: accepted, abandoned by the client, or the code of the refusal.",
            labels=["outcome"],
        )
        for outcome, count in list(_outcomes.items()):
            handshakes.add_metric([outcome], count)
        closes = CounterMetricFamily(
            "wsportal_session_closes",
            "Sessions that ended, by close code (1006: none) and by who ended it.",
            labels=["code", "initiator"],
        )
        for (code, initiator), count in list(_ends.items()):
            closes.add_metric([str(code) if code in _NAMED else f"{code}xxx", initiator], count)
        return iter((handshakes, closes))


REGISTRY.register(Counts())


class Plane(Collector):
    """What is read when somebody asks, from another thread than the loop's.

    Args:
        totals: what the sessions of this process have counted since it began.
        upstreams: every URL that was dialled.
    """

    def __init__(self, totals: Tally, upstreams: Callable[[], Iterable[Upstream]]) -> None:
        self._totals = totals
        self._upstreams = upstreams

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        totals = self._totals
        messages = CounterMetricFamily("wsportal_messages", "Messages, in = from clients.", labels=["direction"])
        octets = CounterMetricFamily("wsportal_bytes", "Payload bytes as they travelled.", labels=["direction"])
        for direction, events, size in (
            ("in", totals.events_in, totals.bytes_in),
            ("out", totals.events_out, totals.bytes_out),
        ):
            messages.add_metric([direction], events)
            octets.add_metric([direction], size)
        throttled = CounterMetricFamily("wsportal_throttled", "Messages that a plan refused.")
        throttled.add_metric([], totals.throttled)
        up = GaugeMetricFamily("wsportal_upstream_up", "0 while a URL is suspended.", labels=["api", "url"])
        states: dict[tuple[str, str], bool] = {}
        for api, url, alive in self._upstreams():
            key = api, without_secrets(url)
            states[key] = states.get(key, True) and alive
        for labels, alive in states.items():
            up.add_metric(labels, float(alive))
        return iter((messages, octets, throttled, up))


@lru_cache(maxsize=1024)
def without_secrets(url: str) -> str:
    """The URL without user, password and query, which may hold what nobody else should read."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def register(totals: Tally, upstreams: Callable[[], Iterable[Upstream]]) -> None:
    """Tell these numbers, too, from now on."""
    REGISTRY.register(Plane(totals, upstreams))
