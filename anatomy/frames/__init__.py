"""Findings as tidy pandas frames: one row for each observation, one column for each quantity.

    frames.contexts(findings)                        # what the report's table shows
    frames.contexts(findings, lengths=range(1, 33))  # and every other context length, as exact

Every frame has the same columns whatever was measured; a frame of what was not measured has no
rows, and `not_measured` says why. Shares run from 0 to 1. Lengths and contexts are in tokens, start
and end token included. ``encoder`` names an encoder, or ``outputs:FILE``; ``group`` names a source,
or is ``"combined"`` for the distinct prompts of all sources. What a number means stands in the
README.

Frames of several findings are put together with pandas::

    audits = {"before": one, "after": other}
    parts = {name: frames.contexts(findings) for name, findings in audits.items()}
    both = pandas.concat(parts, names=["audit"]).reset_index("audit")
"""

from anatomy.frames.corpus import files, overlap, refused, sources
from anatomy.frames.ledger import ledger
from anatomy.frames.outputs import by_order, by_size, clouds, estimates, near_duplicates
from anatomy.frames.tokens import (
    contexts,
    encoders,
    growth,
    histogram,
    kept,
    lengths,
    tokens,
    vocabulary,
    zipf,
)
from anatomy.frames.weights import (
    cosines,
    embeddings,
    factorised,
    not_measured,
    positions,
    reach,
    singular_values,
    spectra,
)

__all__ = [
    "by_order",
    "by_size",
    "clouds",
    "contexts",
    "cosines",
    "embeddings",
    "encoders",
    "estimates",
    "factorised",
    "files",
    "growth",
    "histogram",
    "kept",
    "ledger",
    "lengths",
    "near_duplicates",
    "not_measured",
    "overlap",
    "positions",
    "reach",
    "refused",
    "singular_values",
    "sources",
    "spectra",
    "tokens",
    "vocabulary",
    "zipf",
]
