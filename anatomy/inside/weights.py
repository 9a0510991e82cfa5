"""What the weights themselves show: the token table and the position table."""

from __future__ import annotations

import numpy as np

from anatomy.amounts import millions
from anatomy.findings import PERCENTS, EmbeddingFinding, Factorised, PositionFinding
from anatomy.inside.published import Published
from anatomy.inside.spectra import spectrum_finding, summed_up
from anatomy.measures.context import LengthHistogram
from anatomy.measures.positions import Positions, blocked
from anatomy.measures.spectrum import factorised_parameters

SPLIT = 8  # positions 0-7 and the rest: the paper's groups, section 3.2.2
_DRAWN = 96  # blocks along a side of the cosine matrix: more could not be seen


def embedding_finding(
    table: np.ndarray, used: np.ndarray, published: Published
) -> EmbeddingFinding:
    """The token embedding E [V, d]: its spectrum, and what pruning and factorising it would save.

    Parameters
    ----------
    table : ndarray of float32, shape [V, d]
    used : ndarray of int, shape [U]
        Ids that the corpus uses.
    published : Published
    """
    rows, width = table.shape
    used = used[used < rows]
    spectra = [
        spectrum_finding(table, "all tokens", published=published.all_tokens),
        spectrum_finding(table, "tokens used", chosen=used, published=published.used_tokens),
    ]
    factorised = [
        Factorised(
            percent=percent,
            rank_all=spectra[0].dims[percent],
            parameters_all=factorised_parameters(rows, width, spectra[0].dims[percent]),
            rank_used=spectra[1].dims[percent],
            parameters_used=factorised_parameters(len(used), width, spectra[1].dims[percent]),
        )
        for percent in PERCENTS
    ]
    return EmbeddingFinding(
        rows=rows,
        width=width,
        parameters=rows * width,
        used=len(used),
        pruned_parameters=len(used) * width,
        spectra=spectra,
        factorised=factorised,
        advice=_embedding_advice(rows * width, len(used), width, factorised),
    )


def _embedding_advice(whole: int, used: int, width: int, factorised: list[Factorised]) -> str:
    if not any(row.rank_all for row in factorised):
        return "All rows of the table are equal: there is nothing to prune or to factorise by."
    pruned = used * width
    product = next(row for row in factorised if row.percent == 95)
    saved = whole - product.parameters_all
    further = pruned - product.parameters_used
    return (
        f"Prune first. These prompts use {used:,} rows, {millions(pruned)} of "
        f"{millions(whole)} parameters; leaving the others out saves "
        f"{millions(whole - pruned)} and changes none of these prompts' outputs. A product of "
        f"rank {product.rank_all}, which keeps 95 % of the variance, "
        + (f"saves {millions(saved)}" if saved > 0 else f"needs {millions(-saved)} more")
        + " and changes every output"
        + (
            f"; after pruning, rank {product.rank_used} saves another {millions(further)}."
            if further > 0
            else "; after pruning, such a product saves nothing."
        )
    )


def position_finding(
    table: np.ndarray, lengths: LengthHistogram, published: Published
) -> PositionFinding:
    """The position embedding P [L, d]: similarities, spectrum, and how many prompts reach each.

    Parameters
    ----------
    table : ndarray of float32, shape [L, d]
    lengths : LengthHistogram
        Of the union's prompts, uncut.
    published : Published
    """
    found = Positions.of(table, split=SPLIT)
    rows, width = table.shape
    read = min(lengths.maximum, rows)
    return PositionFinding(
        rows=rows,
        width=width,
        split=SPLIT,
        mean_first=found.mean_first,
        mean_rest=found.mean_rest,
        ratio=found.ratio,
        zero_rows=found.zero_rows,
        spectrum=summed_up(found.spectrum, "positions", published.positions),
        cosines=blocked(found.cosines, _DRAWN).tolist(),
        block=-(-rows // _DRAWN),
        reach=[lengths.reach(at) for at in range(rows)],
        published=dict(published.similarities),
        advice=(
            f"The longest prompt takes {lengths.maximum:,} tokens, so "
            + (
                f"positions {read}-{rows - 1} ({(rows - read) * width:,} parameters) are never "
                "read: leave them out."
                if read < rows
                else "every position is read."
            )
        ),
    )
