"""The tokens of a corpus as arrays; nothing after this touches a Python string per prompt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TokenTable:
    """Token ids of N prompts, one after the other.

    Attributes
    ----------
    ids : ndarray of uint16 (vocabularies below 65,536) or int32, shape [T]
        Start and end tokens included, nothing truncated, nothing padded.
    offsets : ndarray of int64, shape [N + 1]
        Prompt i holds ``ids[offsets[i]:offsets[i + 1]]``.
    """

    ids: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each prompt, int64 [N]."""
        return np.diff(self.offsets)

    def select(self, chosen: np.ndarray) -> TokenTable:
        """The prompts where the boolean array `chosen` [N] is True, in the same order."""
        lengths = self.lengths
        return TokenTable(
            ids=self.ids[np.repeat(chosen, lengths)],
            offsets=offsets_of(lengths[chosen]),
        )


def offsets_of(lengths: np.ndarray) -> np.ndarray:
    """Where each of the ragged rows of these lengths begins and ends, int64 [N + 1]."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def spans(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The places ``starts[j], ..., starts[j] + lengths[j] - 1`` for all j, one after the other."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    places: np.ndarray = np.arange(total) + np.repeat(starts - (ends - lengths), lengths)
    return places


def gather(flat: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Concatenate the rows ``flat[starts[j] : starts[j] + lengths[j]]`` for all j."""
    return np.take(flat, spans(starts, lengths))
