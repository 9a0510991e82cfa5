"""From intervals to verdicts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.ledger.intervals import Interval
from anatomy.ledger.verdicts import (
    Verdict,
    all_of,
    any_reading,
    at_most,
    equal,
    less,
    possible,
    saved_by,
)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    """Small whole bounds, so that intervals often touch."""
    low, high = sorted((draw(st.integers(0, 5)), draw(st.integers(0, 5))))
    return Interval.of(low, high)


def _by_trial(a: Interval, b: Interval, holds: Callable[[float, float], bool]) -> Verdict:
    grid = [x / 2 for x in range(11)]
    found = {holds(x, y) for x, y in product(grid, grid) if a.lo <= x <= a.hi and b.lo <= y <= b.hi}
    return "undecided" if len(found) == 2 else "holds" if True in found else "contradicts"


@given(intervals(), intervals())
def test_orders_agree_with_trying_all_values(a: Interval, b: Interval) -> None:
    assert less(a, b) == _by_trial(a, b, lambda x, y: x < y)
    assert at_most(a, b) == _by_trial(a, b, lambda x, y: x <= y)


@given(intervals(), intervals())
def test_equality_contradicts_only_if_no_value_is_common(a: Interval, b: Interval) -> None:
    tried = _by_trial(a, b, lambda x, y: x == y)
    assert equal(a, b) == ("contradicts" if tried == "contradicts" else "holds")


@pytest.mark.parametrize(
    ("verdicts", "every", "readings"),
    [
        (["holds", "holds"], "holds", "holds"),
        (["holds", "undecided"], "undecided", "undecided"),
        (["holds", "contradicts"], "contradicts", "undecided"),
        (["contradicts", "contradicts"], "contradicts", "contradicts"),
        ([], "undecided", "undecided"),
    ],
)
def test_combinations(verdicts: list[Verdict], every: Verdict, readings: Verdict) -> None:
    assert all_of(verdicts) == every
    assert any_reading(verdicts) == readings


def test_possible() -> None:
    assert [possible(v) for v in ("holds", "undecided", "contradicts")] == [
        "holds",
        "holds",
        "contradicts",
    ]


@pytest.mark.parametrize(
    ("literal", "others", "expected"),
    [
        ("holds", ["contradicts"], "holds"),
        ("undecided", ["contradicts"], "undecided"),
        ("contradicts", ["contradicts"], "contradicts"),
        ("contradicts", ["contradicts", "holds"], "undecided"),
    ],
)
def test_saved_by(literal: Verdict, others: list[Verdict], expected: Verdict) -> None:
    assert saved_by(literal, others) == expected
