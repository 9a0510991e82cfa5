"""Where the values of a figure stand, and what a reader is told there."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from anatomy.report.plots.plot import Plot, Shown
from anatomy.report.plots.series import Grid, Number, Quantity

_POINTS = 64  # of a curve; more stand too close to be told apart
_EDGE = 0.5  # pixels by which a point may stick out of its panel


def hover(plot: Plot) -> dict[str, Any]:
    """The values under the pointer, for the page's script.

    Call it after the layout: places are measured where the panels stand then, and given from the
    top left corner in widths and heights of the figure.

    Returns
    -------
    dict
        ``series``: panel, name, names of x and y, and points [left, top, text of x, text of y].
        ``grids``: panel, box [left, top, width, height], names of rows and columns, texts.
    """
    series = [_series(plot, shown) for shown in plot.shown if not shown.silent]
    return {
        "series": [found for found in series if found["points"]],
        "grids": [_grid(plot, grid, axes) for grid, axes in plot.grids],
    }


def _series(plot: Plot, shown: Shown) -> dict[str, Any]:
    series = shown.series
    display = shown.axes.transData.transform(np.stack([shown.x, shown.y], axis=1))
    box = shown.axes.bbox.padded(_EDGE)
    inside = [at for at, (x, y) in enumerate(display) if box.contains(x, y)]  # nan is not
    if len(inside) > _POINTS:
        chosen = np.unique(np.linspace(0, len(inside) - 1, _POINTS).round().astype(int))
        inside = [inside[place] for place in chosen]
    places = _places(plot, display)
    panel = series.panel if series.panel != series.name else ""
    return {
        "panel": _visible(panel),
        "name": _visible(series.name),
        "x": series.x.name,
        "y": series.y.name,
        "points": [[*places[at], *_texts(shown, at)] for at in inside],
    }


def _texts(shown: Shown, at: int) -> tuple[str, str]:
    series = shown.series
    x = series.labels[at] if series.labels else _said(series.x, series.at[at])
    y = _said(series.y, series.values[at])
    if series.low:
        y += f" [{_said(series.y, series.low[at])}, {_said(series.y, series.high[at])}]"
    if series.notes:
        y += f" ({series.notes[at]})"
    return _visible(x), _visible(y)


def _grid(plot: Plot, grid: Grid, axes: Axes) -> dict[str, Any]:
    [(left, bottom), (right, top)] = _places(plot, axes.bbox.get_points())

    def text(row: int, column: int) -> str:
        found = [_said(quantity, cells[row][column]) for quantity, cells in grid.measures]
        first, *others = [part for part in found if part] or [""]
        return f"{first} ({', '.join(others)})" if others else first

    return {
        "panel": _visible(grid.panel),
        "box": [left, top, round(right - left, 4), round(bottom - top, 4)],
        "rows": [_visible(name) for name in grid.rows],
        "columns": [_visible(name) for name in grid.columns],
        "values": [
            [text(row, column) for column in range(len(grid.columns))]
            for row in range(len(grid.rows))
        ],
    }


def _places(plot: Plot, display: np.ndarray) -> list[list[float]]:
    """Points in pixels from the bottom left, as shares of the figure from the top left."""
    shares = display / plot.figure.bbox.size
    shares[:, 1] = 1 - shares[:, 1]
    return [[round(float(x), 4), round(float(y), 4)] for x, y in shares]


def _said(quantity: Quantity, value: Number) -> str:
    return "" if value is None or value != value else quantity.say(value)


def _visible(text: str) -> str:
    """`text` with what cannot be seen, or turns the direction of reading, as escapes."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )
