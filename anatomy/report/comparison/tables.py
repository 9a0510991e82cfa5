"""The numbers of a comparison as tables: of two audits side by side, of more one below the other.

With two audits a row is a number, and its columns the two values, the change and the verdict. With
more a row is an audit, and its columns numbers with their changes: so that twelve audits are as
legible as three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anatomy.comparison import Comparison, Measure
from anatomy.corpus.model import COMBINED
from anatomy.report.blocks import Block, Cell, Column, Fold, Row, Table
from anatomy.report.cells import NOTHING
from anatomy.report.comparison.words import (
    change_of,
    group,
    interval_of,
    relative,
    role_title,
    title_of,
    value_of,
)

# How many numbers stand beside each other in a table of many audits: three, or two with intervals.
_WIDTH, _EXACT, _ESTIMATE = 6, 2, 3


@dataclass(frozen=True)
class About:
    """What a table is called, and its caption without the full stop."""

    id: str
    label: str
    caption: str


def tables(
    comparison: Comparison, measures: Sequence[Measure], about: About, *, fold: bool = True
) -> list[Block]:
    """Tables of some numbers; with `fold`, under a line that says so where nothing changed."""
    if not measures:
        return []
    layout = _pair if len(comparison.audits) == 2 else _many
    found: list[Block] = list(layout(comparison, measures, about))
    changes = [change for measure in measures for change in measure.changes[1:]]
    if fold and all(change is not None and change.verdict == "same" for change in changes):
        many = f"all {len(measures)} numbers" if len(measures) > 1 else "the number"
        return [Fold(f"{about.caption}: no change in {many}", tuple(found))]
    return found


@dataclass(frozen=True)
class _Headings:
    """What stands before the numbers of a row: encoder and source, where they differ."""

    roles: dict[str, str]
    groups: bool

    @classmethod
    def of(cls, comparison: Comparison, measures: Sequence[Measure]) -> _Headings:
        several = len({measure.role for measure in measures}) > 1
        titles = {role.name: role_title(role) for role in comparison.roles}
        groups = any(measure.group != COMBINED for measure in measures)
        return cls(titles if several else {}, groups)

    def encoder(self, measure: Measure) -> str:
        return self.roles.get(measure.role, "")


def _pair(comparison: Comparison, measures: Sequence[Measure], about: About) -> list[Table]:
    headings = _Headings.of(comparison, measures)
    columns = [
        Column("Number", left=True),
        *([Column("Source", left=True)] if headings.groups else []),
        *map(Column, (*comparison.labels, "Change", "Relative")),
        Column("Verdict", left=True),
    ]
    rows = []
    for measure in measures:
        cells = (
            Cell(title_of(measure), note=headings.encoder(measure)),
            *([Cell(group(measure.group))] if headings.groups else []),
            _value(measure, 0),
            _value(measure, 1),
            *_change(measure),
        )
        rows.append(Row(cells))
    return [_table(about, columns, rows)]


def _table(about: About, columns: Sequence[Column], rows: Sequence[Row]) -> Table:
    return Table(
        id=about.id,
        label=about.label,
        caption=f"{about.caption}.",
        columns=tuple(columns),
        rows=tuple(rows),
    )


def _value(measure: Measure, at: int) -> Cell:
    value = measure.values[at]
    if value is None:
        return Cell("", note=measure.absent[at])
    return Cell(value_of(measure, value), note=interval_of(measure, value.low, value.high))


def _change(measure: Measure) -> tuple[Cell, ...]:
    change = measure.changes[1]
    if change is None:
        return NOTHING, NOTHING, NOTHING
    interval = "" if change.verdict == "same" else interval_of(measure, change.low, change.high)
    return (
        Cell(change_of(measure, change), note=interval),
        Cell(relative(change)),
        Cell(change.verdict, style="tag"),
    )


def _many(comparison: Comparison, measures: Sequence[Measure], about: About) -> list[Table]:
    """Numbers of one name share columns; each source has a row for every audit that has it."""
    headings = _Headings.of(comparison, measures)
    by = {(m.role, title_of(m), m.group): m for m in measures}
    groups = list(dict.fromkeys(m.group for m in measures))
    found: list[Table] = []
    for part in _parts(measures):
        columns = [Column("Audit", left=True)]
        columns += [Column("Source", left=True)] if headings.groups else []
        for one in part:
            title = ", ".join(filter(None, (title_of(one), headings.encoder(one))))
            columns += [Column("Value", group=title, opens=True), Column("Change", group=title)]
        rows = []
        for name in groups:
            there = [by.get((one.role, title_of(one), name)) for one in part]
            based = any(measure and measure.values[0] for measure in there)
            for at, audit in enumerate(comparison.labels):
                if not based and not any(measure and measure.values[at] for measure in there):
                    continue  # a source that neither the baseline nor this audit has
                cells = [Cell(audit), *([Cell(group(name))] if headings.groups else [])]
                for measure in there:
                    cells += _both(measure, at) if measure else (NOTHING, NOTHING)
                rows.append(Row(tuple(cells), kind="all" if at == 0 else ""))
        number = len(found) + 1
        more = About(f"{about.id}-{number}", about.label, f"{about.caption} (continued)")
        found.append(_table(more if found else about, columns, rows))
    return found


def _parts(measures: Sequence[Measure]) -> list[list[Measure]]:
    """One measure of each name, in as many parts as there must be tables."""
    parts: list[list[Measure]] = []
    room = 0
    first: dict[tuple[str, str], Measure] = {}
    for measure in measures:
        first.setdefault((measure.role, title_of(measure)), measure)
    for measure in first.values():
        wide = any(value and value.low is not None for value in measure.values)
        width = _ESTIMATE if wide else _EXACT
        if width > room:
            parts.append([])
            room = _WIDTH
        parts[-1].append(measure)
        room -= width
    return parts


def _both(measure: Measure, at: int) -> tuple[Cell, Cell]:
    """A value, and its change with the verdict where it is not plain that it is exact."""
    change = measure.changes[at]
    if change is None:
        alone = "no baseline" if at and measure.values[at] else "baseline" if at == 0 else ""
        return _value(measure, at), Cell("", note=alone)
    if change.verdict == "same":
        return _value(measure, at), Cell("same")
    interval = interval_of(measure, change.low, change.high)
    verdict = "" if change.verdict == "exact" else change.verdict
    return (
        _value(measure, at),
        Cell(change_of(measure, change), note=f"{interval} {verdict}".strip()),
    )
