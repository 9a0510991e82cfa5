"""What stands before and around the measurements: summary, sources, overlap, provenance."""

from __future__ import annotations

from anatomy.amounts import millions
from anatomy.corpus.model import COMBINED
from anatomy.findings import FILE_NAME, CloudFinding, EncoderFinding, Findings, SourceFinding
from anatomy.report.blocks import (
    Block,
    Bullets,
    Card,
    Cards,
    Cell,
    Cite,
    Code,
    Column,
    Definitions,
    FigureBlock,
    Fold,
    Inline,
    Paragraph,
    Ref,
    Row,
    Section,
    Strong,
    Table,
    Text,
)
from anatomy.report.cells import NOTHING, columns, count, dimension, fixed, share, text
from anatomy.report.names import mix
from anatomy.report.sentences import about, percent, summary, window

_FILES_SHOWN = 20


def summary_section(findings: Findings) -> Section:
    """Headline numbers, the sentences to take away, and the encoders side by side."""
    blocks: list[Block] = [_cards(findings), Bullets(tuple(summary(findings)))]
    if len(findings.encoders) > 1:
        blocks += [_side_by_side(findings), FigureBlock("encoders")]
    return Section("summary", "Summary", tuple(blocks))


def main_clouds(findings: Findings) -> list[tuple[str, CloudFinding]]:
    """The pooled outputs of all prompts, of each encoder and file that has them."""
    named = [(e.name, e.inside.outputs.main) for e in findings.encoders if e.inside]
    named += [(file.name, file.outputs.main) for file in findings.outputs]
    return [(name, cloud) for name, cloud in named if cloud]


def _cards(findings: Findings) -> Cards:
    corpus, sources = findings.corpus, len(findings.sources)
    cards = [
        Card(
            "Distinct prompts",
            f"{about(findings)}{corpus.unique:,}",
            f"from {sources} source{'s' * (sources != 1)}{mix(findings)}",
        )
    ]
    if findings.encoders:
        first = findings.encoders[0]
        lengths, words, choice = first.lengths[0], first.vocabulary[0], first.recommended_context
        own = window(first)
        cards += [
            Card(
                "Tokens per prompt",
                f"{lengths.mean:.2f}",
                f"median {lengths.median}, longest {lengths.maximum:,}",
            ),
            Card(
                f"Padding at L = {own}",
                percent(lengths.measure.padding(own)),
                "of the positions computed",
            ),
            Card(
                "Vocabulary used",
                percent(words.coverage),
                f"{words.distinct:,} of {first.vocabulary_size:,} tokens",
            ),
            Card(
                "Context to use",
                f"L = {choice.length}",
                f"cuts {percent(choice.combined_loss)} of all tokens",
            ),
        ]
    for name, cloud in main_clouds(findings)[:1]:
        cards.append(
            Card(
                "Intrinsic dimension",
                f"{cloud.harmonic.value:.1f}",
                f"of {cloud.ambient:,}, {name}; linear rank {cloud.linear.effective_rank:,.1f}",
            )
        )
    return Cards(tuple(cards))


def _side_by_side(findings: Findings) -> Table:
    return Table(
        id="encoders",
        label="Encoders side by side",
        caption=(
            f"Encoders side by side{mix(findings)}: what their tokenizers make of all prompts, "
            "the context that keeps the bound on tokens cut, and, where the weights are here, the "
            "token table, what pruning leaves of it, and the dimensions of the pooled outputs."
        ),
        columns=(Column("Encoder", left=True), *_grouped()),
        rows=tuple(Row((Cell(e.name), *_headlines(e))) for e in findings.encoders),
    )


def _grouped() -> list[Column]:
    groups = {
        "Tokenizer": ("Vocabulary", "Used", "Mean tokens", "Context"),
        "Token table": ("Parameters", "Pruned"),
        "Pooled outputs": ("Ambient", "Linear", "MLE", "TwoNN"),
    }
    return [
        Column(title, group=group, opens=at == 0)
        for group, titles in groups.items()
        for at, title in enumerate(titles)
    ]


def _headlines(encoder: EncoderFinding) -> tuple[Cell, ...]:
    cells = (
        count(encoder.vocabulary_size),
        share(encoder.vocabulary[0].coverage),
        fixed(encoder.lengths[0].mean, 2),
        Cell(f"{encoder.recommended_context.length}"),
    )
    inside = encoder.inside
    if inside is None:
        return (*cells, Cell("not measured", style="left", columns=6))
    table = (
        text(millions(inside.embedding.parameters)),
        text(millions(inside.embedding.pruned_parameters)),
    )
    cloud = inside.outputs.main
    if cloud is None:
        return (*cells, *table, Cell("not measured", style="left", columns=4))
    return (
        *cells,
        *table,
        count(cloud.ambient),
        dimension(cloud.linear.effective_rank),
        fixed(cloud.harmonic.value, 1),
        fixed(cloud.two_nn.value, 1),
    )


def sources_section(findings: Findings) -> Section:
    """Rows read and prompts in them, source by source, and where they come from."""
    details = [block for source in findings.sources for block in _origin(findings, source)]
    if any(source.files for source in findings.sources):
        details.append(_files(findings))
    where = Fold("Where the prompts come from, and the files' hashes", tuple(details))
    said = Paragraph(
        (Ref("table-sources"), " counts what was read from each source, and the prompts in it.")
    )
    blocks = [said, _counts(findings), *_estimates(findings), *([where] if details else [])]
    return Section("sources", "Sources", tuple(blocks))


def _estimates(findings: Findings) -> list[Block]:
    """What of the counts is estimated, how, and how far it may be off; nothing where none is."""
    found = findings.corpus.approximation
    if found is None:
        return []
    how = (
        f"Distinct prompts of a source with more than {found.hashes:,} are estimated by "
        f"{found.method}. Lengths and tokens are those of prompts drawn by a hash, as many as "
    )
    so = (
        " says; ids that only other prompts have are missing from the vocabulary, and no estimate "
        "is held against the paper. Bounds and errors are those of one number, at "
        f"{percent(found.confidence)}."
    )
    text = (how, Ref("table-estimates"), so)
    first = findings.encoders[0]
    rows = tuple(
        Row(
            (
                Cell("Union" if part.group == COMBINED else part.group),
                *map(count, found.unique[part.group]),
                *map(count, found.unique_cleaned[first.name][part.group]),
                count(part.prompts),
                Cell(percent(found.share_error[part.group])),
            ),
            kind="all" if part.group == COMBINED else "",
        )
        for part in (*first.lengths[1:], first.lengths[0])
    )
    return [
        Paragraph(text, "notice"),
        Table(
            id="estimates",
            label="What is estimated",
            caption="Bounds of the numbers of distinct prompts, raw and after the cleaning of "
            f"{first.name}; prompts whose tokens are counted, and how far a share of prompts may "
            "be off for that reason.",
            columns=columns(
                "Source",
                "At least",
                "At most",
                "Cleaned, at least",
                "At most",
                "Tokens of",
                "Error of a share",
            ),
            rows=rows,
        ),
    ]


def _counts(findings: Findings) -> Table:
    first = findings.encoders[0] if findings.encoders else None
    names = ["Source", "Kind", "Rows", "Refused", "Duplicates", "Unique"]
    names += ["Cleaned"] if first else []
    rows = []
    for source in findings.sources:
        published = source.published if source.kind != "stand-in" else None
        rows.append(
            Row(
                (
                    Cell(source.name),
                    Cell(source.kind, style="tag"),
                    count(source.rows),
                    count(sum(source.refused.values())),
                    count(source.duplicates),
                    count(source.unique),
                    *([count(first.unique_cleaned[source.name])] if first else []),
                    count(published) if published else Cell("–"),
                )
            )
        )
    corpus, cleaned = findings.corpus, first.unique_cleaned if first else {}
    total = sum(cleaned.values()) - cleaned.get("combined", 0)
    for name, unique, kept in (
        ("Sum", corpus.plain_sum, total),
        ("Union", corpus.unique, cleaned.get("combined", 0)),
    ):
        after = [count(kept)] if first else []
        rows.append(Row((Cell(name), *[NOTHING] * 4, count(unique), *after, NOTHING), kind="all"))
    caption = "Rows read, and the prompts in them. Unique counts distinct raw strings"
    if first:
        caption += f"; cleaned counts what the tokenizer of {first.name} can still tell apart"
    return Table(
        id="sources",
        label="Sources",
        caption=f"{caption}{mix(findings)}.",
        columns=columns(*names, "Paper's count", left=["Kind"]),
        rows=tuple(rows),
    )


def _origin(findings: Findings, source: SourceFinding) -> list[Block]:
    """Where one source's prompts come from; nothing where the table of files says it all."""
    parts: list[Inline] = []
    if source.kind == "stand-in":
        parts.append(
            f" Generated by anatomy's own grammar with seed {findings.settings.seed}; not prompts "
            f"of {source.title}."
        )
    if source.citation:
        parts += [" Published in ", Cite(f"{source.citation}."), f". Licence: {source.licence}."]
    if source.refused:
        refused = ", ".join(f"{rows:,} {reason}" for reason, rows in source.refused.items())
        parts.append(f" Refused: {refused}.")
    if source.notes:
        notes = "; ".join(f"{note}: {number:,}" for note, number in source.notes.items())
        parts.append(f" Beside the prompts: {notes}.")
    if source.sha256:
        parts += [" Given in memory; sha256 of its prompts ", Code(source.sha256), "."]
    return [Paragraph((Strong(f"{source.title}."), *parts))] if parts else []


def _files(findings: Findings) -> Table:
    rows: list[Row] = []
    for source in findings.sources:
        for file in source.files[:_FILES_SHOWN]:
            path, digest = Cell(file.path, style="code"), Cell(file.sha256, style="code")
            rows.append(Row((Cell(source.name), path, count(file.bytes), digest)))
        if len(source.files) > _FILES_SHOWN:
            more = f"and {len(source.files) - _FILES_SHOWN:,} more, in {FILE_NAME}"
            rows.append(Row((Cell(source.name), Cell(more, style="left", columns=3))))
    return Table(
        id="files",
        label="Files read",
        caption="The files that were read, and their hashes: with these, the same prompts.",
        columns=(
            Column("Source", left=True),
            Column("File", left=True),
            Column("Bytes"),
            Column("SHA-256", left=True),
        ),
        rows=tuple(rows),
    )


def overlap_section(findings: Findings) -> Section:
    """Which prompts sources share."""
    blocks: list[Block]
    if len(findings.sources) == 1:
        blocks = [Paragraph("One source alone has nothing to overlap with.", "absent")]
        return Section("overlap", "Overlap of sources", tuple(blocks))
    corpus = findings.corpus
    total = (
        f"The sources' own counts add up to {corpus.plain_sum:,} prompts; {corpus.unique:,} of "
        "these are distinct strings"
    )
    if findings.encoders:
        first = findings.encoders[0]
        total += (
            f", and {first.unique_cleaned['combined']:,} remain after the cleaning of {first.name}"
        )
    names = [source.name for source in findings.sources]
    rows = tuple(
        Row(
            (
                Cell(name),
                *(
                    Cell(f"{number:,}", style="self" if at == row else "")
                    for at, number in enumerate(corpus.shared[row])
                ),
            )
        )
        for row, name in enumerate(names)
    )
    blocks = [
        Paragraph(
            (
                f"{total}. ",
                Ref("figure-overlap"),
                " and ",
                Ref("table-overlap"),
                " show which two share how many.",
            )
        ),
        FigureBlock("overlap"),
        Table(
            id="overlap",
            label="Prompts shared between sources",
            caption=(
                f"Distinct prompts that two sources share{mix(findings)}; on the diagonal, all of "
                "a source's."
            ),
            columns=columns("Source", *names),
            rows=rows,
        ),
    ]
    return Section("overlap", "Overlap of sources", tuple(blocks))


def made_section(findings: Findings) -> Section:
    """Command, time, seed, weights and versions."""
    run = findings.run
    items: list[tuple[Text, Text]] = [
        ("Command", (Code(run.command),)),
        ("Made", f"{run.started}, in {run.seconds} s, by {findings.generator}"),
        ("Findings", ("sha256 ", Code(findings.digest), " (without this section's run data)")),
        ("Seed", str(findings.settings.seed)),
    ]
    items += [(encoder.name, _provenance(encoder)) for encoder in findings.encoders]
    for file in findings.outputs:
        items.append((file.name, (f"{file.outputs.dtype}, sha256 ", Code(file.file.sha256))))
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    items += [
        ("Data folder", (Code(run.data),)),
        ("Host", f"{run.host}, Python {run.python}"),
        ("Versions", versions),
    ]
    return Section("made", "How it was made", (Definitions(tuple(items)),), columns=2)


def _provenance(encoder: EncoderFinding) -> Text:
    inside = encoder.inside
    if inside is None:
        return encoder.tokenizer
    files = [p for f in inside.files for p in (Code(f.path), ", sha256 ", Code(f.sha256), "; ")]
    outputs = inside.outputs
    threads = f", {outputs.threads} threads" if outputs.threads else ""
    return (
        f"{encoder.tokenizer}. Weights: ",
        *files,
        (
            f"{inside.parameters:,} parameters. Outputs: {outputs.dtype} on "
            f"{outputs.device}{threads}, {outputs.batches}"
        ),
    )
