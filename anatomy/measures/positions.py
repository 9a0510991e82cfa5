"""How alike the positions of an encoder are.

Definitions: SAM3-LiteText, section 3.2.2 and Figure 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anatomy.measures.spectrum import Spectrum


@dataclass(frozen=True)
class Positions:
    """Similarities of the rows of a position embedding P [L, d].

    Attributes
    ----------
    cosines : ndarray of float64, shape [L, L]
        Cosine of each pair of rows; 0 where a row is zero.
    mean_first, mean_rest : float or None
        Mean cosine of two different positions within the first `split`, and within the rest;
        None where there are no two.
    ratio : float or None
        ``mean_rest / mean_first``; None where one of them is None or the first is 0.
    zero_rows : int
        Rows without a direction.
    spectrum : Spectrum
        Of P, centred.
    """

    cosines: np.ndarray
    mean_first: float | None
    mean_rest: float | None
    ratio: float | None
    zero_rows: int
    spectrum: Spectrum

    @classmethod
    def of(cls, table: np.ndarray, *, split: int = 8) -> Positions:
        """From P (float, [L, d]), with the first group of `split` positions.

        Raises
        ------
        ValueError
            If the table is empty or holds NaN or infinity.
        """
        spectrum = Spectrum.of(table)  # refuses what is no table
        rows = np.asarray(table, dtype=np.float64)
        largest = np.abs(rows).max(axis=1, keepdims=True)
        unit = rows / np.where(largest > 0, largest, 1.0)  # squares of tiny numbers would vanish
        unit /= np.where(largest > 0, np.linalg.norm(unit, axis=1, keepdims=True), 1.0)
        cosines = np.clip(unit @ unit.T, -1.0, 1.0)
        first, rest = _mean(cosines[:split, :split]), _mean(cosines[split:, split:])
        return cls(
            cosines=cosines,
            mean_first=first,
            mean_rest=rest,
            ratio=rest / first if first and rest is not None else None,
            zero_rows=int((largest == 0).sum()),
            spectrum=spectrum,
        )


def blocked(cosines: np.ndarray, size: int) -> np.ndarray:
    """Means of square blocks of a matrix [L, L], the fewest positions a side that give `size`.

    Returns
    -------
    ndarray of float64, shape [m, m] with m at most `size`
        Block i covers positions ``i * b`` to ``(i + 1) * b - 1`` with ``b = ceil(L / size)``; the
        last may be smaller.
    """
    length = len(cosines)
    starts = np.arange(0, length, -(-length // size))
    counts = np.diff(np.append(starts, length))
    sums = np.add.reduceat(np.add.reduceat(cosines, starts, axis=0), starts, axis=1)
    means: np.ndarray = sums / np.outer(counts, counts)
    return means


def _mean(block: np.ndarray) -> float | None:
    """Mean off the diagonal."""
    count = len(block)
    if count < 2:
        return None
    return float((block.sum() - np.trace(block)) / (count * (count - 1)))
