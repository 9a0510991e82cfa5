"""Intrinsic dimension from the distances to the nearest neighbours.

TwoNN: E. Facco, M. d'Errico, A. Rodriguez & A. Laio, Scientific Reports 7 (2017).
MLE: E. Levina & P. Bickel, NIPS 17 (2004); D. MacKay & Z. Ghahramani's comments on it (2005).
Gride: F. Denti, D. Doimo, A. Laio & A. Mira, Scientific Reports 12 (2022).
The paper's use of the first two: SAM3-LiteText, section 3.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from anatomy.measures import intervals
from anatomy.measures.intervals import Estimate

DISCARDED = 0.1  # share of the largest ratios that TwoNN leaves out
_STEPS = 60  # of Newton's method at most; it takes about 5


@dataclass(frozen=True)
class Dimension:
    """All estimates of one cloud, with 95 % intervals.

    Attributes
    ----------
    points : int
    two_nn : Estimate
    harmonic, arithmetic : mapping of int to Estimate
        By k; see `mle`.
    harmonic_mean, arithmetic_mean : Estimate
        Averaged over k.
    by_order : tuple of (int, Estimate)
        Gride's estimate from neighbours n and 2n: the dimension at a growing scale.
    """

    points: int
    two_nn: Estimate
    harmonic: Mapping[int, Estimate]
    arithmetic: Mapping[int, Estimate]
    harmonic_mean: Estimate
    arithmetic_mean: Estimate
    by_order: tuple[tuple[int, Estimate], ...]

    @classmethod
    def of(
        cls,
        distances: np.ndarray,
        indices: np.ndarray,
        *,
        ks: Sequence[int] = (5, 10, 20, 50),
        resamples: int = 1000,
        seed: int = 0,
    ) -> Dimension:
        """From each point's nearest neighbours.

        Parameters
        ----------
        distances : ndarray of float64, shape [N, K]
            Ascending, none zero.
        indices : ndarray of int, shape [N, K]
            The neighbours: see `anatomy.measures.intervals` for what is resampled together.
        ks : sequence of int
            Those above K are left out.
        resamples : int
        seed : int

        Raises
        ------
        ValueError
            For fewer than 3 neighbours; for a distance that is zero or not finite; for a point
            whose first k neighbours are equally far.
        """
        checked(distances, 3)
        weights = intervals.weights(indices, resamples=resamples, seed=seed)
        width = distances.shape[1]
        ks = [k for k in ks if 3 <= k <= width] or [width]
        logs = np.log(distances)
        inverse = {k: _inverse(logs, k) for k in ks}
        local = {k: _local(inverse[k], k) for k in ks}  # refuses what has no estimate
        harmonic = {k: intervals.of_mean(inverse[k], weights, np.reciprocal) for k in ks}
        arithmetic = {k: intervals.of_mean(local[k], weights) for k in ks}
        orders = [2**j for j in range(width.bit_length()) if 2 ** (j + 1) <= width]
        return cls(
            points=len(distances),
            two_nn=_two_nn_estimate(logs[:, 1] - logs[:, 0], weights),
            harmonic=harmonic,
            arithmetic=arithmetic,
            harmonic_mean=intervals.average(list(harmonic.values())),
            arithmetic_mean=intervals.average(list(arithmetic.values())),
            by_order=tuple((n, _gride_estimate(logs, n, weights)) for n in orders),
        )


def checked(distances: np.ndarray, neighbours: int) -> np.ndarray:
    """Distances from which a dimension can be estimated.

    Raises
    ------
    ValueError
        For fewer than 3 points or too few neighbours; for a distance that is zero (collapse
        copies first) or not finite. The message names the first such row.
    """
    if distances.ndim != 2 or len(distances) < 3 or distances.shape[1] < neighbours:
        raise ValueError(
            f"an estimate needs 3 points with {neighbours} neighbours each; got distances of "
            f"shape {distances.shape}"
        )
    nearest, farthest = distances[:, 0], distances[:, -1]
    wrong = ~((nearest > 0) & np.isfinite(farthest))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        what = "lies on its nearest neighbour: collapse copies first"
        raise ValueError(
            f"row {row} {what if nearest[row] == 0 else 'has a distance that is not finite'}"
        )
    return distances


def two_nn(distances: np.ndarray) -> float:
    """TwoNN (Facco et al. 2017), from distances [N, K >= 2].

    The slope through the origin of -log(1 - F) on log mu, with mu = r2 / r1 ascending and
    F_i = i / N, the largest tenth left out.
    """
    checked(distances, 2)
    logs = np.log(distances[:, :2])
    return _two_nn(np.sort(logs[:, 1] - logs[:, 0]))


def mle(distances: np.ndarray, k: int, *, mean: str = "harmonic") -> float:
    """Levina & Bickel's estimator over k neighbours, from distances [N, K >= k], k >= 3.

    With y_i = 1/(k-1) sum_{j<k} log(T_k / T_j) of point i: "harmonic" is 1 / mean(y), the factor
    k-1 of MacKay & Ghahramani; "arithmetic" is the mean of (k-2)/(k-1) / y. The other two pairings
    of mean and factor are biased.
    """
    if k < 3:
        raise ValueError(f"k = {k}: the estimator needs 3 neighbours or more")
    inverse = _inverse(np.log(checked(distances, k)), k)
    if mean == "arithmetic":
        return float(_local(inverse, k).mean())
    if not inverse.any():
        raise ValueError(f"every point's {k} nearest neighbours are equally far")
    return float(1 / inverse.mean())


def gride(distances: np.ndarray, order: int) -> float:
    """Gride (Denti et al. 2022): maximum likelihood from neighbours n and 2n of each point.

    With n = 1 it is N / sum log(r2 / r1). Larger n look at a larger scale.
    """
    logs = np.log(checked(distances, 2 * order))
    return _gride(logs[:, 2 * order - 1] - logs[:, order - 1], order)


def _inverse(logs: np.ndarray, k: int) -> np.ndarray:
    """1/(k-1) sum_{j<k} log(T_k / T_j) of each point."""
    result: np.ndarray = logs[:, k - 1] - logs[:, : k - 1].mean(axis=1)
    return result


def _local(inverse: np.ndarray, k: int) -> np.ndarray:
    """Each point's own estimate, with factor k-2.

    A point whose k neighbours are equally far has none: it gets the mean of the others'.
    """
    flat = inverse <= 0
    if flat.all():
        raise ValueError(f"every point's {k} nearest neighbours are equally far")
    result = (k - 2) / (k - 1) / np.where(flat, 1.0, inverse)
    result[flat] = result[~flat].mean()
    return np.asarray(result)


def _two_nn(log_mu: np.ndarray, repeats: np.ndarray | None = None) -> float:
    """From log mu ascending; `repeats` says how often each counts."""
    if repeats is None:
        total, ranks, repeats = len(log_mu), np.arange(1.0, len(log_mu) + 1), np.ones(1)
    else:
        seen = np.cumsum(repeats)
        # A point drawn several times has several ranks: their middle.
        total, ranks = seen[-1], seen - (repeats - 1) / 2
    share = ranks / total
    kept = int(np.searchsorted(share, 1 - DISCARDED, side="right"))
    x, y = log_mu[:kept], -np.log1p(-share[:kept])
    weighted = repeats[:kept] * x
    square = float(weighted @ x)
    if not square:
        raise ValueError(
            "nine tenths of the points are as far from the second neighbour as from the first"
        )
    return float(weighted @ y) / square


def _two_nn_estimate(log_mu: np.ndarray, weights: intervals.Weights) -> Estimate:
    order = np.argsort(log_mu, kind="stable")
    ascending, block = log_mu[order], weights.block[order]
    draws = np.array([_two_nn(ascending, counts[block]) for counts in weights.counts])
    return intervals.around(_two_nn(ascending), draws)


def _gride(log_mu: np.ndarray, order: int) -> float:
    """Newton's method on the score; the likelihood is concave in d."""
    if not log_mu.any():
        raise ValueError(f"every point's neighbours {order} and {2 * order} are equally far")
    # The start: d that makes the mean log ratio its expectation, sum_{j=n}^{2n-1} 1/j / d.
    d = float(np.sum(1.0 / np.arange(order, 2 * order)) / log_mu.mean())
    for _ in range(_STEPS):
        score, slope = _score(log_mu, order, d)
        step = float(score.mean() / slope.mean())
        d = d - step if d > step else d / 2
        if abs(step) <= 1e-12 * d:
            break
    return d


def _score(log_mu: np.ndarray, order: int, d: float) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives in d of each point's log-likelihood, first and second.

    log f(mu) = log d + (n-1) log(mu^d - 1) - ((2n-1) d + 1) log mu + const, for neighbours n, 2n.
    """
    if order == 1:
        return 1 / d - log_mu, np.full_like(log_mu, -1 / d**2)
    gap = -np.expm1(-d * log_mu)  # 1 - mu^-d
    tied = gap == 0
    safe = np.where(tied, 1.0, gap)
    growth = np.where(tied, 1 / d, log_mu / safe)  # of log(mu^d - 1), and its limit at mu = 1
    curve = np.where(tied, 1 / d**2, growth * log_mu * (1 - gap) / safe)
    score = 1 / d + (order - 1) * growth - (2 * order - 1) * log_mu
    slope = -1 / d**2 - (order - 1) * curve
    return score, slope


def _gride_estimate(logs: np.ndarray, order: int, weights: intervals.Weights) -> Estimate:
    log_mu = logs[:, 2 * order - 1] - logs[:, order - 1]
    value = _gride(log_mu, order)
    score, slope = _score(log_mu, order, value)
    # One Newton step in 1/d for each resample: exact for order 1, and never below 0.
    draws = value / (1 + weights.means(score) / (weights.means(slope) * value))
    return intervals.around(value, draws)


def collapse(points: np.ndarray) -> tuple[np.ndarray, int]:
    """Distinct rows of a matrix, compared as numbers (-0 is 0).

    Parameters
    ----------
    points : ndarray of float, shape [N, D]

    Returns
    -------
    first : ndarray of int64, shape [M]
        The first row of each content, ascending.
    copies : int
        N - M.
    """
    step = max(1, (1 << 22) // max(points.shape[1], 1))
    keys = []
    for at in range(0, len(points), step):
        chunk = np.ascontiguousarray(points[at : at + step]) + points.dtype.type(0)  # -0 to 0
        keys.append(_hashes(chunk))
    key = np.concatenate(keys) if keys else np.empty((0, 2), dtype=np.uint64)
    order = np.lexsort((key[:, 1], key[:, 0]))  # stable: the first of equal rows comes first
    alike = np.flatnonzero((key[order][1:] == key[order][:-1]).all(axis=1)) + 1
    first = np.ones(len(points), dtype=bool)
    for at in range(0, len(alike), step):  # a hash may lie: only these rows are read again
        here, before = order[alike[at : at + step]], order[alike[at : at + step] - 1]
        first[here] = (points[here] != points[before]).any(axis=1)
    return np.flatnonzero(first), int(len(points) - first.sum())


def _hashes(rows: np.ndarray) -> np.ndarray:
    """Two 64-bit hashes of each row's bytes, uint64 [N, 2]."""
    words = rows.view(np.uint32 if rows.dtype.itemsize % 4 == 0 else np.uint16)
    generator = np.random.default_rng(0)
    factors = generator.integers(1, 1 << 63, size=(words.shape[1], 2), dtype=np.uint64) | 1
    mixed = words.astype(np.uint64)
    mixed ^= mixed >> np.uint64(15)
    return np.stack([(mixed * factors[:, j]).sum(axis=1) for j in range(2)], axis=1)
