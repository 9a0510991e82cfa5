"""What an evaluation measured: a student against its teacher on held-out prompts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from anatomy.findings import Estimated
from anatomy.findings.parts import Part, Rounded
from distill.metrics.conditions import Section

Verdict = Literal["passes", "flagged", "too few", "none held out"]


class Cosines(Part):
    """Cosines over prompts or tokens."""

    mean: Rounded
    p5: Rounded | None = Field(description="5th percentile; null for fewer than 20")


class Errors(Part):
    """Relative errors ||s - t|| / ||t|| over prompts or tokens."""

    mean: Rounded
    p95: Rounded | None = Field(description="95th percentile; null for fewer than 20")


class Likeness(Part):
    """How near outputs are to the teacher's: the student's, and one vector's in its place.

    The one vector is the mean of the teacher's outputs over training prompts. A student that has
    learnt nothing of the prompts gets as far.
    """

    count: int = Field(ge=1, description="Prompts or tokens")
    student: Cosines
    baseline: Cosines
    error: Errors
    baseline_error: Errors


class Interval(Part):
    """Of a mean, 95 %: prompts resampled, those that are nearest neighbours together."""

    low: Rounded
    high: Rounded


class Overlap(Part):
    """Share of the teacher's k nearest neighbours that are the student's too, mean over prompts."""

    k: int
    prompts: int = Field(description="Distinct ones of the group, which are searched")
    share: Rounded
    chance: Rounded = Field(description="k / (prompts - 1): of neighbours drawn by lot")


class RankCorrelation(Part):
    """Spearman's, of the cosines of pairs of prompts: the student's with the teacher's."""

    pairs: int
    value: Rounded


class Dimensions(Part):
    """How many dimensions some outputs fill."""

    ambient: int
    linear: Rounded = Field(description="Effective rank, p = s / sum s")
    dims95: int = Field(description="Dimensions that keep 95 % of the variance")
    mle: Estimated = Field(description="Harmonic MLE, averaged over k")
    two_nn: Estimated


class DimensionPair(Part):
    """Of both encoders' pooled outputs, not normalised, at the same distinct prompts."""

    points: int
    teacher: Dimensions
    student: Dimensions


class GroupQuality(Part):
    """One source's held-out prompts, or all. What could not be measured is null and in `absent`."""

    group: str = Field(description='A source\'s name, or "combined" for all')
    trains: bool = Field(description="Whether other prompts of it were learnt from")
    prompts: int
    pooled: Likeness | None
    interval: Interval | None = Field(description="Of the mean pooled cosine")
    quantiles: dict[int, Rounded] = Field(
        description="Per cent of prompts -> pooled cosine that they are below; none under 20"
    )
    tokens: Likeness | None
    overlap: Overlap | None
    ranks: RankCorrelation | None
    dimension: DimensionPair | None
    verdict: Verdict = Field(description="Whether the mean pooled cosine reaches the gate")
    absent: dict[str, str] = Field(description="Measure -> why there is none")


class ShuffleQuality(Part):
    """What word order does: cosines of a prompt's output with that of its words shuffled."""

    kind: Literal["content words", "all words"] = Field(
        description="Runs of content words, as the consistency loss has them; or every word"
    )
    group: str
    prompts: int
    teacher: Cosines = Field(description="Teacher's prompt with teacher's shuffled prompt")
    student: Cosines = Field(description="Student's with student's")
    closeness: Cosines = Field(description="Student's shuffled prompt with the teacher's")
    baseline: Cosines = Field(description="The mean vector with the teacher's shuffled prompt")


class OrderPair(Part):
    """Two prompts of the same words, of which the order is the meaning."""

    one: str
    other: str
    teacher: Rounded = Field(description="Cosine of the teacher's outputs for the two")
    student: Rounded
    kept: bool = Field(description="Whether all tokens of both are in the student's vocabulary")


class CorpusOrders(Part):
    """Prompts of the corpus that have the same words in another order."""

    bags: int = Field(description="Sets of such prompts")
    prompts: int = Field(description="In them")
    pairs: int = Field(description="Held-out pairs measured, one of a set")
    teacher: Cosines | None
    student: Cosines | None


class WorstPrompt(Part):
    """A held-out prompt that the student is far from its teacher at."""

    text: str = Field(description="Its first 200 characters")
    sources: list[str]
    cosine: Rounded = Field(description="Of the pooled outputs")
    baseline: Rounded = Field(description="Of the mean vector with the teacher's output")
    token_cosine: Rounded | None = Field(description="Mean over its tokens")
    tokens: int = Field(description="The student's, cut to its context")
    split: bool = Field(description="Some token of it is not in the student's vocabulary")
    cut: bool = Field(description="It is longer than the student's context")


class Segmented(Part):
    """Held-out prompts by what the student's tokenizer and context make of them."""

    kind: Literal["all tokens kept", "some token split", "cut to the context"]
    prompts: int
    pooled: Cosines | None
    baseline: Cosines | None = Field(description="Of the mean vector in the student's place")


class Evaluation(Section):
    """A student against its teacher on held-out prompts.

    The conditions' seed is that of shuffles, pairs drawn and intervals.
    """

    precision: str = Field(description="In which the teacher computes; the student's is float32")
    pooling: str
    gate: Rounded = Field(description="A source's mean pooled cosine should reach it")
    groups: list[GroupQuality] = Field(min_length=1, description="All prompts, then each source")
    shuffles: list[ShuffleQuality]
    pairs: list[OrderPair] = Field(description="Those of the fixed pairs that no context cuts")
    orders: CorpusOrders
    worst: list[WorstPrompt]
    segmented: list[Segmented]

    @property
    def combined(self) -> GroupQuality:
        """All held-out prompts."""
        return self.groups[0]

    @property
    def flagged(self) -> list[GroupQuality]:
        """Sources whose mean pooled cosine is under the gate."""
        return [group for group in self.groups[1:] if group.verdict == "flagged"]

    @property
    def ungated(self) -> list[GroupQuality]:
        """Sources whose mean vector reaches the gate: passing it says nothing there."""
        return [g for g in self.groups[1:] if g.pooled and g.pooled.baseline.mean >= self.gate]
