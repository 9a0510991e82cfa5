"""`distill run`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from anatomy.parameters import engine_options
from distill.commands.planning import given, planned, planning
from distill.folder import RUNS
from distill.parameters import device_option


@click.command()
@planning
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=RUNS,
    show_default=True,
    help="Folder of the run's folder.",
)
@device_option("teacher and student")
@click.option(
    "--resume/--no-resume",
    default=True,
    show_default=True,
    help="Go on with what the run's folder holds, or begin again.",
)
@engine_options(
    "Who runs the teacher: this process, or a Ray cluster (extra `ray`), each worker on "
    "--device; its outputs are the same."
)
def run(
    out: Path,
    device: str,
    resume: bool,
    engine: Literal["local", "ray"],
    address: str | None,
    **options: Any,
) -> None:
    """Train a student, or go on with one.

    The teacher's outputs, a short calibration, training, evaluation on held-out prompts, report:
    10 minutes unless told. Stop it at any moment; the same command goes on.

    On several devices: torchrun --nproc-per-node N -m distill run ...
    """
    from anatomy import engines
    from anatomy.progress import quiet
    from distill.console import print_ended, print_run, training
    from distill.finished import finished
    from distill.run import is_first
    from distill.run import run as train

    with training() as (steps, watch):
        told = steps if is_first() else quiet  # the others say nothing
        recipe = given(**options)  # known at once; else it has to be planned first
        before = finished(recipe, out) if resume and recipe else None
        if before is None:
            asked = planned(told, **options)
            before = finished(asked.recipe, out) if resume else None
        if before is None:
            where = engines.engine(engine, address) if is_first() else None
            found = train(
                asked,
                out,
                device=device,
                resume=resume,
                engine=where,
                steps=told,
                watch=watch,
            )
        elif is_first():
            rendered = before.mend(told)
    if not is_first():
        return
    if before is None:
        print_run(found)
    else:
        print_ended(before, rendered=rendered)
