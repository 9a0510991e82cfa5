"""The state of a training that can go on: whole files, or none.

A checkpoint is one safetensors file: the student, the optimiser's moments, and a line of JSON in
its header. It is written beside the others, synced and renamed, and only then is the one before
it deleted; so there is always a whole one, whenever the process is killed.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anatomy.errors import InputError
from anatomy.files import remove_partial_files, shown, whole

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module
    from torch.optim import Optimizer

FORMAT = "1"
_SUFFIX = ".safetensors"
_STUDENT, _MOMENTS = "student.", "optimizer."


@dataclass(frozen=True)
class Checkpoint:
    """A state that was read.

    Attributes
    ----------
    path : Path
    step : int
        Optimiser steps that are behind it.
    state : dict
        What else the run wanted to remember.
    tensors : dict of str to Tensor
    """

    path: Path
    step: int
    state: dict[str, Any]
    tensors: dict[str, Tensor]

    def restore(self, student: Module, optimizer: Optimizer) -> None:
        """Put the state into a student and its optimiser.

        Raises
        ------
        InputError
            If they are not of the shapes that were saved.
        """
        own = {
            name.removeprefix(_STUDENT): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(_STUDENT)
        }
        try:
            student.load_state_dict(own)
            _restore_moments(optimizer, self.tensors)
        except (IndexError, KeyError, RuntimeError, ValueError) as error:
            reason = shown(" ".join(str(error).split()))[:160]
            raise InputError(
                f"{shown(self.path)}: is not of this student ({reason}); start again with "
                "--no-resume"
            ) from error


def save(
    folder: Path, key: str, step: int, student: Module, optimizer: Optimizer, state: dict[str, Any]
) -> Path:
    """Write a checkpoint, then delete the older ones.

    Parameters
    ----------
    folder : Path
    key : str
        Hash of what the run depends on; a checkpoint of another is never restored.
    step : int
    student : Module
    optimizer : Optimizer
    state : dict
        Anything that JSON can say.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors = {_STUDENT + name: tensor for name, tensor in student.state_dict().items()}
    for number, moments in optimizer.state_dict()["state"].items():
        for name, tensor in moments.items():
            tensors[f"{_MOMENTS}{number}.{name}"] = tensor
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    head = {"format": FORMAT, "key": key, "step": str(step), "state": json.dumps(state)}
    path = folder / f"step-{step:09}{_SUFFIX}"
    try:
        with whole(path) as temporary:
            save_file(tensors, temporary, metadata=head)
    except (OSError, SafetensorError) as error:
        reason = error.strerror if isinstance(error, OSError) else shown(error)
        raise InputError(
            f"{shown(folder)}: a checkpoint cannot be written there ({reason}); make room and run "
            "again: it continues from the last one"
        ) from error
    for other in _in(folder):
        if other != path:
            other.unlink(missing_ok=True)
    return path


def latest(folder: Path, key: str) -> Checkpoint | None:
    """The furthest whole checkpoint of this key, or None."""
    from safetensors import SafetensorError, safe_open

    remove_partial_files(folder)
    for path in reversed(_in(folder)):
        with contextlib.suppress(OSError, SafetensorError, ValueError, KeyError, RecursionError):
            with safe_open(path, framework="pt") as file:
                head = file.metadata() or {}
                if head["format"] != FORMAT or head["key"] != key:
                    continue
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            step, state = int(head["step"]), json.loads(head["state"])
            if step >= 0 and isinstance(state, dict):
                return Checkpoint(path, step, state, tensors)
    return None


def _in(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"step-*{_SUFFIX}"))


def _restore_moments(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    content = optimizer.state_dict()
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith(_MOMENTS):
            number, _, kind = name.removeprefix(_MOMENTS).partition(".")
            moments.setdefault(int(number), {})[kind] = tensor
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for at, kinds in moments.items():
        for kind in ("exp_avg", "exp_avg_sq"):
            if kinds[kind].shape != parameters[at].shape:
                raise ValueError(f"moments of parameter {at} have another shape")
    optimizer.load_state_dict({**content, "state": moments})
