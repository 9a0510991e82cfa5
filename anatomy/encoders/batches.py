"""Batches in which nothing is computed on padding: rows of one length only."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

BATCH = 2048  # tokens: more does not run faster on a CPU, and larger ones need more memory
BATCH_CUDA = 65536


def token_budget(device: str) -> int:
    """Tokens of a batch at most, where one row is not longer than that."""
    return BATCH_CUDA if device == "cuda" else BATCH


def of_one_length(lengths: np.ndarray, tokens: int) -> Iterator[tuple[int, int]]:
    """Cut rows that are sorted by length into batches of one length and at most `tokens` tokens.

    Parameters
    ----------
    lengths : ndarray of int64, shape [N]
        Ascending.
    tokens : int
        A row that is longer makes a batch of its own.

    Yields
    ------
    (start, end) : tuple of int
        Rows ``start`` to ``end - 1``; the batches cover all rows in order.
    """
    at = 0
    while at < len(lengths):
        length = int(lengths[at])
        end = int(np.searchsorted(lengths, length, side="right"))
        end = min(end, at + max(1, tokens // max(1, length)))
        yield at, end
        at = end
