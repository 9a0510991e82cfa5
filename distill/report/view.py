"""What a run's report is made of: the files in the run's folder, read and checked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from anatomy.errors import InputError
from anatomy.files import shown
from distill import metrics
from distill.metrics import Metrics
from distill.recipe import FILE_NAME, Part, Recipe
from distill.train import METRICS as CURVE


class Point(Part):
    """A line of metrics.jsonl: means over the steps since the line before."""

    step: int
    prompts: int
    epoch: float
    loss: float
    mse: float
    cosine: float
    consistency: float
    gradient_norm: float
    learning_rate: float
    prompts_per_second: float
    seconds: float
    held_out: dict[str, float] | None = None


@dataclass(frozen=True)
class RunView:
    """A run that has ended.

    Attributes
    ----------
    recipe : Recipe
        As it was run.
    metrics : Metrics
    curve : tuple of Point
        Ascending steps.
    name : str
        Of the run's folder.
    """

    recipe: Recipe
    metrics: Metrics
    curve: tuple[Point, ...]
    name: str


def read(folder: Path) -> RunView:
    """Read a run's folder.

    Raises
    ------
    InputError
        If it is none of a run that has ended, or its files are of different runs.
    """
    found = metrics.load(folder)
    recipe = Recipe.load(folder / FILE_NAME)
    if recipe.digest != found.run.recipe_digest:
        raise InputError(
            f"{shown(folder / FILE_NAME)}: is not the recipe that the student there was trained "
            "by; bring the run's own back, or start the changed one under another --name"
        )
    return RunView(recipe, found, tuple(_lines(folder / CURVE)), found.run.name)


def _lines(path: Path) -> list[Point]:
    try:
        return [Point(**json.loads(line)) for line in path.read_bytes().splitlines()]
    except OSError as error:
        raise InputError(f"{shown(path)}: cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, RecursionError, ValidationError) as error:
        raise InputError(
            f"{shown(path)}: holds a line that is no report of a training; run `distill run` again"
        ) from error
