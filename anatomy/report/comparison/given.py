"""What the audits were given: sources, encoders, settings."""

from __future__ import annotations

from anatomy.comparison import Comparison, TokenStanding
from anatomy.report.blocks import Block, Cell, Definitions, Paragraph, Row, Section, Table
from anatomy.report.cells import NOTHING, columns, count, text
from anatomy.report.comparison.words import by_value, listed, mix

_PAIRED = {
    "name": "the same name",
    "tokenizer": "the same vocabulary",
    "only one left": "the only one left on both sides",
}


def inputs_section(comparison: Comparison) -> Section:
    """Each audit, its sources, what stands against what, and the settings that differ."""
    blocks: list[Block] = [_audits(comparison), _sources(comparison)]
    if comparison.roles:
        blocks.append(_encoders(comparison))
    for label, names in zip(comparison.labels, comparison.unpaired, strict=True):
        if names:
            blocks.append(
                Paragraph(
                    f"{listed(names)} in {label} stands against no encoder of "
                    f"{comparison.labels[0]} and is not compared.",
                    "absent",
                )
            )
    if comparison.settings:
        items = tuple((row.name, by_value(comparison, row.values)) for row in comparison.settings)
        blocks += [Paragraph("Settings and versions that differ:"), Definitions(items)]
    else:
        blocks.append(Paragraph("Settings and versions are the same in all audits."))
    return Section("inputs", "What the audits were given", tuple(blocks))


def _audits(comparison: Comparison) -> Table:
    rows = tuple(
        Row(
            (
                Cell(audit.label, note="baseline" if at == 0 else ""),
                count(audit.prompts),
                count(len(audit.sources)),
                text(", ".join(audit.encoders), left=True),
                text(audit.seed),
                text("all" if audit.sample is None else f"{audit.sample:,}"),
                text(audit.started[:10], left=True),
                Cell(audit.digest[:12], style="code"),
            )
        )
        for at, audit in enumerate(comparison.audits)
    )
    return Table(
        id="audits",
        label="The audits",
        caption=f"The audits compared{mix(comparison)}. Findings are named by their hash.",
        columns=columns(
            *("Audit", "Prompts", "Sources", "Encoders", "Seed", "Sample", "Made", "Findings"),
            left=["Encoders", "Made", "Findings"],
        ),
        rows=rows,
    )


def _sources(comparison: Comparison) -> Table:
    rows = []
    for row in comparison.sources:
        for label, state, against in zip(comparison.labels, row.states, row.against, strict=True):
            if state is None and against != "removed":
                continue  # neither here nor in the baseline
            facts = (
                (Cell(state.kind, style="tag"), count(state.rows), count(state.unique))
                if state
                else (NOTHING, NOTHING, NOTHING)
            )
            words = text(against or "baseline", left=True)
            rows.append(Row((Cell(row.name), text(label, left=True), *facts, words)))
    return Table(
        id="sources",
        label="Sources",
        caption=(
            f"Sources by name{mix(comparison)}, and whether their files (by hash) and prompts are "
            "the baseline's."
        ),
        columns=columns(
            *("Source", "Audit", "Kind", "Rows", "Distinct prompts", "Against the baseline"),
            left=["Audit", "Kind", "Against the baseline"],
        ),
        rows=tuple(rows),
    )


def _encoders(comparison: Comparison) -> Table:
    rows = []
    for role in comparison.roles:
        base = role.standings[0]
        for label, other in zip(comparison.labels[1:], role.standings[1:], strict=True):
            cells: tuple[Cell, ...]
            if other is None or base is None:
                cells = (Cell("no counterpart", style="left", columns=4),)
            else:
                cells = (
                    text(other.name, left=True),
                    text(_PAIRED[other.paired_by], left=True),
                    text(_tokenizer(base.tokens, other.tokens), left=True),
                    text(_weights(base.weights, other.weights), left=True),
                )
            rows.append(Row((Cell(role.name), text(label, left=True), *cells)))
    heads = ("Baseline", "Audit", "Stands against it", "by", "Tokenizer", "Weights")
    return Table(
        id="encoders",
        label="Encoders",
        caption="Which encoder stands against which, and whether its parts are the same (by hash).",
        columns=columns(*heads, left=heads),
        rows=tuple(rows),
    )


def _tokenizer(base: TokenStanding | None, other: TokenStanding | None) -> str:
    if base is None or other is None:
        return "none"
    if other.same_tokenizer:
        return "the same"
    return "another" if other.kept is None else "the same vocabulary, read otherwise"


def _weights(base: str, other: str) -> str:
    if not base and not other:
        return "none at hand"
    if base and other:
        return "the same" if base == other else "other"
    return "none here" if base else "none in the baseline"
