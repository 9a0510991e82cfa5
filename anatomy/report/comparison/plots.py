"""What the figures of a comparison draw. Everything shown is in compare.json."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from anatomy.comparison import Comparison, Measure, Role
from anatomy.measures.context import LengthHistogram
from anatomy.report.comparison.sentences import name_of
from anatomy.report.comparison.words import group, relative
from anatomy.report.plots.axes import in_percent, logarithmic, of_names, whole
from anatomy.report.plots.palette import Look, looks, need_marks
from anatomy.report.plots.plot import Plot
from anatomy.report.plots.series import NAME, Grid, Quantity, Series, counted, dimensional, shared
from anatomy.report.style import ACCENT, DASHED, DOTTED, INK, MUTED, SMALL, TEXT, WHITE, brief

_FOREST = 3  # audits beside the baseline that a row of dots can hold
_ROWS = 16  # numbers in one figure
_ESTIMATES = 44  # rows of audits in one figure of dimensions
_NAMES = 48  # letters of a number's name
_LABELS = 24  # letters of an audit's
_SURE = ("exact", "beyond", "same")
_FLOOR = 1e-5
_LESS, _MORE = to_rgb("#1d6fb0"), to_rgb("#b3541e")
_TIMES = Quantity("times the baseline", lambda ratio: f"×{ratio:.3g}")
# How far an axis of ratios reaches, in doublings, and its ticks.
_TICKS: tuple[tuple[float, tuple[float, ...]], ...] = (
    (0.03, (0.98, 0.99, 1.0, 1.01, 1.02)),
    (0.15, (0.9, 0.95, 1.0, 1.05, 1.1)),
    (0.4, (0.8, 0.9, 1.0, 1.1, 1.2, 1.3)),
    (0.9, (0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4, 1.6, 1.8)),
    (2.2, (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)),
)
_MOST = 12  # doublings


def is_forest(comparison: Comparison) -> bool:
    """Whether the audits are few enough for dots with intervals."""
    return len(comparison.audits) - 1 <= _FOREST


def most_groups(comparison: Comparison) -> int:
    """Groups of prompts whose estimates still fit into a figure."""
    return max(1, _ESTIMATES // (len(comparison.audits) + 1))


def _looks(comparison: Comparison) -> list[Look]:
    """The baseline in ink, the others as sources look: colour, line and mark."""
    return [Look(INK, "-", "o"), *looks(comparison.labels[1:]).values()]


# --- what moved -------------------------------------------------------------------------------


def moves(comparison: Comparison, measures: Sequence[Measure]) -> Plot:
    """Headline numbers as multiples of the baseline's."""
    draw = _forest if is_forest(comparison) else _cells
    return draw(comparison, measures[:_ROWS])


def _forest(comparison: Comparison, measures: Sequence[Measure]) -> Plot:
    """A row for each number, a dot for each audit: filled where it is sure that it moved."""
    others = range(1, len(comparison.audits))
    palette = _looks(comparison)
    names = [name_of(comparison, measure) for measure in measures]
    plot = Plot(0.55 + (0.14 + 0.11 * len(others)) * len(measures))
    axis = plot.figure.subplots()
    ends = [1.02]
    for at in others:
        look = palette[at]
        shift = 0.6 * ((at - 0.5) / len(others) - 0.5)
        for filled in (True, False):
            rows = [
                (row, ratio)
                for row, measure in enumerate(measures)
                if (ratio := _ratio(measure, at)) and (ratio.verdict in _SURE) == filled
            ]
            series = Series(
                panel="",
                name=comparison.labels[at],
                x=NAME,
                y=_TIMES,
                at=[None] * len(rows),
                values=[ratio.value for _, ratio in rows],
                low=[ratio.low for _, ratio in rows],
                high=[ratio.high for _, ratio in rows],
                labels=[names[row] for row, _ in rows],
                notes=[ratio.note for _, ratio in rows],
            )
            face = {} if filled else {"markerfacecolor": WHITE}
            places = [row + shift for row, _ in rows]
            plot.dots(
                axis, series, places, color=look.colour, marker=look.mark, markersize=4.5, **face
            )
            ends += [end for _, r in rows for end in (r.value, r.low, r.high) if end]
            for (_, ratio), place in zip(rows, places, strict=True) if len(others) == 1 else ():
                beside = axis.get_yaxis_transform()
                axis.text(1.01, place, ratio.said, transform=beside, va="center", fontsize=SMALL)
    axis.axvline(1, color=INK, linewidth=0.9)
    axis.set_yticks(range(len(names)), [brief(name, _NAMES) for name in names])
    axis.set_ylim(len(names) - 0.5, -0.5)
    of_names(axis.yaxis)
    _ratios(axis.xaxis, min(1.12 * max(abs(math.log2(end)) for end in ends), _MOST))
    axis.set_xlabel(f"Times {brief(comparison.labels[0], _LABELS)}'s")
    if len(others) > 1:
        handles = [
            Line2D([], [], linestyle="", marker=palette[at].mark, color=palette[at].colour)
            for at in others
        ]
        plot.legend(handles, comparison.labels[1:])
    return plot


@dataclass(frozen=True)
class _Ratio:
    """A number as a multiple of the baseline's, and what is said of it."""

    value: float
    low: float | None
    high: float | None
    verdict: str
    said: str

    @property
    def note(self) -> str:
        return f"{self.said}, {self.verdict}"


def _ratio(measure: Measure, at: int) -> _Ratio | None:
    """None where there is no ratio, or one that no logarithmic axis has."""
    base, change = measure.values[0], measure.changes[at]
    if base is None or change is None or change.relative is None or change.relative <= -1:
        return None

    def times(difference: float | None) -> float | None:
        least = 2.0**-_MOST
        return None if difference is None else max(1 + difference / base.value, least)

    said = relative(change) or "no change"
    low, high = times(change.low), times(change.high)
    return _Ratio(1 + change.relative, low, high, change.verdict, said)


def _ratios(axis: Axis, reach: float) -> None:
    """A logarithmic axis around 1, with ticks that people read: x0.5, x0.75, x1, x1.5, x2."""
    step = math.ceil(reach / 4)
    doublings = tuple(2.0**n for n in range(-4 * step, 4 * step + 1, step))
    ticks = next((ticks for most, ticks in _TICKS if reach <= most), doublings)
    axis.axes.set_xscale("log")
    axis.axes.set_xlim(2**-reach, 2**reach)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda ratio, _: f"×{ratio:.4g}"))


def _cells(comparison: Comparison, measures: Sequence[Measure]) -> Plot:
    """A row for each number, a column for each audit: blue where less, brown where more."""
    others = range(1, len(comparison.audits))
    names = [name_of(comparison, measure) for measure in measures]
    found = [[_ratio(measure, at) for at in others] for measure in measures]
    logs = np.array(
        [[math.log2(ratio.value) if ratio else math.nan for ratio in row] for row in found]
    )
    top = max(0.05, min(float(np.nanmax(np.abs(logs))), 3.0))
    plot = Plot(0.5 + 0.22 * len(measures))
    axis = plot.figure.subplots()
    # From nothing to all of a colour, on whatever paper lies behind.
    shades = LinearSegmentedColormap.from_list(
        "",
        [(0.0, (*_LESS, 0.75)), (0.5, (*_LESS, 0.0)), (0.5, (*_MORE, 0.0)), (1.0, (*_MORE, 0.75))],
    )
    axis.pcolormesh(logs, cmap=shades, vmin=-top, vmax=top, edgecolors=WHITE, linewidth=1)
    times = [[ratio.value if ratio else None for ratio in row] for row in found]
    plot.grid(axis, Grid("", names, comparison.labels[1:], NAME, (), ((_TIMES, times),)))
    for row, column in np.ndindex(logs.shape):
        ratio = found[row][column]
        if ratio:
            text = ratio.said.replace("no change", "same")
            sure = ratio.verdict in _SURE
            axis.text(
                *(column + 0.5, row + 0.5, text if sure else f"({text})"),
                ha="center",
                va="center",
                fontsize=SMALL if len(others) <= 8 else 5.4,
            )
    axis.set_yticks(np.arange(len(names)) + 0.5, [brief(name, _NAMES) for name in names])
    letters = int((plot.width - 2.4) / len(others) / (0.6 * TEXT / 72))
    labels = [brief(label, _LABELS) for label in comparison.labels[1:]]
    flat = max(map(len, labels)) <= letters
    turn: dict[str, Any] = {} if flat else {"rotation": 35, "ha": "left", "rotation_mode": "anchor"}
    axis.set_xticks(np.arange(len(labels)) + 0.5, labels, **turn)
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    axis.set_ylim(len(names), 0)
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    return plot


# --- context window ---------------------------------------------------------------------------


def context(comparison: Comparison, role: Role) -> Plot:
    """Prompt lengths and token loss, a curve for each audit."""
    palette = _looks(comparison)
    found = [
        (at, standing.tokens, LengthHistogram.from_pairs(standing.tokens.histogram))
        for at, standing in enumerate(role.standings)
        if standing and standing.tokens
    ]
    limit = max(12, min(max(measure.percentile(99) for *_, measure in found) + 4, 128))
    limit = max(limit, min(max(tokens.recommended for _, tokens, _ in found) + 4, 512))
    marked = need_marks([palette[at] for at, *_ in found if at])
    plot = Plot(2.4 + 0.17 * -(-len(found) // 4))
    left, right = plot.figure.subplots(1, 2)
    logarithmic(right.yaxis, _FLOOR, 1)
    handles: dict[int, Any] = {}
    for at, tokens, measure in reversed(found):  # the baseline last, on top
        own = palette[at]
        line: dict[str, Any] = {"color": own.colour, "linestyle": own.dash}
        line["linewidth"] = 1.9 if at == 0 else 1.2
        if marked and at:
            line |= {"marker": own.mark, "markevery": (at / 100, 0.13)}
        lengths, losses = _curves(comparison.labels[at], measure, limit)
        plot.line(left, lengths, **line)
        handles[at] = plot.line(right, losses, floor=_FLOOR / 10, **line)
        choice = Series(
            panel="Tokens cut",
            name=comparison.labels[at],
            x=counted("recommended context"),
            y=shared("tokens cut"),
            at=[tokens.recommended],
            values=[measure.token_loss(tokens.recommended)],
        )
        plot.line(right, choice, color=own.colour, marker="o", markersize=5, linestyle="")
    for bound in {tokens.bound for _, tokens, _ in found} - {0.0}:
        right.axhline(bound, color=ACCENT, linewidth=0.9, linestyle=DOTTED)
    left.set_title("(a) Tokens per prompt")
    left.set_ylim(bottom=0)
    left.yaxis.set_major_locator(MaxNLocator(4))
    left.set_xlabel("Tokens")
    right.set_title("(b) Tokens cut")
    right.set_xlabel("Context length L")
    for axis in (left, right):
        in_percent(axis.yaxis)
        axis.set_xlim(1, limit)
        whole(axis.xaxis)
    plot.legend([handles[at] for at, *_ in found], [comparison.labels[at] for at, *_ in found])
    return plot


def _curves(label: str, measure: LengthHistogram, limit: int) -> tuple[Series, Series]:
    at = range(1, limit + 1)
    counts = measure.counts[1 : limit + 1].tolist()
    counts += [0] * (limit - len(counts))
    return (
        Series(
            panel="Tokens per prompt",
            name=label,
            x=counted("tokens"),
            y=shared("share of prompts"),
            at=at,
            values=[count / measure.prompts for count in counts],
        ),
        Series(
            panel="Tokens cut",
            name=label,
            x=counted("context length L"),
            y=shared("tokens cut"),
            at=at,
            values=[measure.token_loss(length) for length in at],
        ),
    )


# --- dimension --------------------------------------------------------------------------------


def dimension(comparison: Comparison, pairs: Sequence[tuple[Measure, Measure]]) -> Plot:
    """Estimates with intervals: a row for each audit, a panel for each estimator and group."""
    palette = _looks(comparison)
    labels = [brief(label, _LABELS) for label in comparison.labels]
    plot = Plot(0.3 + (0.36 + 0.15 * len(labels)) * len(pairs))
    axes = plot.figure.subplots(len(pairs), 2, squeeze=False, sharex="col")
    for row, measures in zip(axes, pairs, strict=True):
        for axis, measure in zip(row, measures, strict=True):
            title = measure.name
            title += f", {group(measure.group)}" if len(pairs) > 1 else ""
            for at, value in enumerate(measure.values):
                if value is None:
                    continue
                series = Series(
                    panel=title,
                    name=comparison.labels[at],
                    x=NAME,
                    y=dimensional("dimension"),
                    at=[None],
                    values=[value.value],
                    low=[value.low],
                    high=[value.high],
                    labels=[comparison.labels[at]],
                )
                look = palette[at]
                plot.dots(axis, series, [at], color=look.colour, marker=look.mark, markersize=4.5)
                if at == 0:
                    axis.axvline(value.value, color=MUTED, linewidth=0.8, linestyle=DASHED)
            axis.set_title(brief(title, 42))
            axis.set_yticks(range(len(labels)), labels if axis is row[0] else [""] * len(labels))
            axis.set_ylim(len(labels) - 0.4, -0.6)
            of_names(axis.yaxis)
            axis.margins(x=0.08)
    for axis in axes[-1]:
        axis.set_xlabel("Intrinsic dimension")
    return plot
