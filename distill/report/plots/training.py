"""Curves of a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from anatomy.report.plots.axes import in_short, in_thousands, logarithmic, whole
from anatomy.report.plots.palette import CYCLE
from anatomy.report.plots.plot import Plot
from anatomy.report.plots.series import Number, Quantity, Series, cosine, counted
from anatomy.report.style import DASHED, DOTTED, INK
from distill.recipe import LossRecipe
from distill.report.view import Point

_STEP = counted("step")
_LOSS = Quantity("loss", lambda value: f"{value:.4g}")
_RATE = Quantity("learning rate", lambda value: f"{value:.3g}")
_LEAST = 1e-4  # of the largest loss: terms below go out of the panel
_PINK, _AMBER, _BLUE, _RED, _SKY, _GREEN = CYCLE
_TERMS = {
    "mse": ("squared error", _BLUE),
    "cosine": ("(1 \N{MINUS SIGN} cosine)", _RED),
    "consistency": ("consistency", _AMBER),
}
_CHECKS: dict[str, tuple[str, dict[str, Any]]] = {
    "cosine": ("pooled, mean", {"color": _GREEN}),
    "cosine_p5": ("pooled, 5 % below", {"color": _GREEN, "linestyle": DASHED}),
    "token_cosine": ("tokens, mean", {"color": _PINK, "linestyle": DOTTED}),
}
Lines = list[tuple[Line2D, str]]


def training(curve: Sequence[Point], weights: LossRecipe) -> Plot:
    """The loss and its weighted terms, held-out cosine, and learning rate against steps."""
    checked = [report for report in curve if report.held_out]
    plot = Plot(2.75)
    axes = plot.figure.subplots(1, 3 if checked else 2)
    lines = _losses(plot, axes[0], curve, weights)
    if checked:
        lines += _cosines(plot, axes[1], checked)
    rates = [report.learning_rate for report in curve]
    series = Series("Learning rate", "", _STEP, _RATE, _steps(curve), rates)
    plot.line(axes[-1], series, color=INK)
    axes[-1].set_ylim(0, 1.08 * max(rates))
    titles = ["Loss", *(["Held-out cosine"] if checked else []), "Learning rate"]
    for letter, title, axis in zip("abc", titles, axes, strict=False):
        axis.set_title(f"({letter}) {title}")
        axis.set_xlabel("Step")
        axis.set_xlim(0, curve[-1].step)
        whole(axis.xaxis, 4)
        in_thousands(axis.xaxis)
    plot.legend([line for line, _ in lines], [name for _, name in lines])
    return plot


def _losses(plot: Plot, axis: Axes, curve: Sequence[Point], weights: LossRecipe) -> Lines:
    curves = [("loss", INK, [report.loss for report in curve])]
    for term, (words, colour) in _TERMS.items():
        weight: float = getattr(weights, term)
        if weight:
            name = f"{weight:g} \N{MULTIPLICATION SIGN} {words}"
            curves.append((name, colour, [weight * getattr(report, term) for report in curve]))
    found = [
        (_line(plot, axis, "Loss", name, _LOSS, curve, values, color=colour), name)
        for name, colour, values in curves
    ]
    everything = [value for _, _, values in curves for value in values if value > 0]
    top = max(everything, default=1.0)
    logarithmic(axis.yaxis, 0.7 * max(min(everything, default=top), _LEAST * top), 1.4 * top)
    in_short(axis.yaxis)
    return found


def _cosines(plot: Plot, axis: Axes, checked: Sequence[Point]) -> Lines:
    found = []
    for key, (name, look) in _CHECKS.items():
        values = [(report.held_out or {}).get(key) for report in checked]
        line = _line(plot, axis, "Held-out cosine", name, cosine(key), checked, values, **look)
        found.append((line, name))
    axis.set_ylim(top=1)
    return found


def _line(
    plot: Plot,
    axis: Axes,
    panel: str,
    name: str,
    quantity: Quantity,
    curve: Sequence[Point],
    values: Sequence[Number],
    **look: Any,
) -> Line2D:
    return plot.line(axis, Series(panel, name, _STEP, quantity, _steps(curve), values), **look)


def _steps(curve: Sequence[Point]) -> list[int]:
    return [report.step for report in curve]
