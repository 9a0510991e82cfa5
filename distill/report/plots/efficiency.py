"""Prompts a second of encoders beside each other."""

from __future__ import annotations

from typing import Any

from anatomy.report.plots.axes import in_thousands, logarithmic, of_names
from anatomy.report.plots.palette import CYCLE
from anatomy.report.plots.plot import Plot
from anatomy.report.plots.series import NAME, Quantity, Series
from anatomy.report.style import INK, MUTED, brief
from distill.metrics.benchmark import Benchmark, Length

_RATE = Quantity("prompts a second", lambda value: f"{value:,.0f}")
_LETTERS = 30
_LOOKS: dict[Length, dict[str, str]] = {
    "padded": {"marker": "s", "markerfacecolor": "white"},
    "trimmed": {"marker": "o"},
}


def rates(found: Benchmark) -> Plot:
    """A panel for each batch, a row for each encoder, a mark for each way to pad."""
    models = [model for model in found.models if model.speeds]
    plot = Plot(max(1.8, 0.9 + 0.2 * len(models)))
    panels = plot.figure.subplots(1, len(found.batches), sharey=True, squeeze=False)[0]
    handles: dict[str, Any] = {}
    for axis, batch in zip(panels, found.batches, strict=True):
        values = []
        for row, model in enumerate(models):
            colour = {"student": CYCLE[2], "teacher": INK}.get(model.kind, MUTED)
            for way, look in _LOOKS.items():
                speed = model.speed(batch, way)
                if speed is None:
                    continue
                values.append(speed.rate)
                series = Series(
                    f"Batch of {batch}",
                    f"{model.name}, {way}",
                    NAME,
                    _RATE,
                    [None],
                    [speed.rate],
                    labels=[model.title],
                )
                plot.dots(axis, series, [row], color=colour, markersize=5, **look)
                handles.setdefault(way, axis.plot([], [], linestyle="none", color=MUTED, **look)[0])
        if values:
            logarithmic(axis.xaxis, 0.7 * min(values), 1.4 * max(values))
        in_thousands(axis.xaxis)
        axis.set_title(f"Batch of {batch}")
        axis.set_xlabel("Prompts a second")
        axis.grid(visible=True, axis="both")
        axis.tick_params(axis="y", length=0)
    panels[0].set_yticks(range(len(models)), [brief(model.title, _LETTERS) for model in models])
    panels[0].set_ylim(len(models) - 0.5, -0.5)
    of_names(panels[0].yaxis)
    plot.legend(list(handles.values()), list(handles))
    return plot
