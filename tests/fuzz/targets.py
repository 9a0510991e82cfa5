"""Every target by its name; a subject is loaded when one of its targets is asked for."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from tests.fuzz.target import Target

SUBJECTS = (
    "readers",
    "archives",
    "outputs",
    "tokens",
    "documents",
    "recipes",
    "weights",
    "reports",
    "runs",
    "sam3",
)


@cache
def of(subject: str) -> dict[str, Target]:
    """The targets of a subject."""
    module = import_module(f"tests.fuzz.{subject}")
    return {target.name: target for target in module.TARGETS}


def every() -> dict[str, Target]:
    """All of them."""
    return {name: target for subject in SUBJECTS for name, target in of(subject).items()}


def find(name: str) -> Target | None:
    """The target of this name."""
    return next((of(subject)[name] for subject in SUBJECTS if name in of(subject)), None)
