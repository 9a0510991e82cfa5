"""How much of a vocabulary a corpus of prompts uses, and how unevenly.

Definitions: SAM3-LiteText, section 3.1.4 and Figure 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from anatomy.tokens.table import TokenTable


@dataclass(frozen=True)
class TokenCounts:
    """How often each token occurs, and in how many prompts. Two add up with ``+``.

    Attributes
    ----------
    occurrences : ndarray of int64, shape [V]
    prompts_with : ndarray of int64, shape [V]
        Prompts that hold the token at least once.
    prompts : int
        Number of prompts, N.
    """

    occurrences: np.ndarray
    prompts_with: np.ndarray
    prompts: int

    @classmethod
    def of(cls, table: TokenTable, vocabulary_size: int) -> TokenCounts:
        """Count the tokens of a table."""
        occurrences = np.bincount(table.ids, minlength=vocabulary_size).astype(np.int64)
        # Grouped by token, in prompt order (a stable sort; radix for 16-bit ids): each change of
        # prompt within a group is one more prompt with that token.
        order = np.argsort(table.ids, kind="stable")
        ids = table.ids[order]
        prompt = np.repeat(np.arange(len(table)), table.lengths)[order]
        new = np.ones(len(ids), dtype=bool)
        new[1:] = (ids[1:] != ids[:-1]) | (prompt[1:] != prompt[:-1])
        prompts_with = np.bincount(ids[new], minlength=vocabulary_size).astype(np.int64)
        return cls(occurrences, prompts_with, len(table))

    def __add__(self, other: TokenCounts) -> TokenCounts:
        return TokenCounts(
            self.occurrences + other.occurrences,
            self.prompts_with + other.prompts_with,
            self.prompts + other.prompts,
        )

    @property
    def tokens(self) -> int:
        """Tokens in all, specials included."""
        return int(self.occurrences.sum())

    @property
    def used(self) -> np.ndarray:
        """Ids that occur, ascending, int64."""
        return np.flatnonzero(self.occurrences)

    @property
    def distinct(self) -> int:
        """Number of ids that occur."""
        return int(np.count_nonzero(self.occurrences))

    @property
    def coverage(self) -> float:
        """Distinct ids seen / vocabulary size."""
        return self.distinct / len(self.occurrences)

    @property
    def in_one_prompt(self) -> int:
        """Ids that occur in a single prompt: what another sample of prompts may not need."""
        return int(np.count_nonzero(self.prompts_with == 1))

    def share_of(self, ids: Sequence[int]) -> float:
        """Share of all tokens that are one of `ids`."""
        return int(self.occurrences[list(ids)].sum()) / max(self.tokens, 1)

    def ranked(self) -> np.ndarray:
        """Ids that occur, most frequent first; equal counts by id. int64 [distinct]."""
        used = self.used
        return used[np.argsort(-self.occurrences[used], kind="stable")]

    def top_share(self, k: int) -> float:
        """Tokens of the k most frequent ids / all tokens, specials included."""
        return self.share_of(self.ranked()[:k].tolist())

    def growth(self, prompts: Sequence[int]) -> np.ndarray:
        """Distinct ids expected among n of the N prompts drawn at random, for each n.

        Exact, without a random draw (rarefaction, Hurlbert 1971):
        ``sum_t 1 - C(N - f_t, n) / C(N, n)`` with f_t the prompts that hold token t.

        Returns
        -------
        ndarray of float64, shape [len(prompts)]
        """
        total = self.prompts
        frequencies, tokens = np.unique(self.prompts_with[self.used], return_counts=True)
        expected = []
        for n in prompts:
            left = total - frequencies - n  # below zero: the token cannot be missed
            missed = np.where(
                left >= 0,
                np.exp(
                    gammaln(total - frequencies + 1)
                    - gammaln(np.maximum(left, 0) + 1)
                    - gammaln(total + 1)
                    + gammaln(total - n + 1)
                ),
                0.0,
            )
            expected.append(float(tokens @ (1.0 - missed)))
        return np.array(expected)
