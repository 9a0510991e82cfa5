"""What of an audit may be held against the paper: official files only, stand-ins never."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anatomy.corpus import registry
from anatomy.corpus.bundled import lvis_names_as_given
from anatomy.corpus.model import Corpus
from anatomy.findings import InsideFinding, SpectrumFinding
from anatomy.ledger import (
    Measured,
    MeasuredInside,
    MeasuredRank,
    MeasuredSource,
    lvis_cuts,
    lvis_readings,
)
from anatomy.measures.context import LengthHistogram
from anatomy.measures.overlap import Overlap
from anatomy.view import TokenView


def evidence(view: TokenView) -> Measured:
    """The ledger's measured column, from the official and bundled sources of a corpus."""
    corpus = view.corpus
    published = {source.name: source.published_count for source in registry.ALL}
    codes = [
        code
        for code, summary in enumerate(corpus.summaries)
        if summary.kind in ("official", "bundled") and summary.name in published
    ]
    rows = np.isin(corpus.source, codes)
    # A prompt's first appearance among the official sources need not be the corpus's first.
    places = np.flatnonzero(rows)
    _, first = np.unique(corpus.prompt[places], return_index=True)
    union = np.zeros(len(corpus), dtype=bool)
    union[places[first]] = True

    raw = Overlap.of(corpus.prompt[rows], corpus.source[rows], len(corpus.names))
    cleaned = view.cleaned_overlap
    pairs = list(combinations(codes, 2))
    counts = view.counts_of(union)
    tokenizer = view.encoder.tokenizer
    names = lvis_names_as_given()

    def means(prepared: dict[str, tuple[str, ...]]) -> dict[str, float]:
        return {
            label: LengthHistogram.of(tokenizer.encode(one).lengths).mean
            for label, one in prepared.items()
        }

    return Measured(
        sources={
            corpus.names[code]: MeasuredSource(
                name=corpus.names[code],
                unique=corpus.summaries[code].unique,
                unique_cleaned=int(cleaned.shared[code, code]),
                lengths=view.lengths[corpus.names[code]],
                published=published[corpus.names[code]],
                notes=corpus.summaries[code].notes,
            )
            for code in codes
        },
        union=raw.union,
        plain_sum=raw.plain_sum,
        shared={(corpus.names[a], corpus.names[b]): int(raw.shared[a, b]) for a, b in pairs},
        shared_cleaned={
            (corpus.names[a], corpus.names[b]): int(cleaned.shared[a, b]) for a, b in pairs
        },
        combined_lengths=view.lengths_of(union),
        distinct_ids=counts.distinct,
        vocabulary_size=tokenizer.vocabulary_size,
        special_share=counts.share_of(tokenizer.special_ids),
        top100_share=counts.top_share(100),
        lvis_names=names,
        lvis_mean_tokens=means(lvis_readings(names)),
        lvis_cut_means=means(lvis_cuts(names)),
        lvis_as_given_in=_shared_as_given(corpus, codes, names),
    )


def _shared_as_given(corpus: Corpus, codes: list[int], names: tuple[str, ...]) -> dict[str, int]:
    """How many of LVIS's names, "_" kept, each other source has; nothing without LVIS."""
    if "lvis" not in {corpus.names[code] for code in codes}:
        return {}
    wanted = pa.array(names, type=pa.large_string())
    return {
        corpus.names[code]: pc.sum(
            pc.is_in(wanted, value_set=corpus.prompts.filter(pa.array(corpus.source == code)))
        ).as_py()
        for code in codes
        if corpus.names[code] != "lvis"
    }


def evidence_inside(found: InsideFinding, *, official: bool) -> MeasuredInside | None:
    """What SAM3's weights show, for the ledger; nothing without its position table.

    Parameters
    ----------
    found : InsideFinding
    official : bool
        Whether every prompt came from official files: only then do its tokens and outputs count.
    """
    if found.positions is None or not official:
        return None
    cloud = found.outputs.main
    everything, used = found.embedding.spectra
    return MeasuredInside(
        all_tokens=_rank(everything),
        used_tokens=_rank(used),
        positions=_rank(found.positions.spectrum),
        similarity_early=found.positions.mean_first,
        similarity_late=found.positions.mean_rest,
        prompts=cloud.points if cloud else None,
        ambient=cloud.ambient if cloud else None,
        output_rank=cloud.linear.effective_rank if cloud else None,
        mle=cloud.harmonic.value if cloud else None,
        two_nn=cloud.two_nn.value if cloud else None,
    )


def _rank(found: SpectrumFinding) -> MeasuredRank:
    return MeasuredRank(
        rows=found.rows,
        rank=found.effective_rank,
        rank_of_squares=found.effective_rank_energy,
        dims90=found.dims[90],
        dims95=found.dims[95],
    )
