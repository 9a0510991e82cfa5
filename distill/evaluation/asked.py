"""Asking both encoders for the pooled outputs of any prompts, such as shuffled ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from anatomy.encoders.batches import of_one_length, token_budget
from anatomy.tokens.ragged import distinct, rows, truncate
from anatomy.tokens.table import TokenTable
from distill.outputs import student_outputs

if TYPE_CHECKING:
    from distill.recipe import Pooling
    from distill.students import Student
    from distill.teacher import Teacher
    from distill.vocabulary import PrunedTokenizer


@dataclass(frozen=True)
class Both:
    """A teacher and its student, to be asked.

    Attributes
    ----------
    teacher : Teacher
    student : Student
    tokenizer : PrunedTokenizer
        The student's.
    pooling : {"mean", "end", "cls"}
    """

    teacher: Teacher
    student: Student
    tokenizer: PrunedTokenizer
    pooling: Pooling

    def read(self, texts: pa.LargeStringArray) -> tuple[TokenTable, TokenTable]:
        """Ids of N prompts, the teacher's and the student's, uncut."""
        return self.teacher.encoder.tokenizer.encode(texts), self.tokenizer.encode(texts)

    def whole(self, tables: tuple[TokenTable, TokenTable]) -> np.ndarray:
        """Prompts that neither context cuts, bool [N]."""
        theirs, ours = (table.lengths for table in tables)
        found: np.ndarray = (theirs <= self.teacher.model.context) & (
            ours <= self.student.recipe.context
        )
        return found

    def pooled(self, tables: tuple[TokenTable, TokenTable]) -> tuple[np.ndarray, np.ndarray]:
        """Pooled outputs of N >= 1 prompts, float32 [N, D'] each: teacher's and student's."""
        theirs, ours = tables
        special = self.tokenizer.special_ids
        cut = truncate(ours, self.student.recipe.context, special)
        return self._taught(theirs), student_outputs(self.student, cut, self.pooling).pooled

    def _taught(self, table: TokenTable) -> np.ndarray:
        """Each distinct row of ids once, in batches of one length."""
        model = self.teacher.model
        special = self.teacher.encoder.tokenizer.special_ids
        cut = truncate(table, model.context, special)
        numbers, first = distinct(cut)
        once = rows(cut, first)
        order = np.argsort(once.lengths, kind="stable")
        ascending = rows(once, order)
        found: list[np.ndarray] = []
        for start, end in of_one_length(ascending.lengths, token_budget(model.device)):
            low, high = ascending.offsets[start], ascending.offsets[end]
            ids = ascending.ids[low:high].reshape(end - start, -1).astype(np.int64)
            found.append(model.encode(ids).pooled(self.pooling))
        pooled = np.concatenate(found)
        unsorted = np.empty_like(pooled)
        unsorted[order] = pooled
        taught: np.ndarray = unsorted[numbers]
        return taught
