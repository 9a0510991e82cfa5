"""What every part of the findings is made of."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def rounded(value: Any) -> Any:
    """Six significant digits for shares and means: what is left differs between machines."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _rounded4(value: Any) -> Any:
    """Four significant digits: an estimate's own error, and a device's, begin there."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


Rounded = Annotated[float, BeforeValidator(rounded)]
Rounded4 = Annotated[float, BeforeValidator(_rounded4)]


_LARGEST = 10**30
LONGEST_CONTEXT = 1 << 20
# What is counted: prompts, rows. Beyond any corpus, and still a number that divides as a float.
Count = Annotated[int, Field(ge=0, le=10**15)]
ContextLength = Annotated[int, Field(ge=1, le=LONGEST_CONTEXT)]  # L, in tokens


class Part(BaseModel):
    """A part of the document: nothing unknown in it, no number that is none, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="after")
    def _divides(self) -> Self:
        """What reads the document divides its numbers, which a float must be able to hold."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, int) and abs(value) > _LARGEST:
                raise ValueError(f"{name} is a number of more than 30 digits")
        return self


class FileFinding(Part):
    """A file that was read. `path` is relative to the data folder, or as the user gave it."""

    path: str
    bytes: int
    sha256: str


class Curve(Part):
    """Points of a curve."""

    x: list[int]
    y: list[Rounded]
