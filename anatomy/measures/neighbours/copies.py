"""Points with so many copies that they can be left out of a search."""

from __future__ import annotations

import numpy as np


def surplus(points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Points that have more than k equal points before them, and the first k of these.

    Nobody needs them as neighbours (ties go by index), and their own are known. Without this,
    every pair among the copies would be judged, and with 100,000 zero rows that is all the work.

    Parameters
    ----------
    points : ndarray of float32 or float64, shape [N, D]
    k : int

    Returns
    -------
    rows : ndarray of int64, shape [M]
        Ascending.
    copies : ndarray of int64, shape [M, k]
    """
    # One column rules most of it out, at the price of one short sort.
    _, codes, counts = np.unique(points[:, 0], return_inverse=True, return_counts=True)
    suspects = np.flatnonzero(counts[codes] > k + 1)
    if not len(suspects):
        return suspects, np.empty((0, k), np.int64)
    rows = np.ascontiguousarray(points[suspects]) + points.dtype.type(0)  # one zero, of both signs
    as_bytes = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    _, codes = np.unique(as_bytes, return_inverse=True)
    order = np.argsort(codes, kind="stable")  # by group, within it by index
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    start = np.repeat(starts, np.diff(starts, append=len(order)))
    beyond = np.flatnonzero(np.arange(len(order)) - start > k)
    extra = suspects[order[beyond]]
    copies = suspects[order[start[beyond, None] + np.arange(k)]]
    by_index = np.argsort(extra)
    return extra[by_index], copies[by_index]
