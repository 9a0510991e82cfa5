"""A run's student and tokenizer, as exports take them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from anatomy.errors import InputError
from anatomy.files import shown
from distill.folder import METRICS, STUDENT, TOKENIZER
from distill.metrics import Metrics, load
from distill.recipe import FILE_NAME, Recipe
from distill.vocabulary import PrunedTokenizer
from distill.vocabulary import load as load_tokenizer

if TYPE_CHECKING:
    from distill.students import Student


@dataclass(frozen=True)
class TrainedRun:
    """What a run left.

    Attributes
    ----------
    folder : Path
    recipe : Recipe
    student : Student
        In evaluation mode on the CPU, a bottleneck folded into one layer.
    tokenizer : PrunedTokenizer
    metrics : Metrics or None
        What was measured of it, if anything was.
    """

    folder: Path
    recipe: Recipe
    student: Student
    tokenizer: PrunedTokenizer
    metrics: Metrics | None

    @property
    def context(self) -> int:
        """L, with the tokens around a prompt."""
        return self.recipe.student.context

    @property
    def teacher(self) -> str:
        """The teacher's name, without the folders of the machine that trained."""
        return self.recipe.teacher.name

    @property
    def is_clip(self) -> bool:
        """Whether its ids are those of a CLIP's tokenizer, which SAM3 uses."""
        from anatomy.tokens.clip import ClipTokenizer

        return isinstance(self.tokenizer.inner, ClipTokenizer)


def read_run(folder: Path) -> TrainedRun:
    """Read a run's folder.

    Raises
    ------
    InputError
        If it is no run's, has no trained student yet, or its parts are of different runs; the
        message names the part.
    """
    from distill.students import Student

    if not (folder / FILE_NAME).is_file():
        raise InputError(f"{shown(folder)}: has no {FILE_NAME}; give the folder of a run")
    recipe = Recipe.load(folder / FILE_NAME)
    place = folder / STUDENT
    if not place.is_dir():
        raise InputError(
            f"{shown(folder)}: has no {STUDENT} yet; let its training end: distill run --recipe "
            f"{shown(folder / FILE_NAME)}"
        )
    student = Student.load(place)
    tokenizer = load_tokenizer(place / TOKENIZER)
    fits = (
        ("context", student.recipe.context, recipe.student.context),
        ("kind of student", student.recipe.kind, recipe.student.kind),
        ("width of outputs", student.width, recipe.teacher.width),
        ("tokens", student.vocabulary_size, tokenizer.vocabulary_size),
        ("padding", student.pad_id, tokenizer.pad_id),
    )
    for what, own, other in fits:
        if own != other:
            raise InputError(
                f"{shown(place)}: is not of this run ({what}: {shown(own)} there, {shown(other)} "
                "in the recipe or tokenizer); take student, tokenizer and recipe from one run"
            )
    metrics = load(folder) if (folder / METRICS).is_file() else None
    return TrainedRun(folder, recipe, student.folded().eval(), tokenizer, metrics)
