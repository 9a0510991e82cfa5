"""What a run made: its student beside its teacher, of which prompts, in how much time."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from distill.metrics.conditions import Device
from distill.recipe import Part
from distill.sizes import Precision


class ModelMetrics(Part):
    """Teacher or student: what it consists of, and what it weighs."""

    name: str
    parameters: dict[str, int] = Field(description="Part -> parameters that are there and used")
    bytes: dict[Precision, dict[str, int]] = Field(description="Precision -> part -> bytes")
    unused: int = Field(0, description="What transformers' class has besides, and nothing uses")

    @property
    def total(self) -> int:
        """Parameters of all parts."""
        return sum(self.parameters.values())

    def total_bytes(self, precision: Precision) -> int:
        """Bytes of all parts."""
        return sum(self.bytes[precision].values())


class SourceMetrics(Part):
    """Prompts of a source, or of all, and the part that they play."""

    name: str
    kind: Literal["official", "bundled", "user", "stand-in", ""] = Field(
        description="Empty: of all sources together"
    )
    trains: bool = Field(description="Whether any of it may train")
    distinct: int
    train: int
    held_out: int

    @property
    def neither(self) -> int:
        """Prompts that are neither trained on nor evaluated."""
        return self.distinct - self.train - self.held_out


class EffectMetrics(Part):
    """What the student's vocabulary does to some prompts."""

    prompts: int
    unchanged: int = Field(description="Prompts of which all tokens are kept")
    tokens_before: int = Field(description="Of the other prompts")
    tokens_after: int = Field(description="Of the other prompts")
    truncated_before: int = Field(description="Prompts longer than the context")
    truncated_after: int


class VocabularyMetrics(Part):
    """The tokens that were kept."""

    teacher: int = Field(description="Tokens of the teacher's vocabulary")
    kept: int
    train: EffectMetrics
    held_out: EffectMetrics


class TrainingMetrics(Part):
    """How long the student was trained."""

    steps: int
    prompts: int = Field(description="That were seen, counted each time")
    epochs: float
    targets_seconds: float = Field(description="Of the teacher, over all processes")
    seconds: float = Field(description="Over all processes")


class RunMetrics(Part):
    """The run itself."""

    name: str
    recipe_digest: str = Field(description="Recipe.digest of the recipe.yaml beside this file")
    student_sha256: str = Field(description="Of student.safetensors")
    teacher: ModelMetrics
    student: ModelMetrics
    sources: list[SourceMetrics] = Field(description="In the findings' order; the last: all")
    vocabulary: VocabularyMetrics
    training: TrainingMetrics
    device: Device
    device_name: str
    threads: int
    processes: int
    torch: str

    @property
    def stand_ins(self) -> list[str]:
        """Sources whose prompts anatomy generated."""
        return [source.name for source in self.sources if source.kind == "stand-in"]
