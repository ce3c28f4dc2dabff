"""What plans cost: exact, rounded once on the line, to the coin of the currency."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apis.pricing import DAY_S, Month, Price, fixed_part, month_of, rounded, totals, usage_part

NOVEMBER, FEBRUARY, LEAP = Month(2026, 11), Month(2026, 2), Month(2028, 2)


def money(text: str) -> Decimal:
    return Decimal(text)


@pytest.mark.parametrize(
    ("cycle", "month", "days", "expected"),
    [
        ("month", NOVEMBER, 30, "9.90"),
        ("month", FEBRUARY, 28, "9.90"),
        ("month", LEAP, 29, "9.90"),
        ("month", NOVEMBER, 15, "4.95"),
        ("month", NOVEMBER, 1, "0.33"),
        ("month", NOVEMBER, 0, "0.00"),
        ("week", NOVEMBER, 30, "42.43"),
        ("week", FEBRUARY, 28, "39.60"),
        ("year", NOVEMBER, 30, "0.81"),
        ("year", Month(2028, 11), 30, "0.81"),
    ],
)
def test_the_price_of_a_cycle_is_taken_in_proportion(cycle: str, month: Month, days: int, expected: str) -> None:
    price = Price("commercial", money("9.90"), cycle=cycle)
    assert fixed_part(price, days * DAY_S, month) == money(expected)


def test_twelve_months_of_a_yearly_price_are_the_price() -> None:
    price = Price("commercial", money("365.00"), cycle="year")
    months = [Month(2026, number) for number in range(1, 13)]
    assert sum(fixed_part(price, int((one.end - one.start).total_seconds()), one) for one in months) == 365


@pytest.mark.parametrize(
    ("unit_price", "unit", "events", "expected"),
    [
        ("0.50", 1000, 0, "0.00"),
        ("0.50", 1000, 1000, "0.50"),
        ("0.50", 1000, 1500, "0.75"),
        ("0.50", 1000, 9, "0.00"),
        ("0.50", 1000, 10, "0.01"),
        ("0.000001", 1, 5000, "0.01"),
        ("0.01", 3, 1, "0.00"),
        ("99999999.999999", 1, 9_223_372_036_854_775_807, "922337203685468357327963145.22"),
    ],
)
def test_messages_cost_in_proportion(unit_price: str, unit: int, events: int, expected: str) -> None:
    price = Price("commercial", unit_price=money(unit_price), unit_events=unit)
    assert usage_part(price, events) == money(expected)


def test_half_a_coin_is_rounded_up_and_coins_differ() -> None:
    assert rounded(money("0.005"), "EUR") == money("0.01")
    assert rounded(money("0.5"), "JPY") == 1
    assert rounded(money("0.0005"), "KWD") == money("0.001")


def test_a_free_plan_costs_nothing_whatever_its_price_fields_say() -> None:
    price = Price("free", money("9.90"), unit_price=money("1"))
    assert fixed_part(price, 30 * DAY_S, NOVEMBER) == 0
    assert usage_part(price, 10_000) == 0


def test_sums_are_by_currency() -> None:
    assert totals([("EUR", money("1.10")), ("USD", money("2")), ("EUR", money("0.05"))]) == {
        "EUR": money("1.15"),
        "USD": money("2"),
    }


def test_months_follow_each_other() -> None:
    assert str(month_of("2026-11")) == "2026-11"
    assert Month(2026, 12).next == Month(2027, 1)
    assert Month(2026, 1).previous == Month(2025, 12)
    assert Month(2026, 12).end.isoformat() == "2027-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-00", "2026-1", "26-11-01", "2026/11", "٢٠٢٦-11", "0001-01"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        month_of(text)
