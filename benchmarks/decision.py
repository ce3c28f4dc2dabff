"""What plans cost: a decision for each message, memory for each counter, calls to Redis for each lease.

    .venv/bin/python benchmarks/decision.py [--messages 2000000] [--counters 100000] [--sessions 1000]

Messages of ten bytes go through the product's own scanner, one in a read and fifty; without a plan, and with one that
counts events and bytes, alone and in allotments out of a common window. The difference is the decision. Nothing is
sent: the pool is the product's rule in memory, answered in the next turn.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.tables import Table, verdict
from gateway.core.frames import FrameScanner
from gateway.core.leases import SharedThrottle
from gateway.core.levels import Level
from gateway.core.limits import Limit
from gateway.core.pool import Pool
from gateway.core.throttling import Purse, Throttle
from gateway.counters import LocalCounters

NOW: Final = 1_800_000_000.0
FRAME: Final = bytes([0x82, 0x80 | 10, 1, 2, 3, 4]) + bytes(10)
BURSTS: Final = (1, 50)  # frames in one read
PLAN: Final = (Limit("events", 1 << 40, "day"), Limit("bytes", 1 << 50, "day"))
ROUNDS: Final = 5


class Teller:
    """Answers at once, and counts."""

    def __init__(self) -> None:
        self.pools: dict[str, Pool] = {}
        self.asked: list[SharedThrottle] = []
        self.lives = self.calls = 0

    def monotonic(self) -> float:
        return time.monotonic()

    def new_life(self) -> int:
        self.lives += 1
        return self.lives

    def holder(self, life: int) -> str:
        return str(life)

    def want(self, throttle: SharedThrottle) -> None:
        self.asked.append(throttle)

    def answer(self) -> None:
        """The answers to what was asked come in."""
        if not self.asked:
            return
        asked, self.asked = self.asked, []
        for throttle in asked:
            self.calls += 1
            call = throttle.call()
            answer, _ = self.pools.setdefault(call.key, Pool()).tell(call)
            if answer is not None:
                throttle.answered(call, answer)


def no_answer() -> None:
    """Nothing was asked."""


def microseconds(throttles: list[Throttle], messages: int, burst: int, answer: Callable[[], None] = no_answer) -> float:
    """CPU time of a message, the least of some rounds."""
    scanner = FrameScanner(True, False, 1 << 20)
    purse = Purse(scanner, lambda: NOW)
    if purse.attach(throttles, "in"):
        scanner.refill = purse.refill
    data = FRAME * burst
    best = float("inf")
    for _ in range(ROUNDS):
        before, began = scanner.messages, time.process_time()
        rest = data
        while scanner.messages - before < messages // ROUNDS:
            allowed = scanner.feed(rest)
            answer()
            if allowed == len(rest):
                rest = data
            else:
                rest = rest[allowed:]
                if not purse.refill(scanner):
                    continue
        best = min(best, (time.process_time() - began) / (scanner.messages - before))
    return best * 1e6


def shared(teller: Teller, number: int = 0) -> list[Throttle]:
    """The plan in a common window."""
    names = ("events", "bytes")
    return [
        SharedThrottle(limit, NOW, name=f"{name}{number}", teller=teller)
        for name, limit in zip(names, PLAN, strict=True)
    ]


def decisions(messages: int) -> None:
    """The cost of each."""
    table = Table("A decision, in microseconds of CPU per message", "frames in a read", "", "message", "decision")
    for burst in BURSTS:
        teller = Teller()
        free = microseconds([], messages, burst)
        alone = microseconds([Throttle(limit, NOW) for limit in PLAN], messages, burst)
        leased = microseconds(shared(teller), messages, burst, teller.answer)
        table.add(str(burst), "without a plan", f"{free:.3f}", "")
        table.add("", "events and bytes, one process", f"{alone:.3f}", verdict(max(0.0, alone - free), 1))
        table.add("", "events and bytes, common window", f"{leased:.3f}", verdict(max(0.0, leased - free), 1))
    table.print()


def rss_mb() -> float:
    """Resident memory of this process."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


class Shared(LocalCounters):
    """Counters in common windows, as `gateway.shared_counters` makes them."""

    def __init__(self, teller: Teller) -> None:
        super().__init__(lambda: NOW)
        self.teller = teller
        self.named: dict[str, SharedThrottle] = {}

    def _begin(self, limit: Limit, level: Level) -> Throttle:
        name = f"{hash(level.subject):020x}"
        made = self.named[name] = SharedThrottle(limit, NOW, name=name, teller=self.teller)
        return made


def memory(counters: int) -> None:
    """What so many counters take."""
    table = Table(f"Memory of {counters:,} counters of one limit each", "", "MB")
    for word, made in (("one process", LocalCounters(lambda: NOW)), ("common windows", Shared(Teller()))):
        # Whose they are and what they allow is there anyway, with the entitlements.
        limits = [(Limit("events", 1000 + number, "day"),) for number in range(7)]
        levels = [(Level(("subscription", f"{number:032x}"), limits[number % 7]),) for number in range(counters)]
        gc.collect()
        before = rss_mb()
        for one in levels:
            made.of(one)
        table.add(word, verdict(rss_mb() - before, 100))
        del made, levels
    table.print()


def calls(sessions: int) -> None:
    """Sessions of one plan at one process, each a message in turn."""
    teller = Teller()
    throttles = shared(teller)
    leases = 0
    scanners: list[FrameScanner] = []

    def counting(purse: Purse) -> Callable[[FrameScanner, int], bool]:
        def refill(scanner: FrameScanner, wanted: int) -> bool:
            nonlocal leases
            found = purse.refill(scanner, wanted)
            leases += found
            return found

        return refill

    for _ in range(sessions):
        scanner = FrameScanner(True, False, 1 << 20)
        purse = Purse(scanner, lambda: NOW)
        purse.attach(throttles, "in")
        scanner.refill = counting(purse)
        scanners.append(scanner)
    for _ in range(1_000):
        for scanner in scanners:
            if scanner.feed(FRAME) != len(FRAME):
                teller.answer()
                purse_open = scanner.refill is not None and scanner.refill(scanner, 10)
                if purse_open:
                    scanner.feed(FRAME)
        teller.answer()
    passed = sum(scanner.messages for scanner in scanners)
    table = Table("Calls to Redis", "sessions", "messages", "leases", "calls", "calls per lease")
    table.add(f"{sessions:,}", f"{passed:,}", f"{leases:,}", f"{teller.calls:,}", verdict(teller.calls / leases, 1))
    table.print()


def main() -> None:
    """All three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2_000_000)
    parser.add_argument("--counters", type=int, default=100_000)
    parser.add_argument("--sessions", type=int, default=1_000)
    options = parser.parse_args()
    decisions(options.messages)
    memory(options.counters)
    calls(options.sessions)


if __name__ == "__main__":
    main()
