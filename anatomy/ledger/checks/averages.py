"""Averages of CG_F1 and of its factors, and ratios between rows (Tables 3, 5, 6 and 7).

An average of products is not the product of the averages: with C = P * M in every subset,
mean(C) = mean(P) * mean(M) + covariance of P and M over the subsets.
"""

from __future__ import annotations

from fractions import Fraction
from math import sqrt

from anatomy.ledger.claims import Claims
from anatomy.ledger.here import NO_PROMPTS
from anatomy.ledger.intervals import Interval, mean, number
from anatomy.ledger.model import Entry, Measured
from anatomy.ledger.tables import SubsetRow, Triple
from anatomy.ledger.verdicts import Verdict, all_of, equal

_METRICS = ("c", "m", "p")


def entries(claims: Claims, measured: Measured | None) -> list[Entry]:
    """Table 3's averages, the covariance that Tables 5 to 7 need, the students' drop."""
    del measured  # nothing here follows from prompts
    return [_averages(claims), _ablations(claims), _drop(claims)]


def _averages(claims: Claims) -> Entry:
    rows = claims.results.table_3
    parts: list[Verdict] = []
    products, covariances = [], []
    for row in rows:
        for metric in _METRICS:
            subsets = mean([getattr(t, metric).interval for t in row.subsets.values()])
            parts.append(equal(getattr(row.average, metric).interval, subsets))
        product = row.average.m.interval * row.average.p.interval
        if not product.overlaps(row.average.c.interval):
            products.append(row.model)
        covariances.append(f"{row.model} {_covariance(row):+.2f}")
    return Entry(
        id="table3-averages",
        group="results",
        title="Table 3: averages over the subsets",
        where="Table 3",
        claim="The Avg columns are means over the seven subsets.",
        published=f"{len(parts)} averages (C, M and P of {len(rows)} models)",
        implied="covariance of P and M over the subsets, in points of C: " + ", ".join(covariances),
        verdict=all_of(parts),
        margin=f"{parts.count('holds')} of {len(parts)} agree within rounding",
        explanation="The averages of C are means of the seven C, so they need not equal the"
        " product of the averages: the difference is the covariance. In"
        f" {len(products)} of {len(rows)} rows the product of the averages is not the printed"
        f" average ({', '.join(products)}).",
        measured=None,
        not_measured=NO_PROMPTS,
    )


def _ablations(claims: Claims) -> Entry:
    """Averages of Tables 5 to 7: the covariance that each needs, against what is possible."""
    results = claims.results
    cells = {
        f"Table 5 {row.model} L={k}": t for row in results.table_5 for k, t in row.by_length.items()
    }
    cells |= {f"Table 6 {row.losses}": row.average for row in results.table_6}
    cells |= {
        f"Table 7 {row.model} {w}": t for row in results.table_7 for w, t in row.by_weight.items()
    }
    needed = {name: t.c.interval - t.m.interval * t.p.interval for name, t in cells.items()}
    family = [row for row in results.table_3 if row.family != "baseline"]
    reach = max(_spread(row) for row in family)
    seen = [_covariance(row) for row in family]
    known = Interval.around(-reach, reach)
    parts: list[Verdict] = []
    for name, t in cells.items():
        if needed[name].overlaps(known):
            parts.append("holds")
        else:
            limit = Interval.around(-_limit(t), _limit(t))
            parts.append("undecided" if needed[name].overlaps(limit) else "contradicts")
    most = max(needed, key=lambda name: needed[name].lo)
    above = sum(part != "holds" for part in parts)
    return Entry(
        id="ablation-averages",
        group="results",
        title="Tables 5 to 7: averages of C, M and P",
        where="Tables 5, 6, 7; 5.1",
        claim="CG_F1 = 100 * pmF1 * IL_MCC, averaged over the subsets.",
        published=f"{len(cells)} cells; the largest difference in {most}: {cells[most]}",
        implied=f"C - M * P must be the covariance over the subsets; in Table 3's SAM3 rows it is"
        f" {min(seen):+.2f} to {max(seen):+.2f} and by the spread of M and P at most"
        f" {number(known.hi, 2, 'up')}",
        verdict=all_of(parts),
        margin=f"{above} of {len(cells)} cells need more than that; {most} needs"
        f" {needed[most].text(2)} points",
        explanation="Without the subsets' values the difference can always be put down to"
        " covariance: the bounds of M and P alone allow tens of points."
        f" For the largest difference ({most}) it would take subsets that differ in both M and"
        " P several times more than Table 3's do. The subsets' values behind Tables 5 to 7 would"
        " decide.",
        measured=None,
        not_measured=NO_PROMPTS,
    )


def _drop(claims: Claims) -> Entry:
    """Is a student's row the teacher's times one factor? 5.6 says where the drop is."""
    rows = claims.results.table_3
    teacher = next(row for row in rows if row.family == "teacher")
    texts, spreads, squares = [], [], []
    for row in rows:
        if row.family != "student":
            continue
        ratios = {
            metric: [
                getattr(row.subsets[name], metric).interval
                / getattr(teacher.subsets[name], metric).interval
                for name in row.subsets
            ]
            for metric in _METRICS
        }
        spans = {metric: _common(values) for metric, values in ratios.items()}
        texts.append(
            f"{row.model}: "
            + ", ".join(f"{metric.upper()} {_factor(ratios[metric])}" for metric in _METRICS)
        )
        squares.append(f"{row.model} {(spans['m'] * spans['p']).text(3)}")
        spreads.append(max(a.gap(b) for a in ratios["c"] for b in ratios["c"]))
    worst = max(spreads)
    return Entry(
        id="student-drop",
        group="results",
        title="Where the students lose",
        where="5.6; Table 3",
        claim='"the residual accuracy drop is concentrated in difficult, long-tail prompts"',
        published="a drop that depends on the prompts",
        implied="student / teacher over the seven subsets, the common factors (with | where none"
        " fits exactly: the largest that one subset allows | the smallest that another does): "
        + "; ".join(texts),
        # Subsets that differ by a point of relative drop or more would speak for the claim.
        verdict="holds" if worst >= Fraction(1, 100) else "undecided",
        margin="the relative drop of C differs between subsets by"
        f" {number(worst * 100, 2, 'up')} percentage points more than rounding explains; 1 (our"
        " threshold) would speak for the claim",
        explanation="To the printed precision each student's C, M and P are the teacher's times one"
        " factor in nearly every subset, hard or easy. If M and P shrink by these factors, C"
        f" must shrink by their product ({', '.join(squares)}); it is printed with a factor like"
        " theirs, which is the difference found in Table 3. Scores by prompt would decide the"
        " claim.",
        measured=None,
        not_measured=NO_PROMPTS,
    )


def _common(values: list[Interval]) -> Interval:
    """The factors that fit all values; where none does, the gap that has to be bridged."""
    lo, hi = max(v.lo for v in values), min(v.hi for v in values)
    return Interval(min(lo, hi), max(lo, hi))


def _factor(values: list[Interval]) -> str:
    """The common factors; where none fits all values, the nearest two, with a bar."""
    smallest, largest = max(v.lo for v in values), min(v.hi for v in values)
    if smallest <= largest:
        return Interval(smallest, largest).text(3)
    return f"{number(largest, 4)} | {number(smallest, 4)}"


def _points(row: SubsetRow) -> tuple[list[float], list[float]]:
    m = [float(t.m.interval.mid) for t in row.subsets.values()]
    return m, [float(t.p.interval.mid) for t in row.subsets.values()]


def _covariance(row: SubsetRow) -> float:
    m, p = _points(row)
    return sum(a * b for a, b in zip(m, p, strict=True)) / len(m) - sum(m) / len(m) * sum(p) / len(
        p
    )


def _spread(row: SubsetRow) -> float:
    """Largest covariance (Cauchy-Schwarz), with each standard deviation raised by its rounding."""
    m, p = _points(row)
    triple = next(iter(row.subsets.values()))
    slack_m = float(triple.m.interval.hi - triple.m.interval.mid)
    slack_p = float(triple.p.interval.hi - triple.p.interval.mid)
    return (_deviation(m) + slack_m) * (_deviation(p) + slack_p)


def _deviation(values: list[float]) -> float:
    centre = sum(values) / len(values)
    return sqrt(sum((v - centre) ** 2 for v in values) / len(values))


def _limit(t: Triple) -> float:
    """Largest covariance for any subsets: M within -1 to 1, P within 0 to 100."""
    m, p = t.m.interval, t.p.interval
    spread_m = max(float((1 - x) * (1 + x)) for x in (m.lo, m.hi))
    spread_p = max(float((100 - x) * x) for x in (p.lo, p.hi))
    return sqrt(spread_m * spread_p)
