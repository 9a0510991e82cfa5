"""Interval arithmetic: exact bounds, and every value in, every result in."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from anatomy.ledger.intervals import Figure, Interval, mean, number, printed, total

FRACTIONS = st.fractions(min_value=-1000, max_value=1000, max_denominator=1000)


@st.composite
def inside(draw: st.DrawFn) -> tuple[Interval, Fraction]:
    """An interval and a value in it."""
    low, high = sorted((draw(FRACTIONS), draw(FRACTIONS)))
    share = draw(st.fractions(min_value=0, max_value=1, max_denominator=100))
    return Interval(low, high), low + share * (high - low)


@given(inside(), inside())
def test_every_result_lies_in_the_interval_of_results(
    a: tuple[Interval, Fraction], b: tuple[Interval, Fraction]
) -> None:
    (first, x), (second, y) = a, b
    assert x + y in first + second
    assert x - y in first - second
    assert x * y in first * second
    assert -x in -first
    assert 3 - x in 3 - first
    if not second.lo <= 0 <= second.hi:
        assert x / y in first / second
        assert 2 / y in 2 / second


@given(inside(), inside())
def test_bounds_are_attained(a: tuple[Interval, Fraction], b: tuple[Interval, Fraction]) -> None:
    first, second = a[0], b[0]
    corners = {x * y for x in (first.lo, first.hi) for y in (second.lo, second.hi)}
    assert {(first * second).lo, (first * second).hi} <= corners
    assert (first + second).lo == first.lo + second.lo
    assert (first - second).hi == first.hi - second.lo


@given(inside(), inside())
def test_gap_and_overlap_exclude_each_other(
    a: tuple[Interval, Fraction], b: tuple[Interval, Fraction]
) -> None:
    (first, x), (second, y) = a, b
    assert first.overlaps(second) == (first.gap(second) == 0)
    assert first.gap(second) == second.gap(first)
    assert abs(x - y) >= first.gap(second)
    assert first.overlaps(Interval.hull(first, second))


@given(st.lists(inside(), min_size=1, max_size=6))
def test_total_and_mean(parts: list[tuple[Interval, Fraction]]) -> None:
    intervals = [interval for interval, _ in parts]
    values = [value for _, value in parts]
    assert sum(values) in total(intervals)
    assert sum(values) / len(values) in mean(intervals)


@given(st.decimals(min_value=-999, max_value=999, places=6), st.integers(0, 4))
def test_a_printed_number_holds_all_that_round_to_it(value: Decimal, decimals: int) -> None:
    text = f"{value:.{decimals}f}"
    assume(not text.startswith("-") or float(text) != 0)
    around = printed(text)
    assert Fraction(value) in around
    assert around.hi - around.lo == Fraction(1, 10**decimals)
    assert around.mid == Fraction(text)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("0.245", "0.2445", "0.2455"),
        ("34.6%", "0.3455", "0.3465"),
        ("404,796", "404795.5", "404796.5"),
        ("1.5K", "1450", "1550"),
        ("353.72M", "353715000", "353725000"),
        ("3.7x", "3.65", "3.75"),
        ("~5.6", "5.5", "5.7"),
        ("~282", "281", "283"),
        ("16 ± 2", "13", "19"),
        ("5.4–5.9", "5.35", "5.95"),
        ("6–8%", "0.055", "0.085"),
        ("0.0034", "0.00335", "0.00345"),
    ],
)
def test_printed_forms(text: str, low: str, high: str) -> None:
    assert printed(text) == Interval(Fraction(low), Fraction(high))


@pytest.mark.parametrize("text", ["", "five", "1.2.3", "5 apples", "--3"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a printed number|Invalid literal"):
        printed(text)


def test_counts_are_exact() -> None:
    assert Figure("404,796", "3.1.1", exact=True).interval == Interval.exact(404_796)
    assert Figure("404,796", "3.1.1").interval != Interval.exact(404_796)


def test_text_rounds_outwards() -> None:
    assert Interval(Fraction("5.7721"), Fraction("5.7879")).text(2) == "5.77 to 5.79"
    assert Interval(Fraction("-0.019"), Fraction("0.011")).text(2) == "-0.02 to 0.02"
    assert Interval.exact(Fraction("38.317312")).text(2) == "38.32"
    assert Interval(Fraction("0.2445"), Fraction("0.2455")).percent(1) == "24.4 to 24.6 %"


@given(FRACTIONS, st.integers(0, 4))
def test_number_rounds_as_told(value: Fraction, decimals: int) -> None:
    down, up, near = (
        Fraction(number(value, decimals, way).replace(",", "")) for way in ("down", "up", "nearest")
    )
    assert down <= value <= up
    assert up - down <= Fraction(1, 10**decimals)
    assert abs(near - value) <= Fraction(1, 2 * 10**decimals)


def test_impossible_intervals_are_refused() -> None:
    with pytest.raises(ValueError, match="lo <= hi"):
        Interval.of(2, 1)
    with pytest.raises(ZeroDivisionError, match="holds zero"):
        Interval.of(1, 2) / Interval.of(-1, 1)


def test_floats_are_widened() -> None:
    around = Interval.around(0.1, 0.1)
    assert Fraction(1, 10) in around
    assert around.hi - around.lo < Fraction(1, 10**9)
