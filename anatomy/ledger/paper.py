"""The published figures of SAM3-LiteText ("An Anatomical Study of the SAM3 Text Encoder"), as data.

Every number stands as it is printed, with the place where it is printed. Tables 3 to 8 are in
`tables`.
"""

from __future__ import annotations

from anatomy.ledger.claims import (
    ArchitectureClaims,
    Claims,
    ContextClaims,
    ContextRow,
    CorpusClaims,
    EfficiencyClaims,
    EmbeddingClaims,
    RankRow,
    ResultClaims,
    StudentSpec,
    VocabularyClaims,
)
from anatomy.ledger.intervals import Figure
from anatomy.ledger.tables import TABLE_3, TABLE_4, TABLE_5, TABLE_6, TABLE_7, TABLE_8


def _count(text: str, where: str) -> Figure:
    return Figure(text, where, exact=True)


def _table_1(length: int, density: str, padding: str, cut: str, loss: str | None) -> ContextRow:
    share, empty, long = (Figure(text, "Table 1") for text in (density, padding, cut))
    return ContextRow(length, share, empty, long, Figure(loss, "Table 1") if loss else None)


def _table_2(label: str, rank: str, percent: str, dims90: str, dims95: str) -> RankRow:
    return RankRow(
        label,
        Figure(rank, "Table 2"),
        Figure(percent, "Table 2"),
        _count(dims90, "Table 2"),
        _count(dims95, "Table 2"),
    )


_CORPUS = CorpusClaims(
    total=_count("404,796", "3.1.1"),
    counts={
        "rf100vl": _count("554", "3.1.1"),
        "lvis": _count("1,199", "3.1.1"),
        "refcoco": _count("246,040", "3.1.1"),
        "saco-gold": _count("51,577", "3.1.1"),
        "saco-silver": _count("54,178", "3.1.1"),
        "saco-veval": _count("51,248", "3.1.1"),
    },
    training_datasets=_count("4", "5.1"),
    training_named=("RF100-VL", "RefCOCO", "RefCOCO+", "RefCOCOg"),
    training_counted=("rf100vl", "refcoco"),
    veval_tests=(
        Figure("1.5K", "Table 4"),
        Figure("1.5K", "Table 4"),
        Figure("2.2K", "Table 4"),
    ),
    veval_queried=_count("5,184", "SA-Co/VEval"),
)

_CONTEXT = ContextClaims(
    mean=Figure("7.9", "3.1.2"),
    lvis_mean=Figure("3.3", "3.1.2"),
    saco_mean=Figure("5.4–5.9", "3.1.2"),
    refcoco_mean=Figure("9.4", "3.1.2"),
    positions_mean=Figure("~5.6", "3.2.2"),
    rows=(
        _table_1(32, "0.245", "75.5%", "0.1%", None),
        _table_1(16, "0.480", "52.0%", "5.0%", "2.1%"),
        _table_1(8, "0.800", "20.0%", "28.5%", "12.3%"),
    ),
    truncated_refcoco=Figure("8.1%", "3.1.3"),
    truncated_rest_below=_count("0.1%", "3.1.3"),
    attention_padding=Figure("75.5%", "3.1.3"),
)

_VOCABULARY = VocabularyClaims(
    size=_count("49,408", "3.1.1"),
    used=_count("17,300", "3.1.4"),
    coverage=Figure("35.0%", "3.1.4"),
    unused=Figure("65%", "3.1.4"),
    size_label=Figure("49.4K", "Table 2"),
    used_label=Figure("17.3K", "Table 2"),
    special_share=Figure("34.6%", "3.1.4"),
    top100_share=Figure("58.5%", "3.1.4"),
)

_EMBEDDINGS = EmbeddingClaims(
    width=_count("1,024", "3.2.1"),
    rows=(
        _table_2("full vocabulary", "943", "92.1%", "857", "933"),
        _table_2("used tokens", "906", "88.5%", "834", "919"),
    ),
    finding_rank=Figure("88%", "Finding II"),
    positions=_count("32", "3.2.2"),
    positions_rank=Figure("20", "3.2.2"),
    positions_dims90=_count("7", "3.2.2"),
    positions_variance=Figure("90%", "3.2.2"),
    similarity_early=Figure("0.54", "3.2.2"),
    similarity_late=Figure("0.76–0.79", "3.2.2"),
    similarity_ratio=Figure("1.5", "Figure 4; Finding II"),
    ambient=_count("256", "3.3"),
    output_rank=Figure("85.3", "3.3"),
    dimension=Figure("16 ± 2", "3.3"),
    dimension_range=Figure("16–19", "Finding III"),
    redundant=Figure("94%", "3.3"),
    utilisation=Figure("6–8%", "Figure 5"),
    superfluous=Figure("90%", "1"),
)

_ARCHITECTURE = ArchitectureClaims(
    vocabulary=_count("49,408", "4.1"),
    context=32,
    output=256,
    teacher_name="CLIP ViT-L/14",
    teacher_parameters=Figure("353.72M", "4.1"),
    teacher_width=_count("768", "4.1"),
    teacher_layers=_count("12", "4.1"),
    table_width=_count("1,024", "3.2.1"),
    memory_more_than_mb=_count("350", "1"),
    students=(
        StudentSpec(
            name="MobileCLIP-S0",
            layers=4,
            width=512,
            projection=512,
            convolutional=2,
            parameters=Figure("42.55M", "4.1"),
            parameters_16=Figure("42.54M", "4.1"),
            reduction=Figure("88%", "4.1"),
        ),
        StudentSpec(
            name="MobileCLIP-S1",
            layers=12,
            width=512,
            projection=512,
            convolutional=0,
            parameters=Figure("63.54M", "4.1"),
            parameters_16=Figure("63.53M", "4.1"),
            reduction=Figure("82%", "4.1"),
        ),
        StudentSpec(
            name="MobileCLIP2-L",
            layers=12,
            width=768,
            projection=768,
            convolutional=0,
            parameters=Figure("123.81M", "4.1"),
            parameters_16=Figure("123.80M", "4.1"),
            reduction=Figure("65%", "4.1"),
        ),
    ),
    eva_parameters=Figure("694.33M", "Table 8"),
    bert_parameters=Figure("109.48M", "Table 8"),
)

_RESULTS = ResultClaims(
    table_3=TABLE_3,
    table_4=TABLE_4,
    table_5=TABLE_5,
    table_6=TABLE_6,
    table_7=TABLE_7,
    retained=Figure("98.1%", "1"),
    retained_by="MC-S0",
    input_error=Figure("~0.97", "5.7.1"),
    logit_error=Figure("~0.96", "5.7.1"),
    output_error=Figure("~0.0034", "5.7.1"),
    error_factor=Figure("~282", "5.7.1"),
    metrics_5_1={
        "CG_F1": "classification-gated F1",
        "pmF1": "positive micro F1",
        "IL_MCC": "Image-Level Matthews Correlation Coefficient",
    },
    metrics_5_2={
        "CG_F1": "concept grounding F1 score",
        "pmF1": "perm-mask F1 score",
        "IL_MCC": "instance-level Matthews correlation coefficient",
    },
)

_EFFICIENCY = EfficiencyClaims(
    table_8=TABLE_8,
    teacher="SAM3 (Teacher)",
    best_speedup=Figure("3.7x", "Table 8"),
    latency_gain=Figure("6.4%", "5.5"),
    latency_32=Figure("159", "5.5"),
    latency_16=Figure("157", "5.5"),
    latency_model="MC-S0",
    gpu_setup="NVIDIA RTX 4070 Ti",
    gpu_table="RTX 4070 Laptop GPU",
)

PAPER = Claims(
    corpus=_CORPUS,
    context=_CONTEXT,
    vocabulary=_VOCABULARY,
    embeddings=_EMBEDDINGS,
    architecture=_ARCHITECTURE,
    results=_RESULTS,
    efficiency=_EFFICIENCY,
)
