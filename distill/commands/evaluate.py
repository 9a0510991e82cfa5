"""`distill evaluate`."""

from __future__ import annotations

from pathlib import Path

import click

from anatomy.files import shown
from distill.folder import METRICS, alone, run_folder
from distill.parameters import device_option


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@device_option("teacher and student")
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Of the shuffles, the pairs drawn, the intervals and the noise.",
)
def evaluate(run: Path, device: str, seed: int) -> None:
    """Measure the student of RUN on held-out prompts.

    RUN is a run's folder, or its name in runs/. Student against teacher, source by source; what
    word order and the vocabulary do; what an attention makes of the student's errors. Writes
    metrics.json and the report in RUN anew.
    """
    from anatomy.console import progress
    from distill.console_evaluation import print_evaluation
    from distill.evaluation.again import evaluate_run
    from distill.metrics import update

    folder = run_folder(run)
    with alone(folder), progress() as steps:
        evaluation, robustness = evaluate_run(folder, device=device, seed=seed, steps=steps)
        measured = {"evaluation": evaluation, "robustness": robustness}
        update(folder, steps=steps, **{name: part for name, part in measured.items() if part})
    print_evaluation(evaluation)
    click.echo(f"Written: {shown(folder / METRICS)}, and the report beside it")
