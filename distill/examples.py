"""What a student learns from, as flat arrays: its own token ids, and where each token's target is.

The student reads a prompt up to its context L, the end token on the last place. A token learns
from the teacher's output at the token of the same whole prompt that ends at the same character
(`distill.vocabulary.align`); a token that the teacher's own context cuts off, or that ends inside
one of the teacher's, has no target and is only read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anatomy.tokens.ragged import rows, truncate
from anatomy.tokens.table import TokenTable, gather, offsets_of, spans
from distill.targets import NONE, Targets
from distill.vocabulary import Aligned, cut


@dataclass(frozen=True)
class Examples:
    """N prompts as a student reads them.

    Attributes
    ----------
    table : TokenTable of N prompts
        The student's ids, cut to its context.
    target : ndarray of int64, shape [S]
        For each id of `table` the row of ``Targets.tokens`` to learn from, or `NONE`.
    row : ndarray of int64, shape [N]
        The prompt's row of ``Targets.pooled``.
    permuted : TokenTable of N prompts
        The same prompts with their words in another order (T' of equation 6) where they are moved,
        else as they are.
    moved : ndarray of bool, shape [N]
        Where the permuted ids differ. Where they do not, equation 6 is zero: nothing to compute.
        Prompts that the context cuts are not moved: their two versions would lose other words.
    """

    table: TokenTable
    target: np.ndarray
    row: np.ndarray
    permuted: TokenTable
    moved: np.ndarray

    def __len__(self) -> int:
        return len(self.table)

    @property
    def learnt(self) -> np.ndarray:
        """Tokens of each prompt that have a target, int64 [N]."""
        ends = np.concatenate([[0], np.cumsum(self.target != NONE)])
        counts: np.ndarray = np.diff(ends[self.table.offsets])
        return counts

    def select(self, chosen: np.ndarray) -> Examples:
        """The prompts of these numbers (int64, [M]), in this order."""
        places = spans(self.table.offsets[chosen], self.table.lengths[chosen])
        return Examples(
            rows(self.table, chosen),
            self.target[places],
            self.row[chosen],
            rows(self.permuted, chosen),
            self.moved[chosen],
        )


def examples(
    aligned: Aligned,
    permuted: TokenTable,
    targets: Targets,
    *,
    context: int,
    special_ids: Sequence[int],
) -> Examples:
    """Join a student's token ids with the teacher's outputs.

    Parameters
    ----------
    aligned : Aligned of N prompts
        The student's ids, uncut, and which of the teacher's tokens each answers to.
    permuted : TokenTable of N prompts
        The student's ids of the permuted prompts, uncut.
    targets : Targets of the N prompts
        Made of the table that `aligned` was.
    context : int
        L of the student.
    special_ids : sequence of int
        Of the student's tokenizer: the end token survives a cut.
    """
    shorter = cut(aligned, context, special_ids)
    target = np.where(shorter.matched < 0, NONE, targets.place[shorter.matched])
    other = truncate(permuted, context, special_ids)
    uncut = (aligned.table.lengths <= context) & (permuted.lengths <= context)
    moved = uncut & _different(shorter.table, other)
    return Examples(shorter.table, target, targets.row, _either(moved, other, shorter.table), moved)


def _either(first: np.ndarray, one: TokenTable, other: TokenTable) -> TokenTable:
    """Rows of `one` where `first` (bool [N]) says so, else of `other`."""
    lengths = np.where(first, one.lengths, other.lengths)
    starts = np.where(first, one.offsets[:-1], len(one.ids) + other.offsets[:-1])
    flat = np.concatenate([one.ids, other.ids])
    return TokenTable(gather(flat, starts, lengths), offsets_of(lengths))


def _different(one: TokenTable, other: TokenTable) -> np.ndarray:
    """Where rows of two tables differ, bool [N]."""
    different: np.ndarray = one.lengths != other.lengths
    same = np.flatnonzero(~different)
    lengths = one.lengths[same]
    here, there = (spans(table.offsets[same], lengths) for table in (one, other))
    unequal = one.ids[here] != other.ids[there]
    different[np.repeat(same, lengths)[unequal]] = True
    return different
