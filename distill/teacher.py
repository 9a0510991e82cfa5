"""The teacher: an encoder of `anatomy` with its weights, and proof that it is the recipe's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anatomy.encoders import NoWeightsError, resolve
from anatomy.encoders.registry import Encoder
from anatomy.errors import InputError
from anatomy.files import shown
from distill.sizes import PRECISIONS, Sizes, stored_bytes

if TYPE_CHECKING:
    from anatomy.encoders.model import TextModel
    from distill.recipe import TeacherRecipe


@dataclass(frozen=True)
class Teacher:
    """An encoder whose outputs are learnt.

    Attributes
    ----------
    encoder : Encoder
        Its name and tokenizer.
    model : TextModel
        Its weights, on a device.
    """

    encoder: Encoder
    model: TextModel


def open_teacher(recipe: TeacherRecipe, device: str = "cpu") -> Teacher:
    """Load a recipe's teacher.

    Parameters
    ----------
    recipe : TeacherRecipe
    device : {"cpu", "cuda"}

    Raises
    ------
    InputError
        If its weights are not here, or its tokenizer or weights are not those of the recipe.
    """
    when = "the recipe was planned"
    encoder = resolved(recipe.encoder, recipe.tokenizer, when)
    dtype = precision_on(device, recipe.precision)
    model = opened(encoder, recipe.encoder, recipe.weights_sha256, when, device, dtype)
    return Teacher(encoder, model)


def on_device(teacher: Teacher, device: str, precision: str) -> Teacher:
    """The same teacher on a device, in a precision; read again only if it must be."""
    dtype = precision_on(device, precision)
    if (teacher.model.device, teacher.model.dtype) == (device, dtype):
        return teacher
    assert teacher.encoder.open is not None  # noqa: S101
    return Teacher(teacher.encoder, teacher.encoder.open(device, dtype))


def precision_on(device: str, precision: str) -> str:
    """The dtype that a teacher computes in: "auto" is bfloat16 on CUDA and float32 elsewhere."""
    if precision != "auto":
        return precision
    return "bfloat16" if device == "cuda" else "float32"


def resolved(spec: str, tokenizer: str, when: str) -> Encoder:
    """The encoder, if its tokenizer is still of this description.

    A student of another one would be evaluated, and deployed, against the wrong teacher. `when`
    says in the message what it was compared with: "the recipe was planned".
    """
    (encoder,) = resolve([spec])
    now = encoder.tokenizer.description
    if now != tokenizer:
        raise InputError(
            f"{shown(spec)}: has another tokenizer than when {when} ({shown(now)}; then: "
            f"{shown(tokenizer)}); run `anatomy audit` again and plan from its findings"
        )
    return encoder


def opened(
    encoder: Encoder,
    spec: str,
    weights: str,
    when: str,
    device: str = "cpu",
    dtype: str = "float32",
) -> TextModel:
    """Its weights, if they are still of this hash."""
    try:
        if encoder.open is None:
            raise NoWeightsError(encoder.weights)
        model = encoder.open(device, dtype)
    except NoWeightsError as error:
        raise InputError(f"{shown(spec)}: has no weights here any more ({error})") from error
    if model.weights_hash != weights:
        raise InputError(
            f"{shown(spec)}: has other weights than when {when} (hash "
            f"{model.weights_hash[:12]}... now, {shown(weights)[:12]}... then); run "
            "`anatomy audit` again and plan from its findings"
        )
    return model


def sizes_of(model: TextModel) -> Sizes:
    """Parameters and bytes of a teacher, by the parts that a student has too."""
    from distill.shallow import parts_of

    _, projector = parts_of(model)
    torch_model: Any = model
    positions = model.position_embedding
    parts: dict[str, list[tuple[int, ...]]] = {
        "token embedding": [model.token_embedding.shape],
        "positions": [] if positions is None else [positions.shape],
        "projector": [] if projector is None else [tuple(p.shape) for p in projector.parameters()],
    }
    whole = [tuple(p.shape) for p in torch_model.module.parameters()]
    parameters = {part: sum(map(math.prod, shapes)) for part, shapes in parts.items()}
    stored = {
        precision: {
            part: sum(stored_bytes(shape, precision) for shape in shapes)
            for part, shapes in parts.items()
        }
        for precision in PRECISIONS
    }
    parameters["layers"] = model.parameters - sum(parameters.values())
    for precision, found in stored.items():
        everything = sum(stored_bytes(shape, precision) for shape in whole)
        found["layers"] = everything - sum(found.values())
    there = [part for part, number in parameters.items() if number]
    return Sizes(
        {part: parameters[part] for part in there},
        {precision: {part: found[part] for part in there} for precision, found in stored.items()},
    )
