"""Long windows outlive the process that counts in them: a stop, and even a kill, gives nobody a quota anew."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db.models import Sum

from gateway.kept_counters import load, prune, write
from gateway.models import WindowCount
from tests.gateway.backends import Backend, until
from tests.gateway.test_faults_process import running
from tests.gateway.test_plans import events, talk
from tests.gateway.world import GatewayProcess, World, closed, knock
from wsportal.certificates import KeyPairFiles

Start = Callable[[], GatewayProcess]


@pytest.fixture
def start(database: str, certificate: KeyPairFiles, tmp_path: Path) -> Iterator[Start]:
    """Starts gateways on the tests' database."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(running(database, certificate, tmp_path))


def written() -> int:
    """What the table says was taken out of all windows that run."""
    return WindowCount.objects.aggregate(taken=Sum("taken"))["taken"] or 0


@pytest.mark.parametrize("per", ["hour", "day", "month", "year"])
def test_sams_quota_goes_on_where_it_was_when_the_gateway_is_restarted(
    world: World, backend: Backend, start: Start, per: str
) -> None:
    deal = world.deal(backend.url, plan=events(10, per, direction="in"))
    first = start()
    with deal.connect(gateway=first) as client:
        assert talk(client, 6) == 6
    first.stop()
    with deal.connect(gateway=start()) as client:
        assert talk(client, 9) == 4
        assert closed(client)[0] == 4429


def test_what_was_written_before_a_kill_is_not_given_anew(world: World, backend: Backend, start: Start) -> None:
    deal = world.deal(backend.url, plan=events(20, direction="in"))
    before = written()
    first = start()
    with deal.connect(gateway=first) as client:
        assert talk(client, 12) == 12
        until(lambda: written() == before + 12, 10)
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait(10)
    with deal.connect(gateway=start()) as client:
        assert talk(client, 20) == 8
        assert closed(client)[0] == 4429


def test_handshakes_of_the_day_are_remembered_too(world: World, backend: Backend, start: Start) -> None:
    deal = world.deal(backend.url, plan={"limits": [{"kind": "handshakes", "amount": 3, "per": "day"}]})
    first = start()
    assert [knock(first, deal.path, Authorization=f"Bearer {deal.token}").status for _ in range(2)] == [101, 101]
    first.stop()
    deal.gateway = start()
    assert [deal.knock().status for _ in range(2)] == [101, 429]


def test_two_processes_add_to_one_row(world: World) -> None:
    end = int(time.time()) + 3600
    for more in (3, 4, -1):
        write([("some counter", 7200, end, more)])
    assert load(time.time())["some counter", 7200] == 6
    WindowCount.objects.filter(counter="some counter").delete()


def test_counts_of_windows_that_are_over_go(world: World) -> None:
    over = WindowCount.objects.create(counter="over", start=0, end=3600, taken=1)
    running_on = WindowCount.objects.create(counter="runs", start=0, end=10_000, taken=1)
    prune(8000)
    assert not WindowCount.objects.filter(pk=over.pk).exists()
    assert WindowCount.objects.filter(pk=running_on.pk).exists()
