"""What a student costs: parameters, bytes, operations, prompts a second."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from anatomy.findings.parts import Rounded4
from distill.metrics.conditions import Section
from distill.recipe import Part
from distill.sizes import Precision

Kind = Literal["teacher", "student", "shape"]
Length = Literal["padded", "trimmed"]


class Published(Part):
    """A row of the paper's Table 8, as printed; measured on a laptop's RTX 4070."""

    parameters: str
    throughput: str = Field(description="Texts a second; batch and precision are not said")
    speedup: str


class Speed(Part):
    """How long a batch takes."""

    batch: int = Field(description="That was asked for")
    rows: int = Field(description="That were run: fewer, where the batch would take too long")
    length: Length = Field(
        description="padded: every prompt to the context; trimmed: to the longest of its batch"
    )
    milliseconds: Rounded4 = Field(description="Of a call, the median over turns")
    low: Rounded4 = Field(description="First quartile")
    high: Rounded4 = Field(description="Third quartile")
    turns: int

    @property
    def rate(self) -> float:
        """Prompts a second."""
        return 1e3 * self.rows / self.milliseconds


class ModelCost(Part):
    """One text encoder."""

    name: str
    title: str
    kind: Kind
    note: str
    context: int
    parameters: int = Field(description="As the published class has them")
    used: int | None = Field(
        description="Less the rows of tokens that no prompt of the corpus has; null: not counted"
    )
    bytes: dict[Precision, int] = Field(description="Of the weights in memory")
    file_bytes: int | None = Field(description="On disk; null: there is no file")
    flops: int | None = Field(description="Of one prompt, padded to the context")
    flops_trimmed: int | None = Field(
        description="Of one prompt of the mean length; null: it must be padded"
    )
    peak_bytes: int | None = Field(description="On a GPU: weights and the largest batch")
    speeds: list[Speed]
    published: Published | None
    absent: str = Field("", description="Why it was not timed")

    def speed(self, batch: int, length: Length) -> Speed | None:
        """Of a batch."""
        found = (s for s in self.speeds if (s.batch, s.length) == (batch, length))
        return next(found, None)

    def own(self, batch: int) -> Speed | None:
        """As its own processor prepares a batch: padded where it pads, else trimmed."""
        return self.speed(batch, "padded") or self.speed(batch, "trimmed")


class LibraryCost(Part):
    """The run's student in a process of its own, on the CPU."""

    library: Literal["torch", "onnxruntime"]
    file: str = Field(description="In the run's folder")
    threads: int
    milliseconds: dict[int, Rounded4] = Field(description="Batch -> of a call, padded to L")
    library_bytes: int = Field(description="Resident memory with the library alone")
    loaded_bytes: int = Field(description="With the student, before the first call")
    resident_bytes: int = Field(description="After all calls")


class Benchmark(Section):
    """Encoders beside each other, in one process, in turns (the paper's Table 8)."""

    dtype: Literal["float32", "bfloat16"]
    batches: list[int]
    mean_length: Rounded4 = Field(description="Tokens of the prompts, by the teacher's tokenizer")
    models: list[ModelCost] = Field(min_length=1)
    libraries: list[LibraryCost]

    def model(self, name: str) -> ModelCost | None:
        """By name."""
        return next((model for model in self.models if model.name == name), None)

    @property
    def teacher(self) -> ModelCost | None:
        """The run's."""
        return next((model for model in self.models if model.kind == "teacher"), None)

    @property
    def student(self) -> ModelCost | None:
        """The run's."""
        return next((model for model in self.models if model.kind == "student"), None)
