"""Usage records: one for each session and period, never changed, and together what both ends counted."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.models import Sum
from websockets.exceptions import ConnectionClosed

from gateway import settling
from gateway.core.clocks import SteadyClock
from gateway.core.endpoints import Url
from gateway.core.records import Tally
from gateway.core.session import Session
from gateway.core.snapshot import ApiSnapshot, Entitlement, PlanSnapshot, Principal, Runtime, SuspensionPolicy
from gateway.core.suspension import Suspension
from gateway.models import UsageMinute, UsageRecord
from gateway.registry import Registry, places_of
from gateway.usage import Recorder
from gateway.usage_rows import UsageRow
from tests.gateway.backends import Backend, until
from tests.gateway.world import Deal, GatewayProcess, World
from wsportal.certificates import KeyPairFiles

FIELDS = settling.COUNTED
NOON = 1_800_000_000.0 // 3600 * 3600


def totals(rows: Any) -> dict[str, int]:
    sums = rows.aggregate(**{f"of_{name}": Sum(name) for name in FIELDS})
    return {name: sums[f"of_{name}"] or 0 for name in FIELDS}


def records(deal: Deal) -> Any:
    return UsageRecord.objects.filter(subscription_id=deal.subscription.pk)


def minutes(deal: Deal) -> Any:
    return UsageMinute.objects.filter(subscription_id=deal.subscription.pk)


# Both ends and the records ----------------------------------------------------------------------------------------


def test_records_hold_what_client_and_backend_counted(world: World) -> None:
    backend = Backend()
    deal = world.deal(backend.url)
    sent = received = 0
    try:
        for _ in range(3):
            with deal.connect("?push=2", compression=None) as client:
                for message in ["hello", "", b"x" * 70_000]:
                    client.send(message)
                    sent += 1
                for _ in range(5):
                    client.recv(5)
                    received += 1
        until(lambda: records(deal).count() == 3)
    finally:
        backend.stop()
    found = totals(records(deal))
    assert (found["events_in"], found["events_out"]) == (sent, received)
    assert (sent, received) == (backend.counts["received"], backend.counts["sent"])
    assert found["bytes_in"] == backend.counts["bytes received"]
    assert found["bytes_out"] == backend.counts["bytes sent"]
    assert found == totals(minutes(deal)), "the minutes hold the same"
    row = records(deal).first()
    assert (row.sequence, row.sessions, row.close_code, row.initiator) == (0, 1, 1000, "client")
    assert (row.plan, row.application_name) == (deal.subscription.business_plan.name, deal.application.name)
    assert row.person == str(world.people["sam"].pk)
    assert row.started_at < row.ended_at
    assert row.connection_ms > 0


def test_a_session_over_several_periods_has_a_record_of_each_and_nothing_is_counted_twice(
    world: World, backend: Backend, database: str, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    deal = world.deal(backend.url)
    other = GatewayProcess(database, certificate, tmp_path, record_s=1)
    try:
        with deal.connect(gateway=other) as client:
            sent = 0

            def two_more_periods() -> bool:
                nonlocal sent
                client.send("x")
                client.recv(5)
                sent += 1
                return bool(records(deal).count() >= 3)

            until(two_more_periods, 20)
        until(lambda: records(deal).filter(close_code=1000).exists())
    finally:
        other.stop()
    rows = list(records(deal).order_by("sequence"))
    assert [row.sequence for row in rows] == list(range(len(rows)))
    assert [row.sessions for row in rows] == [1] + [0] * (len(rows) - 1)
    assert all(before.ended_at == after.started_at for before, after in pairwise(rows))
    assert all(row.close_code is None for row in rows[:-1])
    found = totals(records(deal))
    assert (found["events_in"], found["events_out"], found["sessions"]) == (sent, sent, 1)
    assert found == totals(minutes(deal))


def test_after_a_kill_the_minutes_tell_what_no_record_holds(
    world: World, backend: Backend, database: str, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    deal = world.deal(backend.url)
    other = GatewayProcess(database, certificate, tmp_path)
    with deal.connect(gateway=other) as client:
        for _ in range(7):
            client.send("x")
            client.recv(5)
        until(lambda: totals(minutes(deal))["events_out"] == 7)
        client.send("lost")
        client.recv(5)
        other.process.send_signal(signal.SIGKILL)
        with pytest.raises(ConnectionClosed):
            client.recv(5)
    other.process.wait(10)
    other.stop()
    assert not records(deal).exists()
    later = (datetime.now(UTC) + timedelta(hours=2)).timestamp()
    settling.settle(later, timedelta(hours=6))
    found = totals(records(deal))
    assert found["events_out"] in {7, 8}, "at most what was counted in the last second is gone"
    assert found == totals(minutes(deal))
    settling.settle(later, timedelta(hours=6))
    assert totals(records(deal)) == found


# A clock of our own -----------------------------------------------------------------------------------------------


class Machine:
    """A recorder and sam's session on a machine whose time passes when it is told to."""

    def __init__(self) -> None:
        self.now = NOON - 120.0
        self.written: list[UsageRow] = []
        self.minutes: dict[int, Tally] = {}
        self.fails = False
        clock = SteadyClock(lambda: self.now, lambda: self.now)
        self.recorder = Recorder(self.ask, lambda: self.now)
        self.registry = Registry(self.recorder, clock)

    async def ask(self, function: Callable[..., Any], *args: Any) -> Any:
        if self.fails:
            raise OSError("no database")
        batch, rows = args
        self.written += rows
        for (_, start), tally in batch.items():
            self.minutes.setdefault(start, Tally()).add(tally)

    def connect(self, plan: str = "Gold", name: str = "r1") -> Session:
        entitlement = Entitlement("sub", "api", "app", "App", "olga", business_plan=PlanSnapshot(plan, plan))
        api = ApiSnapshot("api", "Echo", "/e", "1", "/e/1", "published", (), {}, runtime=Runtime())
        session = Session(
            self.registry, session_id=name, api=api, principal=Principal("oauth", "key", "7", "app"),
            entitlement=entitlement, client="", upstream="",
        )  # fmt: skip
        self.registry.enter(places_of("sub", "api", ""))
        self.registry.open(session, Url("ws://up", Suspension(SuspensionPolicy())))
        return session

    def events(self) -> list[tuple[int, str, int, int]]:
        return [(one.sequence, one.plan, one.events_in, round(one.connection_ms / 1000)) for one in self.written]


def says(session: Session, count: int) -> None:
    session.scanner_in.messages += count


def ends(session: Session) -> None:
    session.ended(SimpleNamespace(initiator="client", code=1000, reason="", how="close"))  # type: ignore[arg-type]


async def test_an_hour_cuts_a_record_exactly_where_the_minutes_are_cut() -> None:
    machine = Machine()
    session = machine.connect()
    says(session, 5)
    await machine.recorder.flush()
    assert machine.written == []
    machine.now = NOON + 0.5
    says(session, 2)
    await machine.recorder.flush()
    assert machine.events() == [(0, "Gold", 5, 120)]
    assert machine.written[0].ended_at == datetime.fromtimestamp(NOON, UTC)
    machine.now = NOON + 60
    says(session, 1)
    ends(session)
    await machine.recorder.flush()
    assert machine.events()[1:] == [(1, "Gold", 3, 60)]
    first = sum(tally.events_in for start, tally in machine.minutes.items() if start < NOON)
    assert first == 5
    assert {one.hour.timestamp() for one in machine.written} == {NOON - 3600, NOON}


async def test_a_session_that_ends_before_the_first_look_in_a_new_hour_has_both_records() -> None:
    machine = Machine()
    session, other = machine.connect(), machine.connect(name="r2")
    says(session, 5)
    await machine.recorder.flush()
    machine.now = NOON + 0.5
    says(session, 2)
    ends(session)
    await machine.recorder.flush()
    assert sorted(machine.events()) == [(0, "Gold", 0, 120), (0, "Gold", 5, 120), (1, "Gold", 2, 0)]
    ends(other)


async def test_another_plan_is_another_record() -> None:
    machine = Machine()
    session = machine.connect()
    says(session, 5)
    machine.now += 30
    machine.recorder.cut(session)
    session.replan(Entitlement("sub", "api", "app", "App", "olga", business_plan=PlanSnapshot("s", "Silver")), ())
    says(session, 2)
    machine.now += 20
    ends(session)
    await machine.recorder.flush()
    assert machine.events() == [(0, "Gold", 5, 30), (1, "Silver", 2, 20)]


async def test_what_could_not_be_written_is_written_later_once() -> None:
    machine = Machine()
    session = machine.connect()
    says(session, 5)
    ends(session)
    machine.fails = True
    await machine.recorder.flush()
    machine.fails = False
    await machine.recorder.flush()
    await machine.recorder.flush()
    assert machine.events() == [(0, "Gold", 5, 0)]
