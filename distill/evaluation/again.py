"""Evaluating a run that has ended, from its folder alone."""

from __future__ import annotations

from pathlib import Path

from anatomy.files import sha256_of
from anatomy.inside.options import found_device
from anatomy.progress import Steps, quiet
from distill.data import gather
from distill.evaluation.evaluate import evaluate
from distill.exports.trained import read_run
from distill.folder import STUDENT, TARGETS
from distill.metrics import load
from distill.metrics.evaluation import Evaluation
from distill.metrics.robustness import Robustness
from distill.plan import revisit
from distill.student_files import WEIGHTS
from distill.teacher import Teacher, on_device


def evaluate_run(
    folder: Path, *, device: str = "auto", seed: int = 0, steps: Steps = quiet
) -> tuple[Evaluation, Robustness | None]:
    """Measure the student of a run; nothing is written but the teacher's outputs, if they are gone.

    Parameters
    ----------
    folder : Path
        Of the run.
    device : {"auto", "cpu", "cuda"}
    seed : int
    steps : Steps

    Raises
    ------
    InputError
        If the folder is no run's that has ended, or its teacher or its prompts' files are not those
        that it was trained with.
    """
    place = found_device(device)
    load(folder)  # refused before anything that takes time
    found = read_run(folder)
    planned = revisit(found.recipe, steps)
    teacher = on_device(
        Teacher(planned.encoder, planned.model), place, found.recipe.teacher.precision
    )
    data = gather(
        found.recipe, planned.prompts, found.tokenizer, teacher, folder / TARGETS, steps=steps
    )
    return evaluate(
        found.recipe,
        found.student.to(place),
        found.tokenizer,
        teacher,
        planned.prompts,
        data,
        student_sha256=sha256_of(folder / STUDENT / WEIGHTS),
        seed=seed,
        steps=steps,
    )
