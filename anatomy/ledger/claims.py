"""What a set of published figures consists of. The paper's own stand in `paper` and `tables`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from anatomy.ledger.intervals import Figure, Interval
from anatomy.ledger.tables import (
    ContextTriples,
    LossTriple,
    SpeedRow,
    SubsetRow,
    VideoRow,
    WeightTriples,
)


@dataclass(frozen=True)
class CorpusClaims:
    """Sources and counts.

    `veval_queried` is not the paper's: it is SA-Co/VEval's published list of the phrases that
    its six files query.
    """

    total: Figure
    counts: Mapping[str, Figure]
    training_datasets: Figure
    training_named: tuple[str, ...]
    training_counted: tuple[str, ...]
    veval_tests: tuple[Figure, ...]
    veval_queried: Figure


@dataclass(frozen=True)
class ContextRow:
    """One row of Table 1."""

    length: int
    density: Figure
    padding: Figure
    truncation: Figure
    loss: Figure | None

    @property
    def kept(self) -> Interval:
        """Mean tokens kept per prompt, L * density(L): the mean of min(|t|, L)."""
        return self.length * self.density.interval


@dataclass(frozen=True)
class ContextClaims:
    """Prompt lengths and the context window.

    `shortest` is the least number of tokens of a prompt: start, one more, end.
    """

    mean: Figure
    lvis_mean: Figure
    saco_mean: Figure
    refcoco_mean: Figure
    positions_mean: Figure
    rows: tuple[ContextRow, ...]
    truncated_refcoco: Figure
    truncated_rest_below: Figure
    attention_padding: Figure
    shortest: int = 3

    def row(self, length: int) -> ContextRow:
        """Table 1's row for this context length."""
        return next(row for row in self.rows if row.length == length)


@dataclass(frozen=True)
class VocabularyClaims:
    """Vocabulary use."""

    size: Figure
    used: Figure
    coverage: Figure
    unused: Figure
    size_label: Figure
    used_label: Figure
    special_share: Figure
    top100_share: Figure


@dataclass(frozen=True)
class RankRow:
    """One row of Table 2."""

    label: str
    rank: Figure
    percent: Figure
    dims90: Figure
    dims95: Figure


@dataclass(frozen=True)
class EmbeddingClaims:
    """Token and position embeddings, output space."""

    width: Figure
    rows: tuple[RankRow, ...]
    finding_rank: Figure
    positions: Figure
    positions_rank: Figure
    positions_dims90: Figure
    positions_variance: Figure
    similarity_early: Figure
    similarity_late: Figure
    similarity_ratio: Figure
    ambient: Figure
    output_rank: Figure
    dimension: Figure
    dimension_range: Figure
    redundant: Figure
    utilisation: Figure
    superfluous: Figure


@dataclass(frozen=True)
class StudentSpec:
    """One student.

    `convolutional` is not the paper's: it counts the convolutional blocks that Apple's MobileCLIP
    of that name has besides its transformer layers.
    """

    name: str
    layers: int
    width: int
    projection: int
    convolutional: int
    parameters: Figure
    parameters_16: Figure
    reduction: Figure


@dataclass(frozen=True)
class ArchitectureClaims:
    """Teacher, students and two baselines.

    `released_width` and `released_layers` are not the paper's: they are those of the text encoder
    in the released SAM3 checkpoint.
    """

    vocabulary: Figure
    context: int
    output: int
    teacher_name: str
    teacher_parameters: Figure
    teacher_width: Figure
    teacher_layers: Figure
    table_width: Figure
    memory_more_than_mb: Figure
    students: tuple[StudentSpec, ...]
    eva_parameters: Figure
    bert_parameters: Figure
    released_width: int = 1024
    released_layers: int = 24


@dataclass(frozen=True)
class ResultClaims:
    """Result tables and what the text says of them."""

    table_3: tuple[SubsetRow, ...]
    table_4: tuple[VideoRow, ...]
    table_5: tuple[ContextTriples, ...]
    table_6: tuple[LossTriple, ...]
    table_7: tuple[WeightTriples, ...]
    retained: Figure
    retained_by: str
    input_error: Figure
    logit_error: Figure
    output_error: Figure
    error_factor: Figure
    metrics_5_1: Mapping[str, str]
    metrics_5_2: Mapping[str, str]


@dataclass(frozen=True)
class EfficiencyClaims:
    """Speed."""

    table_8: tuple[SpeedRow, ...]
    teacher: str
    best_speedup: Figure
    latency_gain: Figure
    latency_32: Figure
    latency_16: Figure
    latency_model: str
    gpu_setup: str
    gpu_table: str


@dataclass(frozen=True)
class Claims:
    """Everything the ledger checks. `dataclasses.replace` a figure to see what it would change."""

    corpus: CorpusClaims
    context: ContextClaims
    vocabulary: VocabularyClaims
    embeddings: EmbeddingClaims
    architecture: ArchitectureClaims
    results: ResultClaims
    efficiency: EfficiencyClaims
