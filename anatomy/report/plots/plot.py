"""A figure that keeps what is drawn on it, so that picture, CSV and pointer tell the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from anatomy.report.plots.series import Grid, Number, Series
from anatomy.report.style import ACCENT, ONE_COLUMN, SMALL, TEXT, TWO_COLUMNS, blank, brief

_LETTER = 0.6 * TEXT / 72  # inches, on average


@dataclass(frozen=True)
class Shown:
    """A series as it was drawn: where each of its points stands, in the data of its axes."""

    series: Series
    axes: Axes
    x: np.ndarray
    y: np.ndarray
    silent: bool = False  # not under the pointer: something else says it


class Plot:
    """A figure and the series on it.

    Attributes
    ----------
    figure : Figure
    columns : int
        As how many columns of a page the figure is wide.
    shown : list of Shown
        In the order in which they were drawn.
    grids : list of pairs of a Grid and the axes that it fills, its first row at the top
    """

    def __init__(self, height: float, columns: int = 2) -> None:
        self.figure: Figure = blank(height, columns)
        self.columns = columns
        self.shown: list[Shown] = []
        self.grids: list[tuple[Grid, Axes]] = []

    @property
    def width(self) -> float:
        """Inches."""
        return TWO_COLUMNS if self.columns == 2 else ONE_COLUMN

    def line(self, axes: Axes, series: Series, *, floor: float = 0.0, **look: Any) -> Line2D:
        """A curve; on a logarithmic axis that ends above `floor`, what is below goes out there."""
        x, y = _numbers(series.at), _numbers(series.values)
        self.shown.append(Shown(series, axes, x, y))
        if len(x) == 1:  # no line to see
            look = {"marker": "o", **look}
        (line,) = axes.plot(x, np.maximum(y, floor) if floor else y, **look)
        return line

    def band(self, axes: Axes, series: Series, colour: str) -> None:
        """The intervals of a curve that `line` draws."""
        low, high = _numbers(series.low), _numbers(series.high)
        axes.fill_between(_numbers(series.at), low, high, color=colour, alpha=0.14, linewidth=0)

    def bars(
        self, axes: Axes, series: Series, colour: str, width: float, *, silent: bool = False
    ) -> None:
        """Upright bars from zero, those in view, as one path: a figure may have hundreds."""
        x, y = _numbers(series.at), _numbers(series.values)
        self.shown.append(Shown(series, axes, x, y, silent))
        edges = np.stack([x - width / 2, x + width / 2, np.zeros_like(y), y], axis=1)
        low, high = axes.get_xlim()
        _boxes(axes, edges[(edges[:, 1] > low) & (edges[:, 0] < high)], colour)

    def level_bars(
        self, axes: Axes, series: Series, rows: Sequence[float], colour: str, height: float = 0.7
    ) -> None:
        """Bars from zero to the right, in the given rows."""
        x, y = _numbers(series.values), np.asarray(rows, dtype=float)
        self.shown.append(Shown(series, axes, x, y))
        half = height / 2
        _boxes(axes, np.stack([np.zeros_like(x), x, y - half, y + half], axis=1), colour)

    def dots(self, axes: Axes, series: Series, rows: Sequence[float], **look: Any) -> None:
        """A dot for each value in the given rows, its interval a bar through it."""
        x, y = _numbers(series.values), np.asarray(rows, dtype=float)
        self.shown.append(Shown(series, axes, x, y))
        axes.plot(x, y, linestyle="none", **look)
        low, high = _numbers(series.low), _numbers(series.high)
        if len(low):
            axes.hlines(y, low, high, color=look.get("color"), linewidth=7, alpha=0.35)

    def rule(self, axes: Axes, series: Series, **look: Any) -> None:
        """A line across the panel where the one point of a series has its only number."""
        at, value = series.at[0], series.values[0]
        nothing = np.full(1, np.nan)
        self.shown.append(Shown(series, axes, nothing, nothing))
        if at is not None:
            axes.axvline(at, **look)
        elif value is not None:
            axes.axhline(value, **look)

    def grid(self, axes: Axes, grid: Grid) -> None:
        """Keep the heat map that fills `axes`; who draws it knows its colours."""
        self.grids.append((grid, axes))

    def legend(self, handles: Sequence[Any], names: Sequence[str]) -> None:
        """Names above all panels, where no curve can run into them."""
        texts = [brief(name, 24 if len(names) <= 6 else 18) for name in names]
        entry = 0.42 + _LETTER * max(map(len, texts))
        columns = max(1, min(len(texts), int(self.width / entry)))
        rows = -(-len(texts) // columns)
        columns = -(-len(texts) // rows)  # as few as fill these rows
        # matplotlib fills column by column; readers go row by row
        order = [at for c in range(columns) for at in range(c, len(texts), columns)]
        self.figure.legend(
            [handles[at] for at in order],
            [texts[at] for at in order],
            loc="outside upper center",
            ncols=columns,
        )

    def notice(self, text: str) -> None:
        """A line below everything."""
        letters = int(self.width / (0.58 * SMALL / 72))
        lines: list[str] = []
        for word in text.split(" "):
            if lines and len(lines[-1]) + len(word) < letters:
                lines[-1] += f" {word}"
            else:
                lines.append(word)
        self.figure.supxlabel(
            "\n".join(lines),
            fontsize=SMALL,
            color=ACCENT,
            x=0.995,
            ha="right",
            multialignment="right",
        )

    def lay_out(self) -> None:
        """Lay everything out, once for all that is made of the figure: files and places."""
        engine = self.figure.get_layout_engine()
        if engine is None:
            return
        engine.execute(self.figure)
        self.figure.set_layout_engine("none")
        # The solver's last bits differ from run to run, and the bytes of a file would with them.
        for axes in self.figure.axes:
            left, bottom, width, height = axes.get_position(original=True).bounds
            axes.set_position((round(left, 6), round(bottom, 6), round(width, 6), round(height, 6)))


def _numbers(values: Sequence[Number]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _boxes(axes: Axes, boxes: np.ndarray, colour: str) -> None:
    """Rectangles left, right, bottom, top [N, 4] as one patch."""
    left, right, bottom, top = boxes.T
    corners = [(left, bottom), (left, top), (right, top), (right, bottom), (left, bottom)]
    vertices = np.stack([np.stack(corner, axis=1) for corner in corners], axis=1).reshape(-1, 2)
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(boxes)
    axes.add_patch(PathPatch(Path(vertices, codes), facecolor=colour, linewidth=0))
