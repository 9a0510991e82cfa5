"""What is counted: of one shard, and of the whole corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from anatomy.census.lowest import Lowest
from anatomy.corpus.build import Opened, summary
from anatomy.corpus.model import Reading, SourceSummary
from anatomy.measures.context import LengthHistogram
from anatomy.measures.overlap import Estimate, Overlap
from anatomy.measures.vocabulary import TokenCounts


@dataclass(frozen=True)
class Ask:
    """What is asked of every shard.

    Attributes
    ----------
    sources : int
        S, how many there are.
    official : tuple of int
        Codes of the paper's sources that were read from official files: what the ledger may use.
    lvis : int or None
        The code of LVIS, if it is one of these.
    sample : int or None
        Prompts to draw of each source (None: all, 0: none), for what needs an encoder's weights.
    seed : int
        Of the draw.
    """

    sources: int
    official: tuple[int, ...]
    lvis: int | None
    sample: int | None
    seed: int


@dataclass(frozen=True)
class Group:
    """Lengths and tokens of a group of distinct prompts."""

    lengths: LengthHistogram
    counts: TokenCounts

    def __add__(self, other: Group) -> Group:
        return Group(self.lengths + other.lengths, self.counts + other.counts)


@dataclass(frozen=True)
class EncoderCounts:
    """What one encoder's tokenizer makes of each source, of the union, of the official sources."""

    sources: tuple[Group, ...]
    union: Group
    official: Group

    def __add__(self, other: EncoderCounts) -> EncoderCounts:
        return EncoderCounts(
            tuple(map(add, self.sources, other.sources)),
            self.union + other.union,
            self.official + other.official,
        )


@dataclass(frozen=True)
class ShardCounts:
    """All that is counted of some shards. Two of disjoint shards add up with ``+``.

    Attributes
    ----------
    raw, official : Overlap
        Distinct raw strings: of all sources, and of the official ones.
    lvis_as_given : ndarray of int64, shape [S]
        How many of LVIS's names, "_" kept, each source has.
    encoders : tuple of EncoderCounts
    lowest : Lowest
    """

    raw: Overlap
    official: Overlap
    lvis_as_given: np.ndarray
    encoders: tuple[EncoderCounts, ...]
    lowest: Lowest

    def __add__(self, other: ShardCounts) -> ShardCounts:
        return ShardCounts(
            self.raw + other.raw,
            self.official + other.official,
            self.lvis_as_given + other.lvis_as_given,
            tuple(map(add, self.encoders, other.encoders)),
            self.lowest + other.lowest,
        )


@dataclass(frozen=True)
class Approximation:
    """How far estimated counts may be off.

    Attributes
    ----------
    hashes : int
        That each sketch keeps.
    raw : Estimate
        Of distinct raw strings.
    cleaned : tuple of Estimate, one for each encoder
    """

    hashes: int
    raw: Estimate
    cleaned: tuple[Estimate, ...]


@dataclass(frozen=True)
class Census:
    """All that is counted of a corpus.

    Attributes
    ----------
    summaries : tuple of SourceSummary
    ask : Ask
    counts : ShardCounts
    cleaned : tuple of Overlap
        For each encoder: prompts that its tokenizer cannot tell apart count once.
    approximation : Approximation or None
        Where distinct prompts were estimated, and tokens counted of a sample; None: all counted.
    """

    summaries: tuple[SourceSummary, ...]
    ask: Ask
    counts: ShardCounts
    cleaned: tuple[Overlap, ...]
    approximation: Approximation | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The sources' names, in the order of their codes."""
        return tuple(summary.name for summary in self.summaries)


def total(parts: Sequence[ShardCounts]) -> ShardCounts:
    """The counts of all shards, at least one."""
    return reduce(add, parts)


def assembled(
    sources: Sequence[Opened],
    readings: Sequence[tuple[Reading, int]],
    ask: Ask,
    counts: ShardCounts,
    cleaned: Sequence[Overlap],
    approximation: Approximation | None = None,
) -> Census:
    """A census of what was read and counted.

    Parameters
    ----------
    sources : sequence of Opened
    readings : sequence of (Reading, int)
        Of each source: what is known besides its prompts, and how many usable rows there were.
    ask : Ask
    counts : ShardCounts
    cleaned : sequence of Overlap
    approximation : Approximation, optional
    """
    unique = counts.raw.shared.diagonal()
    return Census(
        summaries=tuple(
            summary(one.name, one.kind, one.title, reading, usable, int(distinct))
            for one, (reading, usable), distinct in zip(sources, readings, unique, strict=True)
        ),
        ask=ask,
        counts=counts,
        cleaned=tuple(cleaned),
        approximation=approximation,
    )
