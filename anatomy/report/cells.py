"""How numbers stand in a table, on the page as on paper."""

from __future__ import annotations

from collections.abc import Sequence

from anatomy.findings import Estimated
from anatomy.report.blocks import Cell, Column
from anatomy.report.sentences import percent

NOTHING = Cell("")


def text(value: object, *, left: bool = False) -> Cell:
    """A text, or a number that needs no rounding."""
    return Cell(str(value), style="left" if left else "")


def count(number: int) -> Cell:
    """A whole number, with commas."""
    return Cell(f"{number:,}")


def share(value: float) -> Cell:
    """A share in per cent."""
    return Cell(percent(value))


def dimension(value: float) -> Cell:
    """A rank or a dimension."""
    return Cell(f"{value:,.1f}")


def fixed(value: float | None, digits: int) -> Cell:
    """A number with so many digits after the point, or that there is none."""
    return Cell("none" if value is None else f"{value:.{digits}f}")


def estimated(estimate: Estimated) -> Cell:
    """An estimate with its 95 % interval."""
    return Cell(f"{estimate.value:.1f}", f"[{estimate.low:.1f}, {estimate.high:.1f}]")


def columns(*titles: str, left: Sequence[str] = ()) -> tuple[Column, ...]:
    """Columns of numbers after one of headings; those named in `left` hold words."""
    return tuple(Column(title, left=at == 0 or title in left) for at, title in enumerate(titles))
