"""How a student and its recipe are put in words, on a terminal as in a report."""

from __future__ import annotations

from typing import Any

from distill.recipe import Recipe, StudentRecipe

# Why some prompts play no part.
NEITHER = (
    "Neither: more than is needed of a source that only evaluates, the words of a prompt that "
    "trains in another order, or more than prompts.limit."
)
_TABLE_OF_THEIR_OWN = "prompts.origins"


def described(student: StudentRecipe) -> str:
    """A student in a few words."""
    if student.kind == "shallow":
        numbers = [str(layer + 1) for layer in student.kept_layers]
        if len(numbers) == 1:
            return f"one of the teacher's layers ({numbers[0]})"
        return f"{len(numbers)} of the teacher's layers ({listed(numbers)})"
    layers = f"{student.hidden_layers} layer{'s' if student.hidden_layers > 1 else ''}"
    mixer = ", RepMixer first and last" if student.repmixer else ""
    return f"{student.name} ({layers}, {student.hidden_size} wide{mixer})"


def listed(names: list[str]) -> str:
    """Names as a sentence lists them."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def reasoned(recipe: Recipe) -> list[tuple[str, str, str]]:
    """Field, value and reason of each field that has one, sections before what is in them."""
    return [
        (path, value_of(value), recipe.reasons[path])
        for path, value in recipe.fields().items()
        if path in recipe.reasons and path != _TABLE_OF_THEIR_OWN
    ]


def unreasoned(recipe: Recipe) -> list[tuple[str, str]]:
    """Field and value of each other field that is no section."""
    return [
        (path, value_of(value))
        for path, value in recipe.fields().items()
        if path not in recipe.reasons
        and path != _TABLE_OF_THEIR_OWN
        and not isinstance(value, dict)
    ]


def value_of(value: Any) -> str:
    """A value of a recipe."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def counted(number: int, noun: str) -> str:
    """A number of things: 1 thread, 2 threads, 2 processes."""
    plural = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{plural}"


def megabytes(number: int) -> str:
    """Bytes as MB (millions), without the unit."""
    return f"{number / 1e6:,.2f}"


def lasting(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.1f} minutes"
    return f"{seconds / 3600:.1f} hours"
