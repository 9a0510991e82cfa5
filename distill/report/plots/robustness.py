"""What an attention lets through of an error, by number of keys and sharpness."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.axes import Axes

from anatomy.report.plots.axes import in_short, logarithmic
from anatomy.report.plots.palette import CYCLE
from anatomy.report.plots.plot import Plot
from anatomy.report.plots.series import NAME, Quantity, Series
from anatomy.report.style import ACCENT, DASHED, MUTED
from distill.metrics.robustness import Attenuation, SimulatedAttention
from distill.robustness import PUBLISHED_RATIO

_SHARPNESS = Quantity("sharpness 1/T", lambda value: f"{value:g}")
_FACTOR = Quantity("relative to relative", lambda value: f"{value:.3g}")
_MIXED = Quantity("relative to absolute", lambda value: f"{value:,.0f}")


def attenuation(attentions: Sequence[SimulatedAttention], level: float) -> Plot:
    """Both ratios against sharpness, a curve for each number of keys, a row for each direction."""
    plot = Plot(0.5 + 2.05 * len(attentions))
    axes = plot.figure.subplots(len(attentions), 2, squeeze=False)
    letters = iter("abcd")
    for (honest, mixed), attention in zip(axes, attentions, strict=True):
        rows = [r for r in attention.rows if r.perturbation == "noise" and r.input > level - 0.01]
        direction = attention.direction.capitalize()
        lines = [
            _curves(plot, honest, f"{direction}: factor", rows, _FACTOR, lambda r: r.factor, 1.0),
            _curves(
                plot,
                mixed,
                f"{direction}: mixed ratio",
                rows,
                _MIXED,
                lambda r: r.mixed,
                PUBLISHED_RATIO,
            ),
        ]
        _rule(plot, honest, f"{direction}: factor", "nothing attenuated", 1.0, MUTED)
        _rule(plot, mixed, f"{direction}: mixed ratio", "the paper's", PUBLISHED_RATIO, ACCENT)
        honest.set_title(f"({next(letters)}) {direction}: relative / relative")
        mixed.set_title(f"({next(letters)}) {direction}: relative / absolute")
        honest.set_ylabel("Input error / output error")
        mixed.set_ylabel("Logit error / output error")
        for axis in (honest, mixed):
            axis.set_xlabel("Sharpness of the softmax, 1/T")
            logarithmic(axis.xaxis, *_reach([row.sharpness for row in rows], 1.15))
            in_short(axis.xaxis)
            in_short(axis.yaxis)
        honest.legend(lines[0], [f"{keys:,} keys" for keys in _keys(rows)], loc="upper right")
    return plot


def _keys(rows: Sequence[Attenuation]) -> list[int]:
    return [*dict.fromkeys(row.keys for row in rows)]


def _curves(
    plot: Plot,
    axis: Axes,
    panel: str,
    rows: Sequence[Attenuation],
    quantity: Quantity,
    ratio: Callable[[Attenuation], float | None],
    ruled: float,
) -> list[Any]:
    lines = []
    for keys, colour in zip(_keys(rows), CYCLE, strict=False):
        own = [row for row in rows if row.keys == keys]
        series = Series(
            panel,
            f"{keys:,} keys",
            _SHARPNESS,
            quantity,
            [row.sharpness for row in own],
            [ratio(row) for row in own],
        )
        lines.append(plot.line(axis, series, color=colour, marker="o", markersize=2.5))
    values = [value for row in rows if (value := ratio(row))]
    logarithmic(axis.yaxis, *_reach([*values, ruled], 1.6))
    return lines


def _rule(plot: Plot, axis: Axes, panel: str, name: str, value: float, colour: str) -> None:
    series = Series(panel, name, _SHARPNESS, NAME, [None], [value])
    plot.rule(axis, series, color=colour, linestyle=DASHED, linewidth=1)
    below = value == 1  # where no curve runs
    axis.annotate(
        name if below else f"{name} {value:g}",
        (0.02 if below else 0.98, value),
        xycoords=("axes fraction", "data"),
        xytext=(0, -3 if below else 2),
        textcoords="offset points",
        va="top" if below else "bottom",
        ha="left" if below else "right",
        color=colour,
    )


def _reach(values: Sequence[float], room: float) -> tuple[float, float]:
    return min(values) / room, max(values) * room
