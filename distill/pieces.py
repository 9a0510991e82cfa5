"""Rare words shown in pieces, so that a student learns to read what its vocabulary does not hold.

A pruned student meets words of which no token was kept, and reads them in pieces. In training it
would hardly ever see that: the kept tokens are those of the training prompts. So those training
prompts that hold the rarest tokens are read a second time with these in pieces, as if they had not
been kept, and learn from the same outputs of the teacher.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from anatomy.encoders.registry import Tokenizer
from anatomy.tokens.ragged import rows
from anatomy.tokens.table import TokenTable, spans
from distill.examples import Examples, examples
from distill.targets import Targets
from distill.vocabulary import PrunedTokenizer, align, prune


def in_pieces(
    teacher: Tokenizer,
    student: PrunedTokenizer,
    texts: pa.LargeStringArray,
    whole: TokenTable,
    training: np.ndarray,
    targets: Targets,
    *,
    causal: bool,
    share: float,
    context: int,
) -> Examples | None:
    """The prompts with the rarest tokens, these in pieces; None where there are none.

    Parameters
    ----------
    teacher, student : the tokenizers
    texts : N strings
    whole : TokenTable of N prompts
        The teacher's ids of `texts`, uncut.
    training : ndarray of bool, shape [N]
        The others are neither counted nor taken.
    targets : Targets of the N prompts
    share : float
        Of the training prompts, at most, that are taken.
    context : int
        L of the student.

    Returns
    -------
    Examples
        Without permuted versions.
    """
    numbers = np.flatnonzero(training)
    table = rows(whole, numbers)
    counts = np.bincount(table.ids, minlength=teacher.vocabulary_size)
    rarest = np.minimum.reduceat(counts[table.ids], table.offsets[:-1])
    # Of the tokens that occur less than `bound` times, the most whose prompts are within the share.
    bound = int(np.sort(rarest)[int(share * len(rarest))])
    chosen = numbers[rarest < bound]
    left = student.kept[counts[student.kept] >= bound]
    if not len(chosen) or not len(left):
        return None
    smaller = prune(teacher, left.tolist())
    texts = texts.take(pa.array(chosen))
    part = rows(whole, chosen)
    aligned = align(teacher, part, smaller, texts, causal=causal)
    ids = student.new_ids[smaller.kept][aligned.table.ids]
    aligned = replace(aligned, table=TokenTable(ids, aligned.table.offsets))
    own = replace(
        targets,
        row=targets.row[chosen],
        place=targets.place[spans(whole.offsets[chosen], part.lengths)],
    )
    return examples(aligned, aligned.table, own, context=context, special_ids=student.special_ids)
