"""Rows of token ids compared with each other: truncation, equal rows, equal prefixes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from anatomy.tokens.table import TokenTable, gather, offsets_of, spans


def rows(table: TokenTable, chosen: np.ndarray) -> TokenTable:
    """The rows of these numbers (integers, [M]), in this order."""
    lengths = table.lengths[chosen]
    return TokenTable(gather(table.ids, table.offsets[chosen], lengths), offsets_of(lengths))


def truncate(table: TokenTable, length: int, special_ids: Sequence[int]) -> TokenTable:
    """Rows of at most `length` tokens, cut as the encoders' own tokenizers cut them.

    A cut row keeps its last token if that is one of `special_ids`: the end token takes the last
    place left.
    """
    places, offsets = truncated(table, length, special_ids)
    return TokenTable(table.ids[places], offsets)


def truncated(
    table: TokenTable, length: int, special_ids: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Where the tokens that `truncate` leaves stand in the flat ids, and the new offsets."""
    lengths = table.lengths
    kept = np.minimum(lengths, length)
    places = spans(table.offsets[:-1], kept)
    offsets = offsets_of(kept)
    cut = np.flatnonzero(lengths > length)
    last = table.offsets[1:][cut] - 1
    ends = np.isin(table.ids[last], np.asarray(special_ids))
    places[offsets[1:][cut[ends]] - 1] = last[ends]
    return places, offsets


def distinct(table: TokenTable) -> tuple[np.ndarray, np.ndarray]:
    """Number equal rows equally.

    Returns
    -------
    numbers : ndarray of int64, shape [N]
        Number of each row's content, in order of first appearance.
    first : ndarray of int64, shape [M]
        The first row of each content.
    """
    size = table.ids.dtype.itemsize
    raw = pa.Array.from_buffers(
        pa.large_binary(),
        len(table),
        [None, pa.py_buffer(table.offsets * size), pa.py_buffer(np.ascontiguousarray(table.ids))],
    )
    numbers = np.asarray(raw.dictionary_encode().indices).astype(np.int64)
    _, first = np.unique(numbers, return_index=True)
    return numbers, first


def prefixes(table: TokenTable) -> np.ndarray:
    """Number each token's prefix: the row from its start up to and including the token.

    Returns
    -------
    ndarray of int64, shape [T]
        Equal for two tokens exactly where their prefixes are equal: a causal encoder gives both
        the same output.
    """
    numbers = np.empty(len(table.ids), dtype=np.int64)
    at, ends = table.offsets[:-1], table.offsets[1:]
    before = np.zeros(len(table), dtype=np.int64)  # number of the prefix one token shorter
    known = 0
    while True:
        longer = at < ends
        at, ends, before = at[longer], ends[longer], before[longer]
        if not len(at):
            return numbers
        ids = table.ids[at].astype(np.int64)
        _, own = np.unique(before * (int(ids.max()) + 1) + ids, return_inverse=True)
        numbers[at] = own + known
        known += int(own.max()) + 1
        before, at = own, at + 1
