"""Students of other recipes: one field changed at a time, beside the paper's Tables 5 to 7."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from anatomy.amounts import millions
from anatomy.report.blocks import (
    Block,
    Bullets,
    Cell,
    Cite,
    Code,
    Column,
    FigureBlock,
    Inline,
    Paragraph,
    Ref,
    Row,
    Section,
    Strong,
    Table,
    Text,
)
from anatomy.report.cells import columns, share, text
from anatomy.report.figures import Drawing
from anatomy.report.references import PAPER
from distill.metrics.ablation import GRIDS, AblatedStudent, Ablation, AblationRow, Grid, Span
from distill.published import table_5, table_6, table_7
from distill.report.plots.ablation import differences
from distill.report.view import RunView
from distill.words import listed

_TITLE = "Other recipes"
FIGURE = "ablation"
NAMES: dict[Grid, str] = {
    "seed": "seed",
    "context": "context length",
    "loss": "loss terms",
    "consistency": "consistency weight",
    "vocabulary": "vocabulary",
    "width": "output width",
}


def section(view: RunView) -> Section:
    """What each field does, how much of it is noise, and what the paper measured instead."""
    found = view.metrics.ablation
    if found is None:
        absent = Paragraph(("Not measured: ", Code(f"distill ablate {view.name}")), "absent")
        return Section("ablation", _TITLE, (absent,))
    blocks: list[Block] = [
        _how(found),
        _noise(found),
        FigureBlock(FIGURE),
        Bullets(tuple(_sentences(found))),
        _table(found),
        *_published(found),
    ]
    return Section("ablation", _TITLE, tuple(blocks))


def drawings(view: RunView) -> list[Drawing]:
    """Differences from the run's own recipe."""
    found = view.metrics.ablation
    if found is None or all(student.against is None for student in found.students):
        return []
    return [
        Drawing(
            name=FIGURE,
            caption=(
                "What one changed field does to the held-out pooled cosine, prompt by prompt: mean "
                "difference from the run's own recipe after as short a training, with its 95 % "
                "interval over prompts."
                + (
                    " Between the dashed lines lies what another seed alone does."
                    if found.seed_spread is not None
                    else ""
                )
            ),
            alternative="Differences of the mean pooled cosine from the run's recipe, by cell.",
            draw=partial(differences, found, NAMES),
        )
    ]


def _how(found: Ablation) -> Paragraph:
    conditions = found.conditions
    return Paragraph(
        (
            Strong("A small grid. "),
            (
                f"{len(found.students)} students of {found.steps:,} steps of {found.step_prompts} "
                f"prompts each (the run's own training took {found.run_steps:,}), on "
                f"{conditions.device_name}: all else is as in the recipe, with the same prompts, "
                "outputs of the teacher and seed. Measured on "
                f"{conditions.prompts:,} held-out prompts. The paper "
            ),
            Cite(PAPER),
            (
                " trained in full, and measured how well SAM3 segments with each student (CG_F1 on "
                "SA-Co Gold): a cosine is nearer to what is trained, and says nothing about masks."
            ),
        )
    )


def _noise(found: Ablation) -> Paragraph:
    spread = found.seed_spread
    if spread is None:
        return Paragraph(
            "How much another seed alone would change was not measured (--grid seed): the "
            "intervals are over prompts, and hold nothing of how a training happens to go.",
            "notice",
        )
    return Paragraph(
        f"Of {len(found.seeds)} students that only their seed sets apart the mean pooled cosine "
        f"differs by up to {spread:.4f}. A smaller difference than that is noise, whatever its "
        "interval over prompts says.",
        "advice",
    )


def _sentences(found: Ablation) -> list[Text]:
    said: list[Text] = []
    spread = found.seed_spread or 0.0
    for grid in GRIDS:
        rows = [row for row in found.grid(grid) if grid != "seed"]
        others = [(row, found.student(row).against) for row in rows]
        real = [(row, span) for row, span in others if span and _is_real(span, spread)]
        small = [row.value for row, span in others if span and not _is_real(span, spread)]
        if not rows:
            continue
        parts = [f"{row.value} gives {_signed(span.mean)}" for row, span in real]
        if small:
            parts.append(f"within the noise: {listed(small)}")
        (own,) = [row.value for row in rows if row.own][:1] or ["none"]
        said.append(
            f"{NAMES[grid].capitalize()} (the recipe's: {own}): "
            f"{'; '.join(parts) or 'nothing else'}."
        )
    return said


def _is_real(span: Span, spread: float) -> bool:
    """Whether a difference is told apart from zero and from what a seed does."""
    return not span.low <= 0 <= span.high and abs(span.mean) > spread


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "\N{MINUS SIGN}")


def _table(found: Ablation) -> Table:
    rows = [_row(row, found.student(row)) for grid in GRIDS for row in found.grid(grid)]
    teacher = (
        ""
        if found.teacher_shuffled is None
        else f" (the teacher's: {found.teacher_shuffled:.4f}, {found.shuffled_prompts:,} prompts)"
    )
    return Table(
        id="ablation",
        label="Cells of the grids",
        caption=(
            "One field changed at a time; marked: as in the recipe. Cosines of student and "
            "teacher on held-out prompts; the difference is from the recipe's own, prompt by "
            "prompt, with half of its 95 % interval. Cut: prompts longer than the context. "
            "Shuffled: cosine of a prompt's output with that of its words in another order"
            f"{teacher}."
        ),
        columns=(
            Column("Field", left=True),
            Column("Mean", group="Pooled cosine", opens=True),
            Column("5 %", group="Pooled cosine"),
            Column("Difference", group="Pooled cosine"),
            Column("Tokens", opens=True),
            Column("Shuffled"),
            Column("Cut"),
            Column("Parameters", opens=True),
        ),
        rows=tuple(rows),
    )


def _row(row: AblationRow, student: AblatedStudent) -> Row:
    against = student.against
    difference = Cell("")
    if against is not None:
        half = (against.high - against.low) / 2
        difference = Cell(_signed(against.mean), f"\N{PLUS-MINUS SIGN} {half:.4f}")
    return Row(
        (
            Cell(f"{NAMES[row.grid]} {row.value}"),
            Cell(f"{student.pooled.mean:.4f}"),
            Cell(f"{student.pooled_p5:.4f}"),
            difference,
            Cell(f"{student.token_cosine:.4f}"),
            Cell("" if student.shuffled is None else f"{student.shuffled:.4f}"),
            share(student.cut),
            text(millions(student.parameters)),
        ),
        kind="chosen" if row.own else "",
    )


def _published(found: Ablation) -> list[Block]:
    """The paper's tables, where a grid is their counterpart."""
    blocks: list[Block] = []
    for grid, make in _TABLES.items():
        if found.grid(grid):
            blocks.append(make())
    refs = [Ref(f"table-{block.id}") for block in blocks if isinstance(block, Table)]
    if not refs:
        return []
    joined: list[Inline] = []
    for at, ref in enumerate(refs):
        joined += [*([", " if at < len(refs) - 1 else " and "] if at else []), ref]
    said = (
        " hold what the paper measured instead."
        if len(refs) > 1
        else (" holds what the paper measured instead.")
    )
    return [Paragraph((*joined, said)), *blocks]


def _paper_table(number: int, caption: str, heads: tuple[str, ...], rows: list[list[str]]) -> Table:
    return Table(
        id=f"paper-{number}",
        label=f"The paper's Table {number}",
        caption=f"The paper's Table {number}: {caption}. CG_F1 / IL_MCC / pmF1, SA-Co Gold.",
        columns=columns(*heads),
        rows=tuple(Row(tuple(Cell(cell) for cell in row), kind="paper") for row in rows),
    )


def _five() -> Table:
    return _paper_table(5, "context length", ("Student", "L = 8", "L = 16", "L = 32"), table_5())


def _six() -> Table:
    return _paper_table(6, "loss terms of MobileCLIP-S0", ("Loss", "Average"), table_6())


def _seven() -> Table:
    heads = ("Student", "0", "0.05", "0.1")
    return _paper_table(7, "weight of the consistency loss", heads, table_7())


_TABLES: dict[Grid, Callable[[], Table]] = {"context": _five, "loss": _six, "consistency": _seven}
