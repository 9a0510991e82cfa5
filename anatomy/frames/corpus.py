"""Frames of the sources."""

from __future__ import annotations

import pandas as pd

from anatomy.findings import Findings
from anatomy.frames.table import COUNT, MAYBE, NUMBER, TEXT, table


def sources(findings: Findings) -> pd.DataFrame:
    """Each source: how many rows were read, and what of them are prompts.

    Returns
    -------
    DataFrame, one row for each source
        source : its name
        title : what it is, or its file
        kind : "official", "bundled", "user" or "stand-in"
        licence : where known
        published : the paper's count of unique prompts, where it is one of the paper's
        rows : read
        refused : rows that are no prompts; `refused` has the reasons
        usable : rows - refused
        duplicates : usable rows that are exact copies of an earlier one
        unique : distinct raw strings
    """
    return table(
        {
            "source": TEXT,
            "title": TEXT,
            "kind": TEXT,
            "licence": TEXT,
            "published": MAYBE,
            "rows": COUNT,
            "refused": COUNT,
            "usable": COUNT,
            "duplicates": COUNT,
            "unique": COUNT,
        },
        (
            (
                *(s.name, s.title, s.kind, s.licence, s.published, s.rows),
                *(sum(s.refused.values()), s.usable, s.duplicates, s.unique),
            )
            for s in findings.sources
        ),
    )


def refused(findings: Findings) -> pd.DataFrame:
    """Why rows of the sources are no prompts.

    Returns
    -------
    DataFrame, one row for each source and reason
        source, reason
        rows : how many
    """
    return table(
        {"source": TEXT, "reason": TEXT, "rows": COUNT},
        (
            (source.name, reason, rows)
            for source in findings.sources
            for reason, rows in source.refused.items()
        ),
    )


def files(findings: Findings) -> pd.DataFrame:
    """What the prompts were read from. Prompts in memory have a hash and neither path nor size.

    Returns
    -------
    DataFrame, one row for each file
        source
        path : below the data folder, or as the user gave it
        bytes : its size
        sha256 : of its bytes; of prompts in memory, of these
    """
    return table(
        {"source": TEXT, "path": TEXT, "bytes": MAYBE, "sha256": TEXT},
        (
            row
            for source in findings.sources
            for row in (
                *((source.name, file.path, file.bytes, file.sha256) for file in source.files),
                *([(source.name, None, None, source.sha256)] if source.sha256 else []),
            )
        ),
    )


def overlap(findings: Findings) -> pd.DataFrame:
    """How many prompts two sources share.

    Returns
    -------
    DataFrame, one row for each ordered pair of sources, a source and itself among them
        source, other
        shared : distinct raw strings that both have
        share : of the first one's distinct prompts
    """
    matrix = findings.corpus.shared
    return table(
        {"source": TEXT, "other": TEXT, "shared": COUNT, "share": NUMBER},
        (
            (one.name, other.name, matrix[row][column], matrix[row][column] / one.unique)
            for row, one in enumerate(findings.sources)
            for column, other in enumerate(findings.sources)
        ),
    )
