"""What a robustness study measured: errors of text embeddings on their way through an attention."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from anatomy.findings.parts import Part, Rounded4
from distill.metrics.conditions import Section

Direction = Literal["text asks", "text answers"]

_ROUNDING = 1e-9  # an output's relative error of less is that of the arithmetic


class Attenuation(Part):
    """Errors at one perturbation, number of keys and sharpness. Relative unless said otherwise."""

    perturbation: Literal["noise", "student"]
    keys: int = Field(ge=1)
    sharpness: Rounded4 = Field(description="Standard deviation of a query's logits: 1 / T")
    input: Rounded4 = Field(description="||t' - t|| / ||t||, mean over the tokens perturbed")
    logits: Rounded4 = Field(description="Likewise over queries, each one's mean taken away")
    weights: Rounded4 = Field(description="Half the sum of |w' - w|: weight that moved")
    top_kept: Rounded4 = Field(description="Share of queries whose heaviest key stays")
    output: Rounded4 = Field(description="||o' - o|| / ||o||, mean over queries")
    output_absolute: Rounded4 = Field(description="Root mean square of o' - o over its numbers")

    @property
    def factor(self) -> float | None:
        """How often the relative error of the output goes into the input's; None of no error."""
        return self.input / self.output if self.output > _ROUNDING else None

    @property
    def mixed(self) -> float | None:
        """The paper's kind of ratio: relative error of the logits to absolute of the output."""
        return self.logits / self.output_absolute if self.output > _ROUNDING else None


class SimulatedAttention(Part):
    """One attention, in words and in numbers."""

    direction: Direction
    described: str
    queries: int
    rows: list[Attenuation]


class PublishedRatio(Part):
    """Where the mixed ratio is as large as the paper's, at the paper's input error."""

    direction: Direction
    keys: int
    sharpness: Rounded4 | None = Field(description="Interpolated; null: nowhere in the sweep")
    factor: Rounded4 | None = Field(description="There, relative error to relative error")


class Robustness(Section):
    """Errors of input, logits and attention output (paper, section 5.7)."""

    tokens: int = Field(description="Held-out tokens that were perturbed")
    width: int
    norm: Rounded4 = Field(description="Mean length of the teacher's token outputs")
    student_error: Rounded4 = Field(description="Mean relative error of the student at them")
    literal_noise: Rounded4 = Field(
        description="Relative error that noise of deviation 0.1 in each number makes of them"
    )
    attentions: list[SimulatedAttention]
    published: list[PublishedRatio]
