"""The ablation, top to bottom: cells -> how many steps each -> short trainings -> comparison."""

from __future__ import annotations

import copy
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from anatomy.errors import InputError
from anatomy.files import sha256_of, shown, whole, write_whole
from anatomy.inside.options import found_device
from anatomy.progress import Steps, quiet
from distill.ablation.grid import Cell, cells, short
from distill.ablation.measure import Ruler
from distill.ablation.schedule import Schedule, remember, remembered, steps_within
from distill.calibrate import step_seconds
from distill.data import gather, join
from distill.folder import STUDENT, TARGETS, alone
from distill.metrics import load
from distill.metrics.ablation import GRIDS, AblatedStudent, Ablation, AblationRow, Grid
from distill.metrics.conditions import conditions
from distill.plan import Planned, changed, revisit
from distill.recipe import FILE_NAME, Recipe
from distill.run import new_student
from distill.steps import Stepper, accelerator_for
from distill.student_files import WEIGHTS
from distill.teacher import Teacher, on_device
from distill.train import Progress, train

if TYPE_CHECKING:
    from accelerate import Accelerator

    from distill.targets import Targets

FOLDER = "ablation"
MINUTES = 12.0
_PROBE_SECONDS = 5.0


def ablate(
    folder: Path,
    *,
    grids: Sequence[Grid] = GRIDS,
    minutes: float | None = None,
    steps_each: int | None = None,
    device: str = "auto",
    told: Callable[[Schedule], None] | None = None,
    steps: Steps = quiet,
    watch: Callable[[Progress], None] | None = None,
) -> Ablation:
    """Train a run's recipe with one field changed at a time.

    Every student is trained for as many steps, from the same seed, on the same prompts and outputs
    of the teacher; all else is as in the recipe. A student that is done stays in the run's folder,
    so that an ablation that was stopped goes on.

    Parameters
    ----------
    folder : Path
        Of a run that has ended.
    grids : sequence of Grid
    minutes : float, optional
        For everything, about; 12 if `steps_each` is not given either.
    steps_each : int, optional
        Steps of each student, instead.
    device : {"auto", "cpu", "cuda"}
    told : callable(Schedule), optional
        What is going to be trained, before it is.
    steps : Steps
    watch : callable(Progress), optional
        How far the training of the current student is.

    Raises
    ------
    InputError
        If the folder is no run's that has ended, its teacher or prompts are not those that it was
        trained with, the time does not suffice, or another process is at work there.
    """
    clock = time.perf_counter()
    place = found_device(device)
    run = load(folder).run
    recipe = Recipe.load(folder / FILE_NAME)
    own = folder / FOLDER
    with alone(folder):
        own.mkdir(exist_ok=True)
        planned = revisit(recipe, steps)
        teacher = on_device(
            Teacher(planned.encoder, planned.model), place, recipe.teacher.precision
        )
        accelerator = accelerator_for(place)
        data = gather(
            recipe, planned.prompts, planned.tokenizer, teacher, folder / TARGETS, steps=steps
        )
        steps("Timing a few steps")
        begun = time.perf_counter()
        student = new_student(planned).to(place)
        ruler = Ruler.of(planned, teacher, student, data)
        measuring = time.perf_counter() - begun
        asked: dict[str, object] = {
            "recipe": recipe.digest,
            "grids": sorted(set(grids)),
            "minutes": minutes,
            "steps": steps_each,
        }
        number = len({cell.key for cell in cells(short(recipe, 1), grids)})
        length = steps_each or remembered(own, asked)
        estimate: float | None = None
        if length is None:
            seconds = 60 * (minutes or MINUTES) - (time.perf_counter() - clock)
            stepper = Stepper(
                recipe, copy.deepcopy(student), data.training, data.targets, accelerator
            )
            stepper.prepare()
            takes = step_seconds(stepper, _PROBE_SECONDS)
            accelerator.free_memory()
            length = min(run.training.steps, steps_within(seconds, number, takes, 2 * measuring))
            estimate = number * (length * takes + 2 * measuring)
        remember(own, asked, length)
        every = cells(short(recipe, length), grids)
        waiting = {cell.key: cell for cell in every if _read(own, cell.key) is None}
        _tidy(own, waiting)
        if told:
            told(Schedule(length, number, len(every), number - len(waiting), estimate))
        for at, cell in enumerate(waiting.values(), number - len(waiting) + 1):
            steps(f"Student {at} of {number}: {cell.grid} {cell.value}")
            _train(own, cell, planned, teacher, data.targets, ruler, accelerator, watch)
        found = _compared(own, every, ruler)
        schedule = recipe.schedule
        return Ablation(
            steps=length,
            step_prompts=schedule.batch * schedule.accumulation,
            run_steps=run.training.steps,
            shuffled_prompts=len(ruler.rows),
            teacher_shuffled=ruler.teacher_shuffled,
            students=found,
            rows=[
                AblationRow(grid=cell.grid, value=cell.value, key=cell.key, own=cell.own)
                for cell in every
            ],
            conditions=conditions(
                sha256_of(folder / STUDENT / WEIGHTS),
                "cuda" if place == "cuda" else "cpu",
                prompts=int(planned.prompts.held_out.sum()),
                seed=recipe.seed,
                seconds=sum(student.seconds for student in found),
            ),
        )


def _train(
    own: Path,
    cell: Cell,
    planned: Planned,
    teacher: Teacher,
    targets: Targets,
    ruler: Ruler,
    accelerator: Accelerator,
    watch: Callable[[Progress], None] | None,
) -> None:
    """Train and measure one student; what came of it is then in the folder."""
    planned = changed(planned, cell.recipe)
    recipe = planned.recipe
    data = join(recipe, planned.prompts, planned.tokenizer, teacher, targets)
    student = new_student(planned)
    place = own / cell.key
    place.mkdir(exist_ok=True)
    trained = train(
        recipe,
        student,
        data.training,
        targets,
        place,
        key=recipe.digest,
        accelerator=accelerator,
        watch=watch,
    )
    student.eval()
    found, cosines = ruler.measure(cell, planned, student, data, trained.seconds)
    with whole(own / f"{cell.key}.npy") as temporary, temporary.open("wb") as stream:
        np.save(stream, cosines)
    write_whole(own / f"{cell.key}.json", found.model_dump_json(indent=1).encode())
    shutil.rmtree(place)
    accelerator.free_memory()


def _read(own: Path, key: str) -> tuple[AblatedStudent, np.ndarray] | None:
    """A student that is done; None if there is none, or its files are damaged."""
    try:
        student = AblatedStudent.model_validate_json((own / f"{key}.json").read_bytes())
        cosines = np.load(own / f"{key}.npy", allow_pickle=False)
    except (OSError, ValueError, EOFError, ValidationError):
        return None
    whole_ = student.key == key and cosines.ndim == 1 and np.isfinite(cosines).all()
    return (student, cosines) if whole_ else None


def _tidy(own: Path, waiting: dict[str, Cell]) -> None:
    """Leave no half-trained student of an ablation that was asked for otherwise."""
    for path in own.iterdir():
        if path.is_dir() and not path.is_symlink() and path.name not in waiting:
            shutil.rmtree(path)


def _compared(own: Path, every: Sequence[Cell], ruler: Ruler) -> list[AblatedStudent]:
    """All students, each against the run's own recipe, prompt by prompt."""
    found: dict[str, tuple[AblatedStudent, np.ndarray]] = {}
    for cell in every:
        there = _read(own, cell.key)
        if there is None:
            raise InputError(f"{shown(own)}: a student's file was changed meanwhile; run again")
        found[cell.key] = there
    (base,) = {cell.key for cell in every if cell.own}
    students = []
    for key, (student, cosines) in found.items():
        against = None if key == base else ruler.span(cosines - found[base][1])
        students.append(student.model_copy(update={"against": against}))
    return students
