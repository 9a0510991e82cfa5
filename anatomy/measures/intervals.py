"""95 % intervals of estimates that average over points.

The points' statistics are resampled, their neighbours stay. A point and its nearest neighbour share
distances, so their statistics vary together: what the links from each point to its nearest
neighbour join is drawn as a block (block bootstrap; S. Lahiri, "Resampling Methods for Dependent
Data", 2003). The interval goes from 2.5 to 97.5 per cent of the resampled values.

Measured on independent clouds of 1,000 points: per cent of the intervals that hold the estimator's
mean over all clouds (8 dimensions: Gaussian; 16: uniform cube; MLE: harmonic, and averaged over
k = 5, 10, 20, 50). The first row is over 400 clouds each, the others over 200.

                                       TwoNN    MLE 10   MLE 50   MLE all  Gride 8
                                       8   16   8   16   8   16   8   16   8   16
    links to nearest neighbours        95  96   93  94   96  91   94  92   92  92
    blocks of 5 nearest neighbours     92  93   95  92   98  88   93  90   94  92
    blocks of 50 nearest neighbours    89  92   92  89   99  89   93  89   95  89
    each point alone                   88  90   88  88   90  85   86  86   92  92

Intervals reflected at the estimate ("basic") differ by up to 3; none is centred wrongly. Where
parts of a cloud differ in dimension the intervals are too wide: twice, for two clusters of
dimensions 3 and 12, because whole blocks also move the clusters' shares.

The interval says how far chance moves the estimate. It does not hold the estimator's bias, which at
these sizes is larger (a mean MLE of 7.4 for 8 dimensions, of 11.8 for 16).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_MANY = 100_000  # points above which fewer resamples are drawn
_FEWER = 200


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float
    draws: np.ndarray | None = None  # the resampled values, to average estimates with theirs


@dataclass(frozen=True)
class Weights:
    """How often each block is drawn in each resample.

    Attributes
    ----------
    block : ndarray of int32, shape [N]
        Each point's block.
    sizes : ndarray of int64, shape [M]
        Points of each block.
    counts : ndarray of float64, shape [B, M]
    """

    block: np.ndarray
    sizes: np.ndarray
    counts: np.ndarray

    def means(self, values: np.ndarray) -> np.ndarray:
        """Mean of `values` [N] in each resample, float64 [B]."""
        sums = np.bincount(self.block, weights=values, minlength=len(self.sizes))
        result: np.ndarray = (self.counts @ sums) / self._points
        return result

    @cached_property
    def _points(self) -> np.ndarray:
        drawn: np.ndarray = self.counts @ self.sizes.astype(np.float64)
        return drawn


def weights(indices: np.ndarray, *, resamples: int = 1000, seed: int = 0) -> Weights:
    """Draw blocks: points that the links to nearest neighbours join, about 3 to 5 in a block.

    Where they join all points, each point is a block.

    Parameters
    ----------
    indices : ndarray of int, shape [N, K]
        Each point's neighbours, the nearest first.
    resamples : int
        At most 200 are drawn for more than 100,000 points.
    seed : int
    """
    block = _blocks(indices[:, 0])
    sizes = np.bincount(block)
    if len(indices) > _MANY:
        resamples = min(resamples, _FEWER)
    share = np.full(len(sizes), 1 / len(sizes))
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(len(sizes), share, size=resamples).astype(np.float64)
    return Weights(block, sizes, counts)


def _blocks(nearest: np.ndarray) -> np.ndarray:
    """Points joined by links to their nearest neighbours; int32 [N]."""
    points = np.arange(len(nearest))
    links = coo_array(
        (np.ones(len(points), dtype=bool), (points, nearest)), shape=(len(points),) * 2
    )
    number, block = connected_components(links, directed=False)
    result: np.ndarray = block if number > 1 else points.astype(np.int32)
    return result


def of_mean(
    values: np.ndarray,
    drawn: Weights,
    transform: Callable[[np.ndarray], np.ndarray] = np.positive,
) -> Estimate:
    """``transform(mean(values))`` with its interval."""
    value = float(transform(values.mean()))
    return around(value, transform(drawn.means(values)))


def around(value: float, draws: np.ndarray) -> Estimate:
    """The interval from 2.5 to 97.5 per cent of the resampled values."""
    low, high = np.percentile(draws, [2.5, 97.5])
    return Estimate(value, float(min(low, value)), float(max(high, value)), draws)


def average(estimates: list[Estimate]) -> Estimate:
    """The mean of several estimates over the same resamples."""
    draws = np.mean(
        [estimate.draws for estimate in estimates if estimate.draws is not None], axis=0
    )
    return around(float(np.mean([estimate.value for estimate in estimates])), draws)
