"""The rule that says whether a difference is more than chance."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from anatomy.comparison.difference import difference
from anatomy.comparison.facts import Fact, Size, at_size, estimate
from anatomy.inside.cloud import Method, cloud_finding

VALUES = st.floats(0.01, 1e6)
HALF = st.floats(0.0, 1e3)


@st.composite
def estimates(draw):
    value = draw(VALUES)
    low, high = value - draw(HALF), value + draw(HALF)
    return Fact(value, "dimension", "estimate", low=low, high=high, digits=4, points=100)


FACTS = st.one_of(
    estimates(),
    st.builds(Fact, st.integers(0, 10**9), st.just("count")),
    st.builds(Fact, VALUES, st.just("share"), st.just("sampled"), digits=st.just(6)),
)


def around(value: float, half: float) -> Fact:
    return Fact(value, "dimension", "estimate", low=value - half, high=value + half, digits=4)


@given(FACTS)
def test_a_number_does_not_move_from_itself(fact):
    assert difference(fact, fact).verdict == "same"
    assert difference(fact, fact).value == 0


@given(FACTS, FACTS)
def test_the_other_way_round_every_difference_is_negated(a, b):
    there, back = difference(a, b), difference(b, a)
    assert back.value == -there.value
    assert back.verdict == there.verdict
    if there.low is not None:
        assert back.low == -there.high
        assert back.high == -there.low


def test_the_interval_of_a_difference_by_hand():
    a = Fact(10.0, "dimension", "estimate", low=9.0, high=10.5, digits=4)
    b = Fact(13.0, "dimension", "estimate", low=12.5, high=15.0, digits=4)
    found = difference(a, b)
    assert found.value == 3.0
    assert found.low == pytest.approx(3 - math.sqrt(0.5**2 + 0.5**2))
    assert found.high == pytest.approx(3 + math.sqrt(2.0**2 + 1.0**2))
    assert found.verdict == "beyond"


@given(st.floats(1, 100), st.floats(1, 100), st.floats(0.01, 20), st.floats(0.01, 20))
def test_for_symmetric_intervals_it_is_the_root_of_the_squared_half_widths(a, b, x, y):
    root = math.hypot(x, y)
    assume(abs(abs(a - b) - root) > 0.2)  # away from what rounding to four digits decides
    assume(abs(a - b) > 0.2)
    expected = "beyond" if abs(a - b) > root else "within"
    assert difference(around(a, x), around(b, y)).verdict == expected


def test_of_independent_samples_1_in_20_lies_beyond():
    generator = np.random.default_rng(0)
    pairs = generator.normal(50, (1.0, 2.0), size=(4000, 2))
    beyond = sum(
        difference(around(a, 1.96), around(b, 2 * 1.96)).verdict == "beyond" for a, b in pairs
    )
    assert 0.04 < beyond / len(pairs) < 0.06


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        (Fact(1, "count"), Fact(2, "count"), "exact"),
        (Fact(0, "count"), Fact(0, "count"), "same"),
        (Fact(0.123456, "share", digits=6), Fact(0.123457, "share", digits=6), "same"),
        (Fact(0.123456, "share", digits=6), Fact(0.123458, "share", digits=6), "exact"),
        (Fact(0.1, "share"), Fact(0.1 + 1e-12, "share"), "exact"),
        (Fact(9.5, "share", "sampled", digits=6), Fact(9.6, "share", "sampled"), "no interval"),
        (Fact(9.5, "dimension"), Fact(9.6, "dimension", "sampled"), "no interval"),
        (around(11.9, 0.0), around(11.91, 0.0), "same"),
        (around(11.9, 0.0), around(11.92, 0.0), "within"),  # 0.02 is what two roundings can make
        (around(11.9, 0.0), around(11.93, 0.0), "beyond"),
    ],
)
def test_what_the_recorded_digits_cannot_show_is_no_change(a, b, verdict):
    assert difference(a, b).verdict == verdict


def test_estimates_on_other_numbers_of_points_are_not_judged_as_they_stand():
    few, many = replace(around(12.5, 0.5), points=2000), replace(around(10.3, 0.2), points=5000)
    found = difference(many, few)
    assert (found.verdict, found.low, found.high) == ("other size", None, None)
    assert difference(many, replace(few, points=4990)).verdict == "beyond"


def test_at_fewer_points_the_value_lies_on_the_logarithmic_line():
    def law(points: int) -> float:
        return 30 - 2 * math.log(points)

    sizes = tuple(Size(n, 2, law(n)) for n in (2000, 1000, 500))
    whole = Fact(
        law(4000), "dimension", "estimate", low=law(4000) - 1, high=law(4000) + 2, points=4000,
        sizes=sizes,
    )  # fmt: skip
    for points in (4000, 3000, 2000, 1700, 500):
        found = at_size(whole, points)
        assert found.value == pytest.approx(law(points), abs=1e-3 if points == 4000 else 1e-9)
    assert at_size(whole, 499) is None
    assert at_size(whole, 5000) is None
    # Two samples of 2,000 hold every point, two of 500 a quarter of them: twice as wide.
    grown = law(500) / law(4000)
    found = at_size(whole, 500)
    assert found.value - found.low == pytest.approx(2 * grown)
    assert found.high - found.value == pytest.approx(4 * grown)
    half = at_size(whole, 2000)
    assert half.value - half.low == pytest.approx(law(2000) / law(4000))


def test_samples_of_one_distribution_agree_only_at_equal_numbers_of_points():
    """Eight-dimensional Gaussians: 1,200 points against 300, where nothing differs but the size."""

    def mle(points: int, seed: int) -> Fact:
        cloud = np.random.default_rng(seed).standard_normal((points, 8)).astype(np.float32)
        found = cloud_finding(
            cloud, group="x", kind="pooled", population=points, drawn=points, copies=0,
            variants=None, method=Method("exact"), reference=False,
        )  # fmt: skip
        sizes = tuple(Size(s.points, s.samples, s.mle.value) for s in found.by_size)
        return estimate(found.harmonic, points, sizes)

    pairs = [(mle(1200, 2 * n), mle(300, 2 * n + 1)) for n in range(6)]
    as_they_stand = [difference(replace(a, points=300), b).verdict for a, b in pairs]
    at_equal_points = [difference(at_size(a, 300), b).verdict for a, b in pairs]
    assert as_they_stand.count("beyond") >= 4
    assert at_equal_points.count("beyond") <= 1
