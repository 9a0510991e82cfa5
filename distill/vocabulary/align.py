"""Which token of the teacher each token of the student answers to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from anatomy.encoders.registry import Tokenizer
from anatomy.tokens.ragged import rows, truncated
from anatomy.tokens.table import TokenTable, offsets_of, spans
from distill.vocabulary.pruned import PrunedTokenizer


@dataclass(frozen=True)
class Aligned:
    """The student's tokens of N prompts, and what each learns from.

    Attributes
    ----------
    table : TokenTable of N prompts, T tokens
        The student's ids.
    matched : ndarray of int64, shape [T]
        Place of the teacher's token in the flat ids of the teacher's table; -1: none.
    same : ndarray of bool, shape [N]
        Prompts that both segment alike.
    """

    table: TokenTable
    matched: np.ndarray
    same: np.ndarray


def align(
    teacher: Tokenizer,
    whole: TokenTable,
    student: PrunedTokenizer,
    texts: pa.LargeStringArray | Sequence[str],
) -> Aligned:
    """Match the student's tokens with the teacher's.

    A token is matched with the teacher's token that ends at the same character: what a causal
    encoder has read there, and what a bidirectional one says of the piece that ends there, is the
    same text. A piece that ends inside one of the teacher's tokens has no match; nor has a token of
    the teacher's that ends inside one of the student's. The tokens around a prompt match theirs.

    Parameters
    ----------
    teacher : Tokenizer
    whole : TokenTable of N prompts
        The teacher's ids of `texts`, uncut.
    student : PrunedTokenizer
        A part of the teacher's.
    texts : N strings
    """
    texts = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.large_string())
    new = np.full(teacher.vocabulary_size, -1, dtype=np.int64)
    new[student.kept] = np.arange(student.vocabulary_size)
    renumbered = new[whole.ids]
    gone = np.zeros(len(whole) + 1, dtype=np.int64)
    np.cumsum(np.bincount(_row_of(whole), renumbered < 0, len(whole)), out=gone[1:])
    same = np.diff(gone) == 0
    # What has all its tokens left is segmented as before (see `merges` and `tokenizer_json`).
    lengths = whole.lengths.copy()
    changed = np.flatnonzero(~same)
    part = student.encode(texts.take(pa.array(changed)))
    lengths[changed] = part.lengths
    offsets = offsets_of(lengths)
    dtype = np.uint16 if student.vocabulary_size <= 1 << 16 else np.int32
    ids = np.empty(int(offsets[-1]), dtype=dtype)
    matched = np.empty(len(ids), dtype=np.int64)
    there = spans(whole.offsets[:-1][same], whole.lengths[same])
    here = spans(offsets[:-1][same], whole.lengths[same])
    ids[here], matched[here] = renumbered[there], there
    if len(changed):
        here = spans(offsets[:-1][changed], part.lengths)
        ids[here] = part.ids
        before = rows(whole, changed)
        found = _by_ends(teacher, before, student, part, texts.take(pa.array(changed)))
        places = spans(whole.offsets[:-1][changed], before.lengths)
        matched[here] = np.where(found >= 0, places[found], -1)
    return Aligned(TokenTable(ids, offsets), matched, same)


def cut(aligned: Aligned, length: int, special_ids: Sequence[int]) -> Aligned:
    """The rows cut to `length` tokens as `truncate` cuts them, each token with its match."""
    places, offsets = truncated(aligned.table, length, special_ids)
    table = TokenTable(aligned.table.ids[places], offsets)
    return Aligned(table, aligned.matched[places], aligned.same)


def _row_of(table: TokenTable) -> np.ndarray:
    return np.repeat(np.arange(len(table)), table.lengths)


def _by_ends(
    teacher: Tokenizer,
    before: TokenTable,
    student: PrunedTokenizer,
    after: TokenTable,
    texts: pa.LargeStringArray,
) -> np.ndarray:
    """For each token of `after` the place in `before` of the last token that ends where it ends."""
    old, new = teacher.ends(texts), student.ends(texts)
    behind = int(max(old.max(initial=0), new.max(initial=0))) + 1
    for table, ends, special_ids in (
        (before, old, teacher.special_ids),
        (after, new, student.special_ids),
    ):  # the token that closes a prompt ends behind all others
        last = table.offsets[1:] - 1
        ends[last[np.isin(table.ids[last], np.asarray(special_ids))]] = behind
    old_keys = _row_of(before) * (behind + 1) + old
    new_keys = _row_of(after) * (behind + 1) + new
    place = np.searchsorted(old_keys, new_keys, side="right") - 1
    # Of several tokens that end at one character (parts of it), only the last has read it all.
    last_of_equals = np.ones(len(new_keys), dtype=bool)
    last_of_equals[:-1] = new_keys[1:] != new_keys[:-1]
    equal = (place >= 0) & (old_keys[np.maximum(place, 0)] == new_keys)
    found: np.ndarray = np.where(equal & last_of_equals, place, -1)
    return found
