"""How near a student is to its teacher, source by source, and what word order is to both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from anatomy.corpus.model import COMBINED
from anatomy.report.plots.axes import in_percent, of_names
from anatomy.report.plots.lengths import MAX_CURVES
from anatomy.report.plots.palette import CYCLE, Look, looks
from anatomy.report.plots.plot import Plot
from anatomy.report.plots.series import NAME, Quantity, Series, cosine, shared
from anatomy.report.style import ACCENT, DASHED, INK, MUTED, brief
from distill.metrics.evaluation import GroupQuality, OrderPair

MOST = 16  # sources with a row
STUDENT = CYCLE[2]
_COSINE = cosine("cosine")
_LETTERS = 34


def closeness(groups: Sequence[GroupQuality], gate: float) -> Plot:
    """Mean cosine, interval, 5th percentile and baseline by source; and all quantiles."""
    measured = [group for group in groups if group.pooled][: MOST + 1]
    palette = {COMBINED: Look(INK, "-", "o"), **looks([g.group for g in groups[1:]])}
    plot = Plot(max(2.2, 0.9 + 0.24 * len(measured)))
    left, right = plot.figure.subplots(1, 2)
    _rows(plot, left, measured, palette, gate)
    series = Series("By source", "gate", _COSINE, NAME, [gate], [None])
    plot.rule(left, series, color=ACCENT, linestyle=DASHED, linewidth=1)
    handles: dict[str, Any] = {}
    for group in reversed([g for g in measured if g.quantiles][: MAX_CURVES + 1]):
        look = palette[group.group]
        below = Series(
            "All prompts",
            group.group,
            _COSINE,
            shared("share of prompts below"),
            [*group.quantiles.values()],
            [percent / 100 for percent in group.quantiles],
        )
        handles[group.group] = plot.line(
            right,
            below,
            color=look.colour,
            linestyle=look.dash,
            linewidth=2.0 if group.group == COMBINED else 1.2,
        )
    plot.rule(
        right,
        Series("All prompts", "gate", _COSINE, NAME, [gate], [None]),
        color=ACCENT,
        linestyle=DASHED,
        linewidth=1,
    )
    left.set_title("(a) By source")
    right.set_title("(b) Prompts below a cosine")
    left.set_xlabel("Pooled cosine")
    right.set_xlabel("Pooled cosine")
    right.set_ylim(0, 1)
    right.set_xlim(right=1)
    in_percent(right.yaxis)
    marks = [
        Line2D([], [], linestyle="none", marker="o", color=INK),
        Line2D([], [], linestyle="none", marker="|", markersize=8, color=INK),
        Line2D([], [], linestyle="none", marker="x", color=MUTED),
        Line2D([], [], linestyle=DASHED, color=ACCENT, linewidth=1),
    ]
    names = [*dict.fromkeys(g.group for g in measured if g.group in handles)]
    plot.legend(
        [*marks, *(handles[name] for name in names)],
        ["mean", "5 % below", "mean vector", "gate", *names],
    )
    return plot


def _rows(
    plot: Plot,
    axis: Axes,
    groups: Sequence[GroupQuality],
    palette: dict[str, Look],
    gate: float,
) -> None:
    for row, group in enumerate(groups):
        pooled, colour = group.pooled, palette[group.group].colour
        if pooled is None:
            continue
        near = group.interval
        mean = pooled.student.mean
        for name, value, look in (
            ("mean", mean, {"marker": "o", "color": colour, "markersize": 4.5}),
            ("5 % below", pooled.student.p5, {"marker": "|", "color": colour, "markersize": 9}),
            ("mean vector", pooled.baseline.mean, {"marker": "x", "color": MUTED}),
        ):
            if value is None:
                continue
            interval = near if name == "mean" else None
            series = Series(
                "By source",
                name,
                NAME,
                _COSINE,
                [None],
                [value],
                [interval.low] if interval else (),
                [interval.high] if interval else (),
                [group.group],
            )
            plot.dots(axis, series, [row], **look)
    axis.set_yticks(range(len(groups)), [brief(group.group, 20) for group in groups])
    axis.set_ylim(len(groups) - 0.5, -0.5)
    low = min(gate, *(value for shown in plot.shown for value in shown.x.tolist()))
    axis.set_xlim(low - 0.05 * (1 - low), 1 + 0.03 * (1 - low))
    of_names(axis.yaxis)
    axis.grid(visible=True, axis="x")


def order(pairs: Sequence[OrderPair]) -> Plot:
    """Cosine of both prompts of each pair, in the teacher and in the student."""
    plot = Plot(0.6 + 0.16 * len(pairs))
    axis = plot.figure.subplots()
    names = [f"{pair.one} / {pair.other}" for pair in pairs]
    quantity = Quantity("cosine of the two", lambda value: f"{value:.3f}")
    rows = range(len(pairs))
    for row, pair in enumerate(pairs):
        axis.hlines(row, pair.teacher, pair.student, color=MUTED, linewidth=0.7)
    for who, values, look in (
        ("teacher", [pair.teacher for pair in pairs], {"marker": "o", "color": INK}),
        ("student", [pair.student for pair in pairs], {"marker": "D", "color": STUDENT}),
    ):
        series = Series("", who, NAME, quantity, [None] * len(pairs), values, labels=names)
        plot.dots(axis, series, rows, markersize=4, **look)
    axis.set_yticks(rows, [brief(name, 2 * _LETTERS) for name in names])
    axis.set_ylim(len(pairs) - 0.5, -0.5)
    axis.set_xlabel("Cosine of the two prompts")
    of_names(axis.yaxis)
    axis.grid(visible=True, axis="x")
    plot.legend(
        [
            Line2D([], [], linestyle="none", marker="o", color=INK),
            Line2D([], [], linestyle="none", marker="D", color=STUDENT),
        ],
        ["teacher", "student"],
    )
    return plot
