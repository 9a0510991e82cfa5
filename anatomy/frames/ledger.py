"""The ledger as a frame."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from anatomy.findings import Findings, LedgerFinding
from anatomy.frames.table import TEXT, table


def ledger(entries: Findings | Iterable[LedgerFinding]) -> pd.DataFrame:
    """The paper's claims, what its own figures imply, and what was measured.

    Parameters
    ----------
    entries : Findings, or what `anatomy.check_paper` gives

    Returns
    -------
    DataFrame, one row for each claim
        id : stable
        group : its subject: "corpus", "context", "vocabulary", "embeddings", ...
        title : the claim in a few words
        where : sections and tables of the paper
        claim : what the paper says, in a sentence
        published, implied : its figures, and what its other figures give
        verdict : "holds", "contradicts" (beyond any rounding) or "undecided"
        margin : by how much, and within what rounding
        explanation : for a reader
        measured : here, on official files; missing where it was not
        not_measured : why it was not; missing where it was
    """
    names = list(LedgerFinding.model_fields)
    found = entries.ledger if isinstance(entries, Findings) else entries
    return table(
        dict.fromkeys(names, TEXT), ([getattr(entry, name) for name in names] for entry in found)
    )
