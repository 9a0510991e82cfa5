"""The smallest student and data that can be trained: in milliseconds, without any encoder."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from distill.examples import Examples, examples
from distill.recipe import LossRecipe, ScheduleRecipe
from distill.targets import Targets
from distill.vocabulary import Aligned
from tests.distill.test_targets import FakeModel, run, table_of

VOCABULARY = 40
CONTEXT = 6


class SmallStudent(torch.nn.Module):
    """A table of tokens, mixed by a convolution or not, and a linear layer."""

    def __init__(self, *, padded: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.embedding = torch.nn.Embedding(VOCABULARY, 8)
            self.norm = torch.nn.LayerNorm(8)
            self.mix = torch.nn.Conv1d(8, 8, 3, padding=1) if padded else torch.nn.Identity()
            self.batch_norm = torch.nn.BatchNorm1d(8) if padded else torch.nn.Identity()
            self.dropout = torch.nn.Dropout(dropout)
            self.linear = torch.nn.Linear(8, 3)
        self.padded, self.pad_id, self.width = padded, 0, 3
        self.recipe = SimpleNamespace(context=CONTEXT)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        hidden = self.norm(self.embedding(ids)).transpose(1, 2)
        hidden = self.dropout(self.batch_norm(self.mix(hidden)).transpose(1, 2))
        outputs: torch.Tensor = self.linear(hidden + hidden.mean(dim=1, keepdim=True))
        return outputs

    def pooled(self, tokens: torch.Tensor, mask: torch.Tensor, pooling: str) -> torch.Tensor:
        valid = mask.unsqueeze(-1)
        return (tokens * valid).sum(dim=1) / valid.sum(dim=1)


def small_data(folder: Path, prompts: int = 150) -> tuple[Examples, Targets]:
    """Random rows of 2 to 6 ids, and permuted ones."""
    random = np.random.default_rng(0)
    rows = [[1, *random.integers(3, VOCABULARY, n), 2] for n in random.integers(0, 5, prompts)]
    permuted = [[1, *random.permutation(row[1:-1]), 2] for row in rows]
    targets = run(FakeModel(context=CONTEXT, scale=0.05), folder / "targets", rows)
    table = table_of(rows)
    aligned = Aligned(table, np.arange(len(table.ids)), np.ones(len(rows), dtype=bool))
    return (
        examples(aligned, table_of(permuted), targets, context=CONTEXT, special_ids=(1, 2)),
        targets,
    )


def small_recipe(**schedule: Any) -> Any:
    """What the training reads of a recipe."""
    options = {
        "learning_rate": 1e-2,
        "epochs": 6,
        "warmup_epochs": 1,
        "batch": 8,
        "precision": "float32",
        "checkpoint_seconds": 0,
    }
    return SimpleNamespace(
        seed=0, loss=LossRecipe(), schedule=ScheduleRecipe(**(options | schedule))
    )
