r"""The numbers of a figure as CSV: one row a point, the same columns for every figure.

``pandas.read_csv("figures/context-sam3.csv", comment="#")`` reads one. Numbers are as precise as in
findings.json. Texts come from prompts and file names, and a spreadsheet runs a cell that starts
with ``=`` as a formula: a text that it, or pandas, would take for a formula, a number or nothing
has ``'`` before it, the spreadsheets' own sign that a text follows (OWASP, CSV injection). Within
a text, what cannot be seen, ``\`` and ``;`` (which parts cells where the comma is decimal) are
Python's escapes. `original` gives back what was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from anatomy.findings import MARK
from anatomy.report.plots.series import Grid, Number, Series

COLUMNS = ("panel", "series", "label", "x_name", "x", "y_name", "y", "low", "high")

_ACTIVE = re.compile(r"\s*['=+\-@＝＋－＠]")
# What pandas takes for nothing or for a truth value; numbers besides.
_NO_TEXT = re.compile(
    r"(?i)\s*|#n/a( n/a)?|#na|<na>|n/a|na|null|nil|none|-?nan|-?1\.#(ind|qnan)|true|false"
)

Row = tuple[str, str, str, str, Number, str, Number, Number, Number]


def to_csv(
    series: Iterable[Series],
    grids: Iterable[Grid],
    digest: str,
    notice: str = "",
    *,
    mark: str = MARK,
) -> bytes:
    """A figure's series and grids as CSV, below comments that start with ``#``."""
    rows = [row for one in series for row in _points(one)]
    rows += [row for grid in grids for row in _cells(grid)]
    head = [f"# {mark} {digest}", *([f"# {notice}"] if notice else []), ",".join(COLUMNS)]
    return ("\n".join([*head, *(",".join(map(_field, row)) for row in rows)]) + "\n").encode()


def inert(text: str) -> str:
    """`text` as a cell that every program takes for this text."""
    escaped = "".join(c if c.isprintable() and c not in "\\;" else _escape(c) for c in text)
    mistaken = _ACTIVE.match(escaped) or _NO_TEXT.fullmatch(escaped) or _is_number(escaped)
    return f"'{escaped}" if mistaken else escaped


def original(cell: str) -> str:
    """The text that `inert` made a cell of."""
    escaped = cell.removeprefix("'")
    return re.sub(
        r"\\(\\|x..|u.{4}|U.{8}|[tnr])",
        lambda found: found[0].encode("ascii").decode("unicode_escape"),
        escaped,
    )


def _escape(character: str) -> str:
    if character == ";":
        return r"\x3b"
    return character.encode("unicode_escape").decode("ascii")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _points(series: Series) -> Iterator[Row]:
    nothing = [None] * len(series.at)
    low, high = series.low or nothing, series.high or nothing
    labels = [inert(label) for label in series.labels] or [""] * len(series.at)
    panel, name = _optional(series.panel), _optional(series.name)
    for x, y, a, b, label in zip(series.at, series.values, low, high, labels, strict=True):
        yield panel, name, label, series.x.name, x, series.y.name, y, a, b


def _cells(grid: Grid) -> Iterator[Row]:
    at = grid.at or [None] * len(grid.columns)
    labels = [""] * len(at) if grid.at else [inert(name) for name in grid.columns]
    for quantity, cells in grid.measures:
        for name, row in zip(grid.rows, cells, strict=True):
            for x, label, value in zip(at, labels, row, strict=True):
                if value is not None:
                    yield (
                        _optional(grid.panel),
                        inert(name),
                        label,
                        grid.x.name,
                        x,
                        quantity.name,
                        value,
                        None,
                        None,
                    )


def _optional(name: str) -> str:
    return inert(name) if name else ""


def _field(value: str | Number) -> str:
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"' if value else ""
    if value is None or value != value:
        return ""
    return str(value) if isinstance(value, int) else repr(float(value))
