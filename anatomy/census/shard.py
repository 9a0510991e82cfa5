"""One shard: its distinct prompts, and everything that is counted of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anatomy.census.keys import keys
from anatomy.census.lowest import Lowest
from anatomy.census.model import Ask, EncoderCounts, Group, ShardCounts
from anatomy.corpus.build import numbered
from anatomy.corpus.bundled import lvis_names_as_given
from anatomy.corpus.model import Corpus
from anatomy.encoders import Encoder
from anatomy.measures.context import LengthHistogram
from anatomy.measures.overlap import Overlap
from anatomy.measures.vocabulary import TokenCounts
from anatomy.tokens.table import TokenTable

# A cleaned prompt, by a hash of 128 bits, and a source that has it: at 10^10 prompts one pair of
# different ones is taken for equal with a probability of 1e-19.
CLEANED = np.dtype([("high", "<u8"), ("low", "<u8"), ("source", "<i2")])


def corpus_of(source: np.ndarray, prompts: pa.LargeStringArray, sources: int) -> Corpus:
    """The distinct prompts of a shard.

    Parameters
    ----------
    source : ndarray of int16, shape [N]
        Code of the source of each prompt; copies may be among them.
    prompts : pa.LargeStringArray, length N
    sources : int
    """
    return numbered([prompts.filter(pa.array(source == code)).unique() for code in range(sources)])


@dataclass(frozen=True)
class Cleaned:
    """A shard's prompts after a tokenizer's cleaning, and the source of each.

    Shards share cleaned prompts, since other raw strings may be cleaned to the same: what sources
    share of all is known when all shards are together, from the `hashes` of each.
    """

    prompts: pa.LargeStringArray
    source: np.ndarray
    sources: int

    def overlap(self) -> Overlap:
        """What sources share of them, if this shard is the only one."""
        numbers = self.prompts.dictionary_encode().indices.to_numpy(zero_copy_only=False)
        return Overlap.of(numbers, self.source, self.sources)

    def hashes(self) -> np.ndarray:
        """Each cleaned prompt of each source once, in the order of its hash: array of `CLEANED`."""
        encoded = self.prompts.dictionary_encode()
        numbers = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        pairs = np.unique(numbers * self.sources + self.source)
        high, low = keys(encoded.dictionary, "cleaned, high", "cleaned, low")
        found = np.empty(len(pairs), dtype=CLEANED)
        found["high"], found["low"] = high[pairs // self.sources], low[pairs // self.sources]
        found["source"] = pairs % self.sources
        return found[np.argsort(found["high"], kind="stable")]


def count(
    corpus: Corpus, encoders: Sequence[Encoder], ask: Ask
) -> tuple[ShardCounts, list[Cleaned]]:
    """Count a shard.

    Returns
    -------
    counts : ShardCounts
    cleaned : list of Cleaned, one for each encoder
    """
    official = np.isin(corpus.source, ask.official)
    rows = Rows.of(corpus, official)
    measured, cleaned = [], []
    for encoder in encoders:
        clean, table = encoder.tokenizer.clean_and_encode(corpus.prompts)
        size = encoder.tokenizer.vocabulary_size
        measured.append(encoder_counts(table, rows, ask.sources, size))
        cleaned.append(Cleaned(clean, corpus.source, ask.sources))
    counts = ShardCounts(
        raw=Overlap.of(corpus.prompt, corpus.source, ask.sources),
        official=Overlap.of(corpus.prompt[official], corpus.source[official], ask.sources),
        lvis_as_given=_lvis_as_given(corpus, ask),
        encoders=tuple(measured),
        lowest=Lowest.of(corpus, ask.sources, ask.seed, ask.sample),
    )
    return counts, cleaned


def overlap(hashes: np.ndarray, sources: int) -> Overlap:
    """Cleaned prompts that sources share; each stands in `hashes` with all its sources."""
    order = np.lexsort((hashes["low"], hashes["high"]))
    high, low = hashes["high"][order], hashes["low"][order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    return Overlap.of(np.cumsum(new), hashes["source"][order], sources)


@dataclass(frozen=True)
class Rows:
    """Which rows of a corpus count for what.

    Attributes
    ----------
    source : ndarray of int16, shape [N]
    union, official : ndarray of bool, shape [N]
        A row of each distinct prompt; and a row of each that an official source has.
    """

    source: np.ndarray
    union: np.ndarray
    official: np.ndarray

    @classmethod
    def of(cls, corpus: Corpus, official: np.ndarray, among: np.ndarray | None = None) -> Rows:
        """All rows of a corpus, those of its `official` sources told apart (both boolean, [N]).

        For the union and the official sources those `among` these alone.
        """
        chosen = np.ones(len(corpus), dtype=bool) if among is None else among
        if official.all():
            return cls(corpus.source, corpus.first & chosen, corpus.first & chosen)
        # A prompt's first appearance among the official sources need not be the corpus's first.
        places = np.flatnonzero(official & chosen)
        _, first = np.unique(corpus.prompt[places], return_index=True)
        once = np.zeros(len(corpus), dtype=bool)
        once[places[first]] = True
        return cls(corpus.source, corpus.first & chosen, once)


def encoder_counts(
    table: TokenTable, rows: Rows, sources: int, vocabulary_size: int
) -> EncoderCounts:
    """Count the tokens of a corpus's rows."""

    def group(chosen: np.ndarray) -> Group:
        return Group(
            LengthHistogram.of(table.lengths[chosen]),
            TokenCounts.of(table.select(chosen), vocabulary_size),
        )

    own = tuple(group(rows.source == code) for code in range(sources))
    union = own[0] if sources == 1 and rows.union.all() else group(rows.union)
    same = np.array_equal(rows.official, rows.union)
    return EncoderCounts(own, union, union if same else group(rows.official))


def lvis_names() -> pa.LargeStringArray:
    """LVIS's names as they are given, "_" kept."""
    return pa.array(lvis_names_as_given(), type=pa.large_string())


def _lvis_as_given(corpus: Corpus, ask: Ask) -> np.ndarray:
    if ask.lvis is None:
        return np.zeros(ask.sources, dtype=np.int64)
    found = pc.is_in(corpus.prompts, value_set=lvis_names()).to_numpy(zero_copy_only=False)
    counts: np.ndarray = np.bincount(corpus.source[found], minlength=ask.sources).astype(np.int64)
    return counts
