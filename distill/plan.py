"""From findings to a recipe, and from a recipe to what training starts with; nothing is trained.

Every field is chosen by a written rule: `distill.choices` and `distill.ladder` hold them,
`distill.overrides` what a user sets instead. `Recipe.reasons` says which finding and which rule
chose a field.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anatomy
from anatomy.encoders import Encoder
from anatomy.errors import InputError
from anatomy.files import shown
from anatomy.findings import Findings
from anatomy.progress import Steps, quiet
from distill import choices
from distill.ladder import Ladder, Vocabularies
from distill.overrides import Choices, Overrides
from distill.prompts import Prompts, check_origins, read_prompts
from distill.pruning import student_tokenizer, token_counts
from distill.recipe import (
    LossRecipe,
    PromptsRecipe,
    Recipe,
    ScheduleRecipe,
    StudentRecipe,
    TeacherRecipe,
)
from distill.sizes import PRECISIONS, Sizes
from distill.teacher import opened, resolved
from distill.vocabulary import PrunedTokenizer

if TYPE_CHECKING:
    from anatomy.encoders.model import TextModel

_PLANNED = "the recipe was planned"
_FOLDER = re.compile(r"\w[\w.+-]{0,63}")


@dataclass(frozen=True)
class Wishes:
    """What a user may ask for.

    Attributes
    ----------
    teacher : str or None
        An encoder of the findings, or NAME=PATH where its weights lie elsewhere now; None: the
        first one with weights.
    student : str or None
        mobileclip-s0, mobileclip-s1, mobileclip2-l, nano, shallow:N or a file; None: by
        `distill.ladder`.
    budget_bytes : int or None
        What the student may weigh at the recipe's export precision.
    settings : sequence of str
        ``section.field=value``, taken instead of what a rule chooses.
    minutes, epochs : float or None
        How long to train; ten minutes if neither is given.
    allow_stand_ins : bool
        Whether prompts that anatomy generated may train.
    name : str or None
        Of the run's folder.
    data : Path or None
        Where the official files lie now; None: where they were audited.
    """

    teacher: str | None = None
    student: str | None = None
    budget_bytes: int | None = None
    settings: Sequence[str] = ()
    minutes: float | None = None
    epochs: float | None = None
    allow_stand_ins: bool = False
    name: str | None = None
    data: Path | None = None


@dataclass(frozen=True)
class Planned:
    """A recipe and what it was made of: where a run starts.

    Attributes
    ----------
    recipe : Recipe
    encoder : Encoder
        The teacher's tokenizer.
    model : TextModel
        The teacher's weights.
    prompts : Prompts
    tokenizer : PrunedTokenizer
        The student's.
    sizes : Sizes
        What the student will weigh.
    """

    recipe: Recipe
    encoder: Encoder
    model: TextModel
    prompts: Prompts
    tokenizer: PrunedTokenizer
    sizes: Sizes


def plan(findings: Findings, path: Path, *, steps: Steps = quiet, **wishes: Any) -> Recipe:
    """The recipe alone: `prepare` with the fields of `Wishes`."""
    return prepare(findings, path, Wishes(**wishes), steps).recipe


def prepare(
    findings: Findings, path: Path, wishes: Wishes | None = None, steps: Steps = quiet
) -> Planned:
    """Plan a student.

    Parameters
    ----------
    findings : Findings
        What the audit found.
    path : Path
        Where they lie, for the record and for messages.
    wishes : Wishes, optional
    steps : Steps

    Raises
    ------
    InputError
        For anything in these that cannot be used: an encoder without weights or with others than
        were audited, files that have changed, a field that does not exist, a budget that nothing
        fits.
    """
    wishes = wishes or Wishes()
    overrides = Overrides.parse(wishes.settings)
    precision = overrides.values.get("export_precision", "float32")
    if precision not in PRECISIONS:
        raise InputError(
            f"--set export_precision={shown(precision)}: give one of {', '.join(PRECISIONS)}"
        )
    name, spec, why = choices.teacher(findings, path, wishes.teacher)
    prompts_recipe = overrides.section(
        PromptsRecipe,
        "prompts",
        choices.prompts(findings, path, name, wishes.data, stand_ins=wishes.allow_stand_ins),
    )
    check_origins(prompts_recipe)  # before anything that takes time
    finding = choices.finding_of(findings, name)
    encoder = resolved(spec, finding.tokenizer, f"{shown(path)} was made")
    prompts = read_prompts(prompts_recipe, encoder.tokenizer, steps)
    steps(f"Loading {name}")
    weights = finding.inside.weights if finding.inside else ""
    model = opened(encoder, spec, weights, f"{shown(path)} was made")
    from distill.shallow import teacher_shape

    shape = teacher_shape(model)
    teacher = overrides.section(
        TeacherRecipe,
        "teacher",
        {
            "encoder": (spec, why),
            "weights_sha256": (model.weights_hash, ""),
            "tokenizer": (encoder.tokenizer.description, ""),
            "width": (shape.width, ""),
            "context": (model.context, ""),
            "pooling": choices.pooling(findings, model.pooling),
            "parameters": (model.parameters, ""),
        },
    )
    steps("Choosing a student")
    length, why_length = choices.context(finding, prompts_recipe.train_sources, model.context)
    counts = token_counts(prompts, encoder.tokenizer.vocabulary_size)
    overrides.reasons["student.context"] = why_length
    fitted = Ladder(
        vocabularies=Vocabularies(encoder.tokenizer, counts, overrides),
        shape=shape,
        parameters=model.parameters,
        context=length,
        count=lambda student, tokens: _count(student, tokens, teacher, model),
        precision=precision,
        budget_bytes=wishes.budget_bytes,
    ).fit(wishes.student)
    top: Choices = {
        "generator": (f"distill {anatomy.__version__}", ""),
        "name": (_folder(wishes.name, f"{name}-{fitted.student.name}"), ""),
        "teacher": (teacher, ""),
        "prompts": (prompts_recipe, ""),
        "vocabulary": (fitted.vocabulary, ""),
        "student": (fitted.student, ""),
        "loss": (overrides.section(LossRecipe, "loss", choices.loss(fitted.student, name)), ""),
        "schedule": (
            overrides.section(
                ScheduleRecipe,
                "schedule",
                choices.schedule(fitted.student, wishes.minutes, wishes.epochs),
            ),
            "",
        ),
        "budget_bytes": (wishes.budget_bytes, "" if wishes.budget_bytes is None else "--budget"),
    }
    recipe = overrides.section(Recipe, "", top)
    recipe = recipe.model_copy(update={"reasons": overrides.reasons})
    return Planned(recipe, encoder, model, prompts, fitted.tokenizer, fitted.sizes)


def revisit(recipe: Recipe, steps: Steps = quiet) -> Planned:
    """What a recipe that was written before, and perhaps changed by hand, starts with.

    Raises
    ------
    InputError
        If its teacher or its prompts' files are not those that it was planned with.
    """
    asked = recipe.teacher
    check_origins(recipe.prompts)
    encoder = resolved(asked.encoder, asked.tokenizer, _PLANNED)
    prompts = read_prompts(recipe.prompts, encoder.tokenizer, steps)
    steps(f"Loading {asked.encoder}")
    model = opened(encoder, asked.encoder, asked.weights_sha256, _PLANNED)
    counts = token_counts(prompts, encoder.tokenizer.vocabulary_size)
    tokenizer = student_tokenizer(recipe.vocabulary, encoder.tokenizer, counts)
    sizes = _count(recipe.student, tokenizer.vocabulary_size, asked, model)
    return Planned(recipe, encoder, model, prompts, tokenizer, sizes)


def changed(planned: Planned, recipe: Recipe) -> Planned:
    """What another recipe with the same teacher and prompts starts with."""
    tokenizer = planned.tokenizer
    if recipe.vocabulary != planned.recipe.vocabulary:
        counts = token_counts(planned.prompts, planned.encoder.tokenizer.vocabulary_size)
        tokenizer = student_tokenizer(recipe.vocabulary, planned.encoder.tokenizer, counts)
    sizes = _count(recipe.student, tokenizer.vocabulary_size, recipe.teacher, planned.model)
    return replace(planned, recipe=recipe, tokenizer=tokenizer, sizes=sizes)


def _count(student: StudentRecipe, tokens: int, teacher: TeacherRecipe, model: TextModel) -> Sizes:
    from distill.shallow import teacher_shape
    from distill.students import count

    return count(student, tokens, teacher.width, teacher_shape(model))


def _folder(asked: str | None, usual: str) -> str:
    if asked is None:
        return re.sub(r"[^\w.+-]+", "-", usual).strip("-.+")[:64] or "student"
    if not _FOLDER.fullmatch(asked):
        raise InputError(
            f"--name {shown(asked)[:80]}: is no name for a folder; use up to 64 letters, digits "
            "and ._+-"
        )
    return asked
