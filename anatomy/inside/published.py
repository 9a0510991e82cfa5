"""The paper's figures about SAM3's encoder, where an audit may be held against them.

Figures of the weights alone (all tokens, positions) are comparable with SAM3's weights; those of
a corpus only with all six sources from their official files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from anatomy.ledger import PAPER, Measured


@dataclass(frozen=True)
class Published:
    """Printed figures by name; empty where nothing is comparable."""

    all_tokens: Mapping[str, str] = field(default_factory=dict)
    used_tokens: Mapping[str, str] = field(default_factory=dict)
    positions: Mapping[str, str] = field(default_factory=dict)
    similarities: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)


def comparable(encoder: str, measured: Measured | None) -> Published:
    """What may stand beside this encoder's measurements.

    Parameters
    ----------
    encoder : str
        Its name.
    measured : Measured or None
        What was measured on official sources.
    """
    if encoder != "sam3":
        return Published()
    e = PAPER.embeddings
    full, used = (
        {"effective_rank": str(row.rank), "90": str(row.dims90), "95": str(row.dims95)}
        for row in e.rows
    )
    whole = measured is not None and measured.is_complete
    return Published(
        all_tokens=full,
        used_tokens=used if whole else {},
        positions={"effective_rank": str(e.positions_rank), "90": str(e.positions_dims90)},
        similarities={
            "mean_first": str(e.similarity_early),
            "mean_rest": str(e.similarity_late),
            "ratio": str(e.similarity_ratio),
        },
        outputs={
            "ambient": str(e.ambient),
            "effective_rank": str(e.output_rank),
            "dimension": str(e.dimension),
        }
        if whole
        else {},
    )
