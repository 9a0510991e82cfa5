"""How near one encoder's outputs are to another's: arrays in, numbers out.

All of these compare outputs row by row, or the similarities among rows; the first are the
student's, the others the teacher's. `nearest` of anatomy finds the neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from anatomy.measures.neighbours import method_for, nearest

NEIGHBOURS = 10
PAIRS = 20_000  # of prompts, whose similarities are correlated
FEWEST = 20  # values below which a 5th percentile is only the smallest of them


def relative_errors(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """||one - other|| / ||other|| of each pair of rows, float64 [K].

    Where the other row is zero: 0 if both are, else 1.
    """
    difference = np.linalg.norm(np.subtract(one, other, dtype=np.float64), axis=1)
    norms = np.linalg.norm(other.astype(np.float64, copy=False), axis=1)
    found: np.ndarray = np.divide(difference, norms, out=np.sign(difference), where=norms > 0)
    return found


def directions(rows: np.ndarray) -> np.ndarray:
    """The rows at length 1, float32 [K, D]: by Euclid near is then by cosine near."""
    rows = rows.astype(np.float32, copy=False)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    found: np.ndarray = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    return found


def neighbours_of(rows: np.ndarray, k: int = NEIGHBOURS) -> np.ndarray:
    """Each row's k nearest others by cosine, the nearest first, int32 [K, k]."""
    points = directions(rows)
    method = method_for(len(points), points.shape[1], "cpu")
    return nearest(points, k, method=method).indices


def overlap(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Share of each row's neighbours [K, k] that are among those of the other, float64 [K]."""
    k = one.shape[1]
    both = np.sort(np.concatenate([one, other], axis=1), axis=1)
    found: np.ndarray = (both[:, 1:] == both[:, :-1]).sum(axis=1) / k
    return found


def pairs_of(rows: int, most: int = PAIRS, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of different rows, int64 [P] each: all, or `most` of them drawn by lot."""
    if rows * (rows - 1) // 2 <= most:
        first, second = np.triu_indices(rows, k=1)
        return first, second
    random = np.random.default_rng(seed)
    first = random.integers(rows, size=most)
    second = random.integers(rows - 1, size=most)
    return first, second + (second >= first)


def similarities(rows: np.ndarray, pairs: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Cosine of each pair of rows, float32 [P]."""
    points = directions(rows)
    found: np.ndarray = np.einsum("pd,pd->p", points[pairs[0]], points[pairs[1]])
    return found


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's rank correlation of two lists of similarities.

    Raises
    ------
    ValueError
        If all similarities of a list are equal.
    """
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        raise ValueError("all similarities are equal")
    return float(spearmanr(one, other).statistic)


@dataclass(frozen=True)
class Distinct:
    """Rows that are not copies of an earlier one.

    Attributes
    ----------
    rows : ndarray of int64, shape [M]
        Ascending.
    number : ndarray of int64, shape [N]
        For each row its place in `rows`.
    """

    rows: np.ndarray
    number: np.ndarray

    @classmethod
    def of(cls, content: np.ndarray) -> Distinct:
        """Of rows whose contents these numbers (int64 [N]) are."""
        _, first, number = np.unique(content, return_index=True, return_inverse=True)
        order = np.argsort(first)
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return cls(first[order], place[number])

    def nearest(self, indices: np.ndarray) -> np.ndarray:
        """For each of the N rows another that is nearest to it, from the M rows' neighbours."""
        found: np.ndarray = self.rows[self.number]  # a copy: the row that it is a copy of
        found[self.rows] = self.rows[indices[:, 0]]
        return found
