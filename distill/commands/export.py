"""`distill export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from anatomy.files import shown
from anatomy.parameters import Names
from distill.folder import run_folder

if TYPE_CHECKING:
    from distill.exports import Exported


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "formats",
    type=Names(),
    default="transformers,onnx",
    show_default=True,
    help="transformers, sam3-litetext, efficientsam3, onnx; several with commas.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder that the formats' folders go into.  [default: exports, in the run's folder]",
)
@click.option(
    "--sam3",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="A snapshot of facebook/sam3, for sam3-litetext.",
)
def export(run: Path, formats: list[str], out: Path | None, sam3: Path | None) -> None:
    """Export the student of RUN for other libraries.

    RUN is a run's folder, or its name in runs/. Each export is loaded back and compared with the
    run's own student before it gets its name.
    """
    from anatomy.console import progress
    from distill.exports import export as run_export

    with progress() as steps:
        done = run_export(run_folder(run), formats, out, sam3, steps)
    for exported in done:
        show(exported)


def show(exported: Exported) -> None:
    """Print where an export is and how far it is from the student."""
    record = exported.record
    size = sum(record.files.values()) / 1e6
    click.echo(f"{record.format}: {shown(exported.folder)} ({size:,.1f} MB)")
    for found in record.comparisons:
        click.echo(
            f"  {found.what}: {found.measure} {found.value:.3g} (tolerance {found.tolerance:.3g})"
        )
    for effect in record.measured.get("padding_effects", []):
        click.echo(
            f"  if padded otherwise ({effect['padding']}): differs by up to "
            f"{effect['largest_absolute_difference']:.3g}, mean cosine {effect['mean_cosine']:.4f}"
        )
    if "int8_file_to_estimate" in record.measured:
        sizes = record.measured["bytes"]
        listed = ", ".join(f"{name} {number / 1e6:,.2f} MB" for name, number in sizes.items())
        ratio = record.measured["int8_file_to_estimate"]
        click.echo(f"  {listed}; int8 weighs {ratio:.2f} times what was estimated")
