"""What is measured of each student of an ablation, so that they can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from anatomy.measures import intervals
from anatomy.tokens.ragged import truncate
from distill.evaluation.asked import Both
from distill.evaluation.held_out import HeldOut, held_out
from distill.evaluation.measures import FEWEST, Distinct, neighbours_of
from distill.metrics.ablation import AblatedStudent, Span
from distill.outputs import cosines, student_outputs
from distill.permute import permuted
from distill.split import sequences

if TYPE_CHECKING:
    from distill.ablation.grid import Cell
    from distill.data import Data
    from distill.plan import Planned
    from distill.students import Student
    from distill.teacher import Teacher

_SHUFFLED = 1000  # held-out prompts at most


@dataclass(frozen=True)
class Ruler:
    """Held-out prompts, the same for all students.

    Attributes
    ----------
    drawn : intervals.Weights
        The resampled prompts: near-duplicates together.
    rows : ndarray of int64, shape [K]
        Held-out prompts that a shuffle of their words changes, and the run's context does not cut.
    shuffled : pa.LargeStringArray, length K
    teacher_shuffled : float or None
        Mean cosine of the teacher's outputs for a prompt and its shuffled version.
    """

    drawn: intervals.Weights
    rows: np.ndarray
    shuffled: pa.LargeStringArray
    teacher_shuffled: float | None

    @classmethod
    def of(cls, planned: Planned, teacher: Teacher, student: Student, data: Data) -> Ruler:
        """For a run's own recipe and a student of it, trained or not."""
        held = held_out(student, data, planned.prompts, planned.recipe)
        once = Distinct.of(held.content)
        link = np.arange(len(held))
        if len(once.rows) >= FEWEST:
            link = once.nearest(neighbours_of(held.teacher[once.rows]))
        drawn = intervals.weights(link[:, None], seed=0)
        both = Both(teacher, student, planned.tokenizer, planned.recipe.teacher.pooling)
        others = permuted(held.texts, planned.recipe.seed)
        whole = both.whole(both.read(held.texts)) & both.whole(both.read(others))
        rows = np.flatnonzero(whole & (sequences(held.texts) != sequences(others)))
        rows = rows[:: max(1, -(-len(rows) // _SHUFFLED))]
        shuffled = others.take(pa.array(rows))
        value = None
        if len(rows):
            of_teacher, _ = both.pooled(both.read(shuffled))
            value = float(cosines(of_teacher, held.teacher[rows]).mean(dtype=np.float64))
        return cls(drawn, rows, shuffled, value)

    def span(self, values: np.ndarray) -> Span:
        """Mean of values [N] of the held-out prompts, with its interval."""
        found = intervals.of_mean(values.astype(np.float64), self.drawn)
        return Span(mean=found.value, low=found.low, high=found.high)

    def measure(
        self, cell: Cell, planned: Planned, student: Student, data: Data, seconds: float
    ) -> tuple[AblatedStudent, np.ndarray]:
        """A trained student, and its pooled cosines float32 [N]; `against` is not known yet."""
        held = held_out(student, data, planned.prompts, planned.recipe)
        recipe = cell.recipe
        found: dict[str, Any] = {
            "key": cell.key,
            "seed": recipe.seed,
            "context": recipe.student.context,
            "tokens": planned.tokenizer.vocabulary_size,
            "bottleneck": recipe.student.bottleneck,
            "parameters": planned.sizes.held,
            "bytes": planned.sizes.total_bytes("float32"),
            "seconds": round(seconds, 2),
            "pooled": self.span(held.cosine),
            "pooled_p5": float(np.quantile(held.cosine, 0.05)),
            "token_cosine": float(held.token_cosine.mean(dtype=np.float64)),
            "cut": float(held.cut.mean()),
            "split": float(held.split.mean()),
            "shuffled": self._shuffled(planned, student, held),
            "against": None,
        }
        return AblatedStudent(**found), held.cosine

    def _shuffled(self, planned: Planned, student: Student, held: HeldOut) -> float | None:
        if not len(self.rows):
            return None
        tokenizer, recipe = planned.tokenizer, planned.recipe
        table = truncate(
            tokenizer.encode(self.shuffled), recipe.student.context, tokenizer.special_ids
        )
        outputs = student_outputs(student, table, recipe.teacher.pooling).pooled
        return float(cosines(outputs, held.student[self.rows]).mean(dtype=np.float64))
