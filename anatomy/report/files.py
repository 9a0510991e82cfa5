"""A document and its figures as files: what a page, a PDF and a folder of figures are made of."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from anatomy.report import html, pdf
from anatomy.report.blocks import Document
from anatomy.report.figures import Rendered
from anatomy.report.formats import FORMATS, Format, Paper
from anatomy.report.write import Family


def rendered(
    document: Document,
    drawn: Sequence[Rendered],
    family: Family,
    *,
    formats: Collection[Format] = FORMATS,
    paper: Paper = "a4",
) -> dict[str, bytes]:
    """Every file that a reader opens, by its path in the folder; a format left out has none.

    The same document, figures, formats and paper give the same bytes. The document itself, which
    is written last, is not among them.
    """
    page, printed = family.readable
    files: dict[str, bytes] = {}
    if "html" in formats:
        files[page] = html.render(document, drawn)
    if "pdf" in formats:
        files[printed] = pdf.render(document, drawn, paper)
    for figure in drawn:
        files[f"figures/{figure.name}.svg"] = figure.svg
        files[f"figures/{figure.name}.png"] = figure.png
        files[f"figures/{figure.name}.csv"] = figure.csv
    return files
