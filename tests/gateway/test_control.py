"""The ticker by itself: a process that slept, or began in the middle, trusts nothing that it remembers."""

from __future__ import annotations

import pytest

from apis.models import Subscription
from gateway.control import GAP_S, Control
from gateway.core.clocks import SteadyClock
from gateway.memory import Memory, memory
from gateway.registry import Registry
from gateway.usage import Recorder


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def here(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Memory:
    """An empty memory that hears nothing of what this process writes, as if somebody else wrote it."""
    monkeypatch.setattr(memory, "changed", lambda kind, subject: None)
    return Memory()


@pytest.mark.parametrize(("asleep_s", "knows"), [(GAP_S - 1, True), (GAP_S + 1, False)])
async def test_after_a_long_sleep_everything_is_looked_up_again(
    here: Memory, subscription: Subscription, asleep_s: float, knows: bool
) -> None:
    clock = Clock()
    control = Control(here, Registry(Recorder(here.ask, clock), SteadyClock(clock, clock)))
    pair = (str(subscription.application_id), str(subscription.api_id))
    await here.entitlement(*pair)
    await control.tick()
    assert here.known_entitlement(*pair) is None, "what was remembered before the first look may be old"
    await here.entitlement(*pair)
    await control.tick()
    assert here.known_entitlement(*pair) is not None
    clock.now += asleep_s
    await control.tick()
    assert (here.known_entitlement(*pair) is not None) == knows
