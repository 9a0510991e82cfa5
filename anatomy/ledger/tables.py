"""Tables 3 to 8 of the paper, as printed.

C is CG_F1, M is IL_MCC (VL_MCC in Table 4), P is pmF1; H, D, A, T are pHOTA, pDetA, pAssA, TETA.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from anatomy.ledger.intervals import Figure

Family = Literal["baseline", "teacher", "student"]

SUBSETS = ("MC", "SA1B", "Crd", "F&D", "Spt", "Att", "Wiki")
VIDEO_SETS = ("SA-V", "YT-Temporal-1B", "SmartGlasses")
VIDEO_METRICS = ("C", "M", "P", "H", "D", "A", "T")
STUDENTS = ("MC-S0", "MC-S1", "MC2-L")


@dataclass(frozen=True)
class Triple:
    """C (in per cent), M (from -1 to 1) and P (in per cent) of one cell."""

    c: Figure
    m: Figure
    p: Figure

    def __str__(self) -> str:
        return f"{self.c} / {self.m} / {self.p}"


@dataclass(frozen=True)
class SubsetRow:
    """One row of Table 3: SA-Co Gold."""

    model: str
    family: Family
    average: Triple
    subsets: Mapping[str, Triple]


@dataclass(frozen=True)
class VideoRow:
    """One row of Table 4: SA-Co VEval's three test sets, seven metrics each."""

    model: str
    family: Family
    sets: Mapping[str, Mapping[str, Figure]]

    def triple(self, name: str) -> Triple:
        """C, M and P on one test set."""
        cell = self.sets[name]
        return Triple(cell["C"], cell["M"], cell["P"])


@dataclass(frozen=True)
class ContextTriples:
    """One row of Table 5: averages by context length."""

    model: str
    by_length: Mapping[int, Triple]


@dataclass(frozen=True)
class LossTriple:
    """One row of Table 6: averages of MobileCLIP-S0 at L = 16."""

    losses: str
    average: Triple


@dataclass(frozen=True)
class WeightTriples:
    """One row of Table 7: averages by weight of the consistency loss, at L = 16."""

    model: str
    by_weight: Mapping[str, Triple]


@dataclass(frozen=True)
class SpeedRow:
    """One row of Table 8."""

    model: str
    length: int | None
    parameters: Figure
    throughput: Figure
    speedup: Figure


def _triple(text: str, where: str) -> Triple:
    c, m, p = (Figure(number, where) for number in text.split())
    return Triple(c, m, p)


def _row_3(model: str, family: Family, average: str, subsets: str) -> SubsetRow:
    cells = (_triple(cell, "Table 3") for cell in subsets.split("|"))
    return SubsetRow(
        model, family, _triple(average, "Table 3"), dict(zip(SUBSETS, cells, strict=True))
    )


def _row_4(model: str, family: Family, sets: str) -> VideoRow:
    cells = (
        {
            metric: Figure(number, "Table 4")
            for metric, number in zip(VIDEO_METRICS, cell.split(), strict=True)
        }
        for cell in sets.split("|")
    )
    return VideoRow(model, family, dict(zip(VIDEO_SETS, cells, strict=True)))


def _row_5(model: str, l32: str, l16: str, l8: str) -> ContextTriples:
    cells = {32: l32, 16: l16, 8: l8}
    return ContextTriples(model, {k: _triple(v, "Table 5") for k, v in cells.items()})


def _row_7(model: str, *cells: str) -> WeightTriples:
    weights = ("0.0", "0.05", "0.1")
    return WeightTriples(
        model, {w: _triple(cell, "Table 7") for w, cell in zip(weights, cells, strict=True)}
    )


def _row_8(
    model: str, length: int | None, parameters: str, throughput: str, speedup: str
) -> SpeedRow:
    return SpeedRow(
        model,
        length,
        Figure(parameters, "Table 8"),
        Figure(throughput, "Table 8"),
        Figure(speedup, "Table 8"),
    )


# Subsets in the order MC, SA1B, Crd, F&D, Spt, Att, Wiki; each cell "C M P".
TABLE_3: tuple[SubsetRow, ...] = (
    _row_3(
        "gDino-T", "baseline", "3.3 0.15 16.2",
        "2.9 0.21 13.9 | 3.1 0.20 15.4 | 0.28 0.08 3.4 | 0.96 0.10 9.8"
        " | 1.1 0.10 11.2 | 13.8 0.29 47.3 | 0.70 0.06 12.1",
    ),
    _row_3(
        "OWLv2", "baseline", "17.3 0.46 36.8",
        "12.2 0.39 31.3 | 9.8 0.45 21.7 | 8.9 0.36 24.8 | 24.4 0.51 47.9"
        " | 24.4 0.52 47.0 | 25.9 0.54 48.2 | 15.4 0.42 36.6",
    ),
    _row_3(
        "LLMDet-L", "baseline", "6.5 0.21 27.3",
        "4.5 0.23 19.4 | 5.3 0.23 22.8 | 2.4 0.18 13.7 | 5.5 0.19 29.1"
        " | 4.4 0.17 25.3 | 22.2 0.39 57.1 | 1.2 0.05 23.3",
    ),
    _row_3(
        "APE-D", "baseline", "16.4 0.40 36.9",
        "12.6 0.42 30.1 | 2.2 0.22 10.0 | 7.2 0.35 20.3 | 22.7 0.51 45.0"
        " | 31.8 0.56 56.5 | 26.7 0.47 57.3 | 11.6 0.29 39.5",
    ),
    _row_3(
        "DINO-X", "baseline", "21.3 0.38 55.2",
        "17.2 0.35 49.2 | 19.7 0.48 40.9 | 12.9 0.34 37.5 | 30.1 0.49 61.7"
        " | 28.4 0.41 69.4 | 31.0 0.42 74.0 | 9.7 0.18 53.5",
    ),
    _row_3(
        "Gemini 2.5", "baseline", "13.0 0.29 46.1",
        "9.9 0.29 33.8 | 13.1 0.41 32.1 | 8.2 0.27 30.3 | 19.6 0.33 59.5"
        " | 15.1 0.28 53.5 | 18.8 0.30 63.1 | 6.5 0.13 50.3",
    ),
    _row_3(
        "SAM3", "teacher", "54.1 0.82 66.1",
        "47.3 0.81 58.6 | 53.7 0.86 62.6 | 61.1 0.90 67.7 | 53.4 0.79 67.3"
        " | 65.5 0.89 73.8 | 54.9 0.76 72.0 | 42.5 0.70 60.9",
    ),
    _row_3(
        "MC-S0", "student", "51.9 0.79 63.6",
        "45.4 0.78 56.3 | 51.6 0.82 60.2 | 58.8 0.86 65.2 | 51.3 0.76 64.8"
        " | 63.0 0.85 71.1 | 52.7 0.73 69.3 | 40.7 0.67 58.6",
    ),
    _row_3(
        "MC-S1", "student", "52.5 0.80 64.3",
        "45.9 0.79 56.9 | 52.1 0.83 60.8 | 59.4 0.87 65.8 | 51.8 0.77 65.5"
        " | 63.7 0.86 71.8 | 53.3 0.74 70.1 | 41.2 0.68 59.2",
    ),
    _row_3(
        "MC2-L", "student", "53.1 0.80 64.9",
        "46.3 0.79 57.5 | 52.7 0.84 61.5 | 60.0 0.88 66.5 | 52.4 0.77 66.1"
        " | 64.3 0.87 72.6 | 53.9 0.74 70.8 | 41.6 0.68 59.8",
    ),
)  # fmt: skip

# Test sets in the order of VIDEO_SETS; each cell "C M P H D A T".
TABLE_4: tuple[VideoRow, ...] = (
    _row_4(
        "Human", "baseline",
        "53.1 0.87 60.8 70.5 55.5 90.2 69.1 | 71.2 0.97 73.2 78.4 68.8 89.7 84.3"
        " | 58.5 0.92 63.5 72.3 58.8 89.4 77.1",
    ),
    _row_4(
        "GLEE (all NPs)", "baseline",
        "0.1 0.22 0.6 8.7 2.8 30.9 7.1 | 1.6 0.24 6.7 16.7 6.8 42.6 16.5"
        " | 0.0 0.16 0.3 4.7 1.6 15.3 9.3",
    ),
    _row_4(
        "LLMDet + SAM3 Tracker", "baseline",
        "2.3 0.15 14.7 30.1 12.0 76.0 28.5 | 8.0 0.33 24.1 37.9 18.7 77.0 33.4"
        " | 0.3 0.02 16.8 18.6 4.7 74.1 39.0",
    ),
    _row_4(
        "SAM3 Detector + T-by-D", "baseline",
        "25.7 0.72 35.8 55.7 40.2 78.3 53.2 | 47.6 0.93 51.3 68.2 60.8 77.0 70.4"
        " | 29.7 0.85 35.1 60.0 50.6 71.7 61.2",
    ),
    _row_4(
        "SAM3 w/o temporal", "baseline",
        "27.1 0.63 42.9 55.9 37.9 83.4 57.1 | 47.3 0.84 56.3 67.8 57.1 81.2 69.8"
        " | 34.4 0.75 45.8 61.6 47.0 81.2 66.0",
    ),
    _row_4(
        "SAM3", "teacher",
        "30.3 0.69 43.7 58.0 40.9 83.4 56.8 | 50.8 0.89 57.2 69.9 60.2 81.7 70.5"
        " | 36.4 0.78 46.6 63.6 50.0 81.5 65.9",
    ),
    _row_4(
        "MC-S0", "student",
        "29.4 0.67 42.4 56.2 39.7 81.6 55.1 | 49.3 0.86 55.5 67.8 58.4 79.2 68.4"
        " | 35.3 0.76 45.2 61.7 48.5 79.1 63.9",
    ),
    _row_4(
        "MC-S1", "student",
        "29.7 0.68 42.8 56.8 40.1 82.2 55.7 | 49.8 0.87 56.1 68.5 59.0 80.1 69.1"
        " | 35.7 0.77 45.7 62.3 49.0 79.9 64.6",
    ),
    _row_4(
        "MC2-L", "student",
        "30.0 0.68 43.3 57.4 40.5 82.8 56.2 | 50.3 0.88 56.6 69.2 59.6 80.9 69.8"
        " | 36.0 0.77 46.1 63.0 49.5 80.7 65.2",
    ),
)  # fmt: skip

TABLE_5: tuple[ContextTriples, ...] = (
    _row_5("MC-S0", "52.2 0.79 63.9", "51.9 0.79 63.6", "50.3 0.77 61.7"),
    _row_5("MC-S1", "52.8 0.80 64.6", "52.5 0.80 64.3", "50.9 0.78 62.4"),
    _row_5("MC2-L", "53.4 0.80 65.2", "53.1 0.80 64.9", "51.5 0.78 63.0"),
)

TABLE_6: tuple[LossTriple, ...] = (
    LossTriple("MSE only", _triple("50.3 0.74 62.1", "Table 6")),
    LossTriple("MSE + Cosine", _triple("51.0 0.78 63.1", "Table 6")),
    LossTriple("MSE + Cosine + Consistency", _triple("51.9 0.79 63.6", "Table 6")),
)

TABLE_7: tuple[WeightTriples, ...] = (
    _row_7("MC-S0", "49.8 0.76 62.1", "51.1 0.80 63.4", "51.9 0.79 63.6"),
    _row_7("MC-S1", "51.5 0.77 63.6", "52.0 0.79 64.1", "52.5 0.80 64.3"),
    _row_7("MC2-L", "52.1 0.78 64.2", "53.0 0.80 64.8", "53.1 0.80 64.9"),
)

TABLE_8: tuple[SpeedRow, ...] = (
    _row_8("SAM3 (Teacher)", 32, "353.72M", "134.4", "1.0x"),
    _row_8("APE (EVA02-CLIP-bigE)", None, "694.33M", "82.6", "0.6x"),
    _row_8("LLMDet (BERT-Base)", None, "109.48M", "163.0", "1.2x"),
    _row_8("MC-S0", 16, "42.54M", "495.3", "3.7x"),
    _row_8("MC-S0", 32, "42.55M", "464.5", "3.5x"),
    _row_8("MC-S1", 16, "63.53M", "259.4", "1.9x"),
    _row_8("MC-S1", 32, "63.54M", "271.8", "2.0x"),
    _row_8("MC2-L", 16, "123.80M", "238.3", "1.8x"),
    _row_8("MC2-L", 32, "123.81M", "234.6", "1.7x"),
)
