"""A small litetext student, and a batch for it."""

from __future__ import annotations

import torch

from distill.recipe import StudentRecipe
from distill.students import Student, build
from tests.distill.teachers import MASK, batch

CONTEXT = 7
TOKENS = 30


def recipe(**changes) -> StudentRecipe:
    """A small litetext student."""
    fields = {
        "name": "small",
        "kind": "litetext",
        "context": CONTEXT,
        "hidden_size": 32,
        "intermediate_size": 48,
        "attention_heads": 4,
        "hidden_layers": 3,
        "init": "random",
    }
    return StudentRecipe(**(fields | changes))


def small(seed=1, **changes) -> Student:
    """It, with weights large enough for every part of it to matter, and norms that have run."""
    student = build(recipe(**changes), TOKENS, 20, 0, seed, None)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.normal_(std=0.3, generator=generator)
        for name, buffer in student.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(generator=generator)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 2, generator=generator)
    return student.eval()


def padded(pad_id=0) -> torch.Tensor:
    """A batch whose rows are padded to the context."""
    ids = batch(TOKENS)
    ids[~torch.from_numpy(MASK)] = pad_id
    return ids
