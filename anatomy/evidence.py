"""What of an audit may be held against the paper: official files only, stand-ins never."""

from __future__ import annotations

from itertools import combinations

from anatomy.corpus import registry
from anatomy.corpus.bundled import lvis_names_as_given
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
from anatomy.view import TokenView


def evidence(view: TokenView) -> Measured:
    """The ledger's measured column, from the official and bundled sources of a corpus."""
    census, codes = view.census, view.census.ask.official
    summaries, tokenizer = census.summaries, view.encoder.tokenizer
    published = {source.name: source.published_count for source in registry.ALL}
    raw, cleaned = census.counts.official, view.cleaned_overlap
    pairs = list(combinations(codes, 2))
    official = view.own.official
    names = lvis_names_as_given()
    as_given = census.counts.lvis_as_given

    def means(prepared: dict[str, tuple[str, ...]]) -> dict[str, float]:
        return {
            label: LengthHistogram.of(tokenizer.encode(one).lengths).mean
            for label, one in prepared.items()
        }

    return Measured(
        sources={
            summaries[code].name: MeasuredSource(
                name=summaries[code].name,
                unique=summaries[code].unique,
                unique_cleaned=int(cleaned.shared[code, code]),
                lengths=view.own.sources[code].lengths,
                published=published[summaries[code].name],
                notes=summaries[code].notes,
            )
            for code in codes
        },
        union=raw.union,
        plain_sum=raw.plain_sum,
        shared={(census.names[a], census.names[b]): int(raw.shared[a, b]) for a, b in pairs},
        shared_cleaned={
            (census.names[a], census.names[b]): int(cleaned.shared[a, b]) for a, b in pairs
        },
        combined_lengths=official.lengths,
        distinct_ids=official.counts.distinct,
        vocabulary_size=tokenizer.vocabulary_size,
        special_share=official.counts.share_of(tokenizer.special_ids),
        top100_share=official.counts.top_share(100),
        lvis_names=names,
        lvis_mean_tokens=means(lvis_readings(names)),
        lvis_cut_means=means(lvis_cuts(names)),
        lvis_as_given_in={
            census.names[code]: int(as_given[code])
            for code in codes
            if census.ask.lvis is not None and code != census.ask.lvis
        },
    )


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
