"""From measures to the parts of the findings document."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from anatomy.census import Census
from anatomy.corpus import registry
from anatomy.corpus.model import COMBINED
from anatomy.findings import (
    TOP_SHARES,
    ApproximationFinding,
    ContextRecommendation,
    ContextRow,
    CorpusFinding,
    Curve,
    EncoderFinding,
    FileFinding,
    InsideFinding,
    LedgerFinding,
    LengthFinding,
    SourceFinding,
    TokenFinding,
    VocabularyFinding,
    ranges,
)
from anatomy.ledger import Entry
from anatomy.measures.context import LengthHistogram, choose_context
from anatomy.measures.overlap import CONFIDENCE, DEVIATIONS, Estimate
from anatomy.measures.vocabulary import TokenCounts
from anatomy.view import TokenView

TOP_TOKENS = 50
_CURVE_POINTS = 60


def corpus_finding(census: Census, encoders: Sequence[str] = ()) -> CorpusFinding:
    """All sources together: sums, union and overlap; `encoders` are the census's, by name."""
    overlap = census.counts.raw
    return CorpusFinding(
        plain_sum=overlap.plain_sum,
        unique=overlap.union,
        shared=overlap.shared.tolist(),
        stand_ins=[s.name for s in census.summaries if s.kind == "stand-in"],
        approximation=_approximation_finding(census, encoders),
    )


def _approximation_finding(census: Census, encoders: Sequence[str]) -> ApproximationFinding | None:
    found = census.approximation
    if found is None:
        return None

    def bounds(estimate: Estimate) -> dict[str, tuple[int, int]]:
        low, high = estimate.low, estimate.high
        own = zip(low.shared.diagonal().tolist(), high.shared.diagonal().tolist(), strict=True)
        return {COMBINED: (low.union, high.union), **dict(zip(census.names, own, strict=True))}

    counted = census.counts.encoders[0]  # the same prompts for each encoder
    populations = [census.counts.raw.union, *census.counts.raw.shared.diagonal().tolist()]
    groups = zip(
        (COMBINED, *census.names), (counted.union, *counted.sources), populations, strict=True
    )
    return ApproximationFinding(
        method=f"theta sketches of {found.hashes:,} hashes (Apache DataSketches)",
        hashes=found.hashes,
        confidence=CONFIDENCE,
        unique=bounds(found.raw),
        shared_low=found.raw.low.shared.tolist(),
        shared_high=found.raw.high.shared.tolist(),
        unique_cleaned={
            name: bounds(own) for name, own in zip(encoders, found.cleaned, strict=True)
        },
        share_error={
            # Of a share of one half; drawn without returning, so the last one has no error.
            name: DEVIATIONS * 0.5 * math.sqrt(max(0.0, 1 / group.counts.prompts - 1 / population))
            for name, group, population in groups
        },
    )


def source_findings(census: Census) -> list[SourceFinding]:
    """Each source: provenance and counts."""
    known = {source.name: source for source in registry.ALL}
    findings = []
    for summary in census.summaries:
        paper = known.get(summary.name)
        findings.append(
            SourceFinding(
                name=summary.name,
                title=summary.title,
                kind=summary.kind,
                licence=paper.licence if paper else None,
                citation=paper.citation if paper else None,
                published=paper.published_count if paper else None,
                files=[
                    FileFinding(path=f.path, bytes=f.bytes, sha256=f.sha256) for f in summary.files
                ],
                rows=summary.rows,
                refused=dict(summary.refused),
                notes=dict(summary.notes),
                usable=summary.usable,
                duplicates=summary.duplicates,
                unique=summary.unique,
                sha256=summary.sha256,
            )
        )
    return findings


def encoder_finding(
    view: TokenView, contexts: Sequence[int], bound: float, inside: InsideFinding | str
) -> EncoderFinding:
    """What one encoder makes of the corpus, at these context lengths and this token-loss bound.

    `inside` is what its weights show, or why that is not measured.
    """
    tokenizer, counts = view.encoder.tokenizer, view.combined_counts
    lengths = {COMBINED: view.combined_lengths, **view.lengths}
    vocabulary = {COMBINED: counts, **view.counts}
    cleaned = view.cleaned_overlap
    ranked = counts.ranked()
    shares = counts.occurrences[ranked] / counts.tokens
    ranks = _spread(len(ranked))
    draws = _spread(counts.prompts)
    return EncoderFinding(
        name=view.encoder.name,
        tokenizer=tokenizer.description,
        vocabulary_size=tokenizer.vocabulary_size,
        special_ids=list(tokenizer.special_ids),
        context=tokenizer.context,
        unique_cleaned={
            COMBINED: cleaned.union,
            **{
                name: int(n)
                for name, n in zip(view.census.names, cleaned.shared.diagonal(), strict=True)
            },
        },
        lengths=[_length_finding(name, h, contexts) for name, h in lengths.items()],
        recommended_context=_recommendation(view.combined_lengths, view.lengths, bound),
        vocabulary=[
            _vocabulary_finding(name, c, tokenizer.special_ids) for name, c in vocabulary.items()
        ],
        zipf=Curve(x=ranks, y=[float(shares[rank - 1]) for rank in ranks]),
        growth=Curve(x=draws, y=counts.growth(draws).tolist()),
        top_tokens=[
            TokenFinding(
                id=int(number),
                text=tokenizer.text_of(int(number)),
                count=int(counts.occurrences[number]),
                share=int(counts.occurrences[number]) / counts.tokens,
            )
            for number in ranked[:TOP_TOKENS]
        ],
        kept_ids=ranges(counts.used.tolist()),
        weights=inside if isinstance(inside, str) else "measured",
        inside=None if isinstance(inside, str) else inside,
    )


def ledger_findings(entries: Iterable[Entry]) -> list[LedgerFinding]:
    """Ledger entries as they stand in the document."""
    fields = LedgerFinding.model_fields
    return [LedgerFinding(**{name: getattr(entry, name) for name in fields}) for entry in entries]


def _length_finding(
    group: str, histogram: LengthHistogram, contexts: Sequence[int]
) -> LengthFinding:
    return LengthFinding(
        group=group,
        prompts=histogram.prompts,
        tokens=histogram.tokens,
        mean=histogram.mean,
        median=histogram.percentile(50),
        p90=histogram.percentile(90),
        p95=histogram.percentile(95),
        p99=histogram.percentile(99),
        maximum=histogram.maximum,
        histogram=[(int(k), int(histogram.counts[k])) for k in np.flatnonzero(histogram.counts)],
        contexts=[ContextRow.of(histogram, length) for length in contexts],
    )


def _vocabulary_finding(
    group: str, counts: TokenCounts, special_ids: Sequence[int]
) -> VocabularyFinding:
    return VocabularyFinding(
        group=group,
        prompts=counts.prompts,
        tokens=counts.tokens,
        distinct=counts.distinct,
        coverage=counts.coverage,
        special_share=counts.share_of(special_ids),
        top_shares={k: counts.top_share(k) for k in TOP_SHARES},
        in_one_prompt=counts.in_one_prompt,
    )


def _recommendation(
    combined: LengthHistogram, groups: Mapping[str, LengthHistogram], bound: float
) -> ContextRecommendation:
    choice = choose_context(combined, groups, bound)
    before, at = f"{100 * choice.worst_loss_before:.3g}", f"{100 * choice.worst_loss:.3g}"
    reason = (
        f"L = {choice.length} is the smallest context that cuts at most {100 * bound:g} % of the "
        f"tokens overall and in every source. {choice.worst} decides: it would lose {before} % of "
        f"its tokens at L = {max(choice.length - 1, 1)} and loses {at} % at L = {choice.length}; "
        f"all prompts together lose {100 * choice.combined_loss:.3g} %."
    )
    return ContextRecommendation(
        length=choice.length,
        aligned=math.ceil(choice.length / 8) * 8,
        bound=bound,
        worst=choice.worst,
        worst_loss=choice.worst_loss,
        worst_loss_before=choice.worst_loss_before,
        combined_loss=choice.combined_loss,
        reason=reason,
    )


def _spread(total: int) -> list[int]:
    """Up to 60 whole numbers from 1 to `total`, evenly spread on a logarithmic axis."""
    if total < 1:
        return []
    return sorted({round(x) for x in np.geomspace(1, total, _CURVE_POINTS)})
