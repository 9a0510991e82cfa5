"""Made-up measurements for the ledger's tests."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from anatomy.ledger import PAPER, Measured, MeasuredSource

PUBLISHED = {name: int(count.interval.lo) for name, count in PAPER.corpus.counts.items()}

# Six names: 4 differ with their qualifiers removed, 5 if the blank before a qualifier stays.
NAMES = ("bow_(weapon)", "bow_(ribbon)", "fish", "fish_(food)", "Band_Aid", "bow-tie")


def source(name: str, unique: int, length: int = 5, **notes: int) -> MeasuredSource:
    """A source whose prompts all have the same number of tokens."""
    lengths = np.zeros(length + 1, dtype=np.int64)
    lengths[length] = unique
    return MeasuredSource(name, unique, unique, lengths, PUBLISHED[name], notes)


def measured(
    sizes: Mapping[str, int],
    shared: Mapping[tuple[str, str], int] | None = None,
    lengths: Mapping[str, int] | None = None,
    names: tuple[str, ...] = (),
    lvis_mean_tokens: Mapping[str, float] | None = None,
) -> Measured:
    """Sources of these sizes; the shared prompts occur in these two sources and in no third."""
    lengths = lengths or {}
    pairs = dict(shared or {})
    notes = {"queried noun phrases": 8} if "saco-veval" in sizes else {}
    sources = {
        name: source(name, size, lengths.get(name, 5), **(notes if name == "saco-veval" else {}))
        for name, size in sizes.items()
    }
    plain = sum(sizes.values())
    longest = max((len(s.lengths) for s in sources.values()), default=1)
    combined = np.zeros(longest, dtype=np.int64)
    for one in sources.values():
        combined[: len(one.lengths)] += one.lengths
    for (_, second), n in pairs.items():  # counted once, with the first source
        combined[len(sources[second].lengths) - 1] -= n
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
    )
