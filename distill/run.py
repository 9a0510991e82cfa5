"""A run, top to bottom: plan -> targets -> student -> training -> what it came to."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from anatomy.engines import Engine
from anatomy.inside.options import found_device
from anatomy.progress import Steps, quiet
from distill.account import run_metrics
from distill.budget import begin, limited, stepped
from distill.data import Data, gather
from distill.evaluation.evaluate import evaluate
from distill.folder import STUDENT, TARGETS, TOKENIZER, alone
from distill.metrics import Evaluation, Metrics, renewed, save
from distill.outputs import closeness, student_outputs
from distill.plan import Planned
from distill.prompts import load_prompts
from distill.recipe import Recipe
from distill.report.render import write_report
from distill.steps import accelerator_for
from distill.teacher import Teacher, on_device
from distill.train import Progress, Trained, train

if TYPE_CHECKING:
    from distill.students import Student

_CHECKED = 1000  # held-out prompts that are looked at during training


@dataclass(frozen=True)
class Run:
    """What a run came to.

    Attributes
    ----------
    folder : Path
    planned : Planned
        With the recipe as it was run: `--minutes` has become numbers.
    teacher : Teacher
    data : Data
    student : Student
        Trained, in evaluation mode.
    trained : Trained
    metrics : Metrics or None
        What was measured; None but in the first process.
    """

    folder: Path
    planned: Planned
    teacher: Teacher
    data: Data
    student: Student
    trained: Trained
    metrics: Metrics | None

    @property
    def evaluation(self) -> Evaluation | None:
        """On the held-out prompts."""
        return self.metrics.evaluation if self.metrics else None

    @property
    def recipe(self) -> Recipe:
        """As it was run."""
        return self.planned.recipe


def run(
    planned: Planned,
    out: Path,
    *,
    device: str = "auto",
    resume: bool = True,
    engine: Engine | None = None,
    steps: Steps = quiet,
    watch: Callable[[Progress], None] | None = None,
) -> Run:
    """Train a student as its recipe says, or go on where a run of it was stopped.

    Parameters
    ----------
    planned : Planned
    out : Path
        The run's folder goes into it, by the recipe's name.
    device : {"auto", "cpu", "cuda"}
    resume : bool
        Continue what is in the folder; False: begin again.
    engine : Engine, optional
        Where the teacher's outputs are made, on `device`: here, or on a cluster. All else is
        done here, and timed here for a recipe with minutes.
    steps : Steps
    watch : callable(Progress), optional
        Told how far the training is.

    Raises
    ------
    InputError
        If another process is at this folder, it holds a run of another recipe, the time does not
        suffice, or training diverges.
    """
    clock = time.perf_counter()
    place = found_device(device)
    folder = out / planned.recipe.name
    accelerator = accelerator_for(place)
    main = accelerator.is_main_process
    with alone(folder, ", or give another --name or --out") if main else nullcontext():
        recipe = begin(planned.recipe, folder, accelerator, resume=resume)
        started = clock - (recipe.calibration.spent_seconds if recipe.calibration else 0)
        teacher = on_device(
            Teacher(planned.encoder, planned.model), place, recipe.teacher.precision
        )
        recipe = limited(recipe, planned.prompts, teacher, folder, accelerator, started)
        if recipe.prompts.limit != planned.recipe.prompts.limit:
            planned = replace(planned, prompts=load_prompts(recipe, planned.encoder.tokenizer))
        data = gather(
            recipe,
            planned.prompts,
            planned.tokenizer,
            teacher,
            folder / TARGETS,
            accelerator=accelerator,
            engine=engine,
            steps=steps,
        )
        student = new_student(planned)
        recipe = stepped(recipe, student, data, folder, accelerator, started, steps)
        planned = replace(planned, recipe=recipe)
        watched = data.sample(_CHECKED)
        trained = train(
            recipe,
            student,
            data.training,
            data.targets,
            folder,
            key=recipe.digest,
            accelerator=accelerator,
            check=lambda student: closeness(
                student_outputs(student, watched.table, recipe.teacher.pooling),
                watched,
                data.targets,
            ).summary(),
            watch=watch,
        )
        student.eval()
        metrics: Metrics | None = None
        if main:
            steps("Saving the student")
            student.save(folder / STUDENT)
            planned.tokenizer.save(folder / STUDENT / TOKENIZER)
            made = run_metrics(folder, planned, teacher, data, trained, accelerator)
            evaluation, robustness = evaluate(
                recipe,
                student,
                planned.tokenizer,
                teacher,
                planned.prompts,
                data,
                student_sha256=made.student_sha256,
                steps=steps,
            )
            metrics = renewed(folder, made, evaluation=evaluation, robustness=robustness)
            save(folder, metrics)
            write_report(folder, steps=steps)
        accelerator.wait_for_everyone()
    return Run(folder, planned, teacher, data, student, trained, metrics)


def is_first() -> bool:
    """Whether this is the only process of a run or, of several, the one that writes."""
    return os.environ.get("RANK", "0") == "0"


def new_student(planned: Planned) -> Student:
    """The recipe's student with what it starts from."""
    from distill.initialisation import initialise
    from distill.students import build

    recipe, tokenizer = planned.recipe, planned.tokenizer
    student = build(
        recipe.student,
        tokenizer.vocabulary_size,
        recipe.teacher.width,
        tokenizer.pad_id,
        recipe.seed,
        planned.model,
    )
    initialise(student, planned.model, tokenizer.kept, recipe.student.init)
    return student
