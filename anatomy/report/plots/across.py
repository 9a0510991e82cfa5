"""What stands across sources and encoders: shared prompts, and encoders side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from anatomy.findings import CloudFinding, EncoderFinding, Findings
from anatomy.report.plots.axes import in_full, in_percent, logarithmic, whole
from anatomy.report.plots.palette import encoder_looks
from anatomy.report.plots.plot import Plot
from anatomy.report.plots.series import NAME, Grid, Series, counted, dimensional, shared
from anatomy.report.sentences import percent
from anatomy.report.style import INK, MUTED, PALE, SMALL, TEXT, WHITE, brief

MAX_MATRIX = 40  # rows; more would not fit a page
_BLUE = to_rgb("#1d6fb0")
_MAX_NUMBERS = 12  # rows whose cells have room for numbers


def overlap(findings: Findings) -> Plot:
    """Prompts that two sources share, coloured by the share of the row's prompts."""
    names = [source.name for source in findings.sources][:MAX_MATRIX]
    count = len(names)
    both = np.array(findings.corpus.shared)[:count, :count]
    share = both / np.maximum(both.diagonal()[:, None], 1)
    np.fill_diagonal(share, np.nan)  # all of them: no news
    numbers = count <= _MAX_NUMBERS
    one = count <= 4
    plot = Plot(0.45 + 0.42 * count if numbers else 0.9 + 0.15 * count, 1 if one else 2)
    axis = plot.figure.subplots()
    top = max(0.01, float(np.nanmax(share)))
    # From a breath of blue to all of it, on whatever paper lies behind.
    shades = LinearSegmentedColormap.from_list("", [(*_BLUE, 0.05), (*_BLUE, 1.0)])
    mesh = axis.pcolormesh(
        share, cmap=shades, vmin=0, vmax=top, edgecolors=WHITE, linewidth=1, rasterized=not numbers
    )
    plot.grid(
        axis,
        Grid(
            "",
            names,
            names,
            NAME,
            (),
            (
                (counted("prompts shared"), both.tolist()),
                (shared("share of the row's prompts"), _optional(share)),
            ),
        ),
    )
    for row, column in np.ndindex(both.shape) if numbers else ():
        cell, part = both[row, column], share[row, column]
        if row == column:
            text, colour = f"{cell:,}", MUTED
        else:
            text = f"{cell:,}\n{percent(float(part))}" if cell else "0"
            colour = PALE if _is_dark(shades(part / top)) else INK
        size = SMALL if count <= 8 else 5.6
        at = (column + 0.5, row + 0.5)
        axis.text(*at, text, ha="center", va="center", color=colour, fontsize=size, linespacing=1.1)
    letters = 20 if numbers else 28
    shortened = [brief(name, letters) for name in names]
    size = TEXT if count <= 20 else 6
    axis.set_yticks(np.arange(count) + 0.5, shortened, fontsize=size)
    room = (plot.width - 1.2) / count / (0.6 * TEXT / 72)  # letters above a cell
    flat = max(map(len, shortened)) <= room
    turn: dict[str, Any] = {} if flat else {"rotation": 35, "ha": "left", "rotation_mode": "anchor"}
    axis.set_xticks(np.arange(count) + 0.5, shortened, fontsize=size, **turn)
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    axis.set_ylim(count, 0)
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    if not numbers:
        bar = plot.figure.colorbar(mesh, ax=axis, shrink=0.6, pad=0.02)
        in_percent(bar.ax.yaxis)
        bar.outline.set_visible(False)
        bar.set_label("Share of the row's prompts")
    return plot


def _is_dark(colour: tuple[float, float, float, float]) -> bool:
    """Whether white is easier to read than ink on this colour (WCAG 2.2, relative luminance)."""
    *parts, alpha = colour
    seen = [alpha * part + (1 - alpha) for part in parts]  # on white paper
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in seen]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] < 0.2


def _optional(matrix: np.ndarray) -> list[list[float | None]]:
    return [[None if math.isnan(value) else value for value in row] for row in matrix.tolist()]


def encoders(findings: Findings, clouds: Sequence[tuple[str, CloudFinding]], limit: int) -> Plot:
    """What each encoder makes of all prompts: lengths, tokens cut, dimensions."""
    names = [encoder.name for encoder in findings.encoders]
    palette = encoder_looks(names)
    plot = Plot(2.45)
    panels = plot.figure.subplots(1, 3 if clouds else 2)
    handles = []
    for encoder in findings.encoders:
        look = palette[encoder.name]
        line: dict[str, Any] = {"color": look.colour, "linestyle": look.dash}
        plot.line(panels[0], _lengths(encoder, limit), **line)
        plot.line(panels[1], _cut(encoder, limit), floor=1e-6, **line)
        handles.append(Line2D([], [], marker=look.mark if clouds else "", **line))
    panels[0].set_title("(a) Tokens per prompt")
    panels[0].set_xlabel("Tokens")
    panels[0].set_ylim(bottom=0)
    panels[0].yaxis.set_major_locator(MaxNLocator(4))
    in_percent(panels[0].yaxis)
    panels[1].set_title("(b) Tokens cut")
    panels[1].set_xlabel("Context length L")
    logarithmic(panels[1].yaxis, 1e-5, 1)
    in_percent(panels[1].yaxis)
    for axis in panels[:2]:
        axis.set_xlim(1, limit)
        whole(axis.xaxis)
    if clouds:
        rows = ("ambient", "linear rank", "MLE", "TwoNN")
        axis = panels[2]
        for at, (name, cloud) in enumerate(clouds):
            look = palette[name]
            values = (
                float(cloud.ambient),
                cloud.linear.effective_rank,
                cloud.harmonic.value,
                cloud.two_nn.value,
            )
            series = Series(
                "Dimensions", name, NAME, dimensional("dimensions"), [None] * 4, values, labels=rows
            )
            places = [row + 0.16 * (at - (len(clouds) - 1) / 2) for row in range(4)]
            plot.dots(axis, series, places, color=look.colour, marker=look.mark, markersize=5)
        axis.set_title("(c) Dimensions of outputs")
        axis.set_yticks(range(4), rows)
        axis.set_ylim(3.5, -0.5)
        least = min(min(cloud.harmonic.value, cloud.two_nn.value) for _, cloud in clouds)
        most = max(cloud.ambient for _, cloud in clouds)
        logarithmic(axis.xaxis, max(min(1.0, 0.8 * least), 0.01), 2 * most)
        in_full(axis.xaxis)
        axis.set_xlabel("Dimensions")
        axis.tick_params(axis="y", length=0)
    plot.legend(handles, names)
    return plot


def _lengths(encoder: EncoderFinding, limit: int) -> Series:
    combined = encoder.lengths[0]
    found = dict(combined.histogram)
    at = range(1, limit + 1)
    return Series(
        "Tokens per prompt",
        encoder.name,
        counted("tokens"),
        shared("share of prompts"),
        at,
        [found.get(tokens, 0) / combined.prompts for tokens in at],
    )


def _cut(encoder: EncoderFinding, limit: int) -> Series:
    measure, at = encoder.lengths[0].measure, range(1, limit + 1)
    return Series(
        "Tokens cut",
        encoder.name,
        counted("context length L"),
        shared("tokens cut"),
        at,
        [measure.token_loss(length) for length in at],
    )
