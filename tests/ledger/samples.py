"""Made-up measurements for the ledger's tests."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from anatomy.ledger import PAPER, Measured, MeasuredSource
from anatomy.measures.context import LengthHistogram

PUBLISHED = {name: int(count.interval.lo) for name, count in PAPER.corpus.counts.items()}

# Six names: 4 differ with their qualifiers removed, 5 if the blank before a qualifier stays.
NAMES = ("bow_(weapon)", "bow_(ribbon)", "fish", "fish_(food)", "Band_Aid", "bow-tie")


def histogram(prompts: Mapping[int, int]) -> LengthHistogram:
    """Prompts by their number of tokens."""
    counts = np.zeros(max(prompts) + 1, dtype=np.int64)
    counts[list(prompts)] = list(prompts.values())
    return LengthHistogram(counts)


def source(name: str, unique: int, length: int = 5, **notes: int) -> MeasuredSource:
    """A source whose prompts all have the same number of tokens."""
    return MeasuredSource(name, unique, unique, histogram({length: unique}), PUBLISHED[name], notes)


def measured(
    sizes: Mapping[str, int],
    shared: Mapping[tuple[str, str], int] | None = None,
    lengths: Mapping[str, int] | None = None,
    names: tuple[str, ...] = (),
    lvis_mean_tokens: Mapping[str, float] | None = None,
    as_given: Mapping[str, int] | None = None,
) -> Measured:
    """Sources of these sizes; the shared prompts occur in these two sources and in no third.

    `as_given`: the names that LVIS shares with others if "_" is kept; all it shares unless told.
    """
    lengths = lengths or {}
    pairs = dict(shared or {})
    notes = {"queried noun phrases": 8} if "saco-veval" in sizes else {}
    sources = {
        name: source(name, size, lengths.get(name, 5), **(notes if name == "saco-veval" else {}))
        for name, size in sizes.items()
    }
    plain = sum(sizes.values())
    pairs_of_lvis = {b if a == "lvis" else a: n for (a, b), n in pairs.items() if "lvis" in (a, b)}
    repeats = [histogram({lengths.get(second, 5): -n}) for (_, second), n in pairs.items()]
    parts = [*(one.lengths for one in sources.values()), *repeats]  # counted with the first source
    combined = sum(parts, start=histogram({0: 0}))
    return Measured(
        sources=sources,
        union=plain - sum(pairs.values()),
        plain_sum=plain,
        shared=pairs,
        shared_cleaned=pairs,
        combined_lengths=combined,
        distinct_ids=1234,
        vocabulary_size=49_408,
        special_share=0.4,
        top100_share=0.7,
        lvis_names=names,
        lvis_mean_tokens=lvis_mean_tokens or {},
        lvis_as_given_in=pairs_of_lvis if as_given is None else as_given,
    )
