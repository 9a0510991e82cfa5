"""What an evaluation compares: both encoders' outputs for the held-out prompts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from distill.outputs import cosines, student_outputs
from distill.targets import NONE

if TYPE_CHECKING:
    from distill.data import Data
    from distill.prompts import Prompts
    from distill.recipe import Recipe
    from distill.students import Student

_MOST = 1 << 18  # training tokens over which the mean is taken
_BLOCK = 1 << 14  # rows read at a time


@dataclass(frozen=True)
class HeldOut:
    """N held-out prompts of S sources, K of their tokens, and what both encoders say of them.

    Attributes
    ----------
    rows : ndarray of int64, shape [N]
        Their rows of `Prompts`.
    texts : pa.LargeStringArray, length N
    names : tuple of str, length S
        The sources.
    trains : tuple of bool, length S
        Whether a source also trains.
    member : ndarray of bool, shape [N, S]
    content : ndarray of int64, shape [N]
        Equal where the teacher reads the same tokens.
    lengths : ndarray of int64, shape [N]
        Tokens that the student reads.
    split : ndarray of bool, shape [N]
        Some token of the prompt is not in the student's vocabulary: smaller pieces stand for it.
    cut : ndarray of bool, shape [N]
        The prompt is longer than the student's context.
    teacher, student : ndarray of float32, shape [N, D']
        Pooled outputs.
    teacher_tokens, student_tokens : ndarray of float32, shape [K, D]
        Outputs at the student's tokens that have a target.
    owner : ndarray of int64, shape [K]
        The prompt of each, ascending.
    mean : ndarray of float32, shape [D']
        Of the teacher's pooled outputs over training prompts.
    mean_token : ndarray of float32, shape [D]
        Of its token outputs over training prompts.
    """

    rows: np.ndarray
    texts: pa.LargeStringArray
    names: tuple[str, ...]
    trains: tuple[bool, ...]
    member: np.ndarray
    content: np.ndarray
    lengths: np.ndarray
    split: np.ndarray
    cut: np.ndarray
    teacher: np.ndarray
    student: np.ndarray
    teacher_tokens: np.ndarray
    student_tokens: np.ndarray
    owner: np.ndarray
    mean: np.ndarray
    mean_token: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def cosine(self) -> np.ndarray:
        """Of the pooled outputs, float32 [N]."""
        return cosines(self.student, self.teacher)

    @cached_property
    def baseline(self) -> np.ndarray:
        """Cosine of the mean vector with the teacher's pooled outputs, float32 [N]."""
        return cosines(np.broadcast_to(self.mean, self.teacher.shape), self.teacher)

    @cached_property
    def token_cosine(self) -> np.ndarray:
        """Of the token outputs, float32 [K]."""
        return cosines(self.student_tokens, self.teacher_tokens)


def held_out(student: Student, data: Data, prompts: Prompts, recipe: Recipe) -> HeldOut:
    """Run a student over the held-out prompts, beside the teacher's kept outputs."""
    chosen = np.flatnonzero(data.held_out)
    there, targets = data.examples.select(chosen), data.targets
    outputs = student_outputs(student, there.table, recipe.teacher.pooling)
    learnt = there.target != NONE
    owner = np.repeat(np.arange(len(there)), there.table.lengths)[learnt]
    rows = data.rows[chosen]
    trained = data.training.target[data.training.target != NONE]
    step = max(1, -(-len(trained) // _MOST))
    return HeldOut(
        rows=rows,
        texts=prompts.texts.take(pa.array(rows)),
        names=prompts.names,
        trains=tuple(name in recipe.prompts.train_sources for name in prompts.names),
        member=prompts.member[rows],
        content=there.row,
        lengths=there.table.lengths,
        split=~data.aligned.same[chosen],
        cut=data.aligned.table.lengths[chosen] > recipe.student.context,
        teacher=np.asarray(targets.pooled[there.row]),
        student=outputs.pooled,
        teacher_tokens=targets.tokens[there.target[learnt]].astype(np.float32),
        student_tokens=outputs.tokens[learnt],
        owner=owner,
        mean=_mean(targets.pooled, data.training.row),
        mean_token=_mean(targets.tokens, trained[::step]),
    )


def _mean(matrix: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Mean of the rows of a matrix that may lie on disk; each counts as often as it is named."""
    known, counts = np.unique(rows, return_counts=True)
    total = np.zeros(matrix.shape[1])
    for at in range(0, len(known), _BLOCK):
        part = matrix[known[at : at + _BLOCK]].astype(np.float64)
        total += counts[at : at + _BLOCK] @ part
    found: np.ndarray = (total / max(1, len(rows))).astype(np.float32)
    return found
