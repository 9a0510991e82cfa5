"""What an ablation measured: students of other recipes beside the run's own."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from anatomy.findings.parts import Rounded
from distill.metrics.conditions import Section
from distill.recipe import Part

Grid = Literal["seed", "context", "loss", "consistency", "vocabulary", "width"]
GRIDS: tuple[Grid, ...] = ("seed", "context", "loss", "consistency", "vocabulary", "width")


class Span(Part):
    """A mean over prompts with its 95 % interval: prompts resampled."""

    mean: Rounded
    low: Rounded
    high: Rounded


class AblatedStudent(Part):
    """A student of a short training, measured on the held-out prompts."""

    key: str = Field(description="Of the recipe that it was trained by")
    seed: int
    context: int
    tokens: int = Field(description="That its vocabulary keeps")
    bottleneck: int | None
    parameters: int
    bytes: int = Field(description="In float32")
    seconds: float = Field(description="Of its training")
    pooled: Span = Field(description="Cosine of pooled outputs with the teacher's")
    pooled_p5: Rounded = Field(description="5th percentile over prompts")
    token_cosine: Rounded
    cut: Rounded = Field(description="Share of the prompts that are longer than its context")
    split: Rounded = Field(description="Share of the prompts of which some token is not kept")
    shuffled: Rounded | None = Field(
        description="Cosine of a prompt's pooled output with that of its words shuffled"
    )
    against: Span | None = Field(
        description="Pooled cosine less that of the run's own recipe, prompt by prompt; null: it is"
    )


class AblationRow(Part):
    """A cell of a grid. Cells of several grids may be one student."""

    grid: Grid
    value: str = Field(description="What the cell sets: 16, MSE + cosine, 0.05, ...")
    key: str = Field(description="Its student")
    own: bool = Field(description="Whether this is what the run's recipe says")


class Ablation(Section):
    """Grids around the run's recipe: one field changed at a time, all else as it is."""

    steps: int = Field(description="Optimiser steps of each student")
    step_prompts: int
    run_steps: int = Field(description="Of the run's own training, for comparison")
    shuffled_prompts: int
    teacher_shuffled: Rounded | None = Field(description="As `shuffled`, of the teacher")
    students: list[AblatedStudent] = Field(min_length=1)
    rows: list[AblationRow] = Field(min_length=1)

    def student(self, row: AblationRow) -> AblatedStudent:
        """Of a cell."""
        return next(student for student in self.students if student.key == row.key)

    def grid(self, grid: Grid) -> list[AblationRow]:
        """Its cells; none if it was not asked for."""
        return [row for row in self.rows if row.grid == grid]

    @property
    def seeds(self) -> list[AblatedStudent]:
        """The run's own recipe with this and other seeds, where there are several."""
        return [self.student(row) for row in self.grid("seed")]

    @property
    def seed_spread(self) -> float | None:
        """Largest less smallest mean pooled cosine of students that only their seed sets apart."""
        means = [student.pooled.mean for student in self.seeds]
        return max(means) - min(means) if len(means) > 1 else None
