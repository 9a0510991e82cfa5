"""Speed: Table 8 against itself and against 5.1 and 5.5."""

from __future__ import annotations

from math import log

from anatomy.ledger.claims import Claims
from anatomy.ledger.here import NO_RUN, PRINTED_ONLY
from anatomy.ledger.intervals import Interval, number
from anatomy.ledger.model import Entry, Measured
from anatomy.ledger.tables import STUDENTS, SpeedRow
from anatomy.ledger.verdicts import all_of, any_reading, equal, less


def entries(claims: Claims, measured: Measured | None) -> list[Entry]:
    """Speed-ups, the effect of the context length, latencies, the GPU."""
    del measured  # nothing here follows from prompts
    return [_speedups(claims), _windows(claims), _gain(claims), _milliseconds(claims), _gpu(claims)]


def _row(claims: Claims, model: str, length: int) -> SpeedRow:
    return next(
        row for row in claims.efficiency.table_8 if row.model == model and row.length == length
    )


def _speedups(claims: Claims) -> Entry:
    e = claims.efficiency
    teacher = next(row for row in e.table_8 if row.model == e.teacher).throughput.interval
    ratios = {row: row.throughput.interval / teacher for row in e.table_8}
    parts = [equal(row.speedup.interval, ratio) for row, ratio in ratios.items()]
    students = [ratio for row, ratio in ratios.items() if row.model in STUDENTS]
    best = max(students, key=lambda ratio: ratio.hi)
    parts.append(equal(e.best_speedup.interval, best))
    return Entry(
        id="speedups",
        group="efficiency",
        title="Speed-ups, up to 3.7 times",
        where="Table 8",
        claim="Throughputs give speed-ups of 0.6 to 3.7 over the teacher.",
        published=", ".join(str(row.speedup) for row in e.table_8),
        implied=", ".join(ratio.text(2) for ratio in ratios.values()),
        verdict=all_of(parts),
        margin=f"{parts.count('holds')} of {len(parts)} agree within rounding",
        explanation="Each speed-up is the row's throughput over the teacher's 134.4 texts per"
        " second.",
        measured=None,
        not_measured=NO_RUN,
    )


def _windows(claims: Claims) -> Entry:
    speeds = {
        model: (_row(claims, model, 32).throughput, _row(claims, model, 16).throughput)
        for model in STUDENTS
    }
    parts = [less(wide.interval, short.interval) for wide, short in speeds.values()]
    gains = {model: short.interval / wide.interval - 1 for model, (wide, short) in speeds.items()}
    wrong = [
        f"{model} is slower at L = 16, by at least {number(-gains[model].hi * 100, 1, 'down')} %"
        for model, verdict in zip(speeds, parts, strict=True)
        if verdict == "contradicts"
    ]
    return Entry(
        id="window-speed",
        group="efficiency",
        title="L = 32 slower than L = 16",
        where="5.5; Table 8",
        claim='"In practice, the L = 32 setting is slightly slower than L = 16."',
        published="L=32 / L=16: "
        + "; ".join(f"{model} {wide} / {short}" for model, (wide, short) in speeds.items()),
        implied="L=16 against L=32: "
        + "; ".join(f"{model} {gain.percent(1)}" for model, gain in gains.items()),
        verdict=all_of(parts),
        margin="; ".join(wrong) or "true of every student",
        explanation="Texts per second in Table 8. The sentence is true of two students and not of"
        " the third, whose shorter window processes fewer texts per second."
        if wrong
        else "Texts per second in Table 8.",
        measured=None,
        not_measured=NO_RUN,
    )


def _gain(claims: Claims) -> Entry:
    e = claims.efficiency
    short = _row(claims, e.latency_model, 16).throughput.interval
    wide = _row(claims, e.latency_model, 32).throughput.interval
    ratio = short / wide
    gains = [
        _row(claims, model, 16).throughput.interval / _row(claims, model, 32).throughput.interval
        for model in STUDENTS
    ]
    readings = {
        "more texts per second": ratio - 1,
        "less time per text": 1 - 1 / ratio,
        "difference over the mean of the two": Interval(  # grows with the ratio
            2 * (ratio.lo - 1) / (ratio.lo + 1), 2 * (ratio.hi - 1) / (ratio.hi + 1)
        ),
        "logarithm of the ratio": Interval.around(log(ratio.lo), log(ratio.hi)),
        "less time, from the milliseconds": 1 - e.latency_16.interval / e.latency_32.interval,
        "more texts per second, mean of three students": (gains[0] + gains[1] + gains[2]) / 3 - 1,
        "more texts per second than the teacher": short
        / next(row for row in e.table_8 if row.model == e.teacher).throughput.interval
        - 1,
    }
    published = e.latency_gain.interval
    fitting = [label for label, value in readings.items() if published.overlaps(value)]
    return Entry(
        id="latency-gain",
        group="efficiency",
        title="Latency improvement of 6.4 %",
        where="5.5; Table 8",
        claim='"While latency improvements are present (+6.4%)."',
        published=str(e.latency_gain),
        implied="; ".join(f"{label} {value.percent(2)}" for label, value in readings.items()),
        verdict=any_reading(equal(published, value) for value in readings.values()),
        margin="fits: " + ", ".join(fitting) if fitting else "no reading fits",
        explanation="The text does not say what is compared. MobileCLIP-S0 at L = 16 encodes"
        " more texts per second than at L = 32, or needs less time, by other percentages; of the"
        " readings tried only uncommon ways to state that difference give this one."
        if fitting
        else "The text does not say what is compared; none of the readings tried gives it.",
        measured=None,
        not_measured=NO_RUN,
    )


def _milliseconds(claims: Claims) -> Entry:
    e = claims.efficiency
    short, wide = _row(claims, e.latency_model, 16), _row(claims, e.latency_model, 32)
    texts_16 = short.throughput.interval * e.latency_16.interval / 1000
    texts_32 = wide.throughput.interval * e.latency_32.interval / 1000
    by_time = e.latency_32.interval / e.latency_16.interval - 1
    by_rate = short.throughput.interval / wide.throughput.interval - 1
    apart = texts_16.gap(texts_32)
    return Entry(
        id="latency-milliseconds",
        group="efficiency",
        title="159 and 157 ms against texts per second",
        where="5.5; Table 8; 5",
        claim="MobileCLIP-S0 takes 159 ms at L = 32 and 157 ms at L = 16.",
        published=f"{e.latency_32} and {e.latency_16} ms; {wide.throughput} and"
        f" {short.throughput} texts/s",
        implied=f"L=32 slower by {by_time.percent(1)} from the times, {by_rate.percent(1)} from the"
        f" throughputs; texts per run: {texts_32.text(1)} at 32, {texts_16.text(1)} at 16",
        verdict=equal(texts_16, texts_32),
        margin=f"texts per run differ by at least {number(apart, 1, 'down')}"
        if apart
        else "one batch size fits both",
        explanation='Section 5 announces "latency/FPS of the text encoder under the same batch and'
        ' context settings". Time multiplied by throughput is the number of texts in a run, which'
        " then must be the same for both lengths. It is not, so the times and Table 8 are not from"
        " the same measurement, or the times include something besides the text encoder.",
        measured=None,
        not_measured=NO_RUN,
    )


def _gpu(claims: Claims) -> Entry:
    e = claims.efficiency
    same = _model(e.gpu_setup) == _model(e.gpu_table)
    return Entry(
        id="benchmark-gpu",
        group="efficiency",
        title="Which GPU",
        where="5.1; Table 8",
        claim="Inference speed was measured on one RTX 4070 Ti (5.1), on one RTX 4070 Laptop GPU"
        " (Table 8).",
        published=f"{e.gpu_setup}; {e.gpu_table}",
        implied="one device",
        verdict="holds" if same else "contradicts",
        margin="the same device" if same else "two different products",
        explanation="A desktop and a laptop card: the timings depend on which it was.",
        measured=None,
        not_measured=PRINTED_ONLY,
    )


def _model(name: str) -> frozenset[str]:
    return frozenset(name.lower().split()) - {"nvidia", "gpu", "single"}
