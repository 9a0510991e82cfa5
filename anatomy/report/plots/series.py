"""What a figure shows, in numbers: what is drawn, written as CSV and shown under the pointer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anatomy.report.sentences import percent

Number = int | float | None  # None: this side of the point has no number


@dataclass(frozen=True)
class Quantity:
    """What an axis measures, and how its values are said."""

    name: str
    say: Callable[[float], str]


def counted(name: str) -> Quantity:
    """Something that is counted."""
    return Quantity(name, lambda value: f"{value:,.0f}")


def shared(name: str) -> Quantity:
    """A share of a whole, from 0 to 1."""
    return Quantity(name, percent)


def dimensional(name: str) -> Quantity:
    """A rank or a dimension."""
    return Quantity(name, lambda value: f"{value:,.1f}")


def cosine(name: str) -> Quantity:
    """A cosine similarity."""
    return Quantity(name, lambda value: f"{value:.3f}")


NAME = Quantity("", str)  # of an axis that holds names


@dataclass(frozen=True)
class Series:
    """One curve, row of bars or mark of a panel.

    Attributes
    ----------
    panel, name : str
        The panel that it stands in and what the series is of; empty where there is one alone.
    at, values : sequences of N numbers
        Of the quantities `x` and `y`.
    low, high : sequences of N numbers, or empty
        The interval of each value.
    labels : sequence of N strings, or empty
        What stands along the axis in place of a number.
    notes : sequence of N strings, or empty
        What a reader is told of each value besides.
    """

    panel: str
    name: str
    x: Quantity
    y: Quantity
    at: Sequence[Number]
    values: Sequence[Number]
    low: Sequence[Number] = ()
    high: Sequence[Number] = ()
    labels: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Grid:
    """A matrix of R rows and C columns: a heat map.

    Attributes
    ----------
    panel : str
    rows, columns : sequences of R and C strings
    at : sequence of C numbers, or empty
        Where the columns stand on the axis `x`; empty where they are names.
    measures : tuple of pairs of a quantity and R x C numbers
        What each cell holds; the first is what the colours show.
    """

    panel: str
    rows: Sequence[str]
    columns: Sequence[str]
    x: Quantity
    at: Sequence[Number]
    measures: tuple[tuple[Quantity, Sequence[Sequence[Number]]], ...]
