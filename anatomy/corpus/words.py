"""The words of many texts as arrays: what is asked of a word is asked of each distinct one once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import regex

from anatomy.corpus.rows import WHITESPACE

EDGES = regex.compile(r"^\p{P}+|\p{P}+$")  # punctuation around a word


@dataclass(frozen=True)
class Words:
    """What white space separates, text after text.

    Attributes
    ----------
    texts : int
        How many texts there are, N.
    rows : ndarray of int64, shape [W]
        The text that each word stands in, ascending.
    codes : ndarray of int32, shape [W]
        Index of each word into `known`.
    known : list of str
        The distinct words, in order of first appearance.
    """

    texts: int
    rows: np.ndarray
    codes: np.ndarray
    known: list[str]

    @classmethod
    def of(cls, texts: pa.LargeStringArray) -> Words:
        """Split N texts."""
        # Not pc.utf8_split_whitespace: it looks behind the end of a text that ends in a space.
        words = pc.split_pattern_regex(texts, f"[{WHITESPACE}]+")
        rows = np.repeat(np.arange(len(words)), pc.list_value_length(words).to_numpy())
        flat = words.flatten()
        there = pc.not_equal(flat, "")  # white space at the ends leaves an empty word
        rows, flat = rows[there.to_numpy(zero_copy_only=False)], flat.filter(there)
        coded = flat.dictionary_encode()
        return cls(len(words), rows, coded.indices.to_numpy(), coded.dictionary.to_pylist())
