"""A corpus as one encoder's tokenizer sees it: every measure of its tokens."""

from __future__ import annotations

from dataclasses import dataclass

from anatomy.census import Census, EncoderCounts
from anatomy.encoders import Encoder
from anatomy.measures.context import LengthHistogram
from anatomy.measures.overlap import Overlap
from anatomy.measures.vocabulary import TokenCounts


@dataclass(frozen=True)
class TokenView:
    """Measures per source and over the union of all sources.

    Attributes
    ----------
    census : Census
    encoder : Encoder
    own : EncoderCounts
        The encoder's, of the census.
    cleaned_overlap : Overlap
        Prompts that sources share once cleaned; the diagonal counts each source's own.
    """

    census: Census
    encoder: Encoder
    own: EncoderCounts
    cleaned_overlap: Overlap

    @classmethod
    def of(cls, census: Census, encoder: Encoder, number: int) -> TokenView:
        """What the census has of the encoder with this number."""
        return cls(census, encoder, census.counts.encoders[number], census.cleaned[number])

    @property
    def lengths(self) -> dict[str, LengthHistogram]:
        """Prompt lengths of each source."""
        groups = zip(self.census.names, self.own.sources, strict=True)
        return {name: group.lengths for name, group in groups}

    @property
    def counts(self) -> dict[str, TokenCounts]:
        """Token counts of each source."""
        groups = zip(self.census.names, self.own.sources, strict=True)
        return {name: group.counts for name, group in groups}

    @property
    def combined_lengths(self) -> LengthHistogram:
        """Prompt lengths over the union."""
        return self.own.union.lengths

    @property
    def combined_counts(self) -> TokenCounts:
        """Token counts over the union."""
        return self.own.union.counts
