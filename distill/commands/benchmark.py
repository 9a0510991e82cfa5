"""`distill benchmark`."""

from __future__ import annotations

from pathlib import Path

import click

from anatomy.errors import InputError
from anatomy.files import shown
from anatomy.parameters import Names
from distill.folder import METRICS, alone, run_folder
from distill.parameters import Positive, device_option


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--models",
    type=Names(),
    help="teacher, student, and of Table 8: sam3, eva02-clip-bige, bert-base, mobileclip-s0@16, "
    "...; several with commas.  [default: all]",
)
@click.option(
    "--batch", "batches", type=Names(), default="1,64", show_default=True, help="Prompts of a call."
)
@click.option(
    "--seconds", type=Positive(), help="Of timing, about; three turns at least.  [default: 40]"
)
@device_option("all")
@click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default="auto",
    show_default=True,
    help="In which all compute; auto: bfloat16 on a GPU.",
)
def benchmark(
    run: Path,
    models: list[str] | None,
    batches: list[str],
    seconds: float | None,
    device: str,
    dtype: str,
) -> None:
    """Measure what the student of RUN costs, beside its teacher and the encoders of Table 8.

    RUN is a run's folder, or its name in runs/. Parameters, bytes, operations, and prompts a second
    in one process, in turns. Encoders whose weights are not here have random ones: what they cost
    depends on their shape alone.
    """
    from anatomy.console import progress
    from distill.benchmark import benchmark as run_benchmark
    from distill.benchmark.benchmark import SECONDS
    from distill.console_benchmark import print_benchmark
    from distill.metrics import update

    folder = run_folder(run)
    with alone(folder), progress() as steps:
        found = run_benchmark(
            folder,
            models=models,
            batches=_numbers(batches),
            seconds=seconds or SECONDS,
            device=device,
            dtype=dtype,
            steps=steps,
        )
        update(folder, steps=steps, benchmark=found)
    print_benchmark(found)
    click.echo(f"Written: {shown(folder / METRICS)}, and the report beside it")


def _numbers(given: list[str]) -> list[int]:
    found = []
    for text in given:
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65_536):
            raise InputError(f"--batch {shown(text)}: give whole numbers from 1 to 65,536")
        found.append(int(text))
    return sorted(set(found))
