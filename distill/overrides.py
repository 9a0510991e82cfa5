"""`--set section.field=value`: what a user decides instead of a rule."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from anatomy.errors import InputError
from anatomy.files import shown
from distill import commented
from distill.recipe import Recipe, told

Section = TypeVar("Section", bound=BaseModel)
Choices = dict[str, tuple[Any, str]]  # field -> its value, and why

_BY_HAND = "set by hand, with --set"
# What follows from the findings, the files and the command's other options.
_FACTS = {
    "version": "",
    "generator": "",
    "reasons": "",
    "name": "--name",
    "budget_bytes": "--budget",
    "teacher.encoder": "--teacher",
    "teacher.weights_sha256": "",
    "teacher.tokenizer": "",
    "teacher.width": "",
    "teacher.context": "",
    "teacher.parameters": "",
    "prompts.findings": "--from-report",
    "prompts.findings_sha256": "",
    "prompts.sources": "",
    "prompts.data": "--data",
    "prompts.stand_ins": "--allow-stand-ins",
    "prompts.seed": "",
    "prompts.origins": "",
    "student.name": "--student",
    "student.kind": "--student",
    "schedule.steps": "--epochs or --minutes",
}
_MEASURED = "calibration."  # what a run writes into its own recipe


@dataclass
class Overrides:
    """What was set by hand, by dotted path; each is used once."""

    values: dict[str, Any]
    reasons: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, settings: Sequence[str]) -> Overrides:
        """Read ``section.field=value`` items; values are YAML, lists may be ``a,b``.

        Raises
        ------
        InputError
            For an item without "=", an unknown field (the nearest is offered), a field that is no
            choice, or a value that is no YAML.
        """
        known = dict(_fields(Recipe))
        values: dict[str, Any] = {}
        for item in settings:
            path, equals, text = item.partition("=")
            path = path.strip()
            if not equals:
                raise InputError(
                    f"--set {shown(item)}: no value; give --set FIELD=VALUE, for example "
                    "--set loss.cosine=1.0"
                )
            if path in _FACTS or path.startswith(_MEASURED):
                how = f"; use {_FACTS[path]}" if _FACTS.get(path) else ""
                raise InputError(f"--set {path}: cannot be set by hand{how}")
            if path not in known:
                raise InputError(f"--set {shown(path)}: no such field{_nearest(path, known)}")
            values[path] = _value(path, text, is_list=known[path])
        return cls(values)

    def has(self, *paths: str) -> bool:
        """Whether any of these fields was set by hand."""
        return any(path in self.values for path in paths)

    def section(self, model: type[Section], name: str, choices: Choices) -> Section:
        """A section of the recipe from what the rules chose, and what was set by hand instead.

        Raises
        ------
        InputError
            Naming the field that was set to what it cannot be.
        """
        start = f"{name}." if name else ""
        content = {key: value for key, (value, _) in choices.items()}
        for key in model.model_fields:
            path = start + key
            if path in self.values:
                content[key] = self.values[path]
                self.reasons[path] = _BY_HAND
            elif key in choices and choices[key][1]:
                self.reasons[path] = choices[key][1]
        try:
            return model.model_validate(content)
        except ValidationError as error:
            raise InputError(f"--set {told(error, name)}") from error


def _fields(model: type[BaseModel], before: str = "") -> Iterator[tuple[str, bool]]:
    """Every field that is no section: its dotted path, and whether it is a list."""
    for name, info in model.model_fields.items():
        kinds = [info.annotation]
        if isinstance(info.annotation, types.UnionType):
            kinds = list(typing.get_args(info.annotation))
        section = next((k for k in kinds if isinstance(k, type) and _is_model(k)), None)
        if section is not None:
            yield from _fields(section, f"{before}{name}.")
        else:
            yield f"{before}{name}", any(typing.get_origin(kind) is list for kind in kinds)


def _is_model(kind: type) -> bool:
    # list[str] is an instance of type for isinstance, but not a class
    return typing.get_origin(kind) is None and issubclass(kind, BaseModel)


def _nearest(path: str, known: dict[str, bool]) -> str:
    choices = [name for name in known if name not in _FACTS]
    near = difflib.get_close_matches(path, choices, n=1, cutoff=0.5)
    if not near:  # the section may be what is missing
        near = [name for name in choices if name.rpartition(".")[2] == path][:1]
    if near:
        return f"; did you mean {near[0]}?"
    return "; `distill plan` lists them"


def _value(path: str, text: str, *, is_list: bool) -> Any:
    try:
        value = commented.load(text)
    except ValueError as error:
        raise InputError(f"--set {path}: {shown(text)[:80]} is no value") from error
    if is_list and not isinstance(value, list):
        return [part.strip() for part in text.split(",")]
    return value
