"""Prompt lengths and the context window: Table 1 and the means (3.1.1 to 3.1.3, 3.2.2).

With S(L) = L * density(L), the mean of min(|t|, L), everything here follows from
S(L) = sum over positions j = 1..L of the share of prompts with at least j tokens.
"""

from __future__ import annotations

from itertools import pairwise

from anatomy.ledger.claims import Claims
from anatomy.ledger.here import against, each, joint
from anatomy.ledger.intervals import Interval, number, total
from anatomy.ledger.model import Entry, Measured
from anatomy.ledger.verdicts import (
    Verdict,
    all_of,
    any_reading,
    at_most,
    equal,
    possible,
    saved_by,
)
from anatomy.measures.context import LengthHistogram

_SHORT = ("rf100vl", "lvis", "saco-gold", "saco-silver", "saco-veval")


def entries(claims: Claims, measured: Measured | None) -> list[Entry]:
    """Means, Table 1's shape, token loss, truncation, padding of the attention."""
    return [
        _mean_from_parts(claims, measured),
        _mean_in_3_2_2(claims, measured),
        _shape(claims, measured),
        _loss(claims, measured, 16),
        _loss(claims, measured, 8),
        _truncation(claims, measured),
        _first_eight(claims, measured),
        _attention(claims, measured),
    ]


def _mean_from_parts(claims: Claims, measured: Measured | None) -> Entry:
    counts, context = claims.corpus.counts, claims.context
    saco = context.saco_mean.interval
    means = {
        "rf100vl": Interval.of(context.shortest, context.row(32).length),
        "lvis": context.lvis_mean.interval,
        "refcoco": context.refcoco_mean.interval,
        "saco-gold": saco,
        "saco-silver": saco,
        "saco-veval": saco,
    }
    tokens = total([counts[name].interval * means[name] for name in counts])
    implied = tokens / claims.corpus.total.interval
    text, missing = each(measured, list(counts), lambda x: f"mean {x.mean:.2f}")
    if measured and measured.is_complete:
        mean = measured.combined_lengths.mean
        note = against(measured, mean, context.mean.interval)
        text = f"{text}; all distinct prompts: mean {mean:.2f}{note}"
    return Entry(
        id="mean-from-parts",
        group="context",
        title="Mean length 7.9 from the sources",
        where="3.1.2; Figure 2",
        claim="The combined mean is 7.9 tokens (LVIS 3.3, SA-Co 5.4 to 5.9, RefCOCO 9.4).",
        published=str(context.mean),
        implied=implied.text(2),
        verdict=equal(context.mean.interval, implied),
        margin=f"distance {number(context.mean.interval.gap(implied), 2, 'down')} tokens,"
        f" implied range {number(implied.hi - implied.lo, 2, 'up')} wide",
        explanation="Weighting the sources' means by their counts gives the combined mean."
        " RF100-VL's mean is not printed; anything from 3 to 32 tokens is allowed for it and"
        " matters little, as it has 0.1 % of the prompts.",
        measured=text,
        not_measured=missing,
    )


def _mean_in_3_2_2(claims: Claims, measured: Measured | None) -> Entry:
    context = claims.context
    other, mean = context.positions_mean.interval, context.mean.interval
    wide = 2 * other - other.mid  # "about" read twice as widely
    eight = context.row(8)
    within = _mean_within(eight.kept, eight.truncation.interval, eight.length)
    readings = {
        "mean of all prompts": mean,
        f"of the prompts within {eight.length} tokens": within,
        "of all prompts without start and end token": mean - 2,
    }
    # The literal reading decides if it holds; else all readings, with either width of "about".
    others = [equal(about, value) for value in readings.values() for about in (other, wide)]
    gaps = [
        f"{label} {number(other.gap(value), 3, 'down')}"
        for label, value in readings.items()
        if other.gap(value)
    ]
    said = joint(
        measured, lambda x, m: f"mean {x.mean:.2f}{against(m, x.mean, context.mean.interval)}"
    )
    return Entry(
        id="mean-5.6-vs-7.9",
        group="context",
        title="Mean length ~5.6 or 7.9",
        where="3.2.2; 3.1.2",
        claim='"Since most prompts use only positions 0-7 (mean ~5.6 tokens)"; 3.1.2 has 7.9 as the'
        " combined mean.",
        published=f"{context.positions_mean} (3.2.2), {context.mean} (3.1.2)",
        implied="; ".join(f"{label} {value.text(3)}" for label, value in readings.items()),
        verdict=saved_by(equal(other, mean), others),
        margin=f"{context.positions_mean} taken as {other.text(1)} is missed by at least: "
        + "; ".join(gaps)
        + f"; taken as {wide.text(1)} it fits: "
        + (", ".join(k for k, value in readings.items() if wide.overlaps(value)) or "none")
        if gaps
        else "within rounding",
        explanation="As the mean of all prompts it is too small. It can be meant for the prompts"
        " that stay within positions 0-7: by Table 1 these have (8 density(8) - 8 truncated(8)) /"
        ' (1 - truncated(8)) tokens on average, a near miss, and "~" has no fixed precision. 3.1.1'
        ' gives 5.6 for "descriptive phrases", and 3.1.2 a range around it for SA-Co.',
        measured=said[0],
        not_measured=said[1],
    )


def _mean_within(kept: Interval, truncated: Interval, length: int) -> Interval:
    """Mean length of the prompts with at most L tokens: (S(L) - L q) / (1 - q), q the rest.

    It rises with S(L) and, as S(L) <= L, falls with q.
    """
    low, high = (
        (s - length * q) / (1 - q) for s, q in ((kept.lo, truncated.hi), (kept.hi, truncated.lo))
    )
    return Interval(low, high)


def _shape(claims: Claims, measured: Measured | None) -> Entry:
    """Padding is the complement; S is increasing and concave with the truncations as slopes."""
    context = claims.context
    rows = sorted(context.rows, key=lambda row: row.length)
    parts: list[Verdict] = [equal(row.padding.interval, 1 - row.density.interval) for row in rows]
    slopes = []
    for low, high in pairwise(rows):
        slope = (high.kept - low.kept) / (high.length - low.length)
        slopes.append(f"{low.length} to {high.length}: {slope.percent(1)}")
        parts.append(possible(at_most(slope, low.truncation.interval)))
        parts.append(possible(at_most(high.truncation.interval, slope)))
    longest = rows[-1]
    parts.append(possible(at_most(longest.kept, context.mean.interval)))
    beyond = context.mean.interval - longest.kept
    lengths = [row.length for row in rows]
    said = joint(
        measured,
        lambda x, m: "; ".join(
            f"L={length}: density {x.density(length):.4f}"
            + against(m, x.density(length), context.row(length).density.interval)
            + f", truncated {x.truncation(length):.2%}"
            for length in lengths
        ),
    )
    return Entry(
        id="table1-shape",
        group="context",
        title="Table 1: density, padding, truncation, mean",
        where="Table 1; 3.1.2",
        claim="Density, padding and truncation at L = 32, 16 and 8, and a mean of 7.9 tokens.",
        published="; ".join(
            f"L={row.length}: {row.density}, {row.padding}, {row.truncation}" for row in rows
        )
        + f"; mean {context.mean}",
        implied="mean share of prompts reaching the positions from "
        + "; ".join(slopes)
        + f"; the mean exceeds 32 * density(32) by {beyond.text(2)}",
        verdict=all_of(parts),
        margin=f"{parts.count('holds')} of {len(parts)} conditions can be met within rounding",
        explanation="Padding must be 1 - density. L * density(L) is the mean of min(|t|, L): over"
        " the positions from L to L' it grows by the share of prompts that reach them, which lies"
        " between the two truncation rates; it cannot exceed the mean length.",
        measured=said[0],
        not_measured=said[1],
    )


def _loss(claims: Claims, measured: Measured | None, length: int) -> Entry:
    context = claims.context
    row = context.row(length)
    if row.loss is None:
        raise ValueError(f"Table 1 prints no token loss at L = {length}")
    published = row.loss.interval
    readings = {
        f"of all tokens (mean {context.mean})": 1 - row.kept / context.mean.interval,
        "of the tokens within L = 32": 1 - row.kept / context.row(32).kept,
    }
    literal = any_reading(equal(published, loss) for loss in readings.values())
    own = _own_loss(context.mean.interval - row.kept, row.truncation.interval, length)
    verdict = saved_by(literal, [equal(published, own)])
    readings["mean over the prompts of the share that each loses"] = own
    apart = min(published.gap(loss) for loss in readings.values())

    def describe(lengths: LengthHistogram, found: Measured) -> str:
        lost = lengths.token_loss(length)
        return f"{lost:.2%}{against(found, lost, published)}"

    said = joint(measured, describe)
    return Entry(
        id=f"token-loss-{length}",
        group="context",
        title=f"Token loss at L = {length}",
        where="Table 1; 4.2" if length == 16 else "Table 1",
        claim=f"At L = {length}, {row.loss} of the tokens are discarded.",
        published=str(row.loss),
        implied="; ".join(f"{label}: {loss.percent(1)}" for label, loss in readings.items()),
        verdict=verdict,
        margin=f"apart by at least {number(apart * 100, 1, 'down')} percentage points from the"
        " nearest"
        if apart
        else "within rounding",
        explanation=f"The tokens kept at L = {length} are L * density(L) per prompt, so the loss"
        " is 1 - L * density(L) / mean. The mean is either the printed one or, if prompts were"
        " first cut at 32, 32 * density(32). 3.1.3 calls the loss a token-level metric; the mean"
        " over prompts, which is none, could only excuse it.",
        measured=said[0],
        not_measured=said[1],
    )


def _own_loss(beyond: Interval, truncated: Interval, length: int) -> Interval:
    """Bounds on the mean over prompts of the share of its own tokens that each loses.

    A prompt of t > L tokens loses 1 - L / t, which is concave in t. So for a share q of prompts
    with `beyond` = q mean(t - L) the sum is at most that of equal lengths, q (1 - L / (L + beyond /
    q)), which rises with both; t is at least L + 1.
    """
    q = truncated
    most = q.hi * (1 - length / (length + beyond.hi / q.hi))
    return Interval(min(q.lo / (length + 1), most), most)


def _truncation(claims: Claims, measured: Measured | None) -> Entry:
    counts, context = claims.corpus.counts, claims.context
    published = context.row(16).truncation.interval
    rest = Interval.of(0, context.truncated_rest_below.interval.hi)
    cut = counts["refcoco"].interval * context.truncated_refcoco.interval + total(
        [counts[name].interval * rest for name in _SHORT]
    )
    implied = cut / claims.corpus.total.interval
    text, missing = each(measured, list(counts), lambda x: f"{x.truncation(16):.2%}")
    if measured and measured.is_complete:
        value = measured.combined_lengths.truncation(16)
        text = f"{text}; all distinct prompts: {value:.2%}{against(measured, value, published)}"
    return Entry(
        id="truncation-16",
        group="context",
        title="Truncation at L = 16 from the sources",
        where="Table 1; 3.1.3",
        claim="5.0 % of all prompts are cut at L = 16: 8.1 % of RefCOCO, under 0.1 % elsewhere.",
        published=str(context.row(16).truncation),
        implied=implied.percent(2),
        verdict=equal(published, implied),
        margin=f"overlap with {published.percent(2)}: "
        + Interval(max(published.lo, implied.lo), min(published.hi, implied.hi)).percent(2)
        if published.overlaps(implied)
        else f"apart by {number(published.gap(implied) * 100, 2, 'down')} percentage points",
        explanation="RefCOCO's rate weighted by its share of the prompts, plus at most 0.1 % of"
        " the others, must give the overall rate.",
        measured=text,
        not_measured=missing,
    )


def _first_eight(claims: Claims, measured: Measured | None) -> Entry:
    within = 1 - claims.context.row(8).truncation.interval
    most = Interval.exact(1) / 2
    said = joint(measured, lambda x, _: f"{1 - x.truncation(8):.1%} have at most 8 tokens")
    return Entry(
        id="most-prompts-within-8",
        group="context",
        title="Most prompts use positions 0-7",
        where="3.2.2; Table 1",
        claim="Most prompts use only positions 0-7.",
        published="more than half",
        implied=within.percent(1),
        verdict=possible(at_most(most, within)),
        margin=f"{number((within.lo - most.hi) * 100, 1, 'down')} percentage points above half",
        explanation="At L = 8 the prompts that are not cut are those with at most 8 tokens. The"
        " other prompts, more than a quarter, do use position 8 and later ones.",
        measured=said[0],
        not_measured=said[1],
    )


def pair_padding(kept_8: Interval, kept_16: Interval, kept_32: Interval) -> Interval:
    """Bounds on the share of 32 x 32 attention scores with padding on either side.

    `kept_L` is S(L), the mean of min(|t|, L). The share is 1 - mean(t^2) / 32^2, with t cut at 32.
    t^2 is the sum of 2j - 1 over the positions j it reaches; as fewer prompts reach later ones,
    the mean of t^2 is largest, for given S, if the shares are level within 1-8, 9-16 and 17-32
    (Chebyshev's sum inequality): 8 S(8) + 24 (S(16) - S(8)) + 48 (S(32) - S(16)).
    It is at least S(32)^2 (Jensen).
    """
    cells = 32 * 32
    most = 48 * kept_32 - 24 * kept_16 - 16 * kept_8
    return Interval(1 - most.hi / cells, 1 - kept_32.lo * kept_32.lo / cells)


def _attention(claims: Claims, measured: Measured | None) -> Entry:
    context = claims.context
    published = context.attention_padding.interval
    pairs = pair_padding(*(context.row(length).kept for length in (8, 16, 32)))
    rows = 1 - context.row(32).density.interval
    said = joint(
        measured,
        lambda x, _: (
            f"padding is {1 - x.density(32):.1%} of the positions and takes part in"
            f" {x.quadratic_padding(32):.1%} of the attention scores"
        ),
    )
    return Entry(
        id="attention-padding",
        group="context",
        title="75.5 % of attention spent on padding",
        where="3.1.3",
        claim='"75.5% of all attention computation is allocated to padding tokens" at L = 32.',
        published=str(context.attention_padding),
        implied=f"positions: {rows.percent(1)}; attention scores with padding on either side:"
        f" {pairs.percent(1)}",
        verdict=any_reading((equal(published, rows), equal(published, pairs))),
        margin=f"as a share of the scores, too low by at least"
        f" {number(published.gap(pairs) * 100, 1, 'down')} percentage points",
        explanation="75.5 % is the padding's share of positions: it is right for everything done"
        " once per position (projections, feed-forward layers) and for rows of the attention"
        " matrix. Of the 32 x 32 scores, those between two real tokens are fewer, so that the"
        " share that touches padding is larger. The sentence does not say which is meant.",
        measured=said[0],
        not_measured=said[1],
    )
