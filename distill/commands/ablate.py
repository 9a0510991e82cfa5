"""`distill ablate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from anatomy.errors import InputError
from anatomy.files import shown
from anatomy.parameters import Names
from distill.folder import METRICS, alone, run_folder
from distill.parameters import Positive, device_option

if TYPE_CHECKING:
    from distill.metrics.ablation import Grid

_GRIDS = "seed,context,loss,consistency,vocabulary,width"


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--grid",
    "grids",
    type=Names(),
    default=_GRIDS,
    show_default=True,
    help="What is changed, one at a time; several with commas.",
)
@click.option("--minutes", type=Positive(), help="Time for everything.  [default: 12]")
@click.option(
    "--steps", "steps_each", type=click.IntRange(1), help="Of each training, instead of --minutes."
)
@device_option("teacher and students")
def ablate(
    run: Path, grids: list[str], minutes: float | None, steps_each: int | None, device: str
) -> None:
    """Train RUN's recipe with one field changed at a time, and compare.

    RUN is a run's folder, or its name in runs/. All students learn from the same prompts for as
    many steps; those that are done are kept in RUN, and a stopped ablation goes on.
    """
    from distill.ablation import ablate as run_ablation
    from distill.console import training
    from distill.console_ablation import print_ablation, print_schedule
    from distill.metrics import update

    if minutes is not None and steps_each is not None:
        raise InputError("--steps: says how long each training is; leave --minutes out")
    folder = run_folder(run)
    with alone(folder), training() as (steps, watch):
        found = run_ablation(
            folder,
            grids=_known(grids),
            minutes=minutes,
            steps_each=steps_each,
            device=device,
            told=print_schedule,
            steps=steps,
            watch=watch,
        )
        update(folder, steps=steps, ablation=found)
    print_ablation(found)
    click.echo(f"Written: {shown(folder / METRICS)}, and the report beside it")


def _known(names: list[str]) -> list[Grid]:
    from distill.metrics.ablation import GRIDS

    for name in names:
        if name not in GRIDS:
            raise InputError(f"--grid {shown(name)}: is none; there are {', '.join(GRIDS)}")
    return [grid for grid in GRIDS if grid in names]
