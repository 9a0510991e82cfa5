"""How much of a context window a corpus of prompts uses.

Everything here follows exactly from how many prompts have how many tokens, for every length L.
Definitions: SAM3-LiteText, section 3.1.3 and Table 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LengthHistogram:
    """Prompts by length in tokens, start and end token included. Two add up with ``+``.

    Attributes
    ----------
    counts : ndarray of int64, shape [maximum length + 1]
        ``counts[k]`` prompts have k tokens.
    """

    counts: np.ndarray

    @classmethod
    def of(cls, lengths: np.ndarray) -> LengthHistogram:
        """Histogram of the token counts of N prompts (integers, shape [N])."""
        return cls(np.bincount(lengths).astype(np.int64))

    @classmethod
    def from_pairs(cls, pairs: Sequence[tuple[int, int]]) -> LengthHistogram:
        """From (tokens, prompts) pairs, as findings.json holds them."""
        tokens, prompts = np.array(pairs, dtype=np.int64).T
        counts = np.zeros(int(tokens.max()) + 1, dtype=np.int64)
        counts[tokens] = prompts
        return cls(counts)

    def __add__(self, other: LengthHistogram) -> LengthHistogram:
        longer, shorter = sorted((self.counts, other.counts), key=len, reverse=True)
        counts = longer.copy()
        counts[: len(shorter)] += shorter
        return LengthHistogram(counts)

    @property
    def prompts(self) -> int:
        """Number of prompts, N."""
        return int(self.counts.sum())

    @property
    def tokens(self) -> int:
        """Number of tokens, sum_i |t_i|."""
        return self._sum(np.arange(len(self.counts)))

    @property
    def mean(self) -> float:
        """Tokens per prompt."""
        return self.tokens / self.prompts

    @property
    def maximum(self) -> int:
        """Tokens of the longest prompt."""
        return int(np.flatnonzero(self.counts)[-1])

    def percentile(self, q: float) -> int:
        """The smallest length that at least q per cent of the prompts do not exceed."""
        return int(np.searchsorted(np.cumsum(self.counts), q / 100 * self.prompts))

    def reach(self, position: int) -> float:
        """Share of prompts with a token at this position (the start token is at 0)."""
        return self.truncation(position)  # that is, with more tokens than stand before it

    def density(self, length: int) -> float:
        """Information density: mean_i min(|t_i|, L) / L."""
        return self._kept(length) / (length * self.prompts)

    def padding(self, length: int) -> float:
        """Share of the L positions that hold padding: the part of linear compute spent on it."""
        return 1.0 - self.density(length)

    def quadratic_padding(self, length: int) -> float:
        """Share of the L x L attention scores with padding on either side."""
        used = np.minimum(np.arange(len(self.counts)), length)
        return 1.0 - self._sum(used * used) / (length * length * self.prompts)

    def truncation(self, length: int) -> float:
        """Share of prompts with more than L tokens."""
        return int(self.counts[length + 1 :].sum()) / self.prompts

    def token_loss(self, length: int) -> float:
        """Share of tokens beyond position L: sum_i max(|t_i| - L, 0) / sum_i |t_i|."""
        return (self.tokens - self._kept(length)) / max(self.tokens, 1)

    def _kept(self, length: int) -> int:
        return self._sum(np.minimum(np.arange(len(self.counts)), length))

    def _sum(self, weights: np.ndarray) -> int:
        return int(self.counts @ weights)


@dataclass(frozen=True)
class ContextChoice:
    """The smallest context length whose token loss stays within a bound, everywhere.

    Attributes
    ----------
    length : int
    bound : float
        Largest token loss allowed, overall and in every group.
    worst : str
        The group that decides: the one with the largest loss at ``length - 1``.
    worst_loss, combined_loss : float
        Token loss of that group and of all prompts at `length`.
    worst_loss_before : float
        Token loss of that group at ``length - 1``, above the bound.
    """

    length: int
    bound: float
    worst: str
    worst_loss: float
    worst_loss_before: float
    combined_loss: float


def choose_context(
    combined: LengthHistogram, groups: Mapping[str, LengthHistogram], bound: float
) -> ContextChoice:
    """Smallest L with ``token_loss(L) <= bound`` for `combined` and for each of `groups`."""
    everyone = {**groups, "combined": combined}

    def needed(histogram: LengthHistogram) -> int:
        # Tokens lost at L are sum_{k > L} counts[k] * (k - L): two cumulative sums from the end.
        beyond = np.cumsum(histogram.counts[::-1])[::-1]  # prompts with at least k tokens
        lost = np.append(np.cumsum(beyond[::-1])[::-1][1:], 0)
        return int(np.argmax(lost <= bound * histogram.tokens))

    length = max(1, *(needed(histogram) for histogram in everyone.values()))
    before = max(length - 1, 1)
    worst = max(everyone, key=lambda name: everyone[name].token_loss(before))
    return ContextChoice(
        length=length,
        bound=bound,
        worst=worst,
        worst_loss=everyone[worst].token_loss(length),
        worst_loss_before=everyone[worst].token_loss(before),
        combined_loss=combined.token_loss(length),
    )
