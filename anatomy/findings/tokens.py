"""What a tokenizer makes of a corpus: lengths, context window, vocabulary."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from anatomy.findings.parts import ContextLength, Count, Part, Rounded
from anatomy.measures.context import LengthHistogram

TOP_SHARES = (10, 100, 1000)  # numbers of the most frequent ids whose shares are given
_LONGEST = 10_000_000  # tokens of a prompt
_MOST = 10**12  # prompts of one length


class ContextRow(Part):
    """One context length L for one group of prompts; all values are shares from 0 to 1."""

    length: ContextLength
    density: Rounded
    padding: Rounded
    quadratic_padding: Rounded
    truncation: Rounded
    token_loss: Rounded

    @classmethod
    def of(cls, histogram: LengthHistogram, length: int) -> ContextRow:
        """What a context of `length` tokens costs prompts of these lengths."""
        return cls(
            length=length,
            density=histogram.density(length),
            padding=histogram.padding(length),
            quadratic_padding=histogram.quadratic_padding(length),
            truncation=histogram.truncation(length),
            token_loss=histogram.token_loss(length),
        )


class LengthFinding(Part):
    """Prompt lengths in tokens (start and end token included) of one source, or of all."""

    group: str = Field(description='A source\'s name, or "combined" for the union')
    prompts: int
    tokens: int
    mean: Rounded
    median: int
    p90: int
    p95: int
    p99: int
    maximum: int
    histogram: list[tuple[int, int]] = Field(
        min_length=1, description="(tokens, prompts), ascending, no zeros"
    )
    contexts: list[ContextRow]

    @model_validator(mode="after")
    def _counts_agree(self) -> Self:
        """What reads the document computes from the histogram: it must be the counts'."""
        sizes = [tokens for tokens, _ in self.histogram]
        if sizes != sorted(set(sizes)) or sizes[0] < 0 or sizes[-1] > _LONGEST:
            raise ValueError(f"the histogram of {self.group!r} is not of ascending lengths")
        prompts = sum(count for _, count in self.histogram)
        tokens = sum(size * count for size, count in self.histogram)
        counted = all(1 <= count <= _MOST for _, count in self.histogram)
        if not counted or (prompts, tokens) != (self.prompts, self.tokens):
            raise ValueError(f"the histogram of {self.group!r} does not add up to its counts")
        return self

    @property
    def measure(self) -> LengthHistogram:
        """The histogram as the measure that gives every share at every context length."""
        return LengthHistogram.from_pairs(self.histogram)


class ContextRecommendation(Part):
    """The smallest context length that cuts no more tokens than the bound allows."""

    length: ContextLength
    aligned: int = Field(description="`length` rounded up to a multiple of 8")
    bound: float = Field(description="Largest token loss allowed, overall and in every source")
    worst: str = Field(description="The group that decides")
    worst_loss: Rounded
    worst_loss_before: Rounded = Field(description="That group's token loss one position shorter")
    combined_loss: Rounded
    reason: str


class TokenFinding(Part):
    """One frequent token."""

    id: int
    text: str
    count: Count
    share: Rounded


class VocabularyFinding(Part):
    """Use of the vocabulary by one source, or by all."""

    group: str
    prompts: Count
    tokens: Count
    distinct: Count
    coverage: Rounded
    special_share: Rounded
    top_shares: dict[int, Rounded] = Field(description="k -> share of the k most frequent ids")
    in_one_prompt: Count = Field(description="Ids that occur in a single prompt")
