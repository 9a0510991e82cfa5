"""What decided the student: each field of the recipe, and the finding and rule behind it."""

from __future__ import annotations

from anatomy.report.blocks import Cell, Cite, Code, Column, Paragraph, Ref, Row, Section, Table
from anatomy.report.figures import Drawing
from anatomy.report.references import PAPER
from distill.recipe import FILE_NAME
from distill.report.view import RunView
from distill.words import reasoned


def section(view: RunView) -> Section:
    """Fields that something decided, with the reason."""
    said = Paragraph(
        (
            Ref("table-recipe"),
            (
                " has every field that the findings, this machine or a user decided, and why; the "
                "paper is "
            ),
            Cite(PAPER),
            ". The whole recipe stands in ",
            Code(FILE_NAME),
            ", which ",
            Code("distill run --recipe"),
            " takes as it is or changed.",
        )
    )
    return Section("recipe", "The recipe", (said, _decided(view)))


def drawings(view: RunView) -> list[Drawing]:
    """None."""
    return []


def _decided(view: RunView) -> Table:
    rows = [
        Row((Cell(path), Cell(value, style="left"), Cell(why, style="words")))
        for path, value, why in reasoned(view.recipe)
    ]
    return Table(
        id="recipe",
        label="Recipe",
        caption="What was decided, and why.",
        columns=tuple(Column(title, left=True) for title in ("Field", "Value", "Why")),
        rows=tuple(rows),
        stacked=True,
    )
