"""Differences of short trainings from that of the run's own recipe."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes

from anatomy.report.plots.axes import of_names
from anatomy.report.plots.palette import CYCLE
from anatomy.report.plots.plot import Plot
from anatomy.report.plots.series import NAME, Quantity, Series
from anatomy.report.style import ACCENT, DASHED, MUTED, brief
from distill.metrics.ablation import GRIDS, Ablation, Grid

_DIFFERENCE = Quantity("difference of the pooled cosine", lambda value: f"{value:+.4f}")
_LETTERS = 24
_COLUMNS = 2


def differences(found: Ablation, names: Mapping[Grid, str]) -> Plot:
    """A panel for each grid: a dot with its interval for each cell."""
    grids = [grid for grid in GRIDS if found.grid(grid)]
    lines = -(-len(grids) // _COLUMNS)
    # The panels of one line are as high as the fuller of them.
    heights = [
        max(len(found.grid(grid)) for grid in grids[_COLUMNS * line : _COLUMNS * (line + 1)])
        for line in range(lines)
    ]
    plot = Plot(0.5 + sum(0.55 + 0.17 * height for height in heights))
    panels = plot.figure.subplots(
        lines, min(_COLUMNS, len(grids)), squeeze=False, height_ratios=[1 + h for h in heights]
    ).flatten()
    for axis, grid in zip(panels, grids, strict=False):
        _panel(plot, axis, found, grid, names[grid])
    for axis in panels[len(grids) :]:
        axis.set_axis_off()
    return plot


def _panel(plot: Plot, axis: Axes, found: Ablation, grid: Grid, name: str) -> None:
    rows = found.grid(grid)
    axis.axvline(0, color=MUTED, linewidth=0.8)
    for at, row in enumerate(rows):
        span = found.student(row).against
        series = Series(
            name,
            row.value,
            NAME,
            _DIFFERENCE,
            [None],
            [span.mean if span else 0.0],
            [span.low] if span else (),
            [span.high] if span else (),
            [row.value],
        )
        colour = MUTED if span is None else CYCLE[2]
        plot.dots(axis, series, [at], color=colour, marker="o", markersize=4.5)
    spread = found.seed_spread
    for side in (-1, 1) if spread else ():
        series = Series(name, "another seed", _DIFFERENCE, NAME, [side * (spread or 0)], [None])
        plot.rule(axis, series, color=ACCENT, linestyle=DASHED, linewidth=0.8)
    axis.set_title(name.capitalize())
    axis.set_yticks(range(len(rows)), [brief(row.value, _LETTERS) for row in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.locator_params(axis="x", nbins=5)
    of_names(axis.yaxis)
    axis.grid(visible=True, axis="x")
