"""How long each student of an ablation is trained: as long as all of them fit into the time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from anatomy.errors import InputError
from anatomy.files import write_whole

LEAST = 20  # steps of a training that says anything
SHARE = 0.85  # of the time is planned: longer contexts and larger vocabularies take more
FILE_NAME = "plan.json"


@dataclass(frozen=True)
class Schedule:
    """What will be trained.

    Attributes
    ----------
    steps : int
        Of each student.
    students, cells : int
    done : int
        Students that are there already.
    seconds : float or None
        For those that are not, by what was measured; None if that was in an earlier process.
    """

    steps: int
    students: int
    cells: int
    done: int
    seconds: float | None


def steps_within(seconds: float, students: int, per_step: float, per_student: float) -> int:
    """Optimiser steps of each of so many students.

    Raises
    ------
    InputError
        If hardly any fits.
    """
    each = SHARE * seconds / students - per_student
    steps = int(each / per_step)
    if steps < LEAST:
        need = students * (LEAST * per_step + per_student) / SHARE / 60
        raise InputError(
            f"--minutes: too few; {students} students of {LEAST} steps, at {per_step:.2g} s a step "
            f"and {per_student:.2g} s to measure each, need {need:,.1f}; give as many, or fewer "
            "--grid"
        )
    return steps


def remembered(folder: Path, asked: dict[str, object]) -> int | None:
    """The steps that an ablation asked for in the same way was begun with."""
    try:
        content = json.loads((folder / FILE_NAME).read_bytes())
        same = content["asked"] == asked and type(content["steps"]) is int
        return int(content["steps"]) if same and content["steps"] > 0 else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def remember(folder: Path, asked: dict[str, object], steps: int) -> None:
    """Write them down, before the first is taken."""
    content = json.dumps({"asked": asked, "steps": steps})
    write_whole(folder / FILE_NAME, content.encode())
