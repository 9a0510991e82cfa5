"""States of a training on disk that are none: passed over, or refused in one line."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from anatomy.errors import InputError
from distill import checkpoints
from tests.distill.samples import small

KEY = "key"


@pytest.fixture
def trained(tmp_path):
    """A student, its optimiser after a step, and the folder of its checkpoint."""
    student = small(hidden_layers=1)
    optimizer = torch.optim.AdamW(student.parameters())
    for parameter in student.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    checkpoints.save(tmp_path, KEY, 7, student, optimizer, {"seconds": 1.5})
    return student, optimizer, tmp_path


def rewritten(folder, change=None, **head):
    """Change the tensors or the header of the checkpoint in a folder."""
    (path,) = folder.glob("*.safetensors")
    tensors = load_file(path)
    if change:
        change(tensors)
    whole = {"format": checkpoints.FORMAT, "key": KEY, "step": "7", "state": "{}"}
    save_file(tensors, path, metadata=whole | head)


@pytest.mark.parametrize(
    "head",
    [
        {"state": "[" * 100_000},
        {"state": "[]"},
        {"state": "{"},
        {"step": "-1"},
        {"step": "many"},
        {"key": "another"},
        {"format": "2"},
    ],
)
def test_a_header_that_says_nothing_sensible_is_no_checkpoint(trained, head):
    *_, folder = trained
    rewritten(folder, **head)
    assert checkpoints.latest(folder, KEY) is None
    rewritten(folder, state=json.dumps({"seconds": 2}))
    assert checkpoints.latest(folder, KEY).state == {"seconds": 2}


@pytest.mark.parametrize("name", ["optimizer.9999.exp_avg", "optimizer.x.exp_avg"])
def test_moments_of_no_parameter_are_refused(trained, name):
    student, optimizer, folder = trained
    rewritten(folder, lambda tensors: tensors.update({name: torch.ones(2)}))
    found = checkpoints.latest(folder, KEY)
    with pytest.raises(InputError, match="is not of this student") as caught:
        found.restore(student, optimizer)
    assert str(caught.value).isprintable()
