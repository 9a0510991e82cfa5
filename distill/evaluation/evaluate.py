"""The evaluation, top to bottom: a student against its teacher on held-out prompts."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from anatomy.progress import Steps, quiet
from distill.evaluation.asked import Both
from distill.evaluation.groups import group_qualities
from distill.evaluation.held_out import HeldOut, held_out
from distill.evaluation.orders import corpus_orders, order_pairs, shuffles
from distill.evaluation.prompts import one_by_one
from distill.metrics.evaluation import Evaluation

if TYPE_CHECKING:
    from distill.data import Data
    from distill.prompts import Prompts
    from distill.recipe import Recipe
    from distill.students import Student
    from distill.teacher import Teacher
    from distill.vocabulary import PrunedTokenizer


def evaluate(
    recipe: Recipe,
    student: Student,
    tokenizer: PrunedTokenizer,
    teacher: Teacher,
    prompts: Prompts,
    data: Data,
    *,
    student_sha256: str,
    seed: int = 0,
    steps: Steps = quiet,
) -> tuple[Evaluation, HeldOut]:
    """Measure a student.

    Parameters
    ----------
    recipe : Recipe
    student : Student
    tokenizer : PrunedTokenizer
        The student's.
    teacher : Teacher
    prompts : Prompts
    data : Data
        Of these prompts: what `distill.data.gather` made.
    student_sha256 : str
        Of the file that holds the student.
    seed : int
        Of shuffles, pairs drawn and intervals.
    steps : Steps

    Returns
    -------
    Evaluation
    HeldOut
        The outputs that were compared, for further measures.
    """
    clock = time.perf_counter()
    steps("Measuring the student on held-out prompts")
    pooling = recipe.teacher.pooling
    held = held_out(student, data, prompts, recipe)
    both = Both(teacher, student, tokenizer, pooling)
    groups = group_qualities(held, recipe.cosine_gate, seed)
    vocabulary, worst = one_by_one(held, both, prompts.tokens)
    steps("Measuring what word order does")
    shuffled = shuffles(held, both, seed)
    pairs = order_pairs(both)
    orders = corpus_orders(prompts.texts, held, seed)
    evaluation = Evaluation(
        student_sha256=student_sha256,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=time.perf_counter() - clock,
        seed=seed,
        device="cuda" if teacher.model.device == "cuda" else "cpu",
        precision=teacher.model.dtype,
        teacher=teacher.encoder.name,
        pooling=pooling,
        gate=recipe.cosine_gate,
        groups=groups,
        shuffles=shuffled,
        pairs=pairs,
        orders=orders,
        worst=worst,
        vocabulary=vocabulary,
    )
    return evaluation, held
