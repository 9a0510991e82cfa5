"""The ledger: published figures, the identities they must satisfy, and a verdict for each.

The figures are those of SAM3-LiteText ("An Anatomical Study of the SAM3 Text Encoder for Efficient
Vision-Language Segmentation", 2026), as printed. Verdicts are computed: a printed number stands
for every value that rounds to it, and a claim contradicts only if no such value saves it.
"""

from __future__ import annotations

from anatomy.ledger.checks import (
    architecture,
    averages,
    context,
    corpus,
    efficiency,
    embeddings,
    products,
    results,
    vocabulary,
)
from anatomy.ledger.claims import Claims
from anatomy.ledger.intervals import Figure, Interval
from anatomy.ledger.model import (
    SOURCES,
    Entry,
    Group,
    Measured,
    MeasuredInside,
    MeasuredRank,
    MeasuredSource,
)
from anatomy.ledger.names import cuts as lvis_cuts
from anatomy.ledger.names import readings as lvis_readings
from anatomy.ledger.paper import PAPER
from anatomy.ledger.verdicts import Verdict

__all__ = [
    "PAPER",
    "SOURCES",
    "Claims",
    "Entry",
    "Figure",
    "Group",
    "Interval",
    "Measured",
    "MeasuredInside",
    "MeasuredRank",
    "MeasuredSource",
    "Verdict",
    "ledger",
    "lvis_cuts",
    "lvis_readings",
]

_CHECKS = (
    corpus,
    context,
    vocabulary,
    embeddings,
    architecture,
    products,
    averages,
    results,
    efficiency,
)


def ledger(measured: Measured | None = None, claims: Claims = PAPER) -> tuple[Entry, ...]:
    """Every check of the published figures, grouped by subject.

    Parameters
    ----------
    measured : Measured, optional
        What was measured on official files. Without it the `measured` fields are None, and the
        claims about the files themselves are undecided.
    claims : Claims
        The figures to check; the paper's unless told.
    """
    return tuple(entry for check in _CHECKS for entry in check.entries(claims, measured))
