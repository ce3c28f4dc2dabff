"""What a plan costs: money, in Decimal and nothing else. Pure.

Every amount is exact until it stands on a line of a statement, where it is rounded once, half up, to the smallest coin
of its currency (ISO 4217); sums are sums of what the lines show.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final

DAY_S: Final = 86_400
FREE: Final = "free"
# ISO 4217: currencies whose smallest coin is not a hundredth.
_WHOLE: Final = ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV")
_FRANCS: Final = ("XAF", "XOF", "XPF")
_MILLS: Final = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_EXPONENTS: Final = {**dict.fromkeys(_WHOLE + _FRANCS, 0), **dict.fromkeys(_MILLS, 3)}
PRECISION: Final = 60  # digits: nothing that fits the columns is rounded on the way


@dataclass(frozen=True, slots=True)
class Price:
    """What somebody pays under a plan: `amount` for each cycle, and `unit_price` for each `unit_events` events."""

    billing: str = FREE
    amount: Decimal | None = None
    currency: str = "EUR"
    cycle: str = "month"
    unit_price: Decimal | None = None
    unit_events: int = 1000


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the calendar in UTC, from `start` until before `end`."""

    year: int
    number: int

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        return self.next.start

    @property
    def next(self) -> Month:
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def previous(self) -> Month:
        return Month(self.year - (self.number == 1), (self.number - 2) % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"


FIRST_YEAR: Final = 1971
LAST_YEAR: Final = 9990


def month_of(text: str) -> Month:
    """A month such as "2026-11". Raises: ValueError."""
    year, dash, number = text[:4], text[4:5], text[5:]
    if not (len(text) == 7 and dash == "-" and (year + number).isascii() and (year + number).isdigit()):
        raise ValueError(text)
    month = Month(int(year), int(number))
    if not (FIRST_YEAR <= month.year <= LAST_YEAR and 1 <= month.number <= 12):
        raise ValueError(text)
    return month


def cycle_s(cycle: str, month: Month) -> int:
    """Length of a price's cycle in seconds, seen from this month: its own days, or those of its year.

    Raises: KeyError for a word that is no cycle.
    """
    days = {
        "week": 7,
        "month": monthrange(month.year, month.number)[1],
        "year": 366 if isleap(month.year) else 365,
    }
    return days[cycle] * DAY_S


def rounded(amount: Decimal, currency: str) -> Decimal:
    """An amount in whole coins of its currency, half up."""
    with localcontext() as context:
        context.prec = PRECISION
        return amount.quantize(Decimal(1).scaleb(-_EXPONENTS.get(currency, 2)), ROUND_HALF_UP)


def fixed_part(price: Price, in_force_s: int, month: Month) -> Decimal:
    """The price of the cycle for the part of it in which the plan was in force: pro rata by the second.

    Args:
        in_force_s: whole seconds within the month.
    """
    if price.billing == FREE or price.amount is None:
        return rounded(Decimal(0), price.currency)
    with localcontext() as context:
        context.prec = PRECISION
        return rounded(price.amount * in_force_s / cycle_s(price.cycle, month), price.currency)


def usage_part(price: Price, events: int) -> Decimal:
    """The price of these events, in proportion: half a unit costs half of its price."""
    if price.billing == FREE or price.unit_price is None:
        return rounded(Decimal(0), price.currency)
    with localcontext() as context:
        context.prec = PRECISION
        return rounded(price.unit_price * events / price.unit_events, price.currency)


def totals(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """Sums by currency, of (currency, amount)."""
    sums: dict[str, Decimal] = {}
    for currency, amount in amounts:
        sums[currency] = sums.get(currency, Decimal(0)) + amount
    return sums
