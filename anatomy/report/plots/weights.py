"""What an encoder's weights show: the spectrum of its token table, and its positions."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from anatomy.findings import EmbeddingFinding, PositionFinding, SpectrumFinding
from anatomy.report.plots.axes import in_percent, logarithmic, of_names, whole
from anatomy.report.plots.plot import Plot
from anatomy.report.plots.series import NAME, Grid, Series, cosine, counted, shared
from anatomy.report.style import ACCENT, DASHED, FAINT, INK, MUTED, PALE

_PIXELS = 512  # at least, along a side of a heat map: crisp where a viewer would smooth it
_KEPT = shared("variance kept")


def spectrum(embedding: EmbeddingFinding, colour: str) -> Plot:
    """Singular values of the token table, and the variance that k of them keep."""
    plot = Plot(2.65)
    values, kept = plot.figure.subplots(1, 2)
    handles, names = [], []
    for part, own in zip(embedding.spectra, (INK, colour), strict=True):
        name = f"{part.group} ({part.rows:,})"
        series = Series(
            "Singular values",
            name,
            counted("number of the singular value"),
            shared("ratio to the largest"),
            part.values.x,
            part.values.y,
        )
        handles.append(plot.line(values, series, color=own))
        names.append(name)
        _variance(plot, kept, part, name, own)
    handles.append(
        kept.plot([0, embedding.width], [0, 1], color=MUTED, linewidth=0.9, linestyle=DASHED)[0]
    )
    names.append("no structure: all equal")
    ratios = [y for part in embedding.spectra for y in part.values.y if y > 0]
    if ratios:
        logarithmic(values.yaxis, max(0.7 * min(ratios), 1e-6), 1.15)
    values.set_title("(a) Singular values, of the largest")
    kept.set_title("(b) Variance kept")
    for percent in embedding.spectra[0].dims:
        kept.axhline(percent / 100, color=FAINT, linewidth=0.8, zorder=0)
    in_percent(values.yaxis)
    in_percent(kept.yaxis)
    kept.set_ylim(0, 1.02)
    values.set_xlabel("Number of the singular value")
    kept.set_xlabel(f"Dimensions kept, of {embedding.width:,}")
    for axis in (values, kept):
        axis.set_xlim(0, embedding.width)
        whole(axis.xaxis)
    plot.legend(handles, names)
    return plot


def _variance(plot: Plot, axis: Axes, part: SpectrumFinding, name: str, colour: str) -> None:
    """The variance that k dimensions keep, and dots where it reaches round shares."""
    panel, kept = "Variance kept", counted("dimensions kept")
    curve = Series(panel, name, kept, _KEPT, [0, *part.curve.x], [0, *part.curve.y])
    plot.line(axis, curve, color=colour)
    dots = Series(
        panel,
        f"{name}, round shares",
        kept,
        _KEPT,
        list(part.dims.values()),
        [percent / 100 for percent in part.dims],
    )
    plot.line(axis, dots, color=colour, marker="o", markersize=3.5, linestyle="none")


def positions(found: PositionFinding, colour: str) -> Plot:
    """Cosine similarity of positions, with the share of prompts that reaches each below it."""
    plot = Plot(3.85)
    grid = plot.figure.add_gridspec(2, 2, width_ratios=(1.2, 1), height_ratios=(3.1, 1))
    heat, reach = (plot.figure.add_subplot(grid[row, 0]) for row in (0, 1))
    kept, bars = (plot.figure.add_subplot(grid[row, 1]) for row in (0, 1))
    edge = found.block * len(found.cosines)
    _heat(plot, heat, found, edge)
    _reach(plot, reach, found, colour)
    for axis in (heat.xaxis, heat.yaxis, reach.xaxis):
        whole(axis)
    heat.set_xlim(-0.5, edge - 0.5)
    heat.set_ylim(edge - 0.5, -0.5)
    reach.set_xlim(-0.5, edge - 0.5)

    _variance(plot, kept, found.spectrum, "", INK)
    dims, most = found.spectrum.dims[90], max(found.spectrum.curve.x)
    after = dims <= 0.5 * most
    kept.plot([0, dims, dims], [0.9, 0.9, 0], color=ACCENT, linewidth=0.9, linestyle=DASHED)
    kept.text(
        dims,
        0.03,
        f" 90 % in {dims} dimension{'s' * (dims != 1)} ",
        color=ACCENT,
        ha="left" if after else "right",
    )
    in_percent(kept.yaxis)
    kept.set_ylim(0, 1.02)
    kept.set_xlim(0, most)
    whole(kept.xaxis, 5)
    kept.set_title("(c) Variance kept")
    kept.set_xlabel(f"Dimensions kept, of {min(found.rows, found.width):,}")
    _means(plot, bars, found, colour)
    return plot


def _heat(plot: Plot, axis: Axes, found: PositionFinding, edge: int) -> None:
    names = [
        _span(at * found.block, min((at + 1) * found.block, found.rows))
        for at in range(len(found.cosines))
    ]
    starts = [at * found.block for at in range(len(found.cosines))]
    panel = "Cosine similarity of positions"
    measure = (cosine("cosine similarity"), found.cosines)
    plot.grid(axis, Grid(panel, names, names, counted("position"), starts, (measure,)))
    times = -(-_PIXELS // len(found.cosines))
    image = axis.imshow(
        np.repeat(np.repeat(found.cosines, times, axis=0), times, axis=1),
        extent=(-0.5, edge - 0.5, edge - 0.5, -0.5),
        cmap="viridis",
        vmin=min(0.0, float(np.min(found.cosines))),
        vmax=1,
        interpolation="none",
        aspect="auto",
    )
    if 0 < found.split < found.rows:
        axis.axhline(found.split - 0.5, color=PALE, linewidth=0.8)
        axis.axvline(found.split - 0.5, color=PALE, linewidth=0.8)
    axis.grid(visible=False)
    axis.set_title(f"(a) {panel}")
    axis.tick_params(labelbottom=False)
    bar = plot.figure.colorbar(image, ax=axis, pad=0.02, aspect=28)
    bar.outline.set_visible(False)
    bar.locator = MaxNLocator(5)
    bar.update_ticks()


def _span(first: int, after: int) -> str:
    return f"position {first}" if after == first + 1 else f"positions {first}-{after - 1}"


def _reach(plot: Plot, axis: Axes, found: PositionFinding, colour: str) -> None:
    panel = "Prompts that reach each position"
    at = range(found.rows)
    series = Series(panel, "", counted("position"), shared("share of prompts"), at, found.reach)
    plot.line(axis, series, color=colour, drawstyle="steps-mid", linewidth=1.1)
    axis.fill_between(at, found.reach, step="mid", color=colour, alpha=0.22, linewidth=0)
    axis.set_ylim(0, 1.05)
    in_percent(axis.yaxis)
    axis.set_yticks([0, 0.5, 1])
    last = max((place for place, share in enumerate(found.reach) if share), default=0)
    if last < found.rows - 1:
        axis.axvline(last + 0.5, color=ACCENT, linewidth=0.9)
        before = last > 0.55 * found.rows  # the words stand there, under the curve or above it
        under = before and min(found.reach[int(last - 0.5 * found.rows) : last]) > 0.4
        axis.text(
            last + 0.5,
            0.06 if under else 0.92,
            f" longest prompt: position {last} ",
            transform=axis.get_xaxis_transform(),
            color=ACCENT,
            ha="right" if before else "left",
            va="bottom" if under else "top",
        )
    axis.set_title(f"(b) {panel}")
    axis.set_xlabel("Position")


def _means(plot: Plot, axis: Axes, found: PositionFinding, colour: str) -> None:
    panel = "Mean cosine by group"
    rest = f"{found.split}-{found.rows - 1}" if found.split < found.rows else "the rest"
    names = [f"0-{found.split - 1}", rest]
    means = [found.mean_first, found.mean_rest]
    for row, (name, mean, own) in enumerate(zip(names, means, (MUTED, colour), strict=True)):
        series = Series(
            panel, "", NAME, cosine("mean cosine similarity"), [None], [mean], labels=[name]
        )
        plot.level_bars(axis, series, [row], own, height=0.6)
        text = " none" if mean is None else f" {mean:.3f}"
        axis.text(max(mean or 0.0, 0.0), row, text, va="center")
    known = [mean for mean in means if mean is not None] or [0.0]
    axis.set_yticks(range(2), names)
    axis.set_ylim(1.6, -0.6)
    axis.set_xlim(min(0.0, *known) * 1.1, max(0.1, *known) * 1.2)
    axis.axvline(0, color=MUTED, linewidth=0.7)
    of_names(axis.yaxis)
    axis.xaxis.set_major_locator(MaxNLocator(4))
    axis.set_ylabel("Positions")
    axis.set_title(f"(d) {panel}")
