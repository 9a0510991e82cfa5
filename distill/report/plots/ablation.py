"""Differences of short trainings from that of the run's own recipe."""

from __future__ import annotations

from collections.abc import Mapping

from anatomy.report.plots.axes import of_names
from anatomy.report.plots.palette import CYCLE
from anatomy.report.plots.plot import Plot
from anatomy.report.plots.series import NAME, Quantity, Series
from anatomy.report.style import ACCENT, DASHED, MUTED, brief
from distill.metrics.ablation import GRIDS, Ablation, Grid

_DIFFERENCE = Quantity("difference of the pooled cosine", lambda value: f"{value:+.4f}")
_LETTERS = 34


def differences(found: Ablation, names: Mapping[Grid, str]) -> Plot:
    """A dot with its interval for each cell, the cells of a grid below each other."""
    rows = [row for grid in GRIDS for row in found.grid(grid)]
    plot = Plot(max(1.6, 0.7 + 0.19 * len(rows)))
    axis = plot.figure.subplots(1, 1)
    axis.axvline(0, color=MUTED, linewidth=0.8)
    labels = []
    for at, row in enumerate(rows):
        span = found.student(row).against
        label = f"{names[row.grid]}: {row.value}"
        labels.append(brief(label + (" (the recipe)" if row.own else ""), _LETTERS))
        series = Series(
            "",
            label,
            NAME,
            _DIFFERENCE,
            [None],
            [span.mean if span else 0.0],
            [span.low] if span else (),
            [span.high] if span else (),
            [label],
        )
        colour = MUTED if span is None else CYCLE[2]
        plot.dots(axis, series, [at], color=colour, marker="o", markersize=4.5)
    spread = found.seed_spread
    for side in (-1, 1) if spread else ():
        series = Series("", "another seed", _DIFFERENCE, NAME, [side * (spread or 0)], [None])
        plot.rule(axis, series, color=ACCENT, linestyle=DASHED, linewidth=1)
    for at in range(1, len(rows)):
        if rows[at].grid != rows[at - 1].grid:
            axis.axhline(at - 0.5, color=MUTED, linewidth=0.4)
    axis.set_yticks(range(len(rows)), labels)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlabel("Difference of the mean pooled cosine")
    of_names(axis.yaxis)
    axis.grid(visible=True, axis="x")
    return plot
