"""The published figures of SAM3-LiteText ("An Anatomical Study of the SAM3 Text Encoder"), as data.

Every number stands as it is printed, with the place where it is printed; `Figure.interval` is the
range of values that print like it. Tables 3 to 8 are in `tables`. To see what another figure would
have led to, `dataclasses.replace` one and pass the result to `anatomy.ledger.ledger`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from anatomy.ledger.intervals import Figure, Interval
from anatomy.ledger.tables import (
    TABLE_3,
    TABLE_4,
    TABLE_5,
    TABLE_6,
    TABLE_7,
    TABLE_8,
    ContextTriples,
    LossTriple,
    SpeedRow,
    SubsetRow,
    VideoRow,
    WeightTriples,
)


def _count(text: str, where: str) -> Figure:
    return Figure(text, where, exact=True)


@dataclass(frozen=True)
class CorpusClaims:
    """Sources and counts: abstract, 3.1.1, 5.1, Table 4's header."""

    total: Figure = _count("404,796", "3.1.1")
    counts: Mapping[str, Figure] = field(
        default_factory=lambda: {
            "rf100vl": _count("554", "3.1.1"),
            "lvis": _count("1,199", "3.1.1"),
            "refcoco": _count("246,040", "3.1.1"),
            "saco-gold": _count("51,577", "3.1.1"),
            "saco-silver": _count("54,178", "3.1.1"),
            "saco-veval": _count("51,248", "3.1.1"),
        }
    )
    training_datasets: Figure = _count("4", "5.1")
    training_named: tuple[str, ...] = ("RF100-VL", "RefCOCO", "RefCOCO+", "RefCOCOg")
    training_counted: tuple[str, ...] = ("rf100vl", "refcoco")
    veval_tests: tuple[Figure, ...] = (
        Figure("1.5K", "Table 4"),
        Figure("1.5K", "Table 4"),
        Figure("2.2K", "Table 4"),
    )
    # Not the paper's: SA-Co/VEval's own published list of the phrases queried in its six files.
    veval_queried: Figure = _count("5,184", "SA-Co/VEval")


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


def _table_1(
    length: int, density: str, padding: str, truncation: str, loss: str | None
) -> ContextRow:
    return ContextRow(
        length,
        Figure(density, "Table 1"),
        Figure(padding, "Table 1"),
        Figure(truncation, "Table 1"),
        None if loss is None else Figure(loss, "Table 1"),
    )


@dataclass(frozen=True)
class ContextClaims:
    """Prompt lengths and the context window: 3.1.1 to 3.1.3, 3.2.2, Table 1."""

    mean: Figure = Figure("7.9", "3.1.2")
    lvis_mean: Figure = Figure("3.3", "3.1.2")
    saco_mean: Figure = Figure("5.4–5.9", "3.1.2")
    refcoco_mean: Figure = Figure("9.4", "3.1.2")
    positions_mean: Figure = Figure("~5.6", "3.2.2")
    rows: tuple[ContextRow, ...] = (
        _table_1(32, "0.245", "75.5%", "0.1%", None),
        _table_1(16, "0.480", "52.0%", "5.0%", "2.1%"),
        _table_1(8, "0.800", "20.0%", "28.5%", "12.3%"),
    )
    truncated_refcoco: Figure = Figure("8.1%", "3.1.3")
    truncated_rest_below: Figure = _count("0.1%", "3.1.3")
    attention_padding: Figure = Figure("75.5%", "3.1.3")
    shortest: int = 3  # start token, at least one more, end token

    def row(self, length: int) -> ContextRow:
        """Table 1's row for this context length."""
        return next(row for row in self.rows if row.length == length)


@dataclass(frozen=True)
class VocabularyClaims:
    """Vocabulary use: 3.1.4, Figure 3, Table 2's labels."""

    size: Figure = _count("49,408", "3.1.1")
    used: Figure = _count("17,300", "3.1.4")
    coverage: Figure = Figure("35.0%", "3.1.4")
    unused: Figure = Figure("65%", "3.1.4")
    size_label: Figure = Figure("49.4K", "Table 2")
    used_label: Figure = Figure("17.3K", "Table 2")
    special_share: Figure = Figure("34.6%", "3.1.4")
    top100_share: Figure = Figure("58.5%", "3.1.4")


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
    """Embeddings and output: 3.2, 3.3, Table 2, Figures 4 and 5, abstract."""

    width: Figure = _count("1,024", "3.2.1")
    rows: tuple[RankRow, ...] = (
        RankRow(
            "full vocabulary",
            Figure("943", "Table 2"),
            Figure("92.1%", "Table 2"),
            _count("857", "Table 2"),
            _count("933", "Table 2"),
        ),
        RankRow(
            "used tokens",
            Figure("906", "Table 2"),
            Figure("88.5%", "Table 2"),
            _count("834", "Table 2"),
            _count("919", "Table 2"),
        ),
    )
    finding_rank: Figure = Figure("88%", "Finding II")
    positions: Figure = _count("32", "3.2.2")
    positions_rank: Figure = Figure("20", "3.2.2")
    positions_dims90: Figure = _count("7", "3.2.2")
    positions_variance: Figure = Figure("90%", "3.2.2")
    similarity_early: Figure = Figure("0.54", "3.2.2")
    similarity_late: Figure = Figure("0.76–0.79", "3.2.2")
    similarity_ratio: Figure = Figure("1.5", "3.2.2")
    ambient: Figure = _count("256", "3.3")
    output_rank: Figure = Figure("85.3", "3.3")
    dimension: Figure = Figure("16 ± 2", "3.3")
    dimension_range: Figure = Figure("16–19", "Finding III")
    redundant: Figure = Figure("94%", "3.3")
    utilisation: Figure = Figure("6–8%", "Figure 5")
    superfluous: Figure = Figure("90%", "1")


@dataclass(frozen=True)
class StudentSpec:
    """One student of 4.1. `convolutional` counts blocks that 4.1 does not list (see checks)."""

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
    """Teacher and students: 1, 3.2.1, 4.1."""

    vocabulary: Figure = _count("49,408", "4.1")
    context: int = 32
    output: int = 256
    teacher_name: str = "CLIP ViT-L/14"
    teacher_parameters: Figure = Figure("353.72M", "4.1")
    teacher_width: Figure = _count("768", "4.1")
    teacher_layers: Figure = _count("12", "4.1")
    table_width: Figure = _count("1,024", "3.2.1")
    # Not the paper's: the text tower of the released SAM3 checkpoint.
    released_width: int = 1024
    released_layers: int = 24
    memory_more_than_mb: Figure = _count("350", "1")
    students: tuple[StudentSpec, ...] = (
        StudentSpec(
            "MobileCLIP-S0", 4, 512, 512, 2,
            Figure("42.55M", "4.1"), Figure("42.54M", "4.1"), Figure("88%", "4.1"),
        ),
        StudentSpec(
            "MobileCLIP-S1", 12, 512, 512, 0,
            Figure("63.54M", "4.1"), Figure("63.53M", "4.1"), Figure("82%", "4.1"),
        ),
        StudentSpec(
            "MobileCLIP2-L", 12, 768, 768, 0,
            Figure("123.81M", "4.1"), Figure("123.80M", "4.1"), Figure("65%", "4.1"),
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class ResultClaims:
    """Results: 1, 5.1 to 5.7, Tables 3 to 7."""

    table_3: tuple[SubsetRow, ...] = TABLE_3
    table_4: tuple[VideoRow, ...] = TABLE_4
    table_5: tuple[ContextTriples, ...] = TABLE_5
    table_6: tuple[LossTriple, ...] = TABLE_6
    table_7: tuple[WeightTriples, ...] = TABLE_7
    retained: Figure = Figure("98.1%", "1")
    retained_by: str = "MC-S0"
    retained_at: Figure = Figure("42M", "1")
    input_error: Figure = Figure("~0.97", "5.7.1")
    logit_error: Figure = Figure("~0.96", "5.7.1")
    output_error: Figure = Figure("~0.0034", "5.7.1")
    error_factor: Figure = Figure("~282", "5.7.1")
    metrics_5_1: Mapping[str, str] = field(
        default_factory=lambda: {
            "CG_F1": "classification-gated F1",
            "pmF1": "positive micro F1",
            "IL_MCC": "Image-Level Matthews Correlation Coefficient",
        }
    )
    metrics_5_2: Mapping[str, str] = field(
        default_factory=lambda: {
            "CG_F1": "concept grounding F1 score",
            "pmF1": "perm-mask F1 score",
            "IL_MCC": "instance-level Matthews correlation coefficient",
        }
    )


@dataclass(frozen=True)
class EfficiencyClaims:
    """Speed: 5.1, 5.5, Table 8."""

    table_8: tuple[SpeedRow, ...] = TABLE_8
    teacher: str = "SAM3 (Teacher)"
    best_speedup: Figure = Figure("3.7x", "Table 8")
    latency_gain: Figure = Figure("6.4%", "5.5")
    latency_32: Figure = Figure("159", "5.5")
    latency_16: Figure = Figure("157", "5.5")
    latency_model: str = "MC-S0"
    gpu_setup: str = "NVIDIA RTX 4070 Ti"
    gpu_table: str = "RTX 4070 Laptop GPU"


@dataclass(frozen=True)
class Claims:
    """Everything the ledger checks."""

    corpus: CorpusClaims = field(default_factory=CorpusClaims)
    context: ContextClaims = field(default_factory=ContextClaims)
    vocabulary: VocabularyClaims = field(default_factory=VocabularyClaims)
    embeddings: EmbeddingClaims = field(default_factory=EmbeddingClaims)
    architecture: ArchitectureClaims = field(default_factory=ArchitectureClaims)
    results: ResultClaims = field(default_factory=ResultClaims)
    efficiency: EfficiencyClaims = field(default_factory=EfficiencyClaims)


PAPER = Claims()
