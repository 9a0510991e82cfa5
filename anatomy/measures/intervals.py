"""95 % intervals of estimates that average over points.

The points' statistics are resampled, their neighbours stay. Points near each other share
neighbours, so their statistics vary together: whole blocks of mutually near points are drawn
(block bootstrap; S. Lahiri, "Resampling Methods for Dependent Data", 2003).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numba
import numpy as np

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
        result: np.ndarray = (self.counts @ sums) / (self.counts @ self.sizes)
        return result

    def per_point(self) -> Iterator[np.ndarray]:
        """How often each point is drawn, float64 [N], for one resample after the other."""
        for counts in self.counts:
            yield counts[self.block]


def weights(indices: np.ndarray, *, resamples: int = 1000, seed: int = 0) -> Weights:
    """Draw blocks of near points.

    Parameters
    ----------
    indices : ndarray of int, shape [N, K]
        Each point's neighbours, the nearest first.
    resamples : int
        At most 200 are drawn for more than 100,000 points.
    seed : int
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(indices))
    block = _blocks(np.ascontiguousarray(indices, dtype=np.int64), order)
    sizes = np.bincount(block)
    if len(indices) > _MANY:
        resamples = min(resamples, _FEWER)
    share = np.full(len(sizes), 1 / len(sizes))
    counts = generator.multinomial(len(sizes), share, size=resamples).astype(np.float64)
    return Weights(block, sizes, counts)


@numba.njit(cache=True)
def _blocks(indices: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Each point not yet taken opens a block with those of its neighbours not yet taken."""
    block = np.full(len(indices), -1, dtype=np.int32)
    number = 0
    for point in order:
        if block[point] >= 0:
            continue
        block[point] = number
        for neighbour in indices[point]:
            if block[neighbour] < 0:
                block[neighbour] = number
        number += 1
    return block


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
