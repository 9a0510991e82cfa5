"""The student in a few numbers."""

from __future__ import annotations

from anatomy.amounts import millions
from anatomy.report.blocks import Card, Cards, Section
from anatomy.report.figures import Drawing
from anatomy.report.sentences import percent
from distill.report.view import RunView


def section(view: RunView) -> Section:
    """Headline numbers."""
    run = view.metrics.run
    cards = (
        Card(
            "Parameters",
            millions(run.student.total),
            f"{percent(run.student.total / run.teacher.total)} of the teacher's "
            f"{millions(run.teacher.total)}",
        ),
    )
    return Section("summary", "Summary", (Cards(cards),))


def drawings(view: RunView) -> list[Drawing]:
    """None."""
    return []
