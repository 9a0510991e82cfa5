"""Teacher and student by part, and by precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from anatomy.amounts import millions
from anatomy.report.plots.axes import of_names
from anatomy.report.plots.palette import CYCLE
from anatomy.report.plots.plot import Plot
from anatomy.report.plots.series import NAME, Quantity, Series
from anatomy.report.style import MUTED, SMALL
from distill.metrics.run import ModelMetrics
from distill.sizes import PRECISIONS

_PARAMETERS = Quantity("parameters", lambda value: millions(int(value)))
_BYTES = Quantity("bytes", lambda value: _megabytes(value))
_HEIGHT = 0.36  # of a bar, in rows


def size(teacher: ModelMetrics, student: ModelMetrics, parts: Sequence[str]) -> Plot:
    """Bars of parameters by part (left) and of bytes by precision (right)."""
    plot = Plot(0.75 + 0.4 * max(len(parts), len(PRECISIONS)))
    left, right = plot.figure.subplots(1, 2)
    _bars(
        plot,
        left,
        "Parameters",
        parts,
        [[model.parameters.get(part, 0) for part in parts] for model in (teacher, student)],
        _PARAMETERS,
    )
    _bars(
        plot,
        right,
        "Bytes",
        PRECISIONS,
        [[model.total_bytes(name) for name in PRECISIONS] for model in (teacher, student)],
        _BYTES,
    )
    left.set_title("(a) Parameters by part")
    right.set_title("(b) Bytes by precision")
    colours = zip((MUTED, CYCLE[2]), (teacher.name, student.name), strict=True)
    handles, names = zip(*((Patch(color=colour), name) for colour, name in colours), strict=True)
    plot.legend(handles, [f"teacher: {names[0]}", f"student: {names[1]}"])
    return plot


def _bars(
    plot: Plot,
    axis: Axes,
    panel: str,
    names: Sequence[str],
    values: Sequence[Sequence[int]],
    quantity: Quantity,
) -> None:
    say: Callable[[float], str] = quantity.say
    for who, found, colour, side in zip(
        ("teacher", "student"), values, (MUTED, CYCLE[2]), (-1, 1), strict=True
    ):
        rows = [row + side * _HEIGHT / 2 for row in range(len(names))]
        series = Series(panel, who, NAME, quantity, [None] * len(names), found, labels=names)
        plot.level_bars(axis, series, rows, colour, _HEIGHT)
        for row, value in zip(rows, found, strict=True):
            axis.text(value, row, f" {say(value)}", va="center_baseline", fontsize=SMALL)
    axis.set_yticks(range(len(names)), list(names))
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.set_xlim(0, 1.25 * max(max(found) for found in values))
    axis.set_xticks([])
    axis.grid(visible=False)
    axis.spines["bottom"].set_visible(False)
    of_names(axis.yaxis)


def _megabytes(number: float) -> str:
    return f"{number / 1e6:,.2f} MB"
