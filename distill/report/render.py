"""All files of a run's report, from the run's folder alone."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from anatomy.files import shown
from anatomy.progress import Steps, quiet
from anatomy.report.figures import draw
from anatomy.report.files import refusing, rendered
from anatomy.report.formats import FORMATS, Format, Paper
from anatomy.report.write import FIGURES, PAGE, PRINT, Family, Written, alone, write
from distill.metrics import FILE_NAME, MARK
from distill.report.document import document, drawings
from distill.report.view import RunView, read

RUN = Family(readable=(PAGE, PRINT), document=FILE_NAME, mark=MARK, others=FIGURES, option="")


def render(
    view: RunView,
    *,
    formats: Collection[Format] = FORMATS,
    paper: Paper = "a4",
    steps: Steps = quiet,
) -> dict[str, bytes]:
    """Every file of a report, by its path in the run's folder, in the order of writing.

    The same files of a run, formats and paper give the same bytes; a format left out has no file.
    """
    steps("Drawing figures")
    metrics = view.metrics
    drawn = draw(drawings(view), MARK, metrics.digest, metrics.run.stand_ins)
    steps("Rendering the report")
    made = rendered(document(view), drawn, RUN, formats=formats, paper=paper)
    # The metrics are on the disk before; here the page and the PDF say that the figures are there.
    files = {name: made[name] for name in sorted(made, key=lambda name: name in RUN.readable)}
    files[FILE_NAME] = metrics.to_json()
    return files


def write_report(
    folder: Path,
    *,
    formats: Collection[Format] = FORMATS,
    paper: Paper = "a4",
    steps: Steps = quiet,
) -> Written:
    """Render a run's report from its folder into its folder; for who holds it.

    Raises
    ------
    InputError
        If the folder is none of a run that has ended, its files do not fit together, or it cannot
        be written.
    """
    view = read(folder)
    again = "run `distill run` again, or, if nobody changed its files"
    with alone(folder, RUN):
        with refusing(f"{shown(folder)}: its report", again):
            files = render(view, formats=formats, paper=paper, steps=steps)
        return write(files, folder, RUN)


def is_current(folder: Path, digest: str) -> bool:
    """Whether the report in a folder is there, whole, and of the metrics of this digest."""
    found = RUN.digests(folder)
    there = all(folder / name in found for name in RUN.readable)
    return there and set(found.values()) == {digest.encode()}
