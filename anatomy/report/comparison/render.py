"""All files of a comparison, from compare.json alone."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from anatomy.comparison import FILE_NAME, Comparison
from anatomy.progress import Steps, quiet
from anatomy.report.comparison import figures
from anatomy.report.comparison.document import document
from anatomy.report.files import rendered
from anatomy.report.formats import FORMATS, Format, Paper
from anatomy.report.write import COMPARISON, alone, write


def render(
    comparison: Comparison,
    *,
    formats: Collection[Format] = FORMATS,
    paper: Paper = "a4",
    steps: Steps = quiet,
) -> dict[str, bytes]:
    """Every file of a comparison, by its path in the folder, in the order of writing.

    The same comparison, formats and paper give the same bytes; a format left out has no file.
    """
    steps("Drawing figures")
    drawn = figures.render(comparison)
    steps("Rendering the comparison")
    files = rendered(document(comparison), drawn, COMPARISON, formats=formats, paper=paper)
    files[FILE_NAME] = comparison.to_json()  # last: it says that the others are there
    return files


def write_comparison(
    comparison: Comparison,
    out: Path | str,
    *,
    formats: Collection[Format] = FORMATS,
    paper: Paper = "a4",
    steps: Steps = quiet,
) -> Path:
    """Write a comparison into a folder, as `anatomy compare` does.

    Parameters
    ----------
    comparison : Comparison
    out : path
        The folder; made where there is none. A comparison that is there is replaced, a report not.
    formats : collection of {"html", "pdf"}
    paper : {"a4", "letter"}
        Of the PDF.
    steps : Steps
        Told about each step as it begins.

    Returns
    -------
    Path
        Of the page, or of the PDF where there is no page.

    Raises
    ------
    InputError
        If the folder cannot be written, or another run is writing there.
    """
    out = Path(out)
    with alone(out, COMPARISON):
        files = render(comparison, formats=formats, paper=paper, steps=steps)
        return write(files, out, COMPARISON).page
