"""Token and position embeddings, output space: ratios and ranks (3.2, 3.3, Table 2)."""

from __future__ import annotations

from fractions import Fraction

from anatomy.ledger.claims import Claims
from anatomy.ledger.here import outputs, weights
from anatomy.ledger.intervals import Figure, Interval, number
from anatomy.ledger.model import Entry, Measured, MeasuredInside
from anatomy.ledger.spectra import Power, reachable, reachable_by_share
from anatomy.ledger.verdicts import Verdict, all_of, any_reading, equal


def entries(claims: Claims, measured: Measured | None) -> list[Entry]:
    """Rank percentages, the meaning of "effective rank", similarities, redundancy, dimension."""
    return [
        _percentages(claims, measured),
        _definition(claims, measured),
        _similarity(claims, measured),
        _redundancy(claims, measured),
        _dimension(claims, measured),
        _superfluous(claims, measured),
    ]


def _ranks(inside: MeasuredInside) -> str:
    named = (
        ("all tokens", inside.all_tokens),
        (f"the {inside.used_tokens.rows:,} tokens of these prompts", inside.used_tokens),
        ("positions", inside.positions),
    )
    return "; ".join(
        f"{name}: {rank.rank:.1f} (p = s), {rank.rank_of_squares:.1f} (p = s^2), "
        f"{rank.dims90} and {rank.dims95} directions"
        for name, rank in named
    )


def _cosines(inside: MeasuredInside) -> str | None:
    early, late = inside.similarity_early, inside.similarity_late
    if early is None or late is None:
        return None
    return f"{early:.3f} within 0-7 and {late:.3f} within the rest, {late / early:.2f} times"


def _spaces(inside: MeasuredInside) -> str | None:
    if inside.output_rank is None or inside.mle is None or inside.two_nn is None:
        return None
    return (
        f"{inside.prompts:,} prompts: effective rank {inside.output_rank:.1f} of "
        f"{inside.ambient}, intrinsic dimension {inside.mle:.1f} (MLE), {inside.two_nn:.1f} (TwoNN)"
    )


def _percentages(claims: Claims, measured: Measured | None) -> Entry:
    e = claims.embeddings
    here, lacking = weights(measured, _ranks)
    parts, implied = [], []
    for row in e.rows:
        share = row.rank.interval / e.width.interval
        parts.append(equal(row.percent.interval, share))
        implied.append(f"{row.rank}/{e.width} = {share.percent(2)}")
    parts.append(equal(e.finding_rank.interval, e.rows[-1].rank.interval / e.width.interval))
    return Entry(
        id="rank-percentages",
        group="embeddings",
        title="Table 2: rank per cent",
        where="Table 2; Finding II",
        claim="Effective ranks 943 and 906 of 1,024 are 92.1 % and 88.5 % (88 % in Finding II).",
        published=", ".join(str(row.percent) for row in e.rows) + f", {e.finding_rank}",
        implied="; ".join(implied),
        verdict=all_of(parts),
        margin=f"{parts.count('holds')} of {len(parts)} agree within rounding",
        explanation="Each percentage is the rank over the embedding's width of 1,024.",
        measured=here,
        not_measured=lacking,
    )


def _definition(claims: Claims, measured: Measured | None) -> Entry:
    e = claims.embeddings
    here, lacking = weights(measured, _ranks)
    readings: dict[str, Verdict] = {}
    implied = []
    names: tuple[tuple[Power, str], ...] = ((1, "p = s"), (2, "p = s^2"))
    for power, name in names:
        spans = [
            (
                row.label,
                row.rank,
                reachable(_whole(e.width), _whole(row.dims90), _whole(row.dims95), power),
            )
            for row in e.rows
        ]
        share = float(e.positions_variance.interval.lo)
        bounds = reachable_by_share(_whole(e.positions), _whole(e.positions_dims90), share, power)
        spans.append(("positions", e.positions_rank, bounds))
        readings[name] = all_of(
            _reached(rank, least, most, power) for _, rank, (least, most) in spans
        )
        implied.append(
            f"{name}: "
            + ", ".join(f"{label} {Interval.around(*span).text(1)}" for label, _, span in spans)
        )
    return Entry(
        id="effective-rank-definition",
        group="embeddings",
        title="Effective rank: of which values",
        where="Table 2; 3.2.2",
        claim="Effective rank 943 and 906 of 1,024 (90 % of the variance in 857 and 834"
        " directions, 95 % in 933 and 919), and 20 of 32 for the positions (90 % in 7).",
        published=", ".join(f"{row.label} {row.rank}" for row in e.rows)
        + f", positions {e.positions_rank}",
        implied="; ".join(implied),
        verdict=any_reading(readings.values()),
        margin="; ".join(f"{name}: {verdict}" for name, verdict in readings.items()),
        explanation="Taken as exp(entropy of p) (Roy & Vetterli 2007); the paper gives no"
        " definition and does not say whether p are the singular values s or their squares. With"
        " squares, 32 directions of which 7 hold 90 % cannot reach the positions' rank of 20. With"
        " the values themselves, Table 2's ranks lie at the lower end, or below, of the spectra"
        " found with its 90 % and 95 % columns: about twenty directions far above all others, which"
        " are level. The two places may have used different definitions; the weights decide.",
        measured=here,
        not_measured=lacking,
    )


def _whole(figure: Figure) -> int:
    return int(figure.interval.lo)


def _reached(rank: Figure, least: float, most: float, power: Power) -> Verdict:
    """Values between two spectra occur; above the most even one none does, for squares."""
    if rank.interval.overlaps(Interval.around(least, most)):
        return "holds"
    return "contradicts" if power == 2 and rank.interval.lo > most else "undecided"


def _similarity(claims: Claims, measured: Measured | None) -> Entry:
    e = claims.embeddings
    here, lacking = weights(measured, _cosines)
    implied = e.similarity_late.interval / e.similarity_early.interval
    published = e.similarity_ratio.interval
    inside = published.lo <= implied.lo and implied.hi <= published.hi
    verdict: Verdict = equal(published, implied)
    if verdict == "holds" and not inside:
        verdict = "undecided"
    shared = f"from {number(max(published.lo, implied.lo), 2)} to "
    return Entry(
        id="position-similarity-ratio",
        group="embeddings",
        title="Late positions 1.5 times more similar",
        where="3.2.2; Figure 4; Finding II",
        claim="Positions 8+ (0.76 to 0.79) are ~1.5 times more similar to each other than"
        " positions 0-7 (0.54).",
        published=f"{e.similarity_ratio} (Figure 4, Finding II), ~{e.similarity_ratio} (3.2.2)",
        implied=implied.text(2),
        verdict=verdict,
        margin=f"{e.similarity_ratio} stands for {published.text(2)}: met only "
        + shared
        + number(min(published.hi, implied.hi), 2)
        if published.overlaps(implied)
        else f"apart by at least {number(published.gap(implied), 2, 'down')}",
        explanation="The upper end of the late positions' range rounds to 1.5, the lower end to"
        " 1.4. Roundings of one number may choose where they overlap; 0.76 to 0.79 is a range of"
        " values, of which some fit and some do not. One number for the late positions would"
        " decide.",
        measured=here,
        not_measured=lacking,
    )


def _redundancy(claims: Claims, measured: Measured | None) -> Entry:
    e = claims.embeddings
    here, lacking = outputs(measured, _spaces)
    third = e.output_rank.interval / e.ambient.interval
    redundant = 1 - e.dimension.interval / e.ambient.interval
    used = e.dimension_range.interval / e.ambient.interval
    ends = e.utilisation.interval
    percent, one = Fraction(1, 100), 1 / e.ambient.interval.lo
    parts = (
        equal(Interval.exact(Fraction(1, 3)), third),
        equal(e.redundant.interval, redundant),
        # Both ends of the range must be met, each within the rounding of both numbers.
        equal(Interval(ends.lo, ends.lo + percent), Interval(used.lo, used.lo + one)),
        equal(Interval(ends.hi - percent, ends.hi), Interval(used.hi - one, used.hi)),
    )
    return Entry(
        id="output-utilisation",
        group="embeddings",
        title="Output space: 94 % redundant, 6 to 8 % used, a third",
        where="3.3; Figure 5",
        claim="Effective rank 85.3 of 256 is a third; an intrinsic dimension of 16 to 19 uses 6 to"
        " 8 % and leaves 94 %.",
        published=f"{e.redundant} redundant, {e.utilisation} used, a third",
        implied=f"{redundant.percent(1)} redundant, {used.percent(1)} used, {third.percent(1)}",
        verdict=all_of(parts),
        margin=f"{parts.count('holds')} of {len(parts)} agree within rounding",
        explanation="The ratios are right as divisions by 256. Whether an intrinsic dimension"
        " measures capacity in this way is another question: a curved surface of dimension 16 can"
        " need all 256 directions.",
        measured=here,
        not_measured=lacking,
    )


def _dimension(claims: Claims, measured: Measured | None) -> Entry:
    e = claims.embeddings
    here, lacking = outputs(measured, _spaces)
    centre, span = e.dimension.interval, e.dimension_range.interval
    upper = Interval(span.hi - 1, span.hi)  # the rounding of the range's upper end
    verdict: Verdict = "contradicts" if upper.gap(centre) else "undecided"
    if centre.lo <= span.lo and upper.hi <= centre.hi:
        verdict = "holds"
    return Entry(
        id="intrinsic-dimension",
        group="embeddings",
        title="Intrinsic dimension: 16 (± 2) or 16 to 19",
        where="3.3; Finding III; 6",
        claim='TwoNN and MLE "converge" on 16 (± 2); Finding III says ~16 to 19.',
        published=f"{e.dimension} and {e.dimension_range}",
        implied=f"{centre.text(1)} and {span.text(1)}",
        verdict=verdict,
        margin=f"the larger estimate is {upper.text(1)}; {e.dimension} ends at"
        f" {number(centre.hi - 1, 0)}, or {number(centre.hi, 0)} if both its numbers were rounded",
        explanation="An estimate of 19 lies outside 16 ± 2 unless all three numbers were rounded"
        " in its favour. The two estimates, not rounded, would decide.",
        measured=here,
        not_measured=lacking,
    )


def _superfluous(claims: Claims, measured: Measured | None) -> Entry:
    e = claims.embeddings
    here, lacking = outputs(measured, _spaces)
    ambient = e.ambient.interval
    whole, tens = e.superfluous.interval, e.superfluous.interval.mid
    wide = Interval(tens - Fraction(5, 100), tens + Fraction(5, 100))
    readings = {
        "intrinsic dimension of the output": 1 - e.dimension_range.interval / ambient,
        "effective rank of the output": 1 - e.output_rank.interval / ambient,
        "effective rank of the token embedding": 1 - e.rows[-1].rank.interval / e.width.interval,
    }
    nearest = min(whole.gap(value) for value in readings.values())
    parts = [equal(printed, value) for value in readings.values() for printed in (whole, wide)]
    return Entry(
        id="embedding-capacity-90",
        group="embeddings",
        title="90 % of embedding capacity superfluous",
        where="1; 3.2.1; 3.3",
        claim='"90% of embedding capacity" is superfluous.',
        published=str(e.superfluous),
        implied="; ".join(f"{label}: {value.percent(1)}" for label, value in readings.items()),
        verdict=any_reading(parts),
        margin=f"the nearest reading is off by {number(nearest * 100, 1, 'down')} percentage"
        " points or more; it fits if 90 is rounded to tens",
        explanation="No number of section 3 is 90 %. The nearest is the share of output directions"
        " beyond the intrinsic dimension. By 3.2.1 the token embedding itself is well used and"
        ' "not amenable to significant low-rank compression".',
        measured=here,
        not_measured=lacking,
    )
