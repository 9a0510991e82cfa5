"""What an encoder's weights and outputs show: ranks, positions, intrinsic dimension."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from anatomy.corpus.model import COMBINED
from anatomy.findings.parts import Curve, FileFinding, Part, Rounded, Rounded4

PERCENTS = (90, 95, 99)  # of the variance, for which dimensions are given


class InsideSettings(Part):
    """What the user asked of the sections that need weights or outputs."""

    device: str
    dtype: str
    sample: int | None = Field(description="Prompts drawn of each group; null: all")
    pooling: str
    neighbours: str
    id_estimators: list[str]


class SpectrumFinding(Part):
    """Singular values of a column-centred matrix, summed up."""

    group: str
    rows: int
    columns: int
    effective_rank: Rounded = Field(description="exp(entropy of p), p = s / sum s")
    effective_rank_energy: Rounded = Field(description="exp(entropy of p), p = s^2 / sum s^2")
    participation_ratio: Rounded = Field(description="(sum s^2)^2 / sum s^4")
    rank_share: Rounded = Field(description="effective_rank / columns")
    dims: dict[int, int] = Field(description="Per cent of the variance -> dimensions")
    curve: Curve = Field(description="Dimensions kept -> share of the variance kept")
    values: Curve = Field(description="Number of the singular value -> its ratio to the largest")
    published: dict[str, str] = Field(
        default_factory=dict, description="The paper's figures, where comparable"
    )


class Factorised(Part):
    """Parameters of the token table as a product of rank k, for all tokens and the used ones."""

    percent: int = Field(description="Of the variance kept")
    rank_all: int
    parameters_all: int
    rank_used: int
    parameters_used: int


class EmbeddingFinding(Part):
    """The token embedding E [V, d]."""

    rows: int
    width: int
    parameters: int = Field(ge=1)
    used: int = Field(description="Rows that the corpus uses")
    pruned_parameters: int = Field(description="Parameters of those rows alone")
    spectra: list[SpectrumFinding] = Field(description="All tokens, then the used ones")
    factorised: list[Factorised]
    advice: str


class PositionFinding(Part):
    """The position embedding P [L, d]."""

    rows: int
    width: int
    split: int = Field(description="Positions in the first group")
    mean_first: Rounded4 | None = Field(description="Mean cosine between two of the first group")
    mean_rest: Rounded4 | None
    ratio: Rounded4 | None = Field(description="mean_rest / mean_first")
    zero_rows: int
    spectrum: SpectrumFinding
    cosines: list[list[Rounded4]] = Field(description="Cosine matrix, or means of its blocks")
    block: int = Field(description="Positions along a side of each block")
    reach: list[Rounded] = Field(description="Share of prompts with a token at each position")
    published: dict[str, str]
    advice: str


class Estimated(Part):
    """An estimate with its 95 % interval."""

    value: Rounded4
    low: Rounded4
    high: Rounded4


class MleFinding(Part):
    """Levina & Bickel's estimator at one k."""

    k: int
    harmonic: Estimated = Field(description="Harmonic mean over points, factor k-1")
    arithmetic: Estimated = Field(description="Arithmetic mean over points, factor k-2")
    reference: Rounded4 | None = Field(description="scikit-dimension's, on the same points")


class ByOrder(Part):
    """The dimension seen from neighbours n and 2n."""

    order: int
    estimate: Estimated


class BySize(Part):
    """The dimension of smaller samples: means, least and greatest over disjoint ones."""

    points: int = Field(ge=1)
    samples: int = Field(ge=1)
    two_nn: Estimated
    mle: Estimated


class NearDuplicates(Part):
    """Points whose nearest neighbour is the same prompt but for article, case, plural, order."""

    share: Rounded4
    points: int = Field(description="Points left with one prompt of each kind")
    two_nn: Estimated | None
    mle: Estimated | None


class CheckedNeighbours(Part):
    """How the neighbours were found, and what it costs where that is not exactly."""

    method: Literal["exact", "approximate"]
    k: int
    rows: int | None = Field(None, description="Rows whose neighbours were also found exactly")
    recall: Rounded4 | None = Field(None, description="Share of their true neighbours found")
    effect: dict[str, Rounded4] = Field(
        default_factory=dict, description="Estimator -> relative change on those rows"
    )


class OtherEstimate(Part):
    """One of scikit-dimension's estimators on the same points."""

    name: str
    value: Rounded4 | None
    failure: str | None = None


class CloudFinding(Part):
    """The intrinsic dimension of one cloud of outputs."""

    group: str = Field(description='A source\'s name, or "combined" for the union')
    kind: Literal["pooled", "per-token"]
    population: int = Field(description="The group's prompts; per-token: tokens of those drawn")
    drawn: int = Field(description="Prompts drawn; per-token: all of the population")
    copies: int = Field(description="Drawn ones that are copies of another: left out")
    points: int = Field(ge=1, description="Points measured; per-token: at most as many as prompts")
    ambient: int
    linear: SpectrumFinding
    two_nn: Estimated
    two_nn_reference: Rounded4 | None = Field(description="scikit-dimension's, same points")
    mle: list[MleFinding]
    harmonic: Estimated = Field(description="Headline: harmonic MLE averaged over k")
    arithmetic: Estimated
    by_order: list[ByOrder]
    by_size: list[BySize]
    near_duplicates: NearDuplicates | None
    neighbours: CheckedNeighbours
    others: list[OtherEstimate]


class OutputsFinding(Part):
    """Outputs of an encoder, or of a file, and how they were made."""

    pooling: str
    normalised: bool
    context: int | None
    truncated: int = Field(description="Encoded prompts that were cut to the context")
    device: str
    dtype: str
    threads: int | None
    batches: str
    clouds: list[CloudFinding] = Field(description="Pooled: combined, then sources; per-token")
    absent: dict[str, str] = Field(description="Group or kind -> why it was not measured")
    published: dict[str, str]
    rank: int | None = Field(description="Output dimensions to keep")
    advice: str

    @property
    def main(self) -> CloudFinding | None:
        """The pooled outputs of all prompts, where they could be measured."""
        pooled = (cloud for cloud in self.clouds if cloud.kind == "pooled")
        return next((c for c in pooled if c.group == COMBINED or self.context is None), None)


class InsideFinding(Part):
    """What the weights of an encoder show on this corpus."""

    files: list[FileFinding]
    weights: str = Field(description="Hash of all weight files")
    parameters: int
    causal: bool = Field(description="Later tokens do not change earlier outputs; probed")
    embedding: EmbeddingFinding
    positions: PositionFinding | None
    no_positions: str
    outputs: OutputsFinding


class FileOutputsFinding(Part):
    """Outputs computed elsewhere."""

    name: str
    file: FileFinding
    source: str
    outputs: OutputsFinding
