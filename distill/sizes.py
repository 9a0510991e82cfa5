"""What a student weighs: parameters and bytes by part and precision, without a byte allocated."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Precision = Literal["float32", "bfloat16", "int8"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16", "int8")
UNUSED = "unused"
# Bytes beside each row of an int8 matrix: its scale (float32) and its zero point (int8).
_ROW = 5


@dataclass(frozen=True)
class Sizes:
    """Parameters and bytes of a student.

    Attributes
    ----------
    parameters : mapping of str to int
        "token embedding", "positions", "layers" (with all norms), "projector" and, where a CLIP
        teacher has one, "pooled projection". "unused" is what transformers' class of it has beside
        these and no per-token output depends on: it is in published totals and in exports to that
        class, but neither trained nor stored here.
    bytes : mapping of str to mapping of str to int
        Precision -> part -> bytes of the weights that are stored here, running statistics of
        BatchNorm with the layers. See `stored_bytes`.
    """

    parameters: Mapping[str, int]
    bytes: Mapping[Precision, Mapping[str, int]]

    @property
    def total(self) -> int:
        """Parameters with the unused ones, as published totals count them."""
        return sum(self.parameters.values())

    @property
    def held(self) -> int:
        """Parameters that are trained and stored."""
        return self.total - self.parameters.get(UNUSED, 0)

    def total_bytes(self, precision: Precision) -> int:
        """Bytes of all parts."""
        return sum(self.bytes[precision].values())

    @classmethod
    def of(cls, tensors: Iterable[tuple[str, Sequence[int], bool]], unused: int) -> Sizes:
        """From (part, shape, whether it is trained) of each tensor, and the count of the unused."""
        parameters: dict[str, int] = {}
        stored: dict[Precision, dict[str, int]] = {precision: {} for precision in PRECISIONS}
        for part, shape, trained in tensors:
            parameters[part] = parameters.get(part, 0) + (math.prod(shape) if trained else 0)
            for precision, parts in stored.items():
                parts[part] = parts.get(part, 0) + stored_bytes(shape, precision)
        return cls(parameters | {UNUSED: unused}, stored)


def stored_bytes(shape: Sequence[int], precision: Precision) -> int:
    """Bytes of one tensor's numbers; a file's own overhead is not counted.

    In int8, matrices (weights of Linear, Embedding and pointwise convolutions) take one byte a
    number and, for each row, a float32 scale and an int8 zero point; all else stays float32.
    """
    numbers = math.prod(shape)
    if precision == "float32":
        return 4 * numbers
    if precision == "bfloat16":
        return 2 * numbers
    is_matrix = len(shape) >= 2 and shape[1] > 1 and numbers == shape[0] * shape[1]
    return numbers + _ROW * shape[0] if is_matrix else 4 * numbers
