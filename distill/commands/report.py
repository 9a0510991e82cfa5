"""`distill report`."""

from __future__ import annotations

from pathlib import Path

import click

from anatomy.parameters import formats_option, paper_option
from anatomy.report.formats import Format, Paper
from distill.folder import alone, run_folder


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@formats_option
@paper_option
def report(run: Path, formats: list[Format], paper: Paper) -> None:
    """Render the report of RUN again from its files.

    RUN is a run's folder, or its name in runs/.
    """
    from anatomy.console import print_written, progress

    folder = run_folder(run)
    with alone(folder), progress() as steps:
        steps("Reading the run")
        from distill.report.render import write_report  # loads matplotlib

        written = write_report(folder, formats=formats, paper=paper, steps=steps)
    print_written(written)
