"""A corpus as one encoder's tokenizer sees it: its tokens, and every measure of them."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pyarrow as pa

from anatomy.corpus.model import Corpus
from anatomy.encoders import Encoder
from anatomy.measures.context import LengthHistogram
from anatomy.measures.overlap import Overlap
from anatomy.measures.vocabulary import TokenCounts
from anatomy.tokens.table import TokenTable


class TokenView:
    """Measures per source and over the union of all sources.

    Parameters
    ----------
    corpus : Corpus of N prompts
    encoder : Encoder
    cleaned : pa.LargeStringArray, length N
        The prompts after the tokenizer's cleaning.
    table : TokenTable of N prompts
    """

    def __init__(
        self, corpus: Corpus, encoder: Encoder, cleaned: pa.LargeStringArray, table: TokenTable
    ) -> None:
        self.corpus = corpus
        self.encoder = encoder
        self.table = table
        self._rows = {name: corpus.source == code for code, name in enumerate(corpus.names)}
        # Equal numbers are prompts that the tokenizer cannot tell apart.
        self._cleaned = cleaned.dictionary_encode().indices.to_numpy(zero_copy_only=False)

    @classmethod
    def of(cls, corpus: Corpus, encoder: Encoder) -> TokenView:
        """Tokenize a corpus."""
        return cls(corpus, encoder, *encoder.tokenizer.clean_and_encode(corpus.prompts))

    @cached_property
    def lengths(self) -> dict[str, LengthHistogram]:
        """Prompt lengths of each source."""
        return {name: self.lengths_of(rows) for name, rows in self._rows.items()}

    @cached_property
    def counts(self) -> dict[str, TokenCounts]:
        """Token counts of each source."""
        return {name: self.counts_of(rows) for name, rows in self._rows.items()}

    @cached_property
    def combined_lengths(self) -> LengthHistogram:
        """Prompt lengths over the union."""
        return self.lengths_of(self.corpus.first)

    @cached_property
    def combined_counts(self) -> TokenCounts:
        """Token counts over the union."""
        return self.counts_of(self.corpus.first)

    @cached_property
    def cleaned_overlap(self) -> Overlap:
        """Prompts that sources share once cleaned; the diagonal counts each source's own."""
        return Overlap.of(self._cleaned, self.corpus.source, len(self.corpus.names))

    def lengths_of(self, chosen: np.ndarray) -> LengthHistogram:
        """Prompt lengths where the boolean array `chosen` [N] is True."""
        return LengthHistogram.of(self.table.lengths[chosen])

    def counts_of(self, chosen: np.ndarray) -> TokenCounts:
        """Token counts where the boolean array `chosen` [N] is True."""
        return TokenCounts.of(self.table.select(chosen), self.encoder.tokenizer.vocabulary_size)
