"""The prompts of a run, as its teacher and its student read them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from anatomy.engines import Engine
from anatomy.progress import Steps, quiet
from anatomy.tokens.ragged import rows
from distill.examples import Examples, examples
from distill.prompts import Prompts, permuted
from distill.recipe import Recipe
from distill.targets import Targets, make_targets
from distill.teacher import Teacher
from distill.vocabulary import Aligned, PrunedTokenizer, align

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True)
class Data:
    """N prompts that train or are held out.

    Attributes
    ----------
    rows : ndarray of int64, shape [N]
        Their rows of `Prompts`, ascending.
    held_out : ndarray of bool, shape [N]
        The others train.
    examples : Examples of the N prompts
    targets : Targets of the N prompts
    aligned : Aligned
        The student's tokens of the N prompts, nothing cut.
    """

    rows: np.ndarray
    held_out: np.ndarray
    examples: Examples
    targets: Targets
    aligned: Aligned

    @cached_property
    def training(self) -> Examples:
        """What the student learns from."""
        return self.examples.select(np.flatnonzero(~self.held_out))

    def sample(self, most: int) -> Examples:
        """Held-out prompts, evenly over the sources' order, at most so many."""
        held_out = np.flatnonzero(self.held_out)
        step = max(1, -(-len(held_out) // most))
        return self.examples.select(held_out[::step])


def gather(
    recipe: Recipe,
    prompts: Prompts,
    tokenizer: PrunedTokenizer,
    teacher: Teacher,
    folder: Path,
    *,
    accelerator: Accelerator | None = None,
    engine: Engine | None = None,
    steps: Steps = quiet,
) -> Data:
    """Everything that a training or an evaluation reads.

    Parameters
    ----------
    recipe : Recipe
    prompts : Prompts
    tokenizer : PrunedTokenizer
        The student's.
    teacher : Teacher
    folder : Path
        Of the teacher's outputs: those that are there are read, the others made.
    accelerator : Accelerator, optional
        Of several processes the first makes the teacher's outputs, and the others read them.
    engine : Engine, optional
        Where the first has them made; here unless told.
    steps : Steps
    """
    whole = rows(prompts.tokens, np.flatnonzero(prompts.train | prompts.held_out))

    def ask() -> Targets:
        return make_targets(
            teacher,
            whole,
            folder,
            pooling=recipe.teacher.pooling,
            dtype=recipe.teacher.stored,
            engine=engine,
            steps=steps,
        )

    if accelerator is None or accelerator.is_main_process:
        targets = ask()
    if accelerator is not None:
        accelerator.wait_for_everyone()
        if not accelerator.is_main_process:
            targets = ask()
    return join(recipe, prompts, tokenizer, teacher, targets, steps=steps)


def join(
    recipe: Recipe,
    prompts: Prompts,
    tokenizer: PrunedTokenizer,
    teacher: Teacher,
    targets: Targets,
    *,
    steps: Steps = quiet,
) -> Data:
    """The same with the teacher's outputs at hand, for a student that reads in its own way.

    Parameters
    ----------
    recipe, prompts, tokenizer, teacher, steps : as in `gather`
    targets : Targets
        Of these prompts: they do not depend on the student.
    """
    chosen = np.flatnonzero(prompts.train | prompts.held_out)
    texts = prompts.texts.take(pa.array(chosen))
    whole = rows(prompts.tokens, chosen)
    steps("Matching the student's tokens with the teacher's")
    aligned = align(teacher.encoder.tokenizer, whole, tokenizer, texts)
    joined = examples(
        aligned,
        tokenizer.encode(permuted(texts, recipe.seed)),
        targets,
        context=recipe.student.context,
        special_ids=tokenizer.special_ids,
    )
    return Data(chosen, prompts.held_out[chosen], joined, targets, aligned)
