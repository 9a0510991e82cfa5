"""One number of one audit, and what is known of its error."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from anatomy.findings import Estimated

Unit = Literal["count", "tokens", "share", "length", "dimension", "cosine", "parameters"]
# exact: a count, or what follows from counts or weights alone. sampled: of the prompts that were
# drawn, without an interval. estimate: with a 95 % interval.
Kind = Literal["exact", "sampled", "estimate"]

SAME_SIZE = 0.01  # clouds whose numbers of points differ by less stand at the same scale


class Key(NamedTuple):
    """What a number is of; equal keys of two audits stand against each other."""

    subject: str
    part: str  # of the subject: "pooled", "L = 16"
    group: str  # a source's name, "combined", or nothing
    name: str


class Size(NamedTuple):
    """An estimate's mean over disjoint samples of fewer points."""

    points: int
    samples: int
    value: float


@dataclass(frozen=True)
class Fact:
    """A number.

    Attributes
    ----------
    value : int or float
    unit, kind
    low, high : float or None
        The 95 % interval of an estimate.
    digits : int or None
        Significant digits to which the findings round it; None: it is not rounded.
    points : int
        Of outputs: the points it looks at.
    sizes : tuple of Size
        Of an estimate: what it is on fewer points, most points first.
    headline : bool
        Whether it belongs to the few numbers that are looked at first.
    """

    value: int | float
    unit: Unit
    kind: Kind = "exact"
    low: float | None = None
    high: float | None = None
    digits: int | None = None
    points: int = 0
    sizes: tuple[Size, ...] = ()
    headline: bool = False

    @property
    def step(self) -> float:
        """The smallest difference that the recorded digits can show; 0 where all are recorded."""
        if self.digits is None or not self.value:
            return 0.0
        return float(10.0 ** (math.floor(math.log10(abs(self.value))) - self.digits + 1))


def estimate(
    found: Estimated, points: int, sizes: tuple[Size, ...] = (), *, headline: bool = False
) -> Fact:
    """An estimate of the findings as a fact."""
    return Fact(
        found.value,
        "dimension",
        "estimate",
        low=found.low,
        high=found.high,
        digits=4,
        points=points,
        sizes=sizes,
        headline=headline,
    )


def same_size(a: int, b: int) -> bool:
    """Whether two clouds have as good as the same number of points."""
    return abs(a - b) <= SAME_SIZE * max(a, b)


def at_size(fact: Fact, points: int) -> Fact | None:
    """An estimate as it would be on fewer points, from the audit's own decimated samples.

    Between two sizes the value is interpolated, linearly in the logarithm of the points. The
    interval is the whole cloud's, in proportion to the value; where the samples of a size hold only
    n of the cloud's N points, it is wider by sqrt(N / n).

    Returns
    -------
    Fact or None
        None above the cloud's own size, and below the smallest sample.
    """
    if same_size(fact.points, points):
        return fact
    if fact.low is None or fact.high is None or not fact.value:
        return None
    known = (Size(fact.points, 1, float(fact.value)), *fact.sizes)
    for above, below in itertools.pairwise(known):
        if above.points >= points >= below.points and above.points > below.points:
            break
    else:
        return None
    part = math.log(above.points / points) / math.log(above.points / below.points)

    def between(a: float, b: float) -> float:
        return a + part * (b - a)

    value = between(above.value, below.value)
    wider = between(*(math.sqrt(fact.points / (s.samples * s.points)) for s in (above, below)))
    scale = max(1.0, wider) * value / fact.value
    return replace(
        fact,
        value=value,
        low=value - scale * (fact.value - fact.low),
        high=value + scale * (fact.high - fact.value),
        points=points,
        sizes=(),
    )
