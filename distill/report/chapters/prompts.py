"""Which prompts trained, and which were held out."""

from __future__ import annotations

from anatomy.report.blocks import Cell, Column, Fold, Paragraph, Ref, Row, Section, Table
from anatomy.report.cells import columns, count
from anatomy.report.figures import Drawing
from distill.metrics.run import SourceMetrics
from distill.report.view import RunView
from distill.words import NEITHER

_FILES_SHOWN = 20


def section(view: RunView) -> Section:
    """Source by source: kind, prompts that train, that are held out, that are neither."""
    recipe, sources = view.recipe.prompts, view.metrics.run.sources
    neither = any(source.neither for source in sources)
    names = ["Source", "Kind", "Distinct", "Train", "Held out", *(["Neither"] if neither else [])]
    table = Table(
        id="prompts",
        label="Prompts by source",
        caption=(
            "Distinct prompts by source. One that stands in several is counted in each"
            + (f". {NEITHER}" if neither else ".")
        ),
        columns=columns(*names, left=["Kind"]),
        rows=tuple(_row(source, neither=neither) for source in sources),
    )
    said = Paragraph(
        (
            Ref("table-prompts"),
            (
                " says which part the prompts played. Prompts of the same words, in whatever "
                "order, are on one side of the split; tokens to keep, student and settings were "
                "chosen from training prompts alone."
            ),
        )
    )
    only = [source.name for source in sources if not source.trains]
    evaluated = (
        [Paragraph(f"Not trained on at all, evaluated only: {', '.join(only)}.")] if only else []
    )
    files = [Fold("The files that the prompts were read from", (_files(view),))]
    has_files = any(origin.files for origin in recipe.origins)
    return Section("prompts", "Prompts", (said, table, *evaluated, *(files if has_files else [])))


def drawings(view: RunView) -> list[Drawing]:
    """None."""
    return []


def _row(source: SourceMetrics, *, neither: bool) -> Row:
    kind = Cell(source.kind, style="tag") if source.kind else Cell("")
    numbers = [source.distinct, source.train, source.held_out]
    cells = [Cell(source.name), kind, *map(count, numbers)]
    if neither:
        cells.append(count(source.neither))
    return Row(tuple(cells), kind="" if source.kind else "all")


def _files(view: RunView) -> Table:
    rows = []
    for origin in view.recipe.prompts.origins:
        for path, sha256 in list(origin.files.items())[:_FILES_SHOWN]:
            cells = Cell(origin.name), Cell(path, style="code"), Cell(sha256, style="code")
            rows.append(Row(cells))
        if (more := len(origin.files) - _FILES_SHOWN) > 0:
            words = Cell(f"and {more:,} more, in recipe.yaml", style="left", columns=2)
            rows.append(Row((Cell(origin.name), words)))
    return Table(
        id="files",
        label="Files read",
        caption="The files that were read, and their hashes: those that were audited.",
        columns=(
            Column("Source", left=True),
            Column("File", left=True),
            Column("SHA-256", left=True),
        ),
        rows=tuple(rows),
    )
