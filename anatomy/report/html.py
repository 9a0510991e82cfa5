"""The report as one HTML file: no network, no script, figures inside."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from anatomy.amounts import millions
from anatomy.findings import MARK, Findings
from anatomy.report.figures import Rendered, slug
from anatomy.report.sentences import percent, summary, window

_GROUPS = {
    "corpus": "Corpus",
    "context": "Context window",
    "vocabulary": "Vocabulary",
    "embeddings": "Embeddings",
    "architecture": "Architecture",
    "results": "Results",
    "efficiency": "Efficiency",
}


def render(findings: Findings, figures: Sequence[Rendered]) -> bytes:
    """The page's bytes; the same findings and figures give the same bytes."""
    environment = Environment(
        loader=PackageLoader("anatomy.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "count": lambda number: f"{number:,}",
        "percent": percent,
        "slug": slug,
        "token": _visible,
        "capitalize_first": lambda text: text[:1].upper() + text[1:],
        "dimension": lambda value: f"{value:,.1f}",
        "millions": millions,
        "optional": lambda value: "none" if value is None else f"{value:.3f}",
    }
    environment.filters.update(filters)
    order = list(_GROUPS)
    entries = sorted(findings.ledger, key=lambda entry: order.index(entry.group))
    page = environment.get_template("report.html.j2").render(
        findings=findings,
        mark=MARK,
        figures={figure.name: figure for figure in figures},
        inline=_inline,
        sentences=summary(findings),
        window=window(findings.encoders[0]) if findings.encoders else None,
        ledger=[(_GROUPS[g], list(part)) for g, part in groupby(entries, lambda e: e.group)],
    )
    return page.encode("utf-8")


def _inline(figure: Rendered) -> Markup:
    """An SVG to put into a page that holds others: its ids made its own, its prologue left out."""
    svg = figure.svg.decode("utf-8")
    svg = svg[svg.index("<svg ") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{figure.name}-', svg)
    svg = re.sub(r'(href="|url\()#', rf"\g<1>#{figure.name}-", svg)
    # Drawn by matplotlib from text it has turned into paths: nothing of a prompt is markup here.
    return Markup(svg)  # noqa: S704


def _visible(token: str) -> str:
    """A token's text with the space that closes a word made visible."""
    return token[:-1] + "\N{OPEN BOX}" if token.endswith(" ") else token
