"""What each figure draws. Everything shown is in the findings."""

from __future__ import annotations

import math

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from anatomy.corpus.model import COMBINED
from anatomy.findings import EncoderFinding, Findings, LengthFinding
from anatomy.measures.context import LengthHistogram
from anatomy.report.sentences import percent
from anatomy.report.style import ACCENT, FAINT, INK, MUTED, blank, colours, in_percent, printable

# Above these a figure would be unreadable and the page too large; the tables have everything.
MAX_PANELS = 24
MAX_ANNOTATED = 16


def _shares(length: LengthFinding, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Every length from 0 to `limit`, and the share of prompts that have it."""
    shares = np.zeros(limit + 1)
    for tokens, prompts in length.histogram:
        if tokens <= limit:
            shares[tokens] = prompts / length.prompts
    return np.arange(len(shares)), shares


def lengths(encoder: EncoderFinding) -> Figure:
    """Histogram of each source's prompt lengths, before that of the union."""
    combined, *sources = encoder.lengths
    palette = colours([source.group for source in sources])
    sources = sources[:MAX_PANELS]
    columns = 2 if len(sources) == 4 else min(3, len(sources))
    rows = -(-len(sources) // columns)
    figure = blank(0.5 + 1.5 * rows)
    axes = np.ravel(figure.subplots(rows, columns, sharex=True, squeeze=False))
    limit = max(12, min(max(s.p99 for s in sources) + 4, 80))
    behind = _shares(combined, limit)
    for axis, source in zip(axes, sources, strict=False):
        axis.fill_between(*behind, step="mid", color=FAINT, linewidth=0)
        x, share = _shares(source, limit)
        axis.bar(x, share, width=0.82, color=palette[source.group], linewidth=0)
        axis.axvline(source.mean, color=INK, linewidth=0.9, linestyle=(0, (3, 2)))
        axis.set_title(printable(source.group))
        axis.text(
            0.98,
            0.92,
            f"{source.prompts:,} prompt{'s' * (source.prompts != 1)}\n"
            f"mean {source.mean:.2f}\n"
            f"longest {source.maximum:,}",
            transform=axis.transAxes,
            ha="right",
            va="top",
            fontsize=7.5,
            color=INK,
        )
        axis.set_xlim(0, limit)
        top = 1.3 * max(share.max(), behind[1].max())  # leaves room for the text
        axis.grid(visible=False, axis="x")
        axis.set_yticks([tick for tick in MaxNLocator(4).tick_values(0, top) if tick <= 1])
        axis.set_ylim(0, top or 1)
        in_percent(axis.yaxis)
    for axis in axes[len(sources) :]:
        axis.set_visible(False)
    for axis in axes[max(0, len(sources) - columns) : len(sources)]:  # nothing stands below these
        axis.set_xlabel("Tokens per prompt")
        axis.tick_params(labelbottom=True)
    figure.supylabel("Share of prompts", fontsize=9)
    return figure


def context(encoder: EncoderFinding, longest: int) -> Figure:
    """Padding (left) and token loss (right) against context length."""
    combined, *sources = encoder.lengths
    choice = encoder.recommended_context
    limit = max(min(max(encoder.context or 32, longest), 128), min(choice.length + 4, 512))
    at = range(1, limit + 1)
    palette = colours([source.group for source in sources])
    figure = blank(2.9 if len(sources) <= 3 else 2.9 + 0.2 * -(-(len(sources) + 1) // 5))
    left, right = figure.subplots(1, 2)

    whole = combined.measure
    linear = [whole.padding(length) for length in at]
    quadratic = [whole.quadratic_padding(length) for length in at]
    left.plot(at, linear, color=INK, label="linear part (MLP, projections)")
    left.plot(at, quadratic, color=INK, linestyle=(0, (4, 2)), label="quadratic part (attention)")
    left.set_title("Compute spent on padding")
    left.set_ylim(0, 1)
    in_percent(left.yaxis)
    left.legend(loc="lower right")

    floor = 1e-5

    def loss(measure: LengthHistogram) -> list[float]:
        shares = map(measure.token_loss, at)
        return [share if share >= floor else math.nan for share in shares]

    for source in sources:
        right.plot(
            at,
            loss(source.measure),
            color=palette[source.group],
            linewidth=1.3,
            label=printable(source.group),
        )
    right.plot(at, loss(whole), color=INK, linewidth=2, label=COMBINED)
    if choice.bound > 0:
        right.axhline(choice.bound, color=ACCENT, linewidth=0.9, linestyle=(0, (3, 2)))
    right.set_title("Tokens cut")
    right.set_yscale("log")
    right.set_ylim(floor, 1)
    in_percent(right.yaxis)
    if len(sources) <= 3:
        right.legend(loc="upper right", handlelength=1.4)
    else:  # too many to stand beside the curves
        figure.legend(*right.get_legend_handles_labels(), loc="outside upper center", ncols=5)
    for axis in (left, right):
        axis.axvline(choice.length, color=ACCENT, linewidth=0.9)
        axis.set_xlim(1, limit)
        axis.set_xlabel("Context length L")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.text(choice.length, 0.98, f" L = {choice.length}", color=ACCENT, fontsize=8, va="top")
    return figure


def vocabulary(encoder: EncoderFinding) -> Figure:
    """Coverage by source, share by rank, and growth with the number of prompts."""
    combined, *sources = encoder.vocabulary
    palette = {COMBINED: INK, **colours([source.group for source in sources])}
    groups = [combined, *sources]
    figure = blank(max(2.6, 0.7 + 0.26 * len(groups)))
    bars, zipf, growth = figure.subplots(1, 3)

    names = [printable(group.group) for group in groups]
    bars.barh(
        names, [g.distinct for g in groups], color=[palette[g.group] for g in groups], height=0.7
    )
    for at, group in enumerate(groups):
        bars.text(group.distinct, at, f" {percent(group.coverage)}", va="center", fontsize=7.5)
    bars.invert_yaxis()
    bars.set_xlim(0, 1.28 * combined.distinct)
    bars.grid(visible=False, axis="y")
    bars.set_title("(a) Distinct tokens")
    bars.xaxis.set_major_locator(MaxNLocator(3))
    bars.set_xlabel(f"of {encoder.vocabulary_size:,}")

    zipf.plot(encoder.zipf.x, encoder.zipf.y, color=INK)
    zipf.set_xscale("log")
    zipf.set_yscale("log")
    in_percent(zipf.yaxis)
    zipf.set_title("(b) Share by rank")
    zipf.set_xlabel("Rank of the token")

    growth.plot(encoder.growth.x, encoder.growth.y, color=INK)
    growth.set_xscale("log")
    growth.set_yscale("log")
    growth.set_title("(c) Distinct tokens")
    growth.set_xlabel("Prompts drawn")
    for axis in (bars.xaxis, zipf.xaxis, growth.xaxis, growth.yaxis):
        axis.set_major_formatter(FuncFormatter(_short))
    for axis in (zipf.xaxis, zipf.yaxis, growth.xaxis, growth.yaxis):
        axis.set_minor_formatter(NullFormatter())
    return figure


def _short(value: float, _: object) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def tokens(encoder: EncoderFinding) -> Figure:
    """The most frequent tokens besides the specials."""
    shown = [t for t in encoder.top_tokens if t.id not in encoder.special_ids][:40]
    figure = blank(2.7)
    axis = figure.subplots()
    labels = [printable(token.text.removesuffix(" ")) for token in shown]
    axis.bar(range(len(shown)), [token.share for token in shown], color="#486581", width=0.8)
    axis.set_xticks(range(len(shown)), labels, rotation=60, ha="right", rotation_mode="anchor")
    axis.tick_params(axis="x", labelsize=7.5, length=0)
    axis.set_xlim(-0.7, max(len(shown), 1) - 0.3)
    axis.grid(visible=False, axis="x")
    axis.set_ylabel("Share of all tokens")
    in_percent(axis.yaxis)
    return figure


def overlap(findings: Findings) -> Figure:
    """Prompts that two sources share, coloured by the share of the row's prompts."""
    names = [printable(source.name) for source in findings.sources]
    shared = np.array(findings.corpus.shared)
    share = shared / np.maximum(shared.diagonal()[:, None], 1)
    labels = np.vectorize(lambda n, part: f"{n:,}\n{percent(part)}")(shared, share)
    np.fill_diagonal(share, np.nan)
    figure = blank(max(2.0, 0.7 + 0.42 * len(names)))
    axis = figure.subplots()
    sns.heatmap(
        share,
        ax=axis,
        annot=labels if len(names) <= MAX_ANNOTATED else None,
        fmt="",
        cmap=sns.light_palette("#0072B2", as_cmap=True),
        vmin=0,
        vmax=max(0.01, float(np.nanmax(share))),
        linewidths=1,
        linecolor="white",
        annot_kws={"fontsize": 7.5},
        rasterized=len(names) > MAX_ANNOTATED,
        cbar=False,
        xticklabels=names,
        yticklabels=names,
    )
    # seaborn leaves the diagonal out, where there is no share: its counts are written here
    for at, own in enumerate(shared.diagonal() if len(names) <= MAX_ANNOTATED else ()):
        axis.text(at + 0.5, at + 0.5, f"{own:,}", ha="center", va="center", color=MUTED, fontsize=8)
    axis.tick_params(length=0)
    axis.set_yticklabels(axis.get_yticklabels(), rotation=0)
    axis.set_xticklabels(axis.get_xticklabels(), rotation=25, ha="right")
    axis.grid(visible=False)
    return figure
