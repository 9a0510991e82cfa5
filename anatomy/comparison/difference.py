"""What may be said of the difference between an audit's number and the baseline's.

Counts, and what follows from counts or weights alone, have no error: where they differ, they
differ. An estimate differs beyond chance where 0 lies outside the 95 % interval of the difference,
which is made of the two estimates' own intervals [l, u] by recovering their variances (G. Y. Zou,
A. Donner, "Construction of confidence limits about effect measures: a general approach",
Statistics in Medicine 27, 2008, equation for a difference):

    d = b - a,   from d - sqrt((b - l_b)^2 + (u_a - a)^2)   to   d + sqrt((u_b - b)^2 + (a - l_a)^2)

For symmetric intervals that is |d| against the root of the sum of the squared half-widths. It
assumes two independent samples. Samples of one seed from one corpus are nested, and samples of one
corpus share prompts: their errors go the same way, so the interval is then too wide, "beyond" is
safe and "within" says less than it could. Of many comparisons 1 in 20 lies beyond by chance.

An intrinsic dimension is that of a scale, and fewer points mean a larger one. Estimates on other
numbers of points are therefore not judged as they stand, but at the smallest number among the
audits (`facts.at_size`).

Measured: per cent of the comparisons called "beyond" where both samples come from one distribution,
and in brackets what judging the estimates as they stand would call so. 200 pairs of independent
clouds (8 dimensions: Gaussian; 16: uniform cube), and 100 pairs of disjoint samples of the outputs
of all-MiniLM-L6-v2 on 51,155 noun phrases (VEval's). MLE: harmonic, averaged over k.

    points                       TwoNN        MLE          TwoNN        MLE
                                 8 dimensions              16 dimensions
    1,000 against 1,000          4            5            7            5
    2,000 against 1,500          4 (6)        4 (11)       4 (5)        6 (17)
    2,000 against 750            3 (5)        5 (80)       3 (7)        5 (89)
    2,000 against 500            6 (5)        6 (95)       5 (11)       6 (99)

                                 MiniLM's outputs
    2,000 against 2,000          0            0
    half of them in both         0            0
    5,000 against 2,000          1 (100)      0 (100)
    2,000 against 500            0 (64)       2 (100)

Real outputs are of unequal density, for which the intervals are wide (`measures.intervals`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from anatomy.comparison.facts import Fact, same_size

Verdict = Literal["same", "exact", "beyond", "within", "no interval", "other size"]
VERDICTS: dict[Verdict, str] = {
    "same": "no change, to the digits that the findings record",
    "exact": "changed; a count, or what follows from counts or weights alone, has no error",
    "beyond": "changed by more than chance: 0 is outside the 95 % interval of the difference",
    "within": "may be chance: 0 is inside the 95 % interval of the difference",
    "no interval": "changed, but it was measured on a sample and the findings hold no interval",
    "other size": (
        "measured on another number of points, which alone moves it; judged at equal numbers of "
        "points where the findings allow"
    ),
}
_SLACK = 1 + 1e-9  # of comparisons between decimal fractions held as binary ones


@dataclass(frozen=True)
class Difference:
    """A difference, its 95 % interval where there is one, and what may be said of it."""

    value: int | float
    low: float | None
    high: float | None
    verdict: Verdict


def difference(base: Fact, other: Fact) -> Difference:
    """`other` less `base`, and its verdict.

    The findings round: what the last recorded digit could have made is no change, and does not
    carry a difference beyond its interval.
    """
    value = other.value - base.value
    low = high = None
    if base.kind == other.kind == "estimate" and same_size(base.points, other.points):
        low, high = interval(base, other)
    verdict: Verdict
    if abs(value) <= max(base.step, other.step) * _SLACK:
        verdict = "same"
    elif low is not None and high is not None:
        rounding = base.step + other.step
        verdict = "beyond" if low > rounding or high < -rounding else "within"
    elif base.kind == other.kind == "exact":
        verdict = "exact"
    else:
        verdict = "no interval" if same_size(base.points, other.points) else "other size"
    return Difference(value, low, high, verdict)


def interval(base: Fact, other: Fact) -> tuple[float, float]:
    """The 95 % interval of `other` less `base`, for independent estimates."""
    if base.low is None or base.high is None or other.low is None or other.high is None:
        raise ValueError("an interval of a difference needs those of both estimates")
    value = other.value - base.value
    below = math.hypot(other.value - other.low, base.high - base.value)
    above = math.hypot(other.high - other.value, base.value - base.low)
    return value - below, value + above
