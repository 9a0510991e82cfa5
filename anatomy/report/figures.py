"""The figures of a report: which there are, what their captions say, and their bytes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG

from anatomy.findings import (
    MARK,
    CloudFinding,
    EncoderFinding,
    Findings,
    InsideFinding,
    OutputsFinding,
)
from anatomy.report.names import slug
from anatomy.report.plots import across, lengths, outputs, vocabulary, weights
from anatomy.report.plots.csv import to_csv
from anatomy.report.plots.hover import hover
from anatomy.report.plots.palette import encoder_looks
from anatomy.report.plots.plot import Plot
from anatomy.report.sentences import percent
from anatomy.report.style import drawable, style


@dataclass(frozen=True)
class Drawing:
    """A figure to draw: file stem, caption, text alternative."""

    name: str
    caption: str
    alternative: str
    draw: Callable[[], Plot]


@dataclass(frozen=True)
class Rendered:
    """A figure drawn, and the numbers it shows.

    Attributes
    ----------
    name, caption, alternative : str
    svg, png, csv : bytes
        CSV: see `anatomy.report.plots.csv`.
    columns : int
        As how many columns of a page it is wide: 1 or 2.
    hover : dict
        See `anatomy.report.plots.hover`.
    """

    name: str
    caption: str
    alternative: str
    svg: bytes
    png: bytes
    csv: bytes
    columns: int
    hover: dict[str, Any]


def render(findings: Findings) -> list[Rendered]:
    """All figures of a report, in the order in which it shows them."""
    return draw(drawings(findings), MARK, findings.digest, findings.corpus.stand_ins)


def draw(
    drawings: Iterable[Drawing], mark: str, digest: str, stand_ins: Sequence[str]
) -> list[Rendered]:
    """Draw figures that carry a document's mark and digest, and say which sources are stand-ins."""
    with style(), warnings.catch_warnings():
        # A very long name leaves the axes little room; the figure is still drawn.
        warnings.filterwarnings("ignore", "constrained_layout not applied")
        return [_rendered(drawing, mark, digest, stand_ins) for drawing in drawings]


def drawings(findings: Findings) -> Iterator[Drawing]:
    """What there is to draw, in the order in which a report shows it."""
    names = [encoder.name for encoder in findings.encoders]
    names += [file.name for file in findings.outputs]
    colours = {name: look.colour for name, look in encoder_looks(names).items()}
    if len(findings.encoders) > 1:
        yield _side_by_side(findings)
    for encoder in findings.encoders:
        yield from _of_encoder(findings, encoder, colours[encoder.name])
    for encoder in findings.encoders:
        if encoder.inside:
            tag, colour = slug(encoder.name), colours[encoder.name]
            yield from _of_weights(tag, encoder.inside, colour)
            yield from _of_outputs(tag, findings, encoder.inside.outputs, colour)
    for file in findings.outputs:
        yield from _of_outputs(slug(file.name), findings, file.outputs, colours[file.name])
    if len(findings.sources) > 1:
        yield _overlap(findings)


def _side_by_side(findings: Findings) -> Drawing:
    limit = max(encoder.lengths[0].p99 for encoder in findings.encoders)
    limit = min(max(limit + 8, *findings.settings.contexts), 128)
    named = [(e.name, e.inside.outputs.main) for e in findings.encoders if e.inside]
    clouds: list[tuple[str, CloudFinding]] = [(name, cloud) for name, cloud in named if cloud]
    caption = (
        "The same prompts in each encoder: (a) how many tokens a prompt takes, (b) the share of "
        "all tokens that a context of L cuts"
    )
    if clouds:
        caption += ", (c) how wide its pooled outputs are and how few dimensions they fill"
    return Drawing(
        name="encoders",
        caption=f"{caption}. A curve further left means shorter sequences.",
        alternative="Curves of prompt length and of tokens cut, encoder by encoder.",
        draw=partial(across.encoders, findings, clouds, limit),
    )


def _of_encoder(findings: Findings, encoder: EncoderFinding, colour: str) -> Iterator[Drawing]:
    tag, combined, choice = slug(encoder.name), encoder.lengths[0], encoder.recommended_context
    count = len(encoder.lengths) - 1
    behind = " The grey shape behind each source is the union of all sources." if count > 1 else ""
    more = count > lengths.MAX_PANELS
    yield Drawing(
        name=f"lengths-{tag}",
        caption=(
            f"Half of all prompts have at most {combined.median:,} tokens, 99 in 100 at most "
            f"{combined.p99:,}, start and end token included; the mean is {combined.mean:.2f}."
            + behind
            + (f" The first {lengths.MAX_PANELS} of {count} sources." if more else "")
        ),
        alternative=f"Histograms of prompt length for {count} source{'s' * (count != 1)}.",
        draw=partial(lengths.lengths, encoder),
    )
    others = count - len(lengths.named(encoder))
    yield Drawing(
        name=f"context-{tag}",
        caption=(
            "What a context of L tokens costs: left, the share of compute spent on padding; "
            "right, the share of tokens cut. From the red line, L = "
            f"{choice.length}, on, no source loses more than {percent(choice.bound)} of its "
            f"tokens; {percent(combined.measure.padding(choice.length))} of the positions are "
            "still padding there." + (f" {others} further sources are grey." if others else "")
        ),
        alternative=f"Padding and token loss by context length; recommended {choice.length}.",
        draw=partial(lengths.context, encoder, max(findings.settings.contexts)),
    )
    words = encoder.vocabulary[0]
    yield Drawing(
        name=f"vocabulary-{tag}",
        caption=(
            f"The prompts use {percent(words.coverage)} of the vocabulary: (a) distinct tokens by "
            "source, (b) share of each token by rank, (c) distinct tokens expected among so many "
            "prompts drawn at random; where the curve still rises, more prompts would need more "
            "of the vocabulary."
            + (f" The first {lengths.MAX_PANELS} of {count} sources." if more else "")
        ),
        alternative="Bars of vocabulary coverage, a rank-frequency curve and a growth curve.",
        draw=partial(vocabulary.vocabulary, encoder),
    )
    yield Drawing(
        name=f"tokens-{tag}",
        caption=(
            f"The most frequent tokens of {encoder.name} besides the specials, as shares of all "
            "tokens, on a logarithmic scale."
        ),
        alternative="The most frequent tokens, a dot for the share of each.",
        draw=partial(vocabulary.tokens, encoder, colour),
    )


def _of_weights(tag: str, found: InsideFinding, colour: str) -> Iterator[Drawing]:
    """The token table, and the position table where there is one."""
    embedding, positions = found.embedding, found.positions
    yield Drawing(
        name=f"spectrum-{tag}",
        caption=(
            f"Spectrum of the token embedding, centred: all {embedding.rows:,} tokens and the "
            f"{embedding.used:,} that the prompts use. Dots mark 90, 95 and 99 % of the "
            "variance; the closer a curve in (b) runs to the dashed line, the less a table of "
            "lower rank can save."
        ),
        alternative="Singular values of the token table, and the variance that k of them keep.",
        draw=partial(weights.spectrum, embedding, colour),
    )
    if positions:
        blocks = f" Each cell is the mean of {positions.block} x {positions.block} positions."
        yield Drawing(
            name=f"positions-{tag}",
            caption=(
                f"The position embedding: (a) cosine similarity of its {positions.rows} "
                "positions, bright where two are alike; white lines part the first "
                f"{positions.split} from the rest; (b) the share of prompts with a token at each "
                "position: beyond the last, positions are trained for nothing; (c) its spectrum; "
                "(d) the mean similarity within both groups."
                + (blocks if positions.block > 1 else "")
            ),
            alternative="Heat map of the similarity of positions, above the prompts' reach.",
            draw=partial(weights.positions, positions, colour),
        )


def _of_outputs(
    tag: str, findings: Findings, found: OutputsFinding, colour: str
) -> Iterator[Drawing]:
    """Dimensions of the outputs, where any cloud could be measured."""
    if found.main is None:
        return
    sources = [source.name for source in findings.sources]
    more = len(sources) > lengths.MAX_CURVES
    yield Drawing(
        name=f"dimension-{tag}",
        caption=(
            "From the width of the outputs to their intrinsic dimension: three numbers, never "
            "one. Round marks count linear dimensions, diamonds estimate how many the outputs "
            "really vary in; bars through them are 95 % intervals."
        ),
        alternative="Ambient, linear and intrinsic dimension of the outputs.",
        draw=partial(outputs.dimension, found, colour),
    )
    yield Drawing(
        name=f"scale-{tag}",
        caption=(
            "The estimate depends on the scale at which it looks: with fewer points (left; "
            "bands span the disjoint samples of each size) or farther neighbours (right; "
            "bands are 95 % intervals) it moves. Where a curve is level the estimate does "
            "not hang on the scale; the bias of an estimator is not seen here."
            + (" Only all prompts have a band." if len(sources) > outputs.MAX_BANDS else "")
            + (f" The first {lengths.MAX_CURVES} sources." if more else "")
        ),
        alternative="Curves of the estimated dimension by sample size and neighbour order.",
        draw=partial(outputs.scale, found, sources),
    )


def _overlap(findings: Findings) -> Drawing:
    count = len(findings.sources)
    more = f" The first {across.MAX_MATRIX} of {count} sources."
    return Drawing(
        name="overlap",
        caption=(
            "Distinct prompts that two sources share, as raw strings, and their share of "
            "the row's prompts: the bluer a cell, the more of the row's source stands in the "
            "column's. On the diagonal, all of a source's prompts."
            + (more if count > across.MAX_MATRIX else "")
        ),
        alternative="Matrix of prompts shared between sources.",
        draw=partial(across.overlap, findings),
    )


def _rendered(drawing: Drawing, mark: str, digest: str, stand_ins: Sequence[str]) -> Rendered:
    plot, caption, notice = drawing.draw(), drawing.caption, ""
    if stand_ins:
        names = drawable(", ".join(stand_ins))
        notice = f"Contains stand-in prompts made by anatomy: {names}"
        plot.notice(notice)
        caption += " Contains stand-ins."
    plot.lay_out()
    svg, png = io.BytesIO(), io.BytesIO()
    # Not savefig: it draws everything a second time, to lay out what is laid out already. The
    # PNG first: an SVG's canvas leaves its own resolution behind.
    FigureCanvasAgg(plot.figure).print_png(  # type: ignore[no-untyped-call]
        png, metadata={mark: digest}
    )
    FigureCanvasSVG(plot.figure).print_svg(  # type: ignore[no-untyped-call]
        svg, metadata={"Date": None, "Title": drawing.name}
    )
    series, grids = [shown.series for shown in plot.shown], [grid for grid, _ in plot.grids]
    return Rendered(
        name=drawing.name,
        caption=caption,
        alternative=drawing.alternative,
        svg=svg.getvalue().replace(b"<svg ", f"<!-- {mark} {digest} -->\n<svg ".encode(), 1),
        png=png.getvalue(),
        csv=to_csv(series, grids, digest, notice, mark=mark),
        columns=plot.columns,
        hover=hover(plot),
    )
