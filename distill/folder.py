"""A run's folder: what lies where in it, and who may write there."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from anatomy.errors import InputError
from anatomy.files import locked, shown

RUNS = Path("runs")  # where runs go unless told
STUDENT = "student"
TOKENIZER = "tokenizer"  # in the student's folder
TARGETS = "targets"
METRICS = "metrics.json"


def run_folder(run: Path) -> Path:
    """The folder of a run that is named by its folder, or by its name in runs/.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    folder = run if run.exists() or not (RUNS / run).is_dir() else RUNS / run
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "no such folder"
        raise InputError(f"{shown(run)}: {what}; give the folder of a run, or its name in runs/")
    return folder


def alone(folder: Path, or_else: str = "") -> AbstractContextManager[None]:
    """Hold a run's folder, so that no other process changes it.

    `or_else` says in the message what a user may do but wait.

    Raises
    ------
    InputError
        If another process holds it.
    """
    busy = f"{shown(folder)}: another run is at work there; wait for it{or_else}"
    return locked(folder / ".lock", busy)
