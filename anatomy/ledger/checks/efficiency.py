"""Speed: Table 8 against itself and against 5.1 and 5.5."""

from __future__ import annotations

from math import log

from anatomy.ledger.claims import Claims
from anatomy.ledger.here import NO_RUN, PRINTED_ONLY
from anatomy.ledger.intervals import Interval, mean, number
from anatomy.ledger.model import Entry, Measured
from anatomy.ledger.tables import STUDENTS, SpeedRow
from anatomy.ledger.verdicts import Verdict, all_of, any_reading, equal, less


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
    wide_mean, short_mean = (mean([pair[i].interval for pair in speeds.values()]) for i in range(2))
    wide_time, short_time = (
        mean([1 / pair[i].interval for pair in speeds.values()]) for i in range(2)
    )
    readings = {
        "of every student": all_of(parts),
        "of the average of the students": all_of(
            (less(wide_mean, short_mean), less(short_time, wide_time))
        ),
    }
    gains = {model: short.interval / wide.interval - 1 for model, (wide, short) in speeds.items()}
    slower = [m for m, v in zip(speeds, parts, strict=True) if v == "contradicts"]
    wrong = [
        f"{model} is slower at L = 16, by at least {number(-gains[model].hi * 100, 1, 'down')} %"
        for model in slower
    ]
    return Entry(
        id="window-speed",
        group="efficiency",
        title="Speed at L = 32 and L = 16",
        where="5.5; Table 8",
        claim='"In practice, the L = 32 setting is slightly slower than L = 16"',
        published="L=32 / L=16: "
        + "; ".join(f"{model} {wide} / {short}" for model, (wide, short) in speeds.items()),
        implied="L=16 against L=32: "
        + "; ".join(f"{model} {gain.percent(1)}" for model, gain in gains.items())
        + f"; average of the {len(speeds)}: {wide_mean.text(1)} texts/s at 32, {short_mean.text(1)}"
        f" at 16, time per text at 32 higher by {(wide_time / short_time - 1).percent(2)}",
        verdict=any_reading(readings.values()),
        margin="; ".join([*(f"{label}: {verdict}" for label, verdict in readings.items()), *wrong]),
        explanation="Texts per second in Table 8. The sentence does not say whether it means every"
        f" student or their average. By Table 8 it is true of {parts.count('holds')} of"
        f" {len(parts)} students"
        + (
            " and of the average"
            if readings["of the average of the students"] == "holds"
            else " and not of the average"
        )
        + (f"; not of {', '.join(slower)}." if slower else "."),
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
        claim='"While latency improvements are present (+6.4%)"',
        published=str(e.latency_gain),
        implied="; ".join(f"{label} {value.percent(2)}" for label, value in readings.items()),
        verdict=any_reading(equal(published, value) for value in readings.values()),
        margin="fits: " + ", ".join(fitting) if fitting else "no reading fits",
        explanation="The text does not say what is compared; most naturally it is the end-to-end"
        " time against the teacher's, which is not printed. MobileCLIP-S0 at L = 16 encodes"
        " more texts per second than at L = 32, or needs less time, by other percentages; of the"
        " readings tried only uncommon ways to state that difference give this one."
        if fitting
        else "The text does not say what is compared (most naturally the end-to-end time against"
        " the teacher's, which is not printed); none of the readings tried gives it.",
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
    texts, fixed = _with_fixed_part(claims)
    readings: dict[str, Verdict] = {
        "no fixed part": equal(texts_16, texts_32),
        "a fixed part besides the encoder": "holds"
        if texts.hi > 0 and fixed.hi >= 0
        else "contradicts",
    }
    return Entry(
        id="latency-milliseconds",
        group="efficiency",
        title="159 and 157 ms against texts per second",
        where="5.5; Table 8; 5",
        claim="MobileCLIP-S0 takes 159 ms at L = 32 and 157 ms at L = 16.",
        published=f"{e.latency_32} and {e.latency_16} ms; {wide.throughput} and"
        f" {short.throughput} texts/s",
        implied=f"L=32 slower by {by_time.percent(1)} from the times, {by_rate.percent(1)} from the"
        f" throughputs; texts per run: {texts_32.text(1)} at 32, {texts_16.text(1)} at 16; with a"
        f" fixed part besides: {texts.text(1)} texts and {fixed.text(3)} s",
        verdict=any_reading(readings.values()),
        margin="; ".join(f"{label}: {verdict}" for label, verdict in readings.items())
        + (
            f"; without it texts per run differ by at least {number(apart, 1, 'down')}"
            if apart
            else "; one batch size fits both lengths"
        ),
        explanation='Section 5 announces "end-to-end efficiency (latency/FPS of the text encoder'
        " under the same batch and context settings)\". If the times are the encoder's alone, time"
        " multiplied by throughput is the number of texts in a run, the same for both lengths. If"
        " they are end-to-end, time = fixed part + texts / throughput, which leaves room. What the"
        " times include would decide.",
        measured=None,
        not_measured=NO_RUN,
    )


def _with_fixed_part(claims: Claims) -> tuple[Interval, Interval]:
    """Texts n in a run and fixed part f from t(L) = f + n / r(L), at two lengths.

    With k = r(16) / r(32) - 1: n = r(16) (t(32) - t(16)) / k and f = t(16) - (t(32) - t(16)) / k.
    """
    e = claims.efficiency
    t32, t16 = e.latency_32.interval / 1000, e.latency_16.interval / 1000
    r32 = _row(claims, e.latency_model, 32).throughput.interval
    r16 = _row(claims, e.latency_model, 16).throughput.interval
    k = r16 / r32 - 1
    texts = (t32 - t16) / (1 / r32 - 1 / r16)
    # f falls with t(32) and rises with t(16); k is taken at either end.
    least = min(t16.lo - (t32.hi - t16.lo) / end for end in (k.lo, k.hi))
    most = max(t16.hi - (t32.lo - t16.hi) / end for end in (k.lo, k.hi))
    return texts, Interval(least, most)


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
