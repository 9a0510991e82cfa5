"""Running a student over prompts, and how near it is to its teacher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anatomy.encoders.batches import of_one_length, token_budget
from anatomy.tokens.ragged import rows
from anatomy.tokens.table import TokenTable, spans
from distill.targets import NONE, Targets

if TYPE_CHECKING:
    from distill.examples import Examples
    from distill.recipe import Pooling
    from distill.students import Student


@dataclass(frozen=True)
class StudentOutputs:
    """Outputs of N prompts.

    Attributes
    ----------
    tokens : ndarray of float32, shape [S, D]
        At each id of the table, one prompt after the other.
    pooled : ndarray of float32, shape [N, D']
    """

    tokens: np.ndarray
    pooled: np.ndarray


def student_outputs(student: Student, table: TokenTable, pooling: Pooling) -> StudentOutputs:
    """Run a student, in evaluation mode and its own precision.

    Nothing is computed on padding, unless the student has to meet it (`Student.padded`).

    Parameters
    ----------
    student : Student
    table : TokenTable of N prompts
        Its own ids, cut to its context.
    pooling : {"mean", "end", "cls"}
    """
    import torch

    device = next(student.parameters()).device
    order = np.argsort(table.lengths, kind="stable")
    sorted_rows = rows(table, order)
    context = student.recipe.context
    tokens = np.empty((len(table.ids), student.width), dtype=np.float32)
    pooled: np.ndarray | None = None
    was_training = student.training
    student.eval()
    budget = token_budget(device.type)
    if student.padded:
        step = max(1, budget // context)
        cuts = [(at, min(at + step, len(table))) for at in range(0, len(table), step)]
    else:
        cuts = list(of_one_length(sorted_rows.lengths, budget))
    with torch.inference_mode():
        for start, end in cuts:
            lengths = sorted_rows.lengths[start:end]
            width = context if student.padded else int(lengths[0])
            mask = np.arange(width) < lengths[:, None]
            ids = np.full(mask.shape, student.pad_id, dtype=np.int64)
            ids[mask] = sorted_rows.ids[sorted_rows.offsets[start] : sorted_rows.offsets[end]]
            there = torch.from_numpy(mask).to(device)
            outputs = student(torch.from_numpy(ids).to(device), there)
            places = spans(table.offsets[order[start:end]], lengths)
            tokens[places] = outputs[there].float().cpu().numpy()
            found = student.pooled(outputs, there, pooling).float().cpu().numpy()
            if pooled is None:
                pooled = np.empty((len(table), found.shape[1]), dtype=np.float32)
            pooled[order[start:end]] = found
    student.train(was_training)
    if pooled is None:
        raise ValueError("no prompts")
    return StudentOutputs(tokens, pooled)


@dataclass(frozen=True)
class Closeness:
    """Cosines of a student's outputs with its teacher's.

    Attributes
    ----------
    tokens : ndarray of float32, shape [K]
        At each token that has a target.
    pooled : ndarray of float32, shape [N]
        Of each prompt.
    """

    tokens: np.ndarray
    pooled: np.ndarray

    def summary(self) -> dict[str, float]:
        """Means, and the 5th percentile over prompts."""
        return {
            "cosine": float(self.pooled.mean()),
            "cosine_p5": float(np.quantile(self.pooled, 0.05)),
            "token_cosine": float(self.tokens.mean()) if len(self.tokens) else float("nan"),
        }


def closeness(outputs: StudentOutputs, examples: Examples, targets: Targets) -> Closeness:
    """Hold a student's outputs for N prompts against the teacher's.

    Parameters
    ----------
    outputs : StudentOutputs
        Of ``examples.table``.
    examples : Examples of N prompts
    targets : Targets
    """
    learnt = examples.target != NONE
    return Closeness(
        cosines(outputs.tokens[learnt], targets.tokens[examples.target[learnt]]),
        cosines(outputs.pooled, targets.pooled[examples.row]),
    )


def cosines(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Cosine of each pair of rows, float32 [K]; 0 where a row has no direction."""
    one, other = one.astype(np.float32), other.astype(np.float32)
    products = np.einsum("kd,kd->k", one, other)
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    found: np.ndarray = np.divide(products, norms, out=np.zeros_like(products), where=norms > 0)
    return found
