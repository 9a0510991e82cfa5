"""Which prompts several sources share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

DEVIATIONS = 2  # standard deviations from an estimate to its bounds
CONFIDENCE = 0.95  # of what lies between them


@dataclass(frozen=True)
class Overlap:
    """Prompts shared between sources.

    Results over disjoint sets of distinct prompts add up with ``+``, so a cluster can shard by
    prompt.

    Attributes
    ----------
    shared : ndarray of int64, shape [S, S]
        ``shared[a, b]`` distinct prompts are in both source a and source b; the diagonal holds
        each source's own count.
    union : int
        Distinct prompts over all sources.
    """

    shared: np.ndarray
    union: int

    @classmethod
    def of(cls, prompt: np.ndarray, source: np.ndarray, sources: int) -> Overlap:
        """From the number of the distinct prompt and the source code of each entry (both [N]).

        An entry that is repeated within a source counts once.
        """
        _, number = np.unique(prompt, return_inverse=True)
        union = int(number.max()) + 1 if len(number) else 0
        member = sparse.csr_array(
            (np.ones(len(number), dtype=np.int64), (number, source)), shape=(union, sources)
        )
        member.data[:] = 1  # duplicates were summed when the matrix was built
        return cls((member.T @ member).toarray(), union)

    @classmethod
    def none(cls, sources: int) -> Overlap:
        """Of no prompts: what a sum begins with."""
        return cls(np.zeros((sources, sources), dtype=np.int64), 0)

    def __add__(self, other: Overlap) -> Overlap:
        return Overlap(self.shared + other.shared, self.union + other.union)

    @property
    def plain_sum(self) -> int:
        """The sources' own counts added up, shared prompts counted once for each source."""
        return int(np.trace(self.shared))


@dataclass(frozen=True)
class Estimate:
    """What sources share, and between what bounds it lies (95 %, each number by itself).

    Attributes
    ----------
    value, low, high : Overlap
        Three times the same where everything was counted.
    exact : bool
        Whether it was.
    """

    value: Overlap
    low: Overlap
    high: Overlap
    exact: bool
