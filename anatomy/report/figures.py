"""The figures of a report: which there are, what their captions say, and their bytes."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from matplotlib.figure import Figure

from anatomy.findings import MARK, EncoderFinding, Findings
from anatomy.report import plots
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


def slug(name: str) -> str:
    """An encoder's name as a part of file names; two names never share one."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[-60:]
    if plain == name:
        return name
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:6]}".strip("-")


def render(findings: Findings) -> list[Rendered]:
    """All figures of a report, in the order in which it shows them."""
    drawings = [d for encoder in findings.encoders for d in _of_encoder(findings, encoder)]
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
