"""What a tokenizer makes of the prompts: context window and vocabulary."""

from __future__ import annotations

from anatomy.findings import ContextRow, EncoderFinding, Findings
from anatomy.findings.parts import rounded
from anatomy.measures.context import LengthHistogram
from anatomy.report.blocks import (
    Block,
    Cell,
    Cite,
    Code,
    Column,
    Explorer,
    FigureBlock,
    Fold,
    Heading,
    Paragraph,
    Ref,
    Row,
    Section,
    Strong,
    Table,
)
from anatomy.report.cells import columns, count, fixed, share, text
from anatomy.report.names import mix, slug
from anatomy.report.references import RAREFACTION

_NO_TOKENIZER = Paragraph("Not measured: no encoder with a tokenizer was named.", "absent")
_LONGEST = 512  # positions that a slider can still choose among


def context_section(findings: Findings) -> Section:
    """How long the prompts are, and what a context of L tokens holds, wastes and cuts."""
    blocks = [block for e in findings.encoders for block in _context(findings, e)]
    return Section("context", "Context window", tuple(blocks or [_NO_TOKENIZER]))


def vocabulary_section(findings: Findings) -> Section:
    """Which tokens occur, and how unevenly."""
    blocks = [block for e in findings.encoders for block in _vocabulary(findings, e)]
    return Section("vocabulary", "Vocabulary", tuple(blocks or [_NO_TOKENIZER]))


def _context(findings: Findings, encoder: EncoderFinding) -> list[Block]:
    tag, choice = slug(encoder.name), encoder.recommended_context
    blocks: list[Block] = []
    if len(findings.encoders) > 1:
        blocks.append(Heading(f"context-of-{tag}", f"Context window of {encoder.name}"))
    aligned = (
        f" ({choice.aligned} where the hardware likes multiples of 8)"
        if choice.aligned != choice.length
        else ""
    )
    use = Strong(f"Use L = {choice.length}")
    blocks.append(Paragraph((use, f"{aligned}. {choice.reason}"), "advice"))
    if encoder.context and choice.length > encoder.context:
        blocks.append(
            Paragraph(
                f"{encoder.name} itself reads {encoder.context} positions, so it already cuts more "
                "than the bound allows.",
                "notice",
            )
        )
    blocks += [
        Paragraph(
            (
                Ref(f"figure-lengths-{tag}"),
                " and ",
                Ref(f"table-lengths-{tag}"),
                " show how long the prompts are; ",
                Ref(f"figure-context-{tag}"),
                ", ",
                Ref(f"table-contexts-{tag}"),
                " and, by source, ",
                Ref(f"table-contexts-by-source-{tag}"),
                " what a context of L tokens holds, wastes and cuts.",
            )
        ),
        FigureBlock(f"lengths-{tag}"),
        FigureBlock(f"context-{tag}"),
        _explorer(findings, encoder),
        _all_prompts(findings, encoder),
        _lengths(findings, encoder),
        _by_source(findings, encoder),
    ]
    return blocks


def _explorer(findings: Findings, encoder: EncoderFinding) -> Explorer:
    choice, tag = encoder.recommended_context, slug(encoder.name)
    limit = max(
        16,
        choice.length + 8,
        *(row.length for row in encoder.lengths[0].contexts),
        *(group.p99 + 8 for group in encoder.lengths),
        min(encoder.context or 0, 128),
    )
    table = Table(
        id=f"explorer-{tag}",
        label="One context length",
        caption=(
            f"{encoder.name}: a context of ",
            Strong(f"L = {choice.length}"),
            f" tokens, by source{mix(findings)}.",
        ),
        columns=columns(
            "Source",
            "Info density",
            "Padding (linear)",
            "Padding (quadratic)",
            "Prompts truncated",
            "Tokens lost",
        ),
        rows=tuple(
            Row(
                (Cell(group.group), *_at(group.measure, choice.length)),
                kind="" if at else "all",
            )
            for at, group in enumerate(encoder.lengths)
        ),
    )
    return Explorer(
        id=f"explore-{tag}",
        encoder=encoder.name,
        start=min(choice.length, _LONGEST),
        limit=min(limit, _LONGEST),
        bound=choice.bound,
        table=table,
        histograms=tuple((group.group, tuple(group.histogram)) for group in encoder.lengths),
        figure=f"context-{tag}",
    )


def _at(measure: LengthHistogram, length: int) -> tuple[Cell, ...]:
    """What `ContextRow` would hold, to the digit."""
    return (
        fixed(rounded(measure.density(length)), 4),
        share(rounded(measure.padding(length))),
        share(rounded(measure.quadratic_padding(length))),
        share(rounded(measure.truncation(length))),
        share(rounded(measure.token_loss(length))),
    )


def _all_prompts(findings: Findings, encoder: EncoderFinding) -> Table:
    combined, chosen = encoder.lengths[0], encoder.recommended_context.length

    def row(context: ContextRow) -> Row:
        return Row(
            (
                count(context.length),
                fixed(context.density, 4),
                share(context.padding),
                share(context.quadratic_padding),
                share(context.truncation),
                share(context.token_loss),
            ),
            kind="chosen" if context.length == chosen else "",
        )

    return Table(
        id=f"contexts-{slug(encoder.name)}",
        label="Context lengths, all prompts",
        caption=(
            f"{encoder.name}, all {combined.prompts:,} distinct prompts{mix(findings)}: what a "
            "context of L tokens holds, wastes and cuts."
        ),
        columns=columns(
            "L",
            "Info density",
            "Padding (linear)",
            "Padding (quadratic)",
            "Prompts truncated",
            "Tokens lost",
        ),
        rows=tuple(row(context) for context in combined.contexts),
    )


def _lengths(findings: Findings, encoder: EncoderFinding) -> Table:
    return Table(
        id=f"lengths-{slug(encoder.name)}",
        label="Prompt lengths by source",
        caption=(
            f"{encoder.name}: prompt length by source{mix(findings)}, in tokens, start and end "
            "token included."
        ),
        columns=columns(
            "Source",
            "Prompts",
            "Tokens",
            "Mean",
            "Median",
            "90th pct.",
            "95th pct.",
            "99th pct.",
            "Longest",
        ),
        rows=tuple(
            Row(
                (
                    Cell(group.group),
                    count(group.prompts),
                    count(group.tokens),
                    fixed(group.mean, 4),
                    count(group.median),
                    count(group.p90),
                    count(group.p95),
                    count(group.p99),
                    count(group.maximum),
                ),
                kind="" if at else "all",
            )
            for at, group in enumerate(encoder.lengths)
        ),
    )


def _by_source(findings: Findings, encoder: EncoderFinding) -> Table:
    heads = [Column("Source", left=True)]
    for context in encoder.lengths[0].contexts:
        group = f"L = {context.length}"
        heads += [Column("Density", group=group, opens=True)]
        heads += [Column(title, group=group) for title in ("Cut", "Lost")]
    rows = []
    for at, part in enumerate(encoder.lengths):
        cells = [Cell(part.group)]
        for context in part.contexts:
            cells += [
                fixed(context.density, 4),
                share(context.truncation),
                share(context.token_loss),
            ]
        rows.append(Row(tuple(cells), kind="" if at else "all"))
    return Table(
        id=f"contexts-by-source-{slug(encoder.name)}",
        label="Context lengths by source",
        caption=(
            f"{encoder.name}: context lengths by source{mix(findings)}. Density is the share of "
            "positions that hold tokens, cut the share of prompts longer than L, lost the share of "
            "tokens beyond L."
        ),
        columns=tuple(heads),
        rows=tuple(rows),
    )


def _vocabulary(findings: Findings, encoder: EncoderFinding) -> list[Block]:
    tag = slug(encoder.name)
    blocks: list[Block] = []
    if len(findings.encoders) > 1:
        blocks.append(Heading(f"vocabulary-of-{tag}", f"Vocabulary of {encoder.name}"))
    top = [f"Top {k:,}" for k in encoder.vocabulary[0].top_shares]
    table = Table(
        id=f"vocabulary-{tag}",
        label="Vocabulary by source",
        caption=(
            (
                f"{encoder.name}: use of its {encoder.vocabulary_size:,} tokens{mix(findings)}. "
                "The ids that occur are listed in "
            ),
            Code(f"kept-tokens-{tag}.json"),
            ".",
        ),
        columns=columns(
            "Source", "Tokens", "Distinct", "Coverage", "Specials", *top, "In one prompt"
        ),
        rows=tuple(
            Row(
                (
                    Cell(group.group),
                    count(group.tokens),
                    count(group.distinct),
                    share(group.coverage),
                    share(group.special_share),
                    *(share(value) for value in group.top_shares.values()),
                    count(group.in_one_prompt),
                ),
                kind="" if at else "all",
            )
            for at, group in enumerate(encoder.vocabulary)
        ),
    )
    frequent = Table(
        id=f"tokens-{tag}",
        label="Most frequent tokens",
        caption=(
            f"{encoder.name}: the {len(encoder.top_tokens)} most frequent tokens{mix(findings)}."
        ),
        columns=columns("Rank", "Id", "Text", "Count", "Share", left=["Text"]),
        rows=tuple(
            Row(
                (
                    text(rank),
                    text(token.id),
                    Cell(_visible(token.text), style="code"),
                    count(token.count),
                    share(token.share),
                )
            )
            for rank, token in enumerate(encoder.top_tokens, 1)
        ),
        narrow=True,
    )
    title = f"The {len(encoder.top_tokens)} most frequent tokens of {encoder.name}"
    blocks += [
        Paragraph(
            (
                "How much of the vocabulary the prompts use stands in ",
                Ref(f"figure-vocabulary-{tag}"),
                " and ",
                Ref(f"table-vocabulary-{tag}"),
                ". Growth with the number of prompts is exact rarefaction ",
                Cite(RAREFACTION),
                ", not a random draw. The most frequent tokens are in ",
                Ref(f"figure-tokens-{tag}"),
                " and ",
                Ref(f"table-tokens-{tag}"),
                ".",
            )
        ),
        FigureBlock(f"vocabulary-{tag}"),
        table,
        FigureBlock(f"tokens-{tag}"),
        Fold(title, (frequent,)),
    ]
    return blocks


def _visible(token: str) -> str:
    """A token's text with the space that closes a word made visible."""
    return token[:-1] + "\N{OPEN BOX}" if token.endswith(" ") else token
