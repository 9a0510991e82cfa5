"""A run's folder: what lies where in it, and who may write there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from anatomy.errors import InputError
from anatomy.files import shown
from anatomy.locks import NAME, held

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


@contextmanager
def alone(folder: Path, instead: str = "") -> Iterator[None]:
    """Hold a run's folder, so that no other process changes it.

    `instead` says in the message what a user may do but wait.

    Raises
    ------
    InputError
        If another process holds it, or it cannot be written.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(held(folder / NAME, shown(folder), instead))
        except OSError as error:
            raise InputError(
                f"{shown(folder)}: cannot be written ({error.strerror}); check its permissions"
                f"{instead}"
            ) from error
        yield
