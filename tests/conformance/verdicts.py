"""What the suite said about each case, and when two such answers are equal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

GOOD = frozenset({"OK", "NON-STRICT", "INFORMATIONAL"})
RACING = ("2.", "3.", "4.", "5.15", "6.4.", "7.1.6", "7.13.")
"""Here the suite races the echo against the close: two runs without a gateway differ already. So all good verdicts are
equal, and a close code that only one of the two saw is no difference."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One case.

    Attributes:
        behavior: of the messages: "OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED" or "ERROR".
        closing: of the closing handshake: "OK", "INFORMATIONAL", "FAILED", "UNCLEAN", "WRONG CODE", ...
        code: the close code that came from the far end, if one came.
        told: the suite's own words.
    """

    behavior: str
    closing: str
    code: int | None
    told: str = ""

    @property
    def good(self) -> bool:
        return self.behavior in GOOD and self.closing in GOOD

    def __str__(self) -> str:
        return f"{self.behavior}, closing {self.closing}, close code {self.code}"


Verdicts = dict[str, Verdict]


def races(case: str) -> bool:
    """Whether the verdict of this case depends on who is faster."""
    return case.startswith(RACING)


def equal(case: str, direct: Verdict, through: Verdict) -> bool:
    """The equality rule: the same, or better where the far end failed without a gateway."""
    if not direct.good and through.good:
        return True
    if races(case) and direct.good and through.good:
        return direct.code == through.code or None in {direct.code, through.code}
    return (direct.behavior, direct.closing, direct.code) == (through.behavior, through.closing, through.code)


def differences(direct: Verdicts, through: Verdicts) -> list[str]:
    """A line for each case that is not equal, or that only one of the two runs knows."""
    lines = []
    for case in sorted(direct.keys() | through.keys(), key=_order):
        one, other = direct.get(case), through.get(case)
        if one is None or other is None:
            lines.append(f"{case}: not run {'directly' if one is None else 'through the gateway'}")
        elif not equal(case, one, other):
            lines.append(f"{case}: directly {one}; through the gateway {other} ({other.told})")
    return lines


def by_group(verdicts: Verdicts) -> dict[int, Counter[str]]:
    """Group of cases -> how often each behavior."""
    counted: dict[int, Counter[str]] = {}
    for case, verdict in verdicts.items():
        counted.setdefault(_order(case)[0], Counter())[verdict.behavior] += 1
    return dict(sorted(counted.items()))


def summary(counted: Counter[str]) -> str:
    """ "229 OK, 14 NON-STRICT", most frequent first."""
    return ", ".join(f"{count} {behavior}" for behavior, count in counted.most_common())


def _order(case: str) -> list[int]:
    return [int(part) for part in case.split(".")]
