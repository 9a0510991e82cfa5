"""Which tokens are kept, by what training prompts use."""

from __future__ import annotations

import numpy as np

from anatomy.errors import InputError


def choose(
    counts: np.ndarray, *, minimum_count: int = 1, coverage: float | None = None
) -> np.ndarray:
    """The tokens to keep, before the tokenizer's own needs are added.

    Parameters
    ----------
    counts : ndarray of int, shape [V]
        Occurrences of each token in the training prompts; held-out prompts must not be counted.
    minimum_count : int
        Tokens that occur less often are left out.
    coverage : float, optional
        Keep only the most frequent tokens that together make up this share of all occurrences;
        of equally frequent ones those of lower id.

    Returns
    -------
    ndarray of int64, ascending

    Raises
    ------
    InputError
        If no token is left.
    """
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] >= max(minimum_count, 1)]
    if coverage is not None and len(order):
        covered = np.cumsum(counts[order])
        # The first place where enough is covered; whole numbers, so that 1.0 means all.
        enough = int(np.searchsorted(covered, np.ceil(coverage * counts.sum() - 1e-9)))
        order = order[: enough + 1]
    if not len(order):
        raise InputError(
            f"vocabulary: no token occurs {minimum_count:,} times in the training prompts; lower "
            "minimum_count"
        )
    return np.sort(order).astype(np.int64)
