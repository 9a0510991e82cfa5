"""The teacher: an encoder of `anatomy` with its weights, and proof that it is the recipe's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anatomy.encoders import NoWeightsError, resolve
from anatomy.encoders.registry import Encoder
from anatomy.errors import InputError
from anatomy.files import shown

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
        If its weights are not here, or its tokenizer or weights are not those of the recipe: a
        student of another teacher would be evaluated, and deployed, against the wrong one.
    """
    (encoder,) = resolve([recipe.encoder])
    if encoder.tokenizer.description != recipe.tokenizer:
        raise InputError(
            f"{shown(recipe.encoder)}: its tokenizer is {shown(encoder.tokenizer.description)}, "
            f"but the recipe was planned with {shown(recipe.tokenizer)}; audit and plan again"
        )
    if encoder.open is None:
        raise InputError(f"{shown(recipe.encoder)}: cannot teach: {encoder.weights}")
    try:
        model = encoder.open(device, precision_on(device, recipe.precision))
    except NoWeightsError as error:
        raise InputError(f"{shown(recipe.encoder)}: cannot teach: {error}") from error
    if model.weights_hash != recipe.weights_sha256:
        raise InputError(
            f"{shown(recipe.encoder)}: its weights have hash {model.weights_hash[:12]}, but the "
            f"recipe was planned with {shown(recipe.weights_sha256[:12])}; audit and plan again"
        )
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
