"""The evaluation, top to bottom: a student against its teacher on held-out prompts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from anatomy.progress import Steps, quiet
from distill.evaluation.asked import Both
from distill.evaluation.groups import group_qualities
from distill.evaluation.held_out import held_out
from distill.evaluation.orders import corpus_orders, order_pairs, shuffles
from distill.evaluation.prompts import segmented, worst_prompts
from distill.metrics.conditions import conditions
from distill.metrics.evaluation import Evaluation
from distill.metrics.robustness import Robustness
from distill.robustness import study

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
) -> tuple[Evaluation, Robustness | None]:
    """Measure a student, and what an attention would make of its errors.

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
        Of shuffles, pairs drawn, intervals and noise.
    steps : Steps

    Returns
    -------
    Evaluation
    Robustness or None
        None where fewer tokens are held out than the study needs.
    """
    clock = time.perf_counter()
    steps("Measuring the student on held-out prompts")
    held = held_out(student, data, prompts, recipe)
    both = Both(teacher, student, tokenizer, recipe.teacher.pooling)
    groups = group_qualities(held, recipe.cosine_gate, seed)
    steps("Measuring what word order does")
    shuffled, pairs = shuffles(held, both, seed), order_pairs(both)
    evaluation = Evaluation(
        precision=teacher.model.dtype,
        pooling=recipe.teacher.pooling,
        gate=recipe.cosine_gate,
        groups=groups,
        shuffles=shuffled,
        pairs=pairs,
        orders=corpus_orders(prompts.texts, held, seed),
        worst=worst_prompts(held),
        segmented=segmented(held),
        conditions=conditions(
            student_sha256,
            "cuda" if teacher.model.device == "cuda" else "cpu",
            prompts=len(held),
            seed=seed,
            seconds=time.perf_counter() - clock,
        ),
    )
    steps("Following its errors through an attention")
    return evaluation, study(held, student_sha256=student_sha256, seed=seed)
