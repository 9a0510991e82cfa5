"""Frames of what an encoder's weights show: the token table and the position table."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from anatomy.findings import (
    PERCENTS,
    Findings,
    InsideFinding,
    OutputsFinding,
    PositionFinding,
    SpectrumFinding,
)
from anatomy.frames.table import COUNT, MAYBE, NUMBER, TEXT, table

_SPECTRUM = {"encoder": TEXT, "matrix": TEXT, "group": TEXT}


def insides(findings: Findings) -> Iterator[tuple[str, InsideFinding]]:
    """The encoders whose weights were measured."""
    for encoder in findings.encoders:
        if encoder.inside:
            yield encoder.name, encoder.inside


def outputs_of(findings: Findings) -> Iterator[tuple[str, OutputsFinding]]:
    """The outputs of encoders, then those from files."""
    for name, inside in insides(findings):
        yield name, inside.outputs
    for file in findings.outputs:
        yield file.name, file.outputs


def embeddings(findings: Findings) -> pd.DataFrame:
    """The token embedding, and what leaving out unused rows saves.

    Returns
    -------
    DataFrame, one row for each encoder with weights
        encoder
        rows, width : of the table
        parameters : rows * width
        used : rows that the prompts use
        pruned_parameters : used * width
    """
    names = ("rows", "width", "parameters", "used", "pruned_parameters")
    return table(
        {"encoder": TEXT, **dict.fromkeys(names, COUNT)},
        (
            (name, *(getattr(inside.embedding, column) for column in names))
            for name, inside in insides(findings)
        ),
    )


def factorised(findings: Findings) -> pd.DataFrame:
    """The token table as a product of two matrices: the rank and parameters that it would take.

    Returns
    -------
    DataFrame, one row for each encoder with weights, share of the variance, and set of tokens
        encoder
        tokens : "all tokens" or "tokens used"
        variance : kept (share)
        rank : of the product
        parameters : (rows + width) * rank, and width for the mean that is taken off
    """
    return table(
        {
            "encoder": TEXT,
            "tokens": TEXT,
            "variance": NUMBER,
            "rank": COUNT,
            "parameters": COUNT,
        },
        (
            row
            for name, inside in insides(findings)
            for part in inside.embedding.factorised
            for row in (
                (name, "all tokens", part.percent / 100, part.rank_all, part.parameters_all),
                (name, "tokens used", part.percent / 100, part.rank_used, part.parameters_used),
            )
        ),
    )


def spectra(findings: Findings) -> pd.DataFrame:
    """Linear dimension of each matrix: token table, position table, outputs.

    Returns
    -------
    DataFrame, one row for each matrix
        encoder
        matrix : "token embedding", "position embedding", "pooled outputs" or "per-token outputs"
        group : "all tokens", "tokens used" or "positions"; of outputs, the group of prompts
        rows, columns : of the matrix
        effective_rank : exp(entropy of p), p = s / sum s, s the singular values
        effective_rank_energy : the same, p = s^2 / sum s^2
        participation_ratio : (sum s^2)^2 / sum s^4
        rank_share : effective_rank / columns (share)
        dims90, dims95, dims99 : directions that keep so many per cent of the variance
    """
    names = ("effective_rank", "effective_rank_energy", "participation_ratio", "rank_share")
    return table(
        {
            **_SPECTRUM,
            "rows": COUNT,
            "columns": COUNT,
            **dict.fromkeys(names, NUMBER),
            **{f"dims{percent}": MAYBE for percent in PERCENTS},
        },
        (
            (
                *(*where, found.rows, found.columns, *(getattr(found, name) for name in names)),
                *(found.dims.get(percent) for percent in PERCENTS),
            )
            for where, found in _spectra(findings)
        ),
    )


def singular_values(findings: Findings) -> pd.DataFrame:
    """The spectrum of each matrix of `spectra`; up to 80 points of it, evenly spread.

    Returns
    -------
    DataFrame, one row for each matrix and number of a singular value
        encoder, matrix, group : as in `spectra`
        number : of the singular value, from 1, the largest
        ratio : to the largest
        kept : variance that the first `number` directions keep (share)
    """
    return table(
        {**_SPECTRUM, "number": COUNT, "ratio": NUMBER, "kept": NUMBER},
        (
            (*where, number, ratio, kept)
            for where, found in _spectra(findings)
            # one grid for both curves: anatomy.inside.spectra makes them together
            for number, ratio, kept in zip(
                found.values.x, found.values.y, found.curve.y, strict=True
            )
        ),
    )


def positions(findings: Findings) -> pd.DataFrame:
    """The position embedding: how alike the positions are.

    Returns
    -------
    DataFrame, one row for each encoder with a position table
        encoder
        rows, width : of the table
        split : positions in the first group
        mean_first, mean_rest : mean cosine of two different positions, in the first group and in
            the rest; missing where there are no two
        ratio : mean_rest / mean_first
        zero_rows : positions that are all zeros
    """
    means = ("mean_first", "mean_rest", "ratio")
    return table(
        {
            "encoder": TEXT,
            "rows": COUNT,
            "width": COUNT,
            "split": COUNT,
            **dict.fromkeys(means, NUMBER),
            "zero_rows": COUNT,
        },
        (
            (
                *(name, found.rows, found.width, found.split),
                *(*(getattr(found, mean) for mean in means), found.zero_rows),
            )
            for name, found in _positions(findings)
        ),
    )


def reach(findings: Findings) -> pd.DataFrame:
    """How many prompts have a token at each position.

    Returns
    -------
    DataFrame, one row for each encoder with a position table, and position
        encoder
        position : from 0, where the start token stands
        share : of all prompts
    """
    return table(
        {"encoder": TEXT, "position": COUNT, "share": NUMBER},
        (
            (name, position, share)
            for name, found in _positions(findings)
            for position, share in enumerate(found.reach)
        ),
    )


def cosines(findings: Findings) -> pd.DataFrame:
    """How alike two positions are.

    Returns
    -------
    DataFrame, one row for each encoder with a position table, and ordered pair of positions
        encoder
        position, other : from 0; where `block` is more than 1, the first of each block
        block : positions along a side of the block that the cosine is the mean of
        cosine : from -1 to 1
    """
    return table(
        {
            "encoder": TEXT,
            "position": COUNT,
            "other": COUNT,
            "block": COUNT,
            "cosine": NUMBER,
        },
        (
            (name, row * found.block, column * found.block, found.block, cosine)
            for name, found in _positions(findings)
            for row, cosines in enumerate(found.cosines)
            for column, cosine in enumerate(cosines)
        ),
    )


def not_measured(findings: Findings) -> pd.DataFrame:
    """What could not be measured, and why.

    Returns
    -------
    DataFrame, one row for each thing that is missing
        encoder
        what : "weights", "positions", or the group and kind of outputs
        why : and where it can be mended, how
    """
    rows = [
        (encoder.name, "weights", encoder.weights.removeprefix("not measured: "))
        for encoder in findings.encoders
        if encoder.inside is None
    ]
    for name, inside in insides(findings):
        if inside.positions is None:
            rows.append((name, "positions", inside.no_positions))
    for name, outputs in outputs_of(findings):
        rows += [(name, what, why) for what, why in outputs.absent.items()]
    return table({"encoder": TEXT, "what": TEXT, "why": TEXT}, rows)


def _positions(findings: Findings) -> Iterator[tuple[str, PositionFinding]]:
    for name, inside in insides(findings):
        if inside.positions:
            yield name, inside.positions


def _spectra(findings: Findings) -> Iterator[tuple[tuple[str, str, str], SpectrumFinding]]:
    """Encoder, matrix and group of every spectrum in the findings."""
    for name, inside in insides(findings):
        for found in inside.embedding.spectra:
            yield (name, "token embedding", found.group), found
        if inside.positions:
            found = inside.positions.spectrum
            yield (name, "position embedding", found.group), found
    for name, outputs in outputs_of(findings):
        for cloud in outputs.clouds:
            yield (name, f"{cloud.kind} outputs", cloud.group), cloud.linear
