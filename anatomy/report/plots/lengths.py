"""How long the prompts are, and what a context of L tokens costs."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from anatomy.corpus.model import COMBINED
from anatomy.findings import EncoderFinding, LengthFinding
from anatomy.report.plots.axes import in_percent, logarithmic, whole
from anatomy.report.plots.palette import looks, need_marks
from anatomy.report.plots.plot import Plot
from anatomy.report.plots.series import NAME, Series, counted, shared
from anatomy.report.sentences import percent
from anatomy.report.style import ACCENT, DASHED, DOTTED, FAINT, INK, MUTED, SMALL, TEXT, brief

# Above these a figure could not be read and would not fit a page; the tables have everything.
MAX_PANELS = 24
MAX_CURVES = 12

_LONGEST = 80  # tokens of a histogram's axis, or as many as most prompts have
_BARS = 60  # of a histogram, at most
_POINTS = 256  # of a curve over context lengths, at most
_FLOOR = 1e-5  # of a share on a logarithmic axis
_TOKENS = counted("tokens")
_LENGTH = counted("context length L")


def lengths(encoder: EncoderFinding) -> Plot:
    """Histogram of each source's prompt lengths, before that of the union."""
    combined, *sources = encoder.lengths
    palette = looks([source.group for source in sources])
    alone = len(sources) == 1
    sources = sources[:MAX_PANELS]
    columns = 2 if len(sources) == 4 else min(3 if len(sources) <= 9 else 4, len(sources))
    rows = -(-len(sources) // columns)
    plot = Plot(0.35 + (1.9 if alone else 1.5) * rows, 1 if alone else 2)
    axes = np.ravel(plot.figure.subplots(rows, columns, sharex=True, squeeze=False))
    limit = max(12, min(max(s.p99 for s in sources) + 4, max(_LONGEST, combined.p99 + 4)))
    step = -(-limit // _BARS)  # tokens to a bar
    for axis, source in zip(axes, sources, strict=False):
        axis.set_xlim(0, limit)
        shown = [_histogram(source, source, combined, step)]
        if not alone:
            shown.append(_histogram(source, combined, combined, step))
            plot.bars(axis, shown[1], FAINT, width=step, silent=True)
        plot.bars(axis, shown[0], palette[source.group].colour, width=0.82 * step)
        pairs = [pair for series in shown for pair in zip(series.at, series.values, strict=True)]
        top = max((share for at, share in pairs if at and share and at <= limit), default=1.0)
        axis.set_ylim(0, 1.2 * top)
        axis.set_yticks([t for t in MaxNLocator(4).tick_values(0, top) if t <= 1.04 * top])
        in_percent(axis.yaxis)
        whole(axis.xaxis)
        axis.grid(visible=False, axis="x")
        axis.set_title(brief(source.group, int(12 * plot.width / columns) - 2), pad=13)
        _describe(plot, axis, source, limit)
    for axis in axes[len(sources) :]:
        axis.set_visible(False)
    for axis in axes[max(0, len(sources) - columns) : len(sources)]:  # nothing stands below these
        axis.set_xlabel("Tokens per prompt")
        axis.tick_params(labelbottom=True)
    plot.figure.supylabel("Share of prompts", fontsize=TEXT)
    return plot


def _histogram(
    panel: LengthFinding, source: LengthFinding, combined: LengthFinding, step: int
) -> Series:
    """Shares of prompts with so many tokens, `step` lengths to a bar."""
    own, union = _binned(source, step), _binned(combined, step)
    everywhere = {at: percent(prompts / combined.prompts) for at, prompts in union.items()}
    return Series(
        panel=panel.group,
        name=source.group,
        x=_TOKENS,
        y=shared("share of prompts"),
        at=[first + (step - 1) / 2 if step > 1 else first for first in own],
        values=[prompts / source.prompts for prompts in own.values()],
        labels=[f"{first}-{first + step - 1}" for first in own] if step > 1 else (),
        notes=[
            f"{prompts:,} of {source.prompts:,}; all sources {everywhere[at]}"
            for at, prompts in own.items()
        ],
    )


def _binned(source: LengthFinding, step: int) -> dict[int, int]:
    """First length of each bar that is not empty -> prompts."""
    found: dict[int, int] = {}
    for tokens, prompts in source.histogram:
        first = tokens - tokens % step
        found[first] = found.get(first, 0) + prompts
    return found


def _describe(plot: Plot, axis: Axes, source: LengthFinding, limit: int) -> None:
    """Under a panel's name its numbers, and its mean as a line."""
    numbers = f"{source.prompts:,} prompt{'s' * (source.prompts != 1)}, longest {source.maximum:,}"
    above: dict[str, Any] = {"transform": axis.transAxes, "fontsize": SMALL, "color": MUTED}
    axis.text(0, 1.03, numbers, va="bottom", **above)
    mean = Series(source.group, "mean", _TOKENS, NAME, [source.mean], [None])
    plot.rule(axis, mean, color=INK, linewidth=0.9, linestyle=DOTTED)
    inside = source.mean <= limit
    axis.text(
        min(source.mean, limit),
        0.985,
        f" mean {source.mean:.2f} " if inside else f"mean {source.mean:,.2f} →",
        transform=axis.get_xaxis_transform(),
        ha="left" if source.mean < 0.7 * limit else "right",
        va="top",
        fontsize=SMALL,
    )


def context(encoder: EncoderFinding, longest: int) -> Plot:
    """Padding (left) and token loss (right) against context length."""
    combined = encoder.lengths[0]
    choice = encoder.recommended_context
    limit = max(longest, choice.length + 4)
    if encoder.context and encoder.context <= 2 * limit:
        limit = max(limit, encoder.context)
    at = _places(limit, choice.length)
    names = named(encoder)
    plot = Plot(2.5 + 0.17 * (-(-(len(names) + 1) // 4)))
    left, right = plot.figure.subplots(1, 2, width_ratios=(1, 1))
    _padding(plot, left, combined, at)
    _cut(plot, right, encoder, at, names)
    recommended = Series("", "recommended", _LENGTH, NAME, [choice.length], [None])
    plot.rule(left, recommended, color=ACCENT, linewidth=0.9)
    right.axvline(choice.length, color=ACCENT, linewidth=0.9)
    for axis in (left, right):
        axis.set_xlim(1, limit)
        axis.set_xlabel("Context length L")
        whole(axis.xaxis, 8)
    # Padding rises with L: the label stands below the curves, or above where they are low.
    low = combined.measure.padding(choice.length) > 0.3
    before = choice.length > 0.75 * limit
    left.text(
        choice.length,
        0.02 if low else 0.98,
        f" L = {choice.length} ",
        transform=left.get_xaxis_transform(),
        color=ACCENT,
        ha="right" if before else "left",
        va="bottom" if low else "top",
    )
    return plot


def named(encoder: EncoderFinding) -> list[str]:
    """The sources whose curves have a colour of their own: the first ones, and the deciding one."""
    names = [source.group for source in encoder.lengths[1:]]
    worst = encoder.recommended_context.worst
    if worst in names[MAX_CURVES:]:
        return [*names[: MAX_CURVES - 1], worst]
    return names[:MAX_CURVES]


def _places(limit: int, chosen: int) -> list[int]:
    """Context lengths from 1 to `limit` at which curves are drawn, the chosen one among them."""
    even = np.linspace(1, limit, min(limit, _POINTS)).round().astype(int)
    return sorted({*even.tolist(), chosen})


def _padding(plot: Plot, axis: Axes, combined: LengthFinding, at: list[int]) -> None:
    measures = combined.measure
    panel = "Compute spent on padding"
    ends: list[tuple[float, str]] = []
    for name, said, measure, dash in (
        (
            "quadratic part (attention)",
            "attention\n(quadratic)",
            measures.quadratic_padding,
            DASHED,
        ),
        ("linear part (MLP, projections)", "MLP\n(linear)", measures.padding, "-"),
    ):
        y = [measure(length) for length in at]
        series = Series(panel, name, _LENGTH, shared("padding"), at, y)
        plot.line(axis, series, color=INK, linestyle=dash)
        ends.append((y[-1], said))
    # Each curve is named at its end; the names keep clear of each other.
    (upper, first), (lower, second) = ends
    lower = max(min(lower, upper - 0.18), 0.06)
    upper = max(upper, lower + 0.18)
    for height, said in ((upper, first), (lower, second)):
        axis.annotate(
            said,
            (1, height),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
        )
    axis.set_title(panel)
    axis.set_ylim(0, 1)
    in_percent(axis.yaxis)


def _cut(plot: Plot, axis: Axes, encoder: EncoderFinding, at: list[int], names: list[str]) -> None:
    combined, *sources = encoder.lengths
    choice = encoder.recommended_context
    palette = looks([source.group for source in sources])
    panel = "Tokens cut"
    marked = need_marks([palette[name] for name in names])
    handles: dict[str, Any] = {}
    for source in [*reversed(sources), combined]:  # all prompts last, on top
        measure = source.measure
        series = Series(
            panel,
            source.group,
            _LENGTH,
            shared("tokens cut"),
            at,
            [measure.token_loss(length) for length in at],
        )
        if source is combined:
            look: dict[str, Any] = {"color": INK, "linewidth": 2.0}
        elif source.group in names:
            own = palette[source.group]
            look = {"color": own.colour, "linestyle": own.dash, "linewidth": 1.2}
            if marked:
                place = names.index(source.group)
                look |= {"marker": own.mark, "markevery": (place / 100, 0.13)}
        else:
            look = {"color": FAINT, "linewidth": 0.9, "zorder": 1.5}
        if source is combined and len(sources) == 1:
            continue  # the same curve
        handles[source.group] = plot.line(axis, series, floor=_FLOOR / 10, **look)
    if choice.bound > 0:
        bound = Series(panel, "bound", NAME, shared("tokens cut"), [None], [choice.bound])
        plot.rule(axis, bound, color=ACCENT, linewidth=0.9, linestyle=DOTTED)
        axis.annotate(
            f"bound\n{percent(choice.bound)}",
            (1, choice.bound),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color=ACCENT,
        )
    axis.set_title(panel)
    logarithmic(axis.yaxis, _FLOOR, 1)
    in_percent(axis.yaxis)
    shown = [COMBINED, *names] if len(sources) > 1 else names
    if len(sources) > 1:
        plot.legend([handles[name] for name in shown], shown)
