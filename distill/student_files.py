"""Students on disk: weights as safetensors, and beside them what they are the weights of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from anatomy import __version__
from anatomy.encoders.checkpoints import (
    check_amount,
    check_config,
    check_tensors,
    read_json,
    read_shapes,
    read_tensors,
    refused,
)
from anatomy.errors import InputError
from anatomy.files import sha256_of, shown, write_whole
from distill import shallow
from distill.architectures import checked
from distill.recipe import StudentRecipe
from distill.shallow import TeacherShape
from distill.students import Student, kept_buffers, tables, trained

WEIGHTS = "student.safetensors"
DESCRIPTION = "student.json"
_VERSION: Literal[1] = 1


class _Description(BaseModel):
    """What student.json holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = _VERSION
    generator: str
    recipe: StudentRecipe
    vocabulary_size: int = Field(ge=1)
    width: int = Field(ge=1)
    pad_id: int = Field(ge=0)
    architecture: str | None = Field(description="Class of a shallow student; None: litetext")
    config: dict[str, Any] | None = Field(description="Of that class")
    projected: bool = Field(description="Whether a projector makes the outputs of hidden states")
    pooled_width: int | None
    weights_sha256: str


def save(student: Student, folder: Path) -> None:
    """Write student.safetensors and, when that is whole, student.json; float32, any device."""
    from safetensors.torch import save

    tensors = {name: t.detach().float().cpu() for name, t in trained(student).items()}
    counters = {name: t.cpu() for name, t in kept_buffers(student).items()}
    weights = save({n: t.contiguous() for n, t in (tensors | counters).items()})
    is_shallow = student.recipe.kind == "shallow"
    description = _Description(
        generator=f"prompt-anatomy {__version__}",
        recipe=student.recipe,
        vocabulary_size=student.vocabulary_size,
        width=student.width,
        pad_id=student.pad_id,
        architecture=student.shape.architecture if is_shallow else None,
        # What it is now: its special tokens' ids were set when it took the teacher's weights.
        config=shallow.plain(student.text_model.config) if is_shallow else None,
        projected=student.shape.projected,
        pooled_width=student.shape.pooled_width,
        weights_sha256=hashlib.sha256(weights).hexdigest(),
    )
    write_whole(folder / WEIGHTS, weights)
    text = json.dumps(description.model_dump(mode="json"), indent=1)
    write_whole(folder / DESCRIPTION, f"{text}\n".encode())


def load(folder: Path) -> Student:
    """Read a student, in eval mode. Nothing in the files is run.

    Raises
    ------
    InputError
        For files that are missing, of two students, or hold other tensors than the student
        needs; the message names the tensor.
    """
    path, weights = folder / DESCRIPTION, folder / WEIGHTS
    content = read_json(path)
    if content.get("version") != _VERSION:
        raise InputError(
            f"{shown(path)}: version {shown(content.get('version'))[:40]}, but this distill "
            f"reads version {_VERSION}; train or export again"
        )
    try:
        description = _Description.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = shown(".".join(map(str, first["loc"])))
        raise InputError(f"{shown(path)}: {place}: {shown(first['msg'])}") from error
    shapes = read_shapes([weights])
    if sha256_of(weights) != description.weights_sha256:
        raise InputError(
            f"{shown(weights)}: is not the file that {DESCRIPTION} beside it was written with; "
            "take both from one run"
        )
    student = _described(description, path, shapes)
    tensors = read_tensors([weights], [""])
    wanted = {**trained(student), **kept_buffers(student)}
    check_tensors(wanted, tensors, weights)
    with torch.no_grad():
        for name, target in wanted.items():
            target.copy_(tensors[name])
    return student.eval()


def _described(description: _Description, path: Path, shapes: Mapping[str, list[int]]) -> Student:
    """The student that a description is of, if its weights can be those beside it."""
    recipe, config = description.recipe, description.config or {}
    if (recipe.kind == "shallow") != (description.architecture is not None):
        without = description.architecture is None
        what = "no class for a shallow" if without else "a class for a litetext"
        raise InputError(f"{shown(path)}: names {what} student; take it from a run as it is")
    own = {
        "hidden_size": recipe.hidden_size,
        "intermediate_size": recipe.intermediate_size,
        "num_attention_heads": recipe.attention_heads,
        "num_hidden_layers": recipe.hidden_layers,
        "max_position_embeddings": recipe.context,
        "vocab_size": description.vocabulary_size,
        "dim": description.width,
        "projection_dim": description.pooled_width,
        "hidden_dim": recipe.bottleneck,
    }
    for sizes in (own, config):
        check_config(sizes, path, len(shapes))
    shape = TeacherShape(
        description.architecture or "",
        config,
        description.width,
        description.projected,
        description.pooled_width,
    )
    made = (checked(recipe), description.vocabulary_size, description.pad_id, shape)
    with refused(path):
        with torch.device("meta"):
            outline = Student(*made)
        check_amount(outline, shapes, path)
        _check_outline(outline, path)
        from transformers.initialization import no_init_weights

        with no_init_weights():
            student = Student(*made)
        student.text_model.tie_weights()  # left out with the rest: T5's token table has two names
        return student


def _check_outline(student: Student, path: Path) -> None:
    """Refuse a description whose parts speak of different students."""
    table, positions = tables(student)
    tokens, outputs = table.shape[0], student.text_model.config.hidden_size
    if tokens != student.vocabulary_size or student.pad_id >= tokens:
        raise InputError(
            f"{shown(path)}: {student.vocabulary_size:,} tokens with padding {student.pad_id:,}, "
            f"but a table of {tokens:,}; take student and tokenizer from one run"
        )
    rows = None if positions is None else positions.shape[-2]
    if rows is not None and rows < student.recipe.context:
        raise InputError(
            f"{shown(path)}: a context of {student.recipe.context:,}, but {rows:,} positions"
        )
    if isinstance(student.projector, torch.nn.Identity) and outputs != student.width:
        raise InputError(
            f"{shown(path)}: outputs of width {student.width:,}, but hidden states of {outputs:,} "
            "and no projector"
        )
