"""Singular values of a matrix of embeddings, and what ranks they give.

Definitions: SAM3-LiteText, section 3.2.1 and Table 2; effective rank: O. Roy & M. Vetterli, "The
effective rank: a measure of effective dimensionality", EUSIPCO 2007.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from scipy.linalg import eigvalsh
from scipy.linalg.blas import dsyrk
from threadpoolctl import threadpool_limits

_CHUNK = 1 << 20  # numbers converted to float64 at a time


@dataclass(frozen=True)
class Spectrum:
    """Singular values of a matrix [n, d] whose column means were taken away.

    Attributes
    ----------
    rows, columns : int
        n and d.
    singular_values : ndarray of float64, shape [min(n, d)]
        Descending.
    """

    rows: int
    columns: int
    singular_values: np.ndarray

    @classmethod
    def of(
        cls, matrix: np.ndarray, *, chosen: np.ndarray | None = None, center: bool = True
    ) -> Spectrum:
        """Through the Gram matrix of the smaller side, in float64.

        The Gram matrix is summed over chunks of rows, so no copy of the matrix is made. Squaring
        halves the digits: a singular value s is right to about 1e-16 * (s_1 / s)^2 relative,
        that is to 1e-9 and better down to a thousandth of the largest.

        Parameters
        ----------
        matrix : ndarray of float, shape [n, d]
        chosen : ndarray of int, optional
            Rows to take; all unless given.
        center : bool
            Take the column means away first.

        Raises
        ------
        ValueError
            If the matrix is empty, is not two-dimensional, or holds NaN or infinity.
        """
        if matrix.ndim != 2 or not matrix.shape[1]:
            raise ValueError(f"a matrix needs rows and columns; got shape {matrix.shape}")
        rows = len(matrix) if chosen is None else len(chosen)
        if not rows:
            raise ValueError("a matrix without rows has no spectrum")
        columns = matrix.shape[1]
        step = max(1, _CHUNK // columns)

        def chunk(at: int, center: np.ndarray) -> np.ndarray:
            part = matrix[at : at + step] if chosen is None else matrix[chosen[at : at + step]]
            less: np.ndarray = np.subtract(part, center, dtype=np.float64)
            return less

        # Means of the differences from the first row: equal rows come out as exact zeros, and an
        # offset that all rows share costs no digits.
        middle = np.array(matrix[0 if chosen is None else chosen[0]], dtype=np.float64)
        if not center:
            middle = np.zeros(columns)
        total = np.zeros(columns)
        for at in range(0, rows, step):
            with np.errstate(invalid="ignore", over="ignore"):
                here = chunk(at, middle).sum(axis=0)
            if not np.isfinite(here).all():
                _refuse(matrix, chosen, rows, step)
            total += here
        if center:
            middle += total / rows
        if rows < columns:
            whole = np.concatenate([chunk(at, middle) for at in range(0, rows, step)])
            # The transpose is in Fortran order: BLAS reads it without a copy.
            gram = dsyrk(1.0, whole.T, trans=1, lower=1)
        else:
            gram = np.zeros((columns, columns), order="F")
            for at in range(0, rows, step):
                # Half the matrix is computed, and added to what is there.
                gram = dsyrk(1.0, chunk(at, middle).T, beta=1.0, c=gram, lower=1, overwrite_c=1)
        if not np.isfinite(gram.diagonal()).all():
            _refuse(matrix, chosen, rows, step)
        # One thread: the reduction is a chain of small steps, and where other processes are at
        # work two BLAS threads wait for each other a hundred times longer than they compute.
        with threadpool_limits(1, user_api="blas"):
            energy = eigvalsh(gram, lower=True, overwrite_a=True, check_finite=False)
        values = np.sqrt(np.maximum(energy[::-1], 0.0))
        return cls(rows, columns, values)

    @property
    def effective_rank(self) -> float:
        """exp(entropy of p), p = s / sum s (Roy & Vetterli 2007); 0 if all are 0."""
        return _perplexity(self.singular_values)

    @property
    def effective_rank_energy(self) -> float:
        """exp(entropy of p), p = s^2 / sum s^2; 0 if all are 0."""
        return _perplexity(self.singular_values**2)

    @property
    def participation_ratio(self) -> float:
        """(sum s^2)^2 / sum s^4; 0 if all are 0."""
        energy = self.singular_values**2
        total = float(energy @ energy)
        return float(energy.sum()) ** 2 / total if total else 0.0

    def dims(self, share: float) -> int:
        """Smallest k whose k largest s^2 make up `share` of their sum; 0 if all are 0."""
        energy = np.cumsum(self.singular_values**2)
        if not energy[-1]:
            return 0
        # A share that is reached exactly must not depend on the last digit.
        return int(np.searchsorted(energy, share * energy[-1] * (1 - 1e-12))) + 1


def factorised_parameters(rows: int, width: int, rank: int) -> int:
    """Parameters of a table [rows, width] as its mean plus [rows, rank] times [rank, width]."""
    return rank * (rows + width) + width


def _refuse(matrix: np.ndarray, chosen: np.ndarray | None, rows: int, step: int) -> NoReturn:
    """Name the first row that is to blame for a sum that is not finite."""
    for at in range(0, rows, step):
        part = matrix[at : at + step] if chosen is None else matrix[chosen[at : at + step]]
        bad = np.flatnonzero(~np.isfinite(part).all(axis=1))
        if len(bad):
            row = at + int(bad[0])
            row = row if chosen is None else int(chosen[row])
            raise ValueError(f"row {row} holds a number that is not finite")
    raise ValueError("the numbers are too large to square and add up")


def _perplexity(weights: np.ndarray) -> float:
    total = weights.sum()
    if not total:
        return 0.0
    p = weights[weights > 0] / total
    return float(np.exp(-(p @ np.log(p))))
