"""What the text says of the result tables, and the tables against one another (1, 5, 6)."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from anatomy.ledger.claims import Claims
from anatomy.ledger.here import NO_PROMPTS, PRINTED_ONLY
from anatomy.ledger.intervals import Interval, number
from anatomy.ledger.model import Entry, Measured
from anatomy.ledger.tables import STUDENTS, ContextTriples, Triple
from anatomy.ledger.verdicts import Verdict, all_of, equal, less

_METRICS = ("c", "m", "p")


def entries(claims: Claims, measured: Measured | None) -> list[Entry]:
    """Retained performance, ablations, error attenuation, names of metrics."""
    del measured  # nothing here follows from prompts
    return [
        _retained(claims),
        _same_configuration(claims),
        _loss_against_weight(claims),
        _weight(claims),
        _window_32(claims),
        _orders(claims),
        _attenuation(claims),
        _metric_names(claims),
    ]


def _retained(claims: Claims) -> Entry:
    r = claims.results
    rows = {row.model: row.average.c for row in r.table_3}
    teacher = rows["SAM3"].interval
    ratios = {model: rows[model].interval / teacher for model in STUDENTS}
    specs = zip(STUDENTS, claims.architecture.students, strict=True)
    sizes = {model: spec.parameters for model, spec in specs}
    published = r.retained.interval
    fitting = [f"{m} ({sizes[m]})" for m, ratio in ratios.items() if published.overlaps(ratio)]
    apart = published.gap(ratios[r.retained_by])
    return Entry(
        id="retained-98.1",
        group="results",
        title="98.1 % of the teacher at 42 M parameters",
        where="1; Table 3",
        claim='"our 42M parameter student (with a 88% reduction in model size) retains 98.1% of the'
        " teacher's performance\"",
        published=f"{r.retained} by {r.retained_by}",
        implied="average C over the teacher's: "
        + "; ".join(f"{model} ({sizes[model]}) {x.percent(1)}" for model, x in ratios.items()),
        verdict=equal(published, ratios[r.retained_by]),
        margin=f"apart by at least {number(apart * 100, 1, 'down')} percentage points; fits"
        f" {', '.join(fitting) or 'no student'}"
        if apart
        else "within rounding",
        explanation="By the primary metric, average CG_F1 on SA-Co Gold. Sentence and number belong"
        " to different students: the smallest has 42.55 M parameters, and the one that keeps 98.1 %"
        f" is the largest, with a reduction of 65 %. Of the columns of Tables 3 and 4, {r.retained}"
        f" for {r.retained_by} can come from: {', '.join(_columns_that_fit(claims)) or 'none'}"
        " (M has two decimals).",
        measured=None,
        not_measured=NO_PROMPTS,
    )


def _columns_that_fit(claims: Claims) -> list[str]:
    """Columns of Tables 3 and 4 in which the student's share of the teacher can be the claimed."""
    r = claims.results
    three = {
        row.model: {
            f"{part} {m.upper()}": getattr(triple, m)
            for part, triple in {"Avg": row.average, **row.subsets}.items()
            for m in _METRICS
        }
        for row in r.table_3
    }
    four = {
        row.model: {f"{part} {m}": x for part, cell in row.sets.items() for m, x in cell.items()}
        for row in r.table_4
    }
    return [
        f"{column} of Table {place}"
        for place, table in ((3, three), (4, four))
        for column, figure in table[r.retained_by].items()
        if r.retained.interval.overlaps(figure.interval / table["SAM3"][column].interval)
    ]


def _agree(a: Triple, b: Triple) -> list[Verdict]:
    return [equal(getattr(a, m).interval, getattr(b, m).interval) for m in _METRICS]


def _same_configuration(claims: Claims) -> Entry:
    r = claims.results
    parts: list[Verdict] = []
    for model in STUDENTS:
        cells = [
            next(row.average for row in r.table_3 if row.model == model),
            next(row.by_length[16] for row in r.table_5 if row.model == model),
            next(row.by_weight["0.1"] for row in r.table_7 if row.model == model),
        ]
        if model == "MC-S0":
            cells.append(r.table_6[-1].average)
        parts += [v for cell in cells[1:] for v in _agree(cells[0], cell)]
    return Entry(
        id="same-configuration",
        group="results",
        title="One configuration in Tables 3, 5, 6 and 7",
        where="Tables 3, 5, 6, 7",
        claim="The full objective with weight 0.1 at L = 16 is the student of Table 3.",
        published="; ".join(
            f"{row.model} {row.average}" for row in r.table_3 if row.model in STUDENTS
        ),
        implied="the same values in Table 5 (L = 16), Table 6 (all losses) and Table 7 (0.1)",
        verdict=all_of(parts),
        margin=f"{parts.count('holds')} of {len(parts)} values agree",
        explanation="Four tables print the same configuration and agree on it.",
        measured=None,
        not_measured=NO_PROMPTS,
    )


def _loss_against_weight(claims: Claims) -> Entry:
    r = claims.results
    six = next(row.average for row in r.table_6 if row.losses == "MSE + Cosine")
    seven = next(row.by_weight["0.0"] for row in r.table_7 if row.model == "MC-S0")
    first = r.table_6[0].average
    gaps = {m: getattr(six, m).interval.gap(getattr(seven, m).interval) for m in _METRICS}
    below = less(seven.c.interval, first.c.interval) == "holds"
    return Entry(
        id="loss-vs-weight-ablation",
        group="results",
        title="MSE + cosine in Table 6 and weight 0 in Table 7",
        where="Tables 6, 7; 5.4",
        claim="MobileCLIP-S0 with MSE and cosine loss, without consistency loss, at L = 16: one"
        " configuration by the text, one result.",
        published=f"{six} (Table 6)",
        implied=f"{seven} (Table 7, weight 0.0)",
        verdict=all_of(_agree(six, seven)),
        margin="apart by at least "
        + ", ".join(
            f"{number(gap, 2 if m == 'm' else 1, 'down')} in {m.upper()}" for m, gap in gaps.items()
        ),
        explanation="Weight 0 leaves the objective of Table 6's second row, so the tables print two"
        " results for what the text describes as one configuration."
        + (
            f" Table 7's value is even below that of MSE alone in Table 6 ({first.c})."
            if below
            else ""
        )
        + " Two runs, or another setting that differs, could explain it; the paper names none.",
        measured=None,
        not_measured=NO_PROMPTS,
    )


def _weight(claims: Claims) -> Entry:
    row = next(row for row in claims.results.table_7 if row.model == "MC2-L")
    low, high = row.by_weight["0.05"], row.by_weight["0.1"]
    verdicts = {m: less(getattr(high, m).interval, getattr(low, m).interval) for m in _METRICS}
    return Entry(
        id="consistency-weight-2l",
        group="results",
        title="2-L needs a lower consistency weight",
        where="5.4; Table 7",
        claim='"larger models (MobileCLIP2-L) require lower weights (0.05) to avoid'
        ' over-constraining"',
        published=f"weight 0.05: {low}",
        implied=f"weight 0.1: {high}",
        # The claim is about performance, of which C is the primary metric (5.1).
        verdict=verdicts["c"],
        margin="; ".join(
            f"{m.upper()}: 0.05 is better by at most "
            + number(getattr(low, m).interval.hi - getattr(high, m).interval.lo, 2)
            for m in _METRICS
        ),
        explanation="Table 7 gives the larger student slightly more at 0.1 than at 0.05. At best,"
        " with both numbers rounded in its favour, 0.05 ties; it is never better in C."
        " Section 5.1 uses 0.1 throughout.",
        measured=None,
        not_measured=NO_PROMPTS,
    )


def _window_32(claims: Claims) -> Entry:
    rows = claims.results.table_5
    parts = [less(row.by_length[32].c.interval, row.by_length[16].c.interval) for row in rows]
    gains = [row.by_length[32].c.interval - row.by_length[16].c.interval for row in rows]
    return Entry(
        id="window-32-degrades",
        group="results",
        title="L = 32 degrades grounding",
        where="5.4; 6; Table 5",
        claim='"using L = 32 consistently degrades grounding across students"',
        published="C at L=32 and L=16: "
        + "; ".join(f"{x.model} {x.by_length[32].c} and {x.by_length[16].c}" for x in rows),
        implied="L = 32 minus L = 16: "
        + "; ".join(f"{row.model} {g.text(1)}" for row, g in zip(rows, gains, strict=True)),
        verdict=all_of(parts),
        margin=f"L = 32 is better by at least {number(min(g.lo for g in gains), 1, 'down')} points"
        f" in {sum(part == 'contradicts' for part in parts)} of {len(parts)} students",
        explanation='Table 5 has every student better at L = 32, and section 6 says so: it "can'
        ' yield small accuracy gains". The case for L = 16 is its cost, not its accuracy.',
        measured=None,
        not_measured=NO_PROMPTS,
    )


def _orders(claims: Claims) -> Entry:
    """Orders that the text states and the tables bear out, by the primary metric C."""
    r = claims.results
    c8 = [less(x.by_length[8].c.interval, x.by_length[16].c.interval) for x in r.table_5]
    losses = [row.average.c.interval for row in r.table_6]
    added = [less(a, b) for a, b in pairwise(losses)]
    small = [
        less(x.by_weight["0.05"].c.interval, x.by_weight["0.1"].c.interval)
        for x in r.table_7
        if x.model != "MC2-L"
    ]
    drops = [x.by_length[16].c.interval - x.by_length[8].c.interval for x in r.table_5]
    parts = [*c8, *added, *small]
    alike = len({_differences(row) for row in r.table_5}) == 1
    return Entry(
        id="ablation-orders",
        group="results",
        title="Ablations: L = 8, loss terms, consistency weight",
        where="5.4; 4; Tables 5, 6, 7",
        claim="By C, L = 8 is worse than L = 16, each loss term helps, and S0 and S1 profit from"
        " weight 0.1.",
        published="C of Tables 5, 6 and 7",
        implied=f"L = 8 costs {Interval.hull(*drops).text(1)} points; {added.count('holds')} of"
        f" {len(added)} loss terms raise C; {small.count('holds')} of {len(small)} students gain",
        verdict=all_of(parts),
        margin=f"{parts.count('holds')} of {len(parts)} orders of C hold for all roundings",
        explanation='Section 4 speaks of a "negligible gain" of tokens beyond position 8; for'
        " comparison, all loss terms together gain"
        f" {(losses[-1] - losses[0]).text(1)} points in Table 6."
        + "".join(
            f" {x.model}'s M goes from {x.by_weight['0.05'].m} at weight 0.05 to"
            f" {x.by_weight['0.1'].m} at 0.1."
            for x in r.table_7
            if x.model != "MC2-L"
            and x.by_weight["0.1"].m.interval.mid < x.by_weight["0.05"].m.interval.mid
        )
        + (
            " The three students differ from L = 16 by the same printed amounts at L = 32 and at"
            " L = 8, in all three metrics."
            if alike
            else ""
        ),
        measured=None,
        not_measured=NO_PROMPTS,
    )


def _differences(row: ContextTriples) -> tuple[Fraction, ...]:
    """C, M and P at L = 32 and 8 less those at 16, as printed."""
    return tuple(
        getattr(row.by_length[length], m).interval.mid - getattr(row.by_length[16], m).interval.mid
        for length in (32, 8)
        for m in _METRICS
    )


def _attenuation(claims: Claims) -> Entry:
    r = claims.results
    logit = r.logit_error.interval / r.output_error.interval
    source = r.input_error.interval / r.output_error.interval
    published = r.error_factor.interval
    return Entry(
        id="error-attenuation",
        group="results",
        title="Errors reduced ~282 times",
        where="5.7.1",
        claim="Errors of ~0.97 (input) and ~0.96 (logits) become ~0.0034: a factor of ~282.",
        published=str(r.error_factor),
        implied=f"logits / output {logit.text(0)}, input / output {source.text(0)}",
        verdict=equal(published, logit),
        margin="within rounding of both; as printed 0.96 / 0.0034 = "
        + number(r.logit_error.interval.mid / r.output_error.interval.mid, 1)
        + ", 0.97 / 0.0034 = "
        + number(r.input_error.interval.mid / r.output_error.interval.mid, 1),
        explanation="The factor is the logits' error over the output's. Relative or absolute error,"
        " and in which norm, is not said; the three are errors of three different quantities"
        " (input, logits, attention output).",
        measured=None,
        not_measured="needs the weights of student and teacher",
    )


def _metric_names(claims: Claims) -> Entry:
    first, second = claims.results.metrics_5_1, claims.results.metrics_5_2
    differ = [name for name in first if first[name].lower() != second[name].lower()]
    return Entry(
        id="metric-names",
        group="results",
        title="What the metrics stand for",
        where="5.1; 5.2",
        claim="5.1 and 5.2 spell out CG_F1, pmF1 and IL_MCC.",
        published="; ".join(f"{name}: {text}" for name, text in first.items()),
        implied="; ".join(f"{name}: {text}" for name, text in second.items()),
        verdict="contradicts" if differ else "holds",
        margin=f"{len(differ)} of {len(first)} differ",
        explanation="Image-level and instance-level are different units, and a positive micro F1 is"
        " not a permutation or mask score. The definitions of 5.1 are those of SAM3's benchmark."
        if differ
        else "The two sections agree.",
        measured=None,
        not_measured=PRINTED_ONLY,
    )
