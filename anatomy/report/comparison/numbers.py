"""The subjects one by one: corpus, context window, vocabulary, inside the encoder, ledger."""

from __future__ import annotations

from dataclasses import replace

from anatomy.comparison import FILE_NAME, Comparison, Measure, Role
from anatomy.corpus.model import COMBINED
from anatomy.report.blocks import (
    Block,
    Cell,
    Code,
    Definitions,
    FigureBlock,
    Fold,
    Heading,
    Paragraph,
    Row,
    Section,
    Strong,
    Table,
)
from anatomy.report.cells import columns, count
from anatomy.report.comparison.causes import causes
from anatomy.report.comparison.figures import context_figure, dimension_figure
from anatomy.report.comparison.tables import About, tables
from anatomy.report.comparison.words import by_value, listed, mix, role_title
from anatomy.report.names import slug

# Subject and part of it, label, and what a caption says.
_WEIGHTS = (
    ("embedding", "table", "Token table", "the token table, and what pruning leaves of it"),
    ("embedding", "used tokens", "Rank of the used tokens", "rank of the rows that are used"),
    ("embedding", "all tokens", "Rank of all tokens", "rank of the whole token table"),
    ("positions", "", "Positions", "similarity and rank of the position embedding"),
)


def corpus_section(comparison: Comparison) -> Section:
    """Prompts, and what sources share."""
    about = About("corpus", "Prompts", "Prompts that were read")
    blocks = _by_source(comparison, comparison.of("corpus"), about)
    shared = About(
        "overlap", "Overlap", f"Distinct prompts that two sources share{mix(comparison)}"
    )
    if overlap := tables(comparison, comparison.of("overlap"), shared, fold=False):
        blocks.append(Fold("Overlap of sources", tuple(overlap)))
    return Section("corpus", "Corpus", tuple(blocks))


def context_section(comparison: Comparison) -> Section:
    """How long the prompts are, and what a context of L tokens holds, wastes and cuts."""
    blocks: list[Block] = []
    for role in _tokenizers(comparison):
        tag, title = slug(role.name), role_title(role)
        blocks += _heading(comparison, role, "context")
        blocks.append(FigureBlock(context_figure(role)))
        for subject, what, label in (
            ("lengths", "tokens per prompt, start and end token included", "Prompt lengths"),
            ("contexts", "what a context of L tokens holds, wastes and cuts", "Context lengths"),
        ):
            about = About(f"{subject}-{tag}", label, f"{title}: {what}")
            blocks += _by_source(comparison, comparison.of(subject, role.name), about)
        bounds = {s.tokens.bound for s in role.standings if s and s.tokens}
        if len(bounds) > 1:
            blocks.append(
                Paragraph(
                    "The recommended contexts keep different bounds on the tokens cut, so they "
                    "differ by what was asked too.",
                    "notice",
                )
            )
    return Section("context", "Context window", tuple(blocks or [_nothing("tokenizer")]))


def vocabulary_section(comparison: Comparison) -> Section:
    """Which tokens occur, and which ids came and went."""
    blocks: list[Block] = []
    for role in _tokenizers(comparison):
        tag, title = slug(role.name), role_title(role)
        blocks += _heading(comparison, role, "vocabulary")
        about = About(f"vocabulary-{tag}", "Vocabulary", f"{title}: use of the vocabulary")
        blocks += _by_source(comparison, comparison.of("vocabulary", role.name), about)
        blocks += _kept(comparison, role)
    return Section("vocabulary", "Vocabulary", tuple(blocks or [_nothing("tokenizer")]))


def inside_section(comparison: Comparison) -> Section:
    """Token table, positions, and the dimensions of the outputs."""
    blocks: list[Block] = []
    for role in comparison.roles:
        tag, title = slug(role.name), role_title(role)
        missing = _missing(comparison, role)
        if not comparison.of("outputs", role.name) and not comparison.of("embedding", role.name):
            blocks += missing
            continue
        blocks += [*_heading(comparison, role, "inside"), *missing]
        for subject, part, label, what in _WEIGHTS:
            caption = f"{title}: {what}{mix(comparison)}"
            about = About(f"{slug(label)}-{tag}", label, caption)
            blocks += tables(comparison, comparison.of(subject, role.name, part), about)
        if dimension_figure(comparison, role):
            blocks.append(FigureBlock(dimension_figure(comparison, role)))
        for kind in ("pooled", "per-token"):
            label = f"Dimensions of {kind} outputs"
            about = About(f"{kind}-{tag}", label, f"{title}: dimensions of the {kind} outputs")
            blocks += _by_source(comparison, comparison.of("outputs", role.name, kind), about)
    return Section("inside", "Inside the encoder", tuple(blocks or [_nothing("encoder")]))


def ledger_section(comparison: Comparison) -> Section:
    """Claims whose verdict, or what was measured of them, changed."""
    if not comparison.ledger:
        words = "No claim of the ledger has another verdict or another measurement."
        return Section("ledger", "Ledger", (Paragraph(words),))
    verdicts = [row for row in comparison.ledger if len(set(row.verdicts)) > 1]
    measured = [row for row in comparison.ledger if len(set(row.measured)) > 1]
    blocks: list[Block] = []
    if verdicts:
        blocks += [
            Paragraph("Claims with another verdict:"),
            _claims(comparison, [(row.title, row.verdicts) for row in verdicts]),
        ]
    else:
        blocks.append(Paragraph("No claim has another verdict."))
    if measured:
        claims = _claims(comparison, [(row.title, row.measured) for row in measured])
        blocks.append(
            Fold(f"Claims of which another value was measured: {len(measured)}", (claims,))
        )
    return Section("ledger", "Ledger", tuple(blocks))


def _claims(comparison: Comparison, rows: list[tuple[str, list[str]]]) -> Definitions:
    return Definitions(tuple((title, by_value(comparison, values)) for title, values in rows))


def _tokenizers(comparison: Comparison) -> list[Role]:
    return [role for role in comparison.roles if role.kind == "encoder"]


def _nothing(what: str) -> Paragraph:
    return Paragraph(f"Not compared: the baseline has no {what}.", "absent")


def _heading(comparison: Comparison, role: Role, section: str) -> list[Block]:
    """The encoder's name, and aloud what the differences may be laid to."""
    blocks: list[Block] = []
    if len(comparison.roles) > 1:
        blocks.append(Heading(f"{section}-of-{slug(role.name)}", role_title(role)))
    blocks += causes(comparison, role, inside=section == "inside")
    return blocks


def _by_source(comparison: Comparison, measures: list[Measure], about: About) -> list[Block]:
    """Numbers of all prompts, and folded those of each source, number by number."""
    everything = [measure for measure in measures if measure.group == COMBINED]
    sources = [measure for measure in measures if measure.group != COMBINED]
    suffix = mix(comparison)
    whole = replace(about, caption=f"{about.caption}; all prompts{suffix}")
    blocks = tables(comparison, everything, whole)
    if sources:
        order = list(dict.fromkeys((measure.part, measure.name) for measure in sources))
        sources.sort(key=lambda measure: order.index((measure.part, measure.name)))
        label = f"{about.label} by source"
        part = About(f"{about.id}-by-source", label, f"{about.caption}; by source{suffix}")
        blocks.append(Fold(label, tuple(tables(comparison, sources, part, fold=False))))
    return blocks


def _kept(comparison: Comparison, role: Role) -> list[Block]:
    """Ids gained and lost, where the same ids mean the same tokens."""
    rows = []
    for label, other in zip(comparison.labels[1:], role.standings[1:], strict=True):
        if other is None or other.tokens is None:
            continue
        kept = other.tokens.kept
        cells: tuple[Cell, ...]
        if kept is None:
            words = f"{other.name} has another vocabulary: its ids mean other tokens"
            cells = (Cell(words, style="left", columns=4),)
        else:
            numbers = (kept.both + kept.lost, kept.both, kept.gained, kept.lost)
            cells = tuple(map(count, numbers))
        rows.append(Row((Cell(label), *cells)))
    if not rows:
        return []
    kept_ids = [s.tokens.kept for s in role.standings if s and s.tokens]
    if all(kept and not kept.gained and not kept.lost for kept in kept_ids):
        return [Paragraph("The prompts use the same token ids in all audits.")]
    base = comparison.labels[0]
    return [
        Table(
            id=f"kept-{slug(role.name)}",
            label="Ids gained and lost",
            caption=(
                (
                    f"{role_title(role)}: token ids that the prompts use{mix(comparison)}, against "
                    f"those that {base} uses. The ids gained and lost are listed in "
                ),
                Code(FILE_NAME),
                ".",
            ),
            columns=columns("Audit", f"Used by {base}", "In both", "Gained", "Lost"),
            rows=tuple(rows),
        )
    ]


def _missing(comparison: Comparison, role: Role) -> list[Block]:
    """What was not measured, and why."""
    why: dict[str, list[str]] = {}
    for label, standing in zip(comparison.labels, role.standings, strict=True):
        if standing is None:
            continue
        if standing.no_weights:
            why.setdefault(f"{standing.name}: {standing.no_weights}", []).append(label)
        for what, reason in standing.absent.items():
            why.setdefault(f"not measured, {what}: {reason}", []).append(label)
    return [
        Paragraph((Strong(listed(labels)), f": {reason}."), "absent")
        for reason, labels in why.items()
    ]
