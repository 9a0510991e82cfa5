"""The figures of a report: which there are, what their captions say, and their bytes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from matplotlib.figure import Figure

from anatomy.findings import MARK, EncoderFinding, Findings, InsideFinding, OutputsFinding
from anatomy.report import inside_plots, plots
from anatomy.report.names import slug
from anatomy.report.style import ACCENT, printable, style


@dataclass(frozen=True)
class Drawing:
    """A figure to draw: file stem, caption, text alternative."""

    name: str
    caption: str
    alternative: str
    draw: Callable[[], Figure]


@dataclass(frozen=True)
class Rendered:
    """A figure drawn."""

    name: str
    caption: str
    alternative: str
    svg: bytes
    png: bytes
    columns: int = 2
    hover: dict[str, Any] = field(default_factory=lambda: {"series": [], "grids": []})


def render(findings: Findings) -> list[Rendered]:
    """All figures of a report, in the order in which it shows them."""
    drawings = [d for encoder in findings.encoders for d in _of_encoder(findings, encoder)]
    for encoder in findings.encoders:
        if encoder.inside:
            drawings += _of_weights(slug(encoder.name), encoder.inside)
            drawings += _of_outputs(slug(encoder.name), findings, encoder.inside.outputs)
    for file in findings.outputs:
        drawings += _of_outputs(slug(file.name), findings, file.outputs)
    if len(findings.sources) > 1:
        drawings.append(
            Drawing(
                name="overlap",
                caption=(
                    "Distinct prompts that two sources share, as raw strings, and their share of "
                    "the row's prompts; on the diagonal, all of a source's prompts."
                ),
                alternative="Matrix of prompts shared between sources.",
                draw=partial(plots.overlap, findings),
            )
        )
    digest = findings.digest
    with style(), warnings.catch_warnings():
        # A very long name leaves the axes little room; the figure is still drawn.
        warnings.filterwarnings("ignore", "constrained_layout not applied")
        return [_rendered(drawing, digest, findings.corpus.stand_ins) for drawing in drawings]


def _of_encoder(findings: Findings, encoder: EncoderFinding) -> list[Drawing]:
    tag, combined, choice = slug(encoder.name), encoder.lengths[0], encoder.recommended_context
    count = len(encoder.lengths) - 1
    more = count > plots.MAX_PANELS
    return [
        Drawing(
            name=f"lengths-{tag}",
            caption=(
                "Tokens per prompt, start and end token included. The grey shape behind each "
                f"source is the union of all sources (mean {combined.mean:.2f})."
                + (f" The first {plots.MAX_PANELS} of {count} sources." if more else "")
            ),
            alternative=f"Histograms of prompt length for {count} sources.",
            draw=partial(plots.lengths, encoder),
        ),
        Drawing(
            name=f"context-{tag}",
            caption=(
                "What a context of L tokens costs: left, the share of compute spent on padding; "
                f"right, the share of tokens cut. The bound of {100 * choice.bound:g} % is kept "
                f"in every source from L = {choice.length} on."
            ),
            alternative=f"Padding and token loss by context length; recommended {choice.length}.",
            draw=partial(plots.context, encoder, max(findings.settings.contexts)),
        ),
        Drawing(
            name=f"vocabulary-{tag}",
            caption=(
                "Use of the vocabulary: (a) distinct tokens by source, (b) share of each token by "
                "rank, (c) distinct tokens expected among n prompts drawn at random."
            ),
            alternative="Bars of vocabulary coverage, a rank-frequency curve and a growth curve.",
            draw=partial(plots.vocabulary, encoder),
        ),
        Drawing(
            name=f"tokens-{tag}",
            caption="The most frequent tokens besides the specials, as shares of all tokens.",
            alternative="Bars of the most frequent tokens.",
            draw=partial(plots.tokens, encoder),
        ),
    ]


def _of_weights(tag: str, inside: InsideFinding) -> list[Drawing]:
    """The token table, and the position table where there is one."""
    embedding, positions = inside.embedding, inside.positions
    drawings = [
        Drawing(
            name=f"spectrum-{tag}",
            caption=(
                f"Spectrum of the token embedding, centred: all {embedding.rows:,} tokens and the "
                f"{embedding.used:,} that the prompts use. The dots mark 90, 95 and 99 % of the "
                "variance; a table without any structure would follow the dashed line."
            ),
            alternative="Singular values of the token table, and the variance that k of them keep.",
            draw=partial(inside_plots.spectrum, embedding),
        )
    ]
    if positions:
        blocks = f" Each cell is the mean of {positions.block} x {positions.block} positions."
        drawings.append(
            Drawing(
                name=f"positions-{tag}",
                caption=(
                    f"The position embedding: (a) cosine similarity of its {positions.rows} "
                    "positions, (b) the share of prompts with a token at each, (c) mean "
                    "similarity within the first group and within the rest, (d) its spectrum."
                    + (blocks if positions.block > 1 else "")
                ),
                alternative="Heat map of the similarity of positions, above the prompts' reach.",
                draw=partial(inside_plots.positions, positions),
            )
        )
    return drawings


def _of_outputs(tag: str, findings: Findings, outputs: OutputsFinding) -> list[Drawing]:
    """Dimensions of the outputs, where any cloud could be measured."""
    if outputs.main is None:
        return []
    sources = [source.name for source in findings.sources]
    more = len(sources) > inside_plots.MAX_GROUPS
    return [
        Drawing(
            name=f"dimension-{tag}",
            caption=(
                "From the width of the outputs to their intrinsic dimension: three numbers, never "
                "one. Red lines are 95 % intervals."
            ),
            alternative="Bars of ambient, linear and intrinsic dimension of the outputs.",
            draw=partial(inside_plots.dimension, outputs),
        ),
        Drawing(
            name=f"scale-{tag}",
            caption=(
                "The estimate depends on the scale at which it looks: with fewer points (left; "
                "bands span the disjoint samples of each size) or farther neighbours (right; "
                "bands are 95 % intervals) it moves. Where it is level it does "
                "not hang on the scale; the bias of an estimator is not seen here."
                + (f" The first {inside_plots.MAX_GROUPS} sources." if more else "")
            ),
            alternative="Curves of the estimated dimension by sample size and neighbour order.",
            draw=partial(inside_plots.scale, outputs, sources),
        ),
    ]


def _rendered(drawing: Drawing, digest: str, stand_ins: list[str]) -> Rendered:
    figure, caption = drawing.draw(), drawing.caption
    if stand_ins:
        figure.supxlabel(  # below everything, and kept clear by the layout
            f"Contains stand-in prompts made by anatomy: {printable(', '.join(stand_ins))}",
            fontsize=7,
            color=ACCENT,
            x=0.99,
            ha="right",
        )
        caption += " Contains stand-ins."
    svg, png = io.BytesIO(), io.BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Title": drawing.name})
    figure.savefig(png, format="png", dpi=200, metadata={MARK: digest})
    marked = svg.getvalue().replace(b"<svg ", f"<!-- {MARK} {digest} -->\n<svg ".encode(), 1)
    return Rendered(drawing.name, caption, drawing.alternative, marked, png.getvalue())
