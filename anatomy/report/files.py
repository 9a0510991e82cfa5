"""A document and its figures as files: what a page, a PDF and a folder of figures are made of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from anatomy.errors import InputError
from anatomy.files import shown
from anatomy.report import html, pdf
from anatomy.report.blocks import Document
from anatomy.report.figures import Rendered
from anatomy.report.formats import FORMATS, Format, Paper
from anatomy.report.write import Family


@contextmanager
def refusing(what: str, again: str) -> Iterator[None]:
    """Say in one line what cannot be rendered: a document may validate and yet not fit together.

    Parameters
    ----------
    what : str
        What it is: "PATH: its report".
    again : str
        What to do about it, unless it is a bug: "run it again, or, if nobody changed it".

    Raises
    ------
    InputError
        For anything that goes wrong inside but a want of memory or of the system.
    """
    try:
        yield
    except (InputError, MemoryError, OSError):
        raise
    except Exception as error:
        raise InputError(
            f"{what} cannot be rendered ({shown(repr(error))[:200]}); {again}, report this: "
            "--debug shows where"
        ) from error


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
