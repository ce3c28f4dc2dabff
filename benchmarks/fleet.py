"""A fleet in simulated time: 200 gateways, a million sessions, one Redis; the lease algorithm is the product's own.

    .venv/bin/python benchmarks/fleet.py [--gateways 200] [--sessions 1000000] [--subscriptions 50] [--seed 1]
                                         [--svg FILE]

One window of a minute. The sessions of each subscription are spread over all gateways and send a message a second each;
plans differ, from a third of what is sent to more than that. A third of the gateways falls silent on the way with
credit in hand, and some are killed. What could not be sent is sent as soon as there is credit: nobody gives up.
Sessions of one subscription at one gateway are one stream; how they share what their process holds is shown by
tests/core.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.tables import Table
from gateway.core.leases import SharedThrottle
from gateway.core.limits import Limit
from gateway.core.pool import DRY, ROOM, Call, Pool

START: Final = 1_800_000_000 - 1_800_000_000 % 60
STEP_S: Final = 0.05
WINDOW_S: Final = 60
TURNS: Final = 4  # answers that come within one step: a round trip takes some 12 ms
IDLE_S: Final = 0.5
SILENT_S: Final = 15.0  # when a third of the gateways has nothing to send any more
KILLED_S: Final = 25.0


@dataclass(eq=False)
class Stream:
    """The sessions of one subscription at one gateway."""

    gateway: int
    subscription: int
    rate: float
    throttle: SharedThrottle
    owed: float = 0.0
    passed: int = 0
    idle_since: float = 0.0
    idle_at: int = -1


@dataclass
class Simulation:
    """Everything, one step at a time."""

    gateways: int
    subscriptions: int
    sessions: int
    chance: random.Random
    now: float = START
    lives: int = 0
    asked: list[SharedThrottle] = field(default_factory=list)
    streams: dict[SharedThrottle, Stream] = field(default_factory=dict)
    pools: dict[str, Pool] = field(default_factory=dict)
    peers: dict[str, list[SharedThrottle]] = field(default_factory=dict)
    killed: set[int] = field(default_factory=set)
    calls: Counter[int] = field(default_factory=Counter)
    offered: Counter[int] = field(default_factory=Counter)
    limits: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        each = self.sessions / self.subscriptions
        for subscription in range(self.subscriptions):
            part = 0.3 + subscription / self.subscriptions  # of what its sessions would send
            limit = Limit("events", max(1, int(each * WINDOW_S * part)), "minute")
            self.limits.append(limit.amount)
            for gateway in range(self.gateways):
                throttle = SharedThrottle(limit, self.now, name=str(subscription), teller=self)
                rate = each / self.gateways * self.chance.uniform(0.2, 1.8)
                self.streams[throttle] = Stream(gateway, subscription, rate, throttle, self.chance.random())
                self.peers.setdefault(throttle.key, []).append(throttle)

    # -- what a throttle asks of its process --------------------------------------------------------------------

    def monotonic(self) -> float:
        return self.now

    def want(self, throttle: SharedThrottle) -> None:
        self.asked.append(throttle)

    def new_life(self) -> int:
        self.lives += 1
        return self.lives

    def holder(self, life: int) -> str:
        return str(life)

    # -- time ---------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Everybody sends; whoever asks is answered; those who waited send."""
        at = self.now - START
        if at >= KILLED_S and not self.killed:
            self.killed = set(range(0, self.gateways, 40)) if self.gateways >= 40 else set()
        silent = at >= SILENT_S
        live = [one for one in self.streams.values() if one.gateway not in self.killed]
        for stream in live:
            if not (silent and stream.gateway % 3 == 1):
                stream.owed += stream.rate * STEP_S
                self.offered[stream.subscription] += 1
            self._send(stream)
            if stream.throttle.retry_at and stream.throttle.retry_at <= self.now:
                stream.throttle.retry()
        for _ in range(TURNS):
            asked, self.asked = self.asked, []
            self.chance.shuffle(asked)
            for throttle in asked:
                if self.streams[throttle].gateway not in self.killed:
                    self._carry(throttle, throttle.call())
            for throttle in asked:
                self._send(self.streams[throttle])
        for stream in live:
            self._give_back(stream)
        self.now = round(self.now + STEP_S, 6)

    def _send(self, stream: Stream) -> None:
        whole = int(stream.owed)
        if whole <= 0 or stream.gateway in self.killed or self._in_vain(stream.throttle):
            return
        throttle = stream.throttle
        may = min(whole, max(0, throttle.remaining()))
        if may:
            throttle.take(may)
            stream.passed += may
            stream.owed -= may
        if may < whole:
            throttle.ask(whole - may if whole < 3 else 1)

    @staticmethod
    def _in_vain(throttle: SharedThrottle) -> bool:
        return throttle.dry and throttle.remaining() <= 0

    def _carry(self, throttle: SharedThrottle, call: Call) -> None:
        self.calls[int(self.now - START)] += 1
        answer, word = self.pools.setdefault(call.key, Pool()).tell(call)
        if answer is not None:
            throttle.answered(call, answer)
        for peer in self.peers[call.key] if word else ():
            if peer is throttle or self.streams[peer].gateway in self.killed:
                continue
            if word == ROOM and peer.dry:
                peer.room()
            elif word == DRY:
                given = peer.recall()
                if given is not None:
                    self._carry(peer, given)

    def _give_back(self, stream: Stream) -> None:
        if stream.idle_at != stream.passed:
            stream.idle_at, stream.idle_since = stream.passed, self.now
        elif self.now - stream.idle_since >= IDLE_S and stream.throttle.tight and stream.throttle.remaining() > 0:
            given = stream.throttle.recall()
            if given is not None:
                self._carry(stream.throttle, given)


@dataclass
class Outcome:
    """What came of one run."""

    over: int  # most messages beyond a limit
    short: float  # largest part of a limit that did not pass although it was wanted, killed gateways' credit aside
    lost: float  # largest part of a limit that killed gateways took with them
    calls: int
    busiest: int  # calls in one second
    passed: int
    took_s: float
    by_second: list[int]
    curves: dict[str, list[float]]


def run(gateways: int, subscriptions: int, sessions: int, seed: int) -> Outcome:
    """One window from its start to its end."""
    began = time.perf_counter()
    fleet = Simulation(gateways, subscriptions, sessions, random.Random(seed))
    shown = sorted({0, subscriptions // 4, subscriptions // 2})
    curves: dict[str, list[float]] = {f"plan {index}": [] for index in shown}
    for number in range(int(WINDOW_S / STEP_S)):
        fleet.step()
        if number % int(1 / STEP_S) == 0:
            sums: Counter[int] = Counter()
            for stream in fleet.streams.values():
                sums[stream.subscription] += stream.passed
            for index in shown:
                curves[f"plan {index}"].append(sums[index] / fleet.limits[index])
    return weigh(fleet, time.perf_counter() - began, curves)


def weigh(fleet: Simulation, took_s: float, curves: dict[str, list[float]]) -> Outcome:
    """Overshoot and shortfall over all plans."""
    passed: Counter[int] = Counter()
    owed: Counter[int] = Counter()
    lost: Counter[int] = Counter()
    for stream in fleet.streams.values():
        passed[stream.subscription] += stream.passed
        if stream.gateway in fleet.killed:
            lost[stream.subscription] += max(0, stream.throttle.remaining())
        else:
            owed[stream.subscription] += int(stream.owed)
    over, short, gone = 0, 0.0, 0.0
    for index, limit in enumerate(fleet.limits):
        over = max(over, passed[index] - limit)
        gone = max(gone, lost[index] / limit)
        missing = limit - passed[index] - lost[index]
        if owed[index] > 0 and missing > 0:
            short = max(short, min(missing, owed[index]) / limit)
    by_second = [fleet.calls[second] for second in range(WINDOW_S)]
    total = sum(passed.values())
    return Outcome(over, short, gone, sum(by_second), max(by_second), total, took_s, by_second, curves)


def svg(outcome: Outcome) -> str:
    """Calls a second, and how three plans were used up."""
    width, height, left, top = 640, 220, 60, 20
    most = max(outcome.by_second) or 1

    def line(values: list[float], base: float, scale: float, colour: str) -> str:
        points = " ".join(
            f"{left + index * width / 59:.1f},{base - value * scale:.1f}" for index, value in enumerate(values)
        )
        return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'

    def text(x: float, y: float, words: str, anchor: str = "start") -> str:
        return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{words}</text>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + left + 20} {2 * height + 90}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        text(left, 14, "Calls to Redis in each second of the window, all gateways together"),
    ]
    for base, label in ((top + height, f"{most:,}"), (2 * height + top + 40, "100 %")):
        parts.append(f'<path d="M{left} {base - height}V{base}H{left + width}" fill="none" stroke="gray"/>')
        parts += [text(left - 4, base - height + 10, label, "end"), text(left - 4, base, "0", "end")]
        parts.append(f'<path d="M{left} {base - height}H{left + width}" stroke="lightgray"/>')
    parts.append(line([float(calls) for calls in outcome.by_second], top + height, height / most, "#206bc4"))
    parts.append(text(left, height + top + 32, "Part of its limit that passed: three of the plans"))
    for (_, values), colour in zip(outcome.curves.items(), ("#d63939", "#2fb344", "#f76707"), strict=False):
        parts.append(line(values, 2 * height + top + 40, height, colour))
    parts.append(text(left + width, 2 * height + top + 56, "60 s", "end"))
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    """Run, print tables, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gateways", type=int, default=200)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--subscriptions", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--svg", type=Path)
    options = parser.parse_args()
    head = ("gateways", "subscriptions", "sessions", "messages passed", "over the limit", "short of it")
    more = ("taken by the killed", "calls", "calls per second", "at most", "messages per call", "run time")
    table = Table("A window of a minute", *head, *more)
    sizes = [(count, 10, options.sessions // 100) for count in (1, 10, 50)]
    for gateways, subscriptions, sessions in [*sizes, (options.gateways, options.subscriptions, options.sessions)]:
        found = run(gateways, subscriptions, sessions, options.seed)
        table.add(
            *(f"{number:,}" for number in (gateways, subscriptions, sessions, found.passed, found.over)),
            *(f"{found.short:.3%}", f"{found.lost:.3%}", f"{found.calls:,}", f"{found.calls / WINDOW_S:,.0f}"),
            *(f"{found.busiest:,}", f"{found.passed / max(1, found.calls):,.0f}", f"{found.took_s:.0f} s"),
        )
    table.print()
    if options.svg:
        options.svg.write_text(svg(found))


if __name__ == "__main__":
    main()
