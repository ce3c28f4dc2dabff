"""Warnings before a plan is spent, and limits on connection time."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.throttling import FOREVER, Limit, Throttle
from gateway.core.warning import listen
from tests.core.plan_world import NOW, House, Link, Pipe, entitled, running, session
from tests.core.test_leases import Fleet, drain


def warnings(link: Link) -> list[tuple[str, int]]:
    return [(notice["limit"], notice["left"]) for _, notice in link.notices if notice["type"] == "wsportal.warning"]


@settings(max_examples=60, deadline=None)
@given(amount=st.integers(1, 3000), percent=st.integers(1, 99), sessions=st.integers(1, 4), seed=st.randoms())
def test_a_warning_comes_with_the_very_message_that_reaches_its_mark(
    amount: int, percent: int, sessions: int, seed: object
) -> None:
    house = House()
    throttles = running(house, Limit("events", amount, "day"))
    made = [session(house, throttles, notices=number == 0, warn_at=percent) for number in range(sessions)]
    link = made[0][1]
    mark = -(-amount * percent // 100)
    pipes = [Pipe(one) for one, _ in made]
    for number in range(1, amount + 1):
        seed.choice(pipes).send(1)  # type: ignore[attr-defined]  # a random.Random
        house.pass_time(0)
        assert len(link.notices) == (number >= mark)
    assert warnings(link) == [("events-per-day", amount - mark)]
    assert all(other.notices == [] for _, other in made[1:]), "nobody else asked for it"


def test_a_warning_comes_once_in_each_window_and_for_each_limit() -> None:
    house = House()
    throttles = running(house, Limit("events", 10, "minute"), Limit("bytes", 1000, "hour"))
    one, link = session(house, throttles, notices=True, warn_at=50)
    for _ in range(2):
        Pipe(one).send(*[30] * 9)
        house.pass_time(0)
        house.now += 60
    assert [limit for limit, _ in warnings(link)] == ["events-per-minute", "events-per-minute", "bytes-per-hour"]
    assert link.notices[0][1] == {"type": "wsportal.warning", "left": 1, "reset": 60, "limit": "events-per-minute"}


def test_who_comes_when_the_mark_is_passed_is_warned_at_once() -> None:
    house = House()
    throttles = running(house, Limit("events", 10, "minute"))
    Pipe(session(house, throttles)[0]).send(*[1] * 8)
    one, link = session(house, throttles, notices=True, warn_at=80)
    house.pass_time(0)
    assert warnings(link) == [("events-per-minute", 2)]
    one.replan(entitled(warn_at=90), throttles)
    house.pass_time(0)
    assert len(warnings(link)) == 1


def test_a_warning_waits_for_a_gap_between_two_messages_and_not_beyond_its_window() -> None:
    house = House()
    throttles = running(house, Limit("events", 4, "minute"))
    one, link = session(house, throttles, notices=True, warn_at=50)
    link.room = False
    Pipe(one).send(1, 1, 1)
    house.pass_time(10)
    link.room = True
    assert warnings(link) == []
    house.pass_time(1)
    assert warnings(link) == [("events-per-minute", 1)]
    house.pass_time(50)
    link.room = False
    Pipe(one).send(1, 1, 1)
    house.pass_time(70)
    link.room = True
    house.pass_time(5)
    assert len(warnings(link)) == 1


def test_a_plan_that_gets_or_loses_its_mark_counts_for_live_sessions_and_nothing_is_left_behind() -> None:
    house = House()
    throttles = running(house, Limit("events", 10, "minute"))
    one, link = session(house, throttles, notices=True)
    assert throttles[0].bell is None
    Pipe(one).send(*[1] * 6)
    one.replan(entitled(warn_at=50), throttles)
    house.pass_time(0)
    assert warnings(link) == [("events-per-minute", 4)]
    one.replan(entitled(), throttles)
    assert throttles[0].bell is None
    one.replan(entitled(warn_at=50), throttles)
    one.abandon()
    assert throttles[0].bell is None


class Alarm:
    """Somebody who listens to a limit."""

    def __init__(self) -> None:
        self.left: list[int] = []

    def warn(self, throttle: Throttle) -> None:
        self.left.append(throttle.left())


@settings(max_examples=15, deadline=None)
@given(amount=st.integers(50, 3000), processes=st.integers(1, 4), seed=st.integers(0, 100))
def test_in_a_fleet_a_warning_comes_once_too_and_never_after_the_limit(amount: int, processes: int, seed: int) -> None:
    fleet = Fleet(Limit("events", amount, "day"), processes, seed)
    alarm = Alarm()
    listen(fleet.processes[0].throttle, alarm, 80)
    readers = [process.session() for process in fleet.processes]
    drain(fleet, readers)
    assert len(alarm.left) == 1
    assert alarm.left[0] <= amount - amount * 80 // 100 + 1, "the message that rings has not passed yet"


def test_connection_time_ends_with_4429_and_begins_anew_with_the_next_window() -> None:
    house = House()
    throttles = running(house, Limit("seconds", 100, "hour"))
    _, link = session(house, throttles, on_spent="hold")
    house.pass_time(99)
    assert link.closed == []
    house.pass_time(2)
    ((code, reason),) = link.closed
    assert (code, reason["retry_after"]) == (4429, 3500)
    assert reason["limit"]["kind"] == "seconds"
    assert throttles[0].spent()
    house.now = NOW + 3600
    throttles[0].roll(house.now)
    assert not throttles[0].spent()


@settings(max_examples=60, deadline=None)
@given(
    amount=st.integers(1, 900),
    stays=st.lists(st.tuples(st.floats(0, 300), st.floats(0.01, 400)), min_size=1, max_size=6),
)
def test_connection_time_is_summed_over_sessions_to_the_second(amount: int, stays: list[tuple[float, float]]) -> None:
    """Sessions come and go; all together get what the limit says, but for the second that each has begun."""
    house = House()
    throttles = running(house, Limit("seconds", amount, "hour"))
    moments = sorted([(at, "come", n) for n, (at, _) in enumerate(stays)])
    used = 0.0
    alive: dict[int, tuple[float, Link]] = {}
    made = {}
    while moments:
        at, what, number = moments.pop(0)
        while house.now < NOW + at:  # in small steps, to see when somebody is closed
            house.pass_time(min(0.25, NOW + at - house.now))
            for who, (came, link) in [*alive.items()]:
                if link.closed:
                    used += house.now - came
                    made[who].abandon()
                    del alive[who]
        if what == "come":
            one, link = session(house, throttles)
            made[number], alive[number] = one, (house.now, link)
            moments = sorted([*moments, (at + stays[number][1], "go", number)])
        elif number in alive:
            came, _ = alive.pop(number)
            used += house.now - came
            made[number].abandon()
    assert used <= amount + len(stays) * 0.3
    assert used <= throttles[0].passed() + len(stays) * 0.3
    assert throttles[0].passed() <= min(amount, used + len(stays))


def test_time_that_is_not_used_up_goes_back_and_a_warning_comes_for_time_too() -> None:
    house = House()
    throttles = running(house, Limit("seconds", 200, "day"))
    one, link = session(house, throttles, notices=True, warn_at=50)
    house.pass_time(98)
    assert warnings(link) == []
    house.pass_time(3)
    assert [limit for limit, _ in warnings(link)] == ["seconds-per-day"]
    one.abandon()
    assert 100 <= throttles[0].taken <= 102


def test_a_limit_on_time_costs_no_credit_of_messages() -> None:
    house = House()
    one, _ = session(house, running(house, Limit("seconds", 60, "day")))
    assert one.scanner_in.events == one.scanner_out.octets == FOREVER
    assert one.scanner_in.refill is None


def test_a_plan_gains_and_loses_its_limit_on_time_while_sam_is_connected() -> None:
    house = House()
    throttles = running(house, Limit("seconds", 10, "day"))
    one, link = session(house, [])
    house.pass_time(1000)
    one.replan(entitled(), throttles)
    house.pass_time(4.5)
    one.replan(entitled(), [])
    house.pass_time(100)
    assert link.closed == []
    assert throttles[0].taken == 5
    one.replan(entitled(), throttles)
    house.pass_time(6)
    assert [code for code, _ in link.closed] == [4429]
