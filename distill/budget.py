"""What a run decides when it begins, once, and writes into its recipe.

The folder's recipe.yaml is what was asked for, with what this machine made of it: the precision
of "auto" and, with `--minutes`, a limit on the prompts and a number of steps. A run that continues
takes these, on whatever machine.
"""

from __future__ import annotations

import copy
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anatomy.errors import InputError
from anatomy.files import remove_partial_files, shown, write_whole
from anatomy.progress import Steps, quiet
from anatomy.tokens.ragged import rows
from distill import calibrate
from distill.data import Data
from distill.prompts import Prompts
from distill.recipe import FILE_NAME, CalibrationRecipe, Recipe
from distill.steps import Stepper, precision_for
from distill.teacher import Teacher
from distill.train import CHECKPOINTS, METRICS

if TYPE_CHECKING:
    from accelerate import Accelerator

    from distill.students import Student

# What a run makes in its folder, beside the recipe and the teacher's outputs.
OUTCOMES = (
    CHECKPOINTS,
    METRICS,
    "student",
    "metrics.json",
    "report.html",
    "report.pdf",
    "figures",
    "exports",
    "ablation",
)


def begin(asked: Recipe, folder: Path, accelerator: Accelerator, *, resume: bool) -> Recipe:
    """The recipe of a run's folder, new or as it was begun.

    Raises
    ------
    InputError
        If the folder holds a run of another recipe, or what no run has made.
    """
    if accelerator.is_main_process:
        path = folder / FILE_NAME
        remove_partial_files(folder)
        found = Recipe.load(path) if resume and path.is_file() else None
        if found is not None and not continues(found, asked):
            if not _holds_nothing(found):
                raise InputError(
                    f"{shown(folder)}: holds a run of another recipe ({_change(found, asked)}); "
                    "give this one another --name, or --no-resume to replace that one"
                )
            found = None
        if found is None or found.calibration is None:
            _check_own(folder)
            _forget(folder)
            _write(_resolved(asked, accelerator), folder)
    return _read(folder, accelerator)


def continues(found: Recipe, asked: Recipe) -> bool:
    """Whether a run that was begun with the recipe `found` is one of the recipe `asked`."""
    began = found.calibration.asked_sha256 if found.calibration else found.digest
    return asked.digest in (began, found.digest)


def _holds_nothing(found: Recipe) -> bool:
    """Whether a run was stopped, or refused for too few minutes, before it knew how long to train.

    It has teacher's outputs at most, and these stay whatever the next recipe is.
    """
    schedule = found.schedule
    return found.calibration is not None and schedule.minutes is not None and schedule.steps is None


def limited(
    recipe: Recipe,
    prompts: Prompts,
    teacher: Teacher,
    folder: Path,
    accelerator: Accelerator,
    started: float,
) -> Recipe:
    """With `--minutes`: as many training prompts as the teacher manages in its share of them.

    `started` is when the run began, on `time.perf_counter`; before this process's time, if an
    earlier one has used some of it.
    """
    measured, minutes = recipe.calibration, recipe.schedule.minutes
    assert measured is not None  # noqa: S101
    decided = measured.teacher_seconds is not None or recipe.schedule.steps is not None
    if minutes is None or decided:
        return recipe
    if accelerator.is_main_process:
        chosen = rows(prompts.tokens, np.flatnonzero(prompts.train | prompts.held_out))
        seconds = 60 * minutes
        takes = calibrate.teacher_seconds(teacher, chosen, calibrate.PROBE_SHARE * seconds)
        limit = calibrate.prompts_within(
            seconds, takes, int(prompts.train.sum()), int(prompts.held_out.sum())
        )
        why = f"the teacher takes about {takes:,.0f} s for all prompts, and may take "
        why += f"{calibrate.TARGETS_SHARE:.0%} of {minutes:g} minutes"
        found = {"teacher_seconds": round(takes, 1)}
        if limit is not None:
            recipe = _changed(recipe, "prompts", {"limit": limit}, why)
        _write(_measured(recipe, found, started), folder)
    return _read(folder, accelerator)


def stepped(
    recipe: Recipe,
    student: Student,
    data: Data,
    folder: Path,
    accelerator: Accelerator,
    started: float,
    steps: Steps = quiet,
) -> Recipe:
    """With `--minutes`: as many optimiser steps as fit into what is left of them."""
    measured, minutes = recipe.calibration, recipe.schedule.minutes
    assert measured is not None  # noqa: S101
    if minutes is None or recipe.schedule.steps is not None:
        return recipe
    steps("Timing a few steps")
    seconds = 60 * minutes
    stepper = Stepper(recipe, copy.deepcopy(student), data.training, data.targets, accelerator)
    stepper.prepare()
    takes = calibrate.step_seconds(stepper, calibrate.PROBE_SHARE * seconds)
    accelerator.free_memory()
    if accelerator.is_main_process:
        spent = time.perf_counter() - started
        most = stepper.order.steps(recipe.schedule.epochs)
        known = calibrate.evaluation_seconds(
            seconds, measured.teacher_seconds or 0.0, len(data.rows), int(data.held_out.sum())
        )
        number = calibrate.steps_within(seconds, spent, takes, most, known)
        why = f"{minutes:g} minutes, of which {spent:,.0f} s are over before the first step, at "
        why += f"{takes:.3g} s a step"
        recipe = _changed(recipe, "schedule", {"steps": number}, why)
        _write(_measured(recipe, {"step_seconds": round(takes, 4)}, started), folder)
    return _read(folder, accelerator)


def _resolved(asked: Recipe, accelerator: Accelerator) -> Recipe:
    import torch

    block = CalibrationRecipe(
        asked_sha256=asked.digest,
        device=accelerator.device.type,
        threads=torch.get_num_threads(),
        processes=accelerator.num_processes,
    )
    precision = precision_for(accelerator.device.type, asked.schedule.precision)
    recipe = asked.model_copy(update={"calibration": block})
    if asked.schedule.precision != precision:
        why = f"what multiplies matrices faster on this {accelerator.device.type}"
        recipe = _changed(recipe, "schedule", {"precision": precision}, why)
    return recipe


def _changed(recipe: Recipe, section: str, fields: dict[str, Any], why: str) -> Recipe:
    part = getattr(recipe, section).model_copy(update=fields)
    reasons = recipe.reasons | {f"{section}.{name}": why for name in fields}
    return recipe.model_copy(update={section: part, "reasons": reasons})


def _measured(recipe: Recipe, fields: dict[str, Any], started: float) -> Recipe:
    assert recipe.calibration is not None  # noqa: S101
    fields = fields | {"spent_seconds": round(time.perf_counter() - started, 1)}
    return recipe.model_copy(update={"calibration": recipe.calibration.model_copy(update=fields)})


def _change(found: Recipe, asked: Recipe) -> str:
    """The first field in which two recipes differ, in words."""
    before, now = found.fields(), asked.fields()
    for name, value in now.items():
        if isinstance(value, dict | list) or name in _RESOLVED or before.get(name) == value:
            continue
        return f"{name} was {shown(before.get(name))} and is {shown(value)}"
    return "other prompts"


def _check_own(folder: Path) -> None:
    """Refuse a folder that no run has made, rather than delete in it."""
    if (folder / FILE_NAME).is_file():
        return
    for name in OUTCOMES:
        if os.path.lexists(folder / name):
            raise InputError(
                f"{shown(folder)}: holds {name} and no {FILE_NAME}, so it is not a run's folder; "
                "give another --name"
            )


def _forget(folder: Path) -> None:
    """A run begins: what came of an earlier one goes; the teacher's outputs stay."""
    for name in OUTCOMES:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _write(recipe: Recipe, folder: Path) -> None:
    write_whole(folder / FILE_NAME, recipe.to_yaml().encode())


def _read(folder: Path, accelerator: Accelerator) -> Recipe:
    """What the first process has written."""
    accelerator.wait_for_everyone()
    return Recipe.load(folder / FILE_NAME)


_RESOLVED = ("name", "generator", "schedule.precision", "schedule.steps", "prompts.limit")
