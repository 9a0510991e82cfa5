"""Which tokens occur, and how unevenly."""

from __future__ import annotations

from matplotlib.axes import Axes

from anatomy.corpus.model import COMBINED
from anatomy.findings import EncoderFinding, VocabularyFinding
from anatomy.report.plots.axes import in_percent, in_thousands, logarithmic, of_names, whole
from anatomy.report.plots.lengths import MAX_PANELS
from anatomy.report.plots.palette import looks
from anatomy.report.plots.plot import Plot
from anatomy.report.plots.series import NAME, Series, counted, shared
from anatomy.report.sentences import percent
from anatomy.report.style import FAINT, INK, SMALL, brief

_MOST_TOKENS = 40


def vocabulary(encoder: EncoderFinding) -> Plot:
    """Coverage by source, share by rank, and growth with the number of prompts."""
    combined, *sources = encoder.vocabulary
    groups = [combined, *sources[:MAX_PANELS]] if len(sources) > 1 else sources
    tall = len(groups) > 8
    plot = Plot(max(4.0, 0.6 + 0.2 * len(groups)) if tall else max(2.2, 0.7 + 0.22 * len(groups)))
    if tall:
        grid = plot.figure.add_gridspec(2, 2, width_ratios=(1.25, 1))
        bars = plot.figure.add_subplot(grid[:, 0])
        zipf, growth = (plot.figure.add_subplot(grid[row, 1]) for row in (0, 1))
    else:
        bars, zipf, growth = plot.figure.subplots(1, 3, width_ratios=(1.2, 1, 1))
    _coverage(plot, bars, encoder, groups)

    panel = "Share by rank"
    rank, share = counted("rank"), shared("share of all tokens")
    curve = Series(panel, COMBINED, rank, share, encoder.zipf.x, encoder.zipf.y)
    plot.line(zipf, curve, color=INK)
    zipf.set_title(f"(b) {panel}")
    zipf.set_xlabel("Rank of the token")

    panel = "Growth"
    drawn, distinct = counted("prompts drawn"), counted("distinct tokens")
    curve = Series(panel, COMBINED, drawn, distinct, encoder.growth.x, encoder.growth.y)
    plot.line(growth, curve, color=INK)
    growth.set_title("(c) Distinct tokens met")
    growth.set_xlabel("Prompts drawn")
    for direction, values in (
        (zipf.xaxis, encoder.zipf.x),
        (zipf.yaxis, encoder.zipf.y),
        (growth.xaxis, encoder.growth.x),
        (growth.yaxis, encoder.growth.y),
    ):
        logarithmic(direction, 0.8 * min(values), 1.3 * max(values))
        in_thousands(direction)
    in_percent(zipf.yaxis)
    return plot


def _coverage(
    plot: Plot, axis: Axes, encoder: EncoderFinding, groups: list[VocabularyFinding]
) -> None:
    palette = looks([group.group for group in encoder.vocabulary[1:]])
    panel = "Distinct tokens"
    widest = max(group.distinct for group in groups)
    for row, group in enumerate(groups):
        series = Series(
            panel,
            group.group,
            NAME,
            counted("distinct tokens"),
            [None],
            [group.distinct],
            labels=[""],
            notes=[percent(group.coverage)],
        )
        colour = INK if group.group == COMBINED else palette[group.group].colour
        plot.level_bars(axis, series, [row], colour)
        axis.text(group.distinct, row, f" {percent(group.coverage)}", va="center", fontsize=SMALL)
    axis.set_yticks(range(len(groups)), [brief(group.group, 18) for group in groups])
    axis.set_ylim(max(len(groups), 3) - 0.5, -0.5)
    axis.set_xlim(0, 1.32 * widest)
    of_names(axis.yaxis)
    axis.set_title(f"(a) {panel}")
    whole(axis.xaxis, 4)
    in_thousands(axis.xaxis)
    axis.set_xlabel(f"of {encoder.vocabulary_size:,}")


def tokens(encoder: EncoderFinding, colour: str) -> Plot:
    """The most frequent tokens besides the specials, in two columns."""
    found = [t for t in encoder.top_tokens if t.id not in encoder.special_ids][:_MOST_TOKENS]
    half = -(-len(found) // 2) if len(found) > 12 else len(found)
    halves = [part for part in (found[:half], found[half:]) if part]
    plot = Plot(0.55 + 0.148 * max(half, 3), max(1, len(halves)))
    axes = plot.figure.subplots(1, max(1, len(halves)), sharex=True, squeeze=False)[0]
    shares = [token.share for token in found] or [1.0]
    for first, axis, part in zip((1, half + 1), axes, halves, strict=False):
        ranks = range(first, first + len(part))
        series = Series(
            "",
            "",
            counted("rank"),
            shared("share of all tokens"),
            ranks,
            [token.share for token in part],
            labels=[token.text for token in part],
            notes=[f"rank {rank}: {t.count:,}" for rank, t in zip(ranks, part, strict=True)],
        )
        rows = range(len(part))
        axis.hlines(rows, 0.8 * min(shares), series.values, color=FAINT, linewidth=0.9)
        plot.dots(axis, series, rows, color=colour, marker="o", markersize=4.5)
        for row, token in zip(rows, part, strict=True):
            axis.annotate(
                percent(token.share),
                (token.share, row),
                xytext=(5, 0),
                textcoords="offset points",
                va="center_baseline",
                fontsize=SMALL,
            )
        axis.set_yticks(rows, [brief(token.text.removesuffix(" "), 20) for token in part])
        axis.set_ylim(half - 0.4, -0.6)
        of_names(axis.yaxis)
        axis.tick_params(axis="y", labelsize=SMALL)
        axis.set_xlabel("Share of all tokens")
        logarithmic(
            axis.xaxis, 0.8 * min(shares), 1.2 * max(shares) * (max(shares) / min(shares)) ** 0.12
        )
        in_percent(axis.xaxis)
    return plot
