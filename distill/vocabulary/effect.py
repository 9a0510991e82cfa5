"""What a smaller vocabulary saves, and what it costs prompts that it was not chosen from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anatomy.tokens.table import TokenTable


@dataclass(frozen=True)
class Effect:
    """What becomes of some prompts.

    Attributes
    ----------
    prompts : int
    unchanged : int
        Prompts of which all tokens are kept: segmented as before.
    split : int
        The others: some token of theirs is gone, and smaller pieces stand in its place.
    tokens_before, tokens_after : int
        Of the split prompts.
    truncated_before, truncated_after : int
        Prompts, of all, that are longer than the context.
    """

    prompts: int
    unchanged: int
    split: int
    tokens_before: int
    tokens_after: int
    truncated_before: int
    truncated_after: int

    @property
    def growth(self) -> float:
        """Tokens of the split prompts, after / before; 1 where there are none."""
        return self.tokens_after / self.tokens_before if self.tokens_before else 1.0


def effect(whole: TokenTable, smaller: TokenTable, same: np.ndarray, length: int) -> Effect:
    """What a pruned vocabulary does to N prompts.

    Parameters
    ----------
    whole, smaller : TokenTable of N prompts
        The teacher's ids and the student's, uncut.
    same : ndarray of bool, shape [N]
        `Aligned.same`.
    length : int
        The student's context.
    """
    before, after = whole.lengths, smaller.lengths
    return Effect(
        prompts=len(whole),
        unchanged=int(same.sum()),
        split=int((~same).sum()),
        tokens_before=int(before[~same].sum()),
        tokens_after=int(after[~same].sum()),
        truncated_before=int((before > length).sum()),
        truncated_after=int((after > length).sum()),
    )
