"""What the student weighs beside its teacher, part by part."""

from __future__ import annotations

from functools import partial

from anatomy.amounts import millions
from anatomy.report.blocks import (
    Block,
    Cell,
    Column,
    FigureBlock,
    Paragraph,
    Ref,
    Row,
    Section,
    Table,
)
from anatomy.report.cells import text
from anatomy.report.figures import Drawing
from anatomy.report.sentences import percent
from distill.metrics.run import ModelMetrics
from distill.report.plots.size import size
from distill.report.view import RunView
from distill.sizes import PRECISIONS
from distill.words import megabytes

FIGURE = "size"


def section(view: RunView) -> Section:
    """Parameters and bytes by part, teacher beside student."""
    student = view.metrics.run.student
    blocks: list[Block] = [
        Paragraph(
            (
                Ref(f"figure-{FIGURE}"),
                " and ",
                Ref("table-size"),
                (
                    " show what the parameters are, and what they weigh as files hold them. In "
                    "int8, matrices take a byte a number and 5 bytes a row; all else stays "
                    "float32."
                ),
            )
        ),
        FigureBlock(FIGURE),
        _table(view),
    ]
    if student.unused:
        blocks.append(
            Paragraph(
                f"An export to transformers' class holds {millions(student.unused)} parameters "
                "more, which no per-token output depends on."
            )
        )
    return Section("size", "Size", tuple(blocks))


def drawings(view: RunView) -> list[Drawing]:
    """Bars."""
    run = view.metrics.run
    return [
        Drawing(
            name=FIGURE,
            caption=(
                "Teacher and student: (a) parameters by part, (b) bytes of all parts in three "
                "precisions."
            ),
            alternative="Bars of parameters and bytes, the teacher's above the student's.",
            draw=partial(size, run.teacher, run.student, _parts(view)),
        )
    ]


def _parts(view: RunView) -> list[str]:
    """The parts that any of the two has."""
    run = view.metrics.run
    names = dict.fromkeys([*run.student.parameters, *run.teacher.parameters])
    return [
        name
        for name in names
        if run.student.parameters.get(name) or run.teacher.parameters.get(name)
    ]


def _table(view: RunView) -> Table:
    run = view.metrics.run
    rows = [_row(name, run.teacher, run.student, [name]) for name in _parts(view)]
    total = _row("total", run.teacher, run.student, _parts(view))
    return Table(
        id="size",
        label="Parameters and bytes",
        caption="Parameters and megabytes (millions of bytes) by part, teacher beside student.",
        columns=(
            Column("Part", left=True),
            *(Column(name, group="Parameters", opens=at == 0) for at, name in enumerate(_WHO)),
            *(
                Column(name, group=f"{precision}, MB", opens=at == 0)
                for precision in PRECISIONS
                for at, name in enumerate(_WHO[:2])
            ),
        ),
        rows=(*rows, Row(total.cells, kind="all")),
    )


_WHO = ("Teacher", "Student", "Share")


def _row(name: str, teacher: ModelMetrics, student: ModelMetrics, parts: list[str]) -> Row:
    before, after = (
        sum(model.parameters.get(part, 0) for part in parts) for model in (teacher, student)
    )
    stored = [
        text(megabytes(sum(model.bytes[precision].get(part, 0) for part in parts)))
        for precision in PRECISIONS
        for model in (teacher, student)
    ]
    part = text(percent(after / before) if before else "")
    return Row((Cell(name), text(millions(before)), text(millions(after)), part, *stored))
