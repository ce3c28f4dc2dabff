"""Few labels, whatever peers make up; and nothing in them that should stay unread."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from gateway import meters
from gateway.core.records import Tally


@pytest.mark.parametrize(
    ("code", "label"), [(1000, "1000"), (4429, "4429"), (4321, "4xxx"), (3000, "3xxx"), (1006, "1006")]
)
def test_close_codes_of_an_application_are_one_label(code: int, label: str) -> None:
    def count() -> float:
        facts = {"code": label, "initiator": "client"}
        return REGISTRY.get_sample_value("wsportal_session_closes_total", facts) or 0.0

    before = count()
    meters.session_ended(code, "client")
    assert count() == before + 1


def test_totals_and_upstreams_are_read_when_asked_for() -> None:
    totals = Tally()
    rows = [
        ("/echo/1.0.0", "ws://carol:secret@backend:9998/path?key=secret", True),
        ("/echo/1.0.0", "ws://backend:9998/path", False),
        ("/chat/1.0.0", "ws://backend:9998/path", True),
    ]
    plane = meters.Plane(totals, lambda: rows)
    totals.events_in, totals.bytes_out, totals.throttled = 3, 70, 2
    found = {
        (sample.name, *sample.labels.values()): sample.value for metric in plane.collect() for sample in metric.samples
    }
    assert found == {
        ("wsportal_messages_total", "in"): 3,
        ("wsportal_messages_total", "out"): 0,
        ("wsportal_bytes_total", "in"): 0,
        ("wsportal_bytes_total", "out"): 70,
        ("wsportal_throttled_total",): 2,
        ("wsportal_upstream_up", "/echo/1.0.0", "ws://backend:9998/path"): 0,
        ("wsportal_upstream_up", "/chat/1.0.0", "ws://backend:9998/path"): 1,
    }
