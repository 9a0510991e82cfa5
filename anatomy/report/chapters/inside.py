"""Inside the encoder: token embedding, positions, and the dimensions of the outputs."""

from __future__ import annotations

from anatomy.findings import (
    EmbeddingFinding,
    EncoderFinding,
    Findings,
    PositionFinding,
    SpectrumFinding,
)
from anatomy.report.blocks import (
    Block,
    Cell,
    Cite,
    Column,
    FigureBlock,
    Heading,
    Paragraph,
    Ref,
    Row,
    Section,
    Strong,
    Table,
)
from anatomy.report.cells import NOTHING, columns, count, dimension, fixed, share, text
from anatomy.report.chapters.outputs import outputs_blocks
from anatomy.report.names import mix, slug
from anatomy.report.references import EFFECTIVE_RANK


def inside_section(findings: Findings) -> Section:
    """What the weights and the outputs show, encoder by encoder, then files of outputs."""
    blocks: list[Block] = [
        Paragraph((Strong(encoder.name), f": {encoder.weights}."), "absent")
        for encoder in findings.encoders
        if not encoder.inside
    ]
    for encoder in findings.encoders:
        blocks += _encoder(findings, encoder)
    for file in findings.outputs:
        tag = slug(file.name)
        blocks += [
            Heading(f"outputs-{tag}", f"Outputs in {file.file.path}"),
            Paragraph(f"Computed elsewhere, one row for each row of {file.source}."),
            *outputs_blocks(findings, file.name, file.outputs),
        ]
    return Section("inside", "Inside the encoder", tuple(blocks))


def _encoder(findings: Findings, encoder: EncoderFinding) -> list[Block]:
    inside, name, tag = encoder.inside, encoder.name, slug(encoder.name)
    if inside is None:
        return []
    blocks: list[Block] = [
        Heading(f"embedding-{tag}", f"Token embedding of {name}"),
        Paragraph(inside.embedding.advice, "advice"),
        Paragraph(
            (
                Ref(f"figure-spectrum-{tag}"),
                " shows the spectrum of the table, ",
                Ref(f"table-ranks-{tag}"),
                " its effective rank ",
                Cite(EFFECTIVE_RANK),
                ", and ",
                Ref(f"table-savings-{tag}"),
                " what could be saved.",
            )
        ),
        FigureBlock(f"spectrum-{tag}"),
        _ranks(findings, name, inside.embedding),
        _savings(findings, name, inside.embedding),
        Heading(f"positions-of-{tag}", f"Positions of {name}"),
    ]
    if inside.positions:
        blocks += [
            Paragraph(inside.positions.advice, "advice"),
            Paragraph(
                (
                    "How alike the positions are, and how many prompts reach each, stands in ",
                    Ref(f"figure-positions-{tag}"),
                    " and ",
                    Ref(f"table-positions-{tag}"),
                    ".",
                )
            ),
            FigureBlock(f"positions-{tag}"),
            _positions(name, inside.positions),
        ]
    else:
        blocks.append(Paragraph(f"{name} has no position table: {inside.no_positions}.", "absent"))
    return [
        *blocks,
        Heading(f"outputs-{tag}", f"Outputs of {name}"),
        *outputs_blocks(findings, name, inside.outputs),
    ]


def _ranks(findings: Findings, name: str, embedding: EmbeddingFinding) -> Table:
    rows: list[Row] = []
    for part in embedding.spectra:
        rows.append(
            Row(
                (
                    Cell(part.group),
                    count(part.rows),
                    dimension(part.effective_rank),
                    share(part.rank_share),
                    dimension(part.effective_rank_energy),
                    dimension(part.participation_ratio),
                    *(count(dims) for dims in part.dims.values()),
                )
            )
        )
        if part.published:
            rows.append(_published_rank(part))
    kept = [f"{percent} %" for percent in embedding.spectra[0].dims]
    return Table(
        id=f"ranks-{slug(name)}",
        label="Rank of the token embedding",
        caption=(
            f"{name}: rank of the token embedding, {embedding.width:,} wide{mix(findings)}. "
            'Effective rank takes the entropy of the singular values, "of energy" that of their '
            "squares; the last three columns are the dimensions that keep so much of the variance."
        ),
        columns=columns(
            "Tokens", "Rows", "Effective rank", "of width", "of energy", "Participation", *kept
        ),
        rows=tuple(rows),
    )


def _published_rank(part: SpectrumFinding) -> Row:
    kept = (text(part.published.get(str(percent), "")) for percent in part.dims)
    rank = text(part.published["effective_rank"])
    return Row((Cell("the paper's"), NOTHING, rank, NOTHING, NOTHING, NOTHING, *kept), kind="paper")


def _savings(findings: Findings, name: str, embedding: EmbeddingFinding) -> Table:
    everything = f"All {embedding.rows:,} tokens"
    pruned = f"Pruned to the {embedding.used:,} used"

    def saved(parameters: int) -> tuple[Cell, Cell]:
        return count(parameters), share(1 - parameters / embedding.parameters)

    as_it_is = Row(
        (
            Cell("as it is"),
            NOTHING,
            *saved(embedding.parameters),
            NOTHING,
            *saved(embedding.pruned_parameters),
        )
    )
    products = [
        Row(
            (
                Cell(f"product, {row.percent} % of variance"),
                text(row.rank_all),
                *saved(row.parameters_all),
                text(row.rank_used),
                *saved(row.parameters_used),
            )
        )
        for row in embedding.factorised
    ]
    heads = [Column("Table", left=True)]
    for group in (everything, pruned):
        heads += [Column("Rank", group=group, opens=True)]
        heads += [Column(title, group=group) for title in ("Parameters", "Saved")]
    return Table(
        id=f"savings-{slug(name)}",
        label="Parameters saved",
        caption=(
            f"{name}: parameters of the token table, and what pruning to the used tokens and a "
            f"product of two narrower matrices would each save{mix(findings)}."
        ),
        columns=tuple(heads),
        rows=(as_it_is, *products),
    )


def _positions(name: str, found: PositionFinding) -> Table:
    rows = [
        Row(
            (
                Cell(f"{found.rows} positions"),
                fixed(found.mean_first, 3),
                fixed(found.mean_rest, 3),
                fixed(found.ratio, 3),
                dimension(found.spectrum.effective_rank),
                dimension(found.spectrum.effective_rank_energy),
                count(found.spectrum.dims[90]),
                count(found.spectrum.dims[95]),
            )
        )
    ]
    if found.published:
        rows.append(
            Row(
                (
                    Cell("the paper's"),
                    text(found.published["mean_first"]),
                    text(found.published["mean_rest"]),
                    text(found.published["ratio"]),
                    text(found.spectrum.published["effective_rank"]),
                    NOTHING,
                    text(found.spectrum.published["90"]),
                    NOTHING,
                ),
                kind="paper",
            )
        )
    return Table(
        id=f"positions-{slug(name)}",
        label="Similarity of positions",
        caption=(
            f"{name}: mean cosine similarity of two positions of a group, and the rank of the "
            "position embedding."
        ),
        columns=columns(
            "Table",
            f"Within 0-{found.split - 1}",
            "Within the rest",
            "Ratio",
            "Effective rank",
            "of energy",
            "90 %",
            "95 %",
        ),
        rows=tuple(rows),
    )
