"""What the ledger says (entries) and what it may be held against (measurements)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from anatomy.ledger.verdicts import Verdict
from anatomy.measures.context import LengthHistogram

Group = Literal[
    "corpus", "context", "vocabulary", "embeddings", "architecture", "results", "efficiency"
]

SOURCES = ("rf100vl", "lvis", "refcoco", "saco-gold", "saco-silver", "saco-veval")


@dataclass(frozen=True)
class Entry:
    """One published claim, what the paper's other numbers imply for it, and the verdict.

    Attributes
    ----------
    id : str
        Stable slug.
    group : str
        Subject, for the report's sections.
    title : str
        Short, for a table.
    where : str
        Sections and tables of the paper.
    claim : str
        What the paper says, in a sentence.
    published, implied : str
        The published values, and what the identity gives.
    verdict : {"holds", "contradicts", "undecided"}
        "contradicts": no rounding of the printed numbers can save the claim.
        "undecided": the numbers allow both; `explanation` says what would decide. An identity
        between printed numbers is judged from those alone; where the claim is about official
        files (prompt-count-unique, lvis-names, lvis-mean-length, veval-count), what was measured
        on them decides and without them the verdict is "undecided".
    margin : str
        By how much, and within what rounding.
    explanation : str
        For a reader.
    measured : str or None
        What was measured here on official files.
    not_measured : str or None
        Why it was not, or what is still missing.
    """

    id: str
    group: Group
    title: str
    where: str
    claim: str
    published: str
    implied: str
    verdict: Verdict
    margin: str
    explanation: str
    measured: str | None
    not_measured: str | None


@dataclass(frozen=True)
class MeasuredSource:
    """One official source as it was read here.

    Attributes
    ----------
    unique, unique_cleaned : int
        Distinct raw prompts, and distinct prompts after the tokenizer's cleaning.
    lengths : LengthHistogram
        Of the distinct raw prompts.
    published : int
        The paper's count for this source.
    notes : mapping of str to int
        The reader's notes ("queried noun phrases" for VEval).
    """

    name: str
    unique: int
    unique_cleaned: int
    lengths: LengthHistogram
    published: int
    notes: Mapping[str, int] = field(default_factory=dict)

    @property
    def excess(self) -> int:
        """Prompts here beyond the published count."""
        return max(0, self.unique - self.published)

    @property
    def is_whole(self) -> bool:
        """Whether the count here is the published one to within 2 per cent."""
        return abs(self.unique - self.published) * 50 <= self.published


@dataclass(frozen=True)
class MeasuredRank:
    """Ranks of a column-centred matrix; p are its singular values, or their squares."""

    rows: int
    rank: float
    rank_of_squares: float
    dims90: int
    dims95: int


@dataclass(frozen=True)
class MeasuredInside:
    """What was measured on SAM3's own weights.

    Attributes
    ----------
    all_tokens, used_tokens, positions : MeasuredRank
        Of the token embedding (over all tokens, and over those of the prompts here) and of the
        position embedding.
    similarity_early, similarity_late : float or None
        Mean cosine within positions 0-7 and within the rest.
    prompts, ambient : int or None
        Of the pooled outputs of the prompts here.
    output_rank, mle, two_nn : float or None
        Their effective rank and intrinsic dimension.
    """

    all_tokens: MeasuredRank
    used_tokens: MeasuredRank
    positions: MeasuredRank
    similarity_early: float | None
    similarity_late: float | None
    prompts: int | None = None
    ambient: int | None = None
    output_rank: float | None = None
    mle: float | None = None
    two_nn: float | None = None


@dataclass(frozen=True)
class Measured:
    """What was measured on the paper's own sources: official or bundled files only.

    Prompts that this project generated have no place here: the sources are the paper's six by
    name, and the joint numbers must be those of exactly the sources listed.

    Attributes
    ----------
    sources : mapping of str to MeasuredSource
        Those present; a local copy may be a part of the official one.
    union, plain_sum : int
        Distinct raw strings over these sources, and their counts added up.
    shared, shared_cleaned : mapping of (str, str) to int
        Distinct raw (cleaned) prompts that two sources share.
    combined_lengths : LengthHistogram
        Over the union.
    distinct_ids, vocabulary_size : int
        Distinct token ids in the union; ids the tokenizer has.
    special_share, top100_share : float
        Start and end tokens, and the 100 most frequent ids, as shares of the union's tokens.
    lvis_names : tuple of str
        LVIS v1's category names in the order of their ids, as LVIS's files have them ("_" for
        blanks); they ship with this package.
    lvis_mean_tokens, lvis_cut_means : mapping of str to float
        Optional: mean token count of LVIS's distinct names under each of
        `anatomy.ledger.names.readings` and of `anatomy.ledger.names.cuts`.
    lvis_as_given_in : mapping of str to int
        How many of LVIS's names, with "_" kept, each other source here has.
    inside : MeasuredInside or None
        What SAM3's weights show, where they are at hand.
    """

    sources: Mapping[str, MeasuredSource]
    union: int
    plain_sum: int
    shared: Mapping[tuple[str, str], int]
    shared_cleaned: Mapping[tuple[str, str], int]
    combined_lengths: LengthHistogram
    distinct_ids: int
    vocabulary_size: int
    special_share: float
    top100_share: float
    lvis_names: tuple[str, ...]
    lvis_mean_tokens: Mapping[str, float] = field(default_factory=dict)
    lvis_cut_means: Mapping[str, float] = field(default_factory=dict)
    lvis_as_given_in: Mapping[str, int] = field(default_factory=dict)
    inside: MeasuredInside | None = None

    def __post_init__(self) -> None:
        for name, source in self.sources.items():
            if name not in SOURCES or source.name != name:
                raise ValueError(f"{name!r} is not one of the paper's sources {SOURCES}")
            if source.lengths.prompts != source.unique:
                raise ValueError(f"{name}: lengths count another number of prompts than unique")
        if self.plain_sum != sum(source.unique for source in self.sources.values()):
            raise ValueError("plain_sum is not the sum over the sources listed")
        largest = max((source.unique for source in self.sources.values()), default=0)
        if not largest <= self.union <= self.plain_sum:
            raise ValueError("union is not that of the sources listed")
        if self.combined_lengths.prompts != self.union:
            raise ValueError("combined_lengths counts another number of prompts than union")

    @property
    def is_complete(self) -> bool:
        """Whether all six sources are here, each to within 2 per cent of its published count."""
        return all(name in self.sources and self.sources[name].is_whole for name in SOURCES)
