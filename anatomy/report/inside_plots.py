"""What the figures about an encoder's inside draw. Everything shown is in the findings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from anatomy.corpus.model import COMBINED
from anatomy.findings import (
    CloudFinding,
    EmbeddingFinding,
    Estimated,
    OutputsFinding,
    PositionFinding,
    SpectrumFinding,
)
from anatomy.report.style import ACCENT, FAINT, INK, MUTED, blank, colours, in_percent, printable

_USED = "#0072B2"
_TOKEN = "#D55E00"  # noqa: S105 (a colour)
_DASHED = (0, (4, 2))
MAX_GROUPS = 12  # curves that can still be told apart


def spectrum(embedding: EmbeddingFinding) -> Figure:
    """Singular values of the token table, and the variance that k of them keep."""
    figure = blank(2.9)
    values, kept = figure.subplots(1, 2)
    for part, colour in zip(embedding.spectra, (INK, _USED), strict=True):
        label = f"{part.group} ({part.rows:,})"
        values.plot(part.values.x, part.values.y, color=colour, label=label)
        kept.plot([0, *part.curve.x], [0, *part.curve.y], color=colour, label=label)
        for percent, dims in part.dims.items():
            kept.plot(dims, percent / 100, "o", color=colour, markersize=3.5)
    kept.plot([0, embedding.width], [0, 1], color=MUTED, linewidth=0.9, linestyle=_DASHED)
    kept.text(0.6 * embedding.width, 0.55, "all equal", color=MUTED, fontsize=7.5)
    for percent in embedding.spectra[0].dims:
        kept.axhline(percent / 100, color=FAINT, linewidth=0.8, zorder=0)
    if any(y > 0 for part in embedding.spectra for y in part.values.y):
        values.set_yscale("log")
    values.yaxis.set_minor_formatter(NullFormatter())
    values.set_title("(a) Singular values, of the largest")
    kept.set_title("(b) Variance kept")
    in_percent(values.yaxis)
    in_percent(kept.yaxis)
    kept.set_ylim(0, 1.02)
    values.set_xlabel("Number of the singular value")
    kept.set_xlabel(f"Dimensions kept, of {embedding.width:,}")
    for axis in (values, kept):
        axis.set_xlim(0, embedding.width)
    values.legend(loc="lower left")
    return figure


def positions(found: PositionFinding) -> Figure:
    """Cosine similarity of positions, with the share of prompts that reaches each below it."""
    figure = blank(3.9)
    grid = figure.add_gridspec(2, 2, width_ratios=(1.35, 1), height_ratios=(3.2, 1))
    heat = figure.add_subplot(grid[0, 0])
    reach = figure.add_subplot(grid[1, 0])
    bars = figure.add_subplot(grid[0, 1])
    kept = figure.add_subplot(grid[1, 1])
    edge = found.block * len(found.cosines)
    lowest = min(0.0, float(np.min(found.cosines)))
    image = heat.imshow(
        found.cosines,
        extent=(-0.5, edge - 0.5, edge - 0.5, -0.5),
        cmap="viridis",
        vmin=lowest,
        vmax=1,
        interpolation="nearest",
        aspect="auto",
    )
    heat.axhline(found.split - 0.5, color="white", linewidth=0.8)
    heat.axvline(found.split - 0.5, color="white", linewidth=0.8)
    heat.grid(visible=False)
    heat.set_title("(a) Cosine similarity of positions")
    heat.tick_params(labelbottom=False)
    figure.colorbar(image, ax=heat, shrink=0.9, pad=0.02)

    at = np.arange(found.rows)
    reach.fill_between(at, found.reach, step="mid", color=_USED, alpha=0.25, linewidth=0)
    reach.step(at, found.reach, where="mid", color=_USED)
    reach.set_xlim(-0.5, edge - 0.5)
    reach.set_ylim(0, 1.05)
    in_percent(reach.yaxis)
    last = max((place for place, share in enumerate(found.reach) if share), default=0)
    if last < found.rows - 1:
        reach.axvline(last, color=ACCENT, linewidth=0.9)
        reach.text(last, 0.85, f" longest prompt: position {last}", color=ACCENT, fontsize=7.5)
    reach.set_title("(b) Prompts that reach each position")
    reach.set_xlabel("Position")
    reach.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    heat.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    heat.yaxis.set_major_locator(MaxNLocator(8, integer=True))

    means = [found.mean_first, found.mean_rest]
    names = [f"0-{found.split - 1}", f"{found.split}-{found.rows - 1}"]
    bars.bar(names, [mean or 0.0 for mean in means], color=[MUTED, _USED], width=0.55)
    for place, mean in enumerate(means):
        text = "none" if mean is None else f"{mean:.2f}"
        bars.text(place, max(mean or 0.0, 0.0), text, ha="center", va="bottom", fontsize=8)
    bars.axhline(0, color=MUTED, linewidth=0.8)
    bars.margins(y=0.15)
    bars.grid(visible=False, axis="x")
    bars.set_title("(c) Mean within each group")
    _variance(kept, found.spectrum)
    kept.set_title("(d) Variance kept")
    kept.set_xlabel(f"Dimensions kept, of {min(found.rows, found.width):,}")
    return figure


def _variance(axis: Axes, found: SpectrumFinding) -> None:
    axis.plot([0, *found.curve.x], [0, *found.curve.y], color=INK)
    axis.axhline(0.9, color=ACCENT, linewidth=0.9, linestyle=_DASHED)
    axis.plot(found.dims[90], 0.9, "o", color=ACCENT, markersize=4)
    axis.annotate(
        f"90 % in {found.dims[90]}",
        (found.dims[90], 0.9),
        xytext=(6, -11),
        textcoords="offset points",
        color=ACCENT,
        fontsize=7.5,
    )
    in_percent(axis.yaxis)
    axis.set_ylim(0, 1.05)
    axis.set_xlim(0, max(found.curve.x))


def dimension(outputs: OutputsFinding) -> Figure:
    """Ambient, linear and intrinsic dimension of the outputs of all prompts (Figure 5)."""
    clouds = _mains(outputs)
    figure = blank(2.5)
    axes = figure.subplots(1, len(clouds), squeeze=False, sharey=True)[0]
    for axis, cloud in zip(axes, clouds, strict=True):
        # Shades of one colour: the five bars are one sequence, from the widest to the narrowest.
        rows = [
            ("ambient", float(cloud.ambient), None),
            ("95 % of variance", float(cloud.linear.dims[95]), None),
            ("linear rank", cloud.linear.effective_rank, None),
            ("MLE", cloud.harmonic.value, cloud.harmonic),
            ("TwoNN", cloud.two_nn.value, cloud.two_nn),
        ]
        shades = ("#c6d9e8", "#8fb8d6", "#5697c4", "#0072B2", "#004a75")
        for at, ((_, value, interval), shade) in enumerate(zip(rows, shades, strict=True)):
            axis.barh(at, value, color=shade, height=0.66)
            text = f" {value:,.0f}" if value >= 100 else f" {value:.1f}"
            if interval:
                text += f"  [{interval.low:.1f}, {interval.high:.1f}]"
                axis.plot([interval.low, interval.high], [at, at], color=ACCENT, linewidth=2)
            end = interval.high if interval else value
            axis.text(end, at, text, va="center", fontsize=8)
        axis.set_yticks(range(len(rows)), [name for name, *_ in rows])
        axis.set_xscale("log")
        axis.set_xlim(1, cloud.ambient * 3)
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.grid(visible=False, axis="y")
        axis.set_title(f"{cloud.kind.capitalize()} outputs ({cloud.points:,} points)")
        axis.set_xlabel("Dimensions")
    axes[0].invert_yaxis()  # shared
    return figure


def scale(outputs: OutputsFinding, sources: Sequence[str]) -> Figure:
    """The estimate against sample size and against neighbour order, group by group."""
    palette = {COMBINED: INK, **colours(sources)}
    kinds = [kind for kind in ("pooled", "per-token") if _of(outputs, kind)]
    figure = blank(0.5 + 2.45 * len(kinds))
    axes = figure.subplots(len(kinds), 2, squeeze=False, sharey="row")
    letters = iter("abcd")
    for (sizes, orders), kind in zip(axes, kinds, strict=True):
        clouds = _of(outputs, kind)
        for cloud in reversed(clouds):  # all prompts last, on top
            colour, width = palette[cloud.group], 2.0 if cloud is clouds[0] else 1.2
            label = printable(cloud.group)
            points = [*reversed(cloud.by_size)]
            x = [*(part.points for part in points), cloud.points]
            y = [*(part.mle.value for part in points), cloud.harmonic.value]
            sizes.plot(x, y, "o-", color=colour, linewidth=width, markersize=2.5, label=label)
            _band(sizes, x, [*(part.mle for part in points), cloud.harmonic], colour)
            steps = [part.order for part in cloud.by_order]
            estimates = [part.estimate for part in cloud.by_order]
            orders.plot(
                steps,
                [estimate.value for estimate in estimates],
                "o-",
                color=colour,
                linewidth=width,
                markersize=2.5,
            )
            _band(orders, steps, estimates, colour)
        sizes.set_ylabel(f"{kind.capitalize()}: dimension")
        sizes.set_title(f"({next(letters)}) By sample size (MLE)")
        orders.set_title(f"({next(letters)}) By neighbour order (Gride)")
        for axis in (sizes, orders):
            axis.set_xscale("log", base=2)
            axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
            axis.set_ylim(bottom=0)
    axes[-1][0].set_xlabel("Points")
    axes[-1][1].set_xlabel("Neighbour n, compared with 2n")
    handles, labels = axes[0][0].get_legend_handles_labels()
    if len(labels) > 1:
        figure.legend(handles[::-1], labels[::-1], loc="outside upper center", ncols=5)
    return figure


def _band(axis: Axes, x: Sequence[int], estimates: Sequence[Estimated], colour: str) -> None:
    axis.fill_between(
        x, [e.low for e in estimates], [e.high for e in estimates], color=colour, alpha=0.15, lw=0
    )


def _of(outputs: OutputsFinding, kind: str) -> list[CloudFinding]:
    return [cloud for cloud in outputs.clouds if cloud.kind == kind][: MAX_GROUPS + 1]


def _mains(outputs: OutputsFinding) -> list[CloudFinding]:
    """The pooled and the per-token outputs of all prompts."""
    return [_of(outputs, kind)[0] for kind in ("pooled", "per-token") if _of(outputs, kind)]
