"""The cells of the grids: the run's recipe with one field changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from distill.architectures import checked
from distill.metrics.ablation import Grid
from distill.recipe import Recipe, VocabularyRecipe

CONTEXTS = (8, 16, 32)  # Table 5
WEIGHTS = (0.0, 0.05, 0.1)  # Table 7
COSINE, CONSISTENCY = 2.0, 0.1  # the paper's, where the recipe has a term switched off
COVERAGES = (0.99, 0.9)  # of the training prompts' tokens
WIDTHS = (32, 64)  # the paper's d, and twice that
SEEDS = 2  # beside the recipe's own


@dataclass(frozen=True)
class Cell:
    """One student to train.

    Attributes
    ----------
    grid : Grid
    value : str
        What it sets, for people.
    recipe : Recipe
    own : bool
        Whether the recipe is the run's own.
    """

    grid: Grid
    value: str
    recipe: Recipe
    own: bool

    @property
    def key(self) -> str:
        """By which its student is known: cells of one recipe are one student."""
        return self.recipe.digest[:16]


def short(recipe: Recipe, steps: int) -> Recipe:
    """The recipe with a training of so many steps, its warm-up as long a part of it as before."""
    schedule = recipe.schedule.model_copy(update={"steps": steps, "minutes": None})
    return recipe.model_copy(update={"schedule": schedule, "calibration": None})


def cells(recipe: Recipe, grids: Sequence[Grid]) -> list[Cell]:
    """All cells of some grids; the run's own recipe is in each.

    Parameters
    ----------
    recipe : Recipe
        Of `short`.
    grids : sequence of Grid
    """
    made: dict[Grid, Any] = {
        "seed": _seeds,
        "context": _contexts,
        "loss": _losses,
        "consistency": _weights,
        "vocabulary": _vocabularies,
        "width": _widths,
    }
    return [
        Cell(grid, value, other, other.digest == recipe.digest)
        for grid in grids
        for value, other in made[grid](recipe)
    ]


Found = Iterator[tuple[str, Recipe]]


def _seeds(recipe: Recipe) -> Found:
    for seed in range(recipe.seed, recipe.seed + SEEDS + 1):
        yield str(seed), recipe.model_copy(update={"seed": seed})


def _contexts(recipe: Recipe) -> Found:
    most = recipe.teacher.context
    for context in sorted({recipe.student.context, *(c for c in CONTEXTS if c <= most)}):
        yield str(context), _with(recipe, "student", context=context)


def _losses(recipe: Recipe) -> Found:
    cosine = recipe.loss.cosine or COSINE
    consistency = recipe.loss.consistency or CONSISTENCY
    found = {
        "MSE": _with(recipe, "loss", cosine=0.0, consistency=0.0),
        "MSE, cosine": _with(recipe, "loss", cosine=cosine, consistency=0.0),
        "all three terms": _with(recipe, "loss", cosine=cosine, consistency=consistency),
    }
    yield from found.items()
    if recipe.digest not in {other.digest for other in found.values()}:
        yield "as in the recipe", recipe


def _weights(recipe: Recipe) -> Found:
    for weight in sorted({*WEIGHTS, recipe.loss.consistency}):
        yield f"{weight:g}", _with(recipe, "loss", consistency=weight)


def _vocabularies(recipe: Recipe) -> Found:
    choices = {
        "all": VocabularyRecipe.model_validate({"keep": "all"}),
        "used": VocabularyRecipe.model_validate({"keep": "used"}),
        **{
            f"{share:g} coverage": VocabularyRecipe.model_validate(
                {"keep": "coverage", "coverage": share}
            )
            for share in COVERAGES
        },
    }
    if recipe.vocabulary not in choices.values():
        choices = {_said(recipe.vocabulary): recipe.vocabulary, **choices}
    for value, vocabulary in choices.items():
        yield value, recipe.model_copy(update={"vocabulary": vocabulary})


def _said(vocabulary: VocabularyRecipe) -> str:
    if vocabulary.keep == "coverage":
        return f"{vocabulary.coverage:.4g} coverage"
    if vocabulary.size:
        return f"{vocabulary.size:,} tokens"
    return f"used {vocabulary.minimum_count}+ times"


def _widths(recipe: Recipe) -> Found:
    own = recipe.student.bottleneck
    narrow = sorted({*WIDTHS, *([own] if own else [])})
    for width in narrow:
        if width < recipe.teacher.width:
            yield str(width), _with(recipe, "student", bottleneck=width)
    yield f"none ({recipe.teacher.width})", _with(recipe, "student", bottleneck=None)


def _with(recipe: Recipe, section: str, **fields: Any) -> Recipe:
    part = getattr(recipe, section).model_copy(update=fields)
    if section == "student":
        part = checked(part)
    return recipe.model_copy(update={section: part})
