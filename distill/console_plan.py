"""What `distill plan` shows on a terminal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from anatomy.amounts import millions
from anatomy.console import table_of, text_of
from anatomy.files import shown
from anatomy.report.sentences import percent
from distill.plan import Planned
from distill.recipe import Recipe
from distill.sizes import PRECISIONS, UNUSED
from distill.teacher import sizes_of
from distill.words import NEITHER, described, megabytes, reasoned

_out = Console()
_MADE = "stand-in"
_VALUE = 16  # letters of a value, before it folds


def print_plan(planned: Planned, run: str, written: Path | None) -> None:
    """A recipe: what it makes, why each field is what it is, what it weighs, what comes next.

    `run` is the command that trains it; `written` the file that the recipe was written to.
    """
    _out.print(_headline(planned))
    _out.print()
    _out.print(_fields(planned.recipe))
    _out.print(_prompts(planned))
    if not (planned.prompts.train | planned.prompts.held_out).all():
        _out.print(NEITHER, style="dim")
    _out.print(_sizes(planned))
    _out.print(_next(planned))
    _out.print(Text("\nNothing is trained yet. To train it:", "bold"))
    _out.print(f"  {shown(run)}", markup=False, highlight=False, soft_wrap=True)
    _out.print(
        f"The recipe is in {shown(written)}; change in it what you like before."
        if written
        else "--set FIELD=VALUE changes a field; --out recipe.yaml writes all of them to edit.",
        style="dim",
        markup=False,
        highlight=False,
    )


def _headline(planned: Planned) -> Text:
    recipe, sizes = planned.recipe, planned.sizes
    teacher, precision = planned.model.parameters, recipe.export_precision
    return Text.assemble(
        (shown(recipe.name), "bold"),
        f"\n  {shown(described(recipe.student))}, to do the work of "
        f"{shown(recipe.teacher.encoder)}"
        f"\n  {millions(sizes.held)} parameters, {percent(sizes.held / teacher)} of "
        f"{millions(teacher)}; {megabytes(sizes.total_bytes(precision))} MB in {precision}",
    )


def _fields(recipe: Recipe) -> Table:
    """Field, value and reason; a reason that the field before has too is not said again."""
    table = Table(
        title="Recipe",
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    table.add_column("Field", no_wrap=True)
    table.add_column("Value", overflow="fold", max_width=_VALUE)
    table.add_column("Why", overflow="fold", ratio=1)
    before = ""
    for path, value, why in reasoned(recipe):
        again = Text("the same", "dim")
        table.add_row(path, text_of(value), again if why == before else text_of(why))
        before = why
    return table


def _prompts(planned: Planned) -> Table:
    prompts = planned.prompts
    table = table_of("Prompts", ["Source", "Kind"], ["Distinct", "Train", "Held out", "Neither"])
    rows = [
        (name, kind, prompts.member[:, at])
        for at, (name, kind) in enumerate(zip(prompts.names, prompts.kinds, strict=True))
    ]
    rows.append(("total", "", np.ones(len(prompts), dtype=bool)))
    for name, kind, chosen in rows:
        train, held = prompts.train[chosen], prompts.held_out[chosen]
        neither = int((~train & ~held).sum())
        table.add_row(
            text_of(name),
            Text(kind, "red" if kind == _MADE else ""),
            f"{int(chosen.sum()):,}",
            f"{int(train.sum()):,}",
            f"{int(held.sum()):,}",
            f"{neither:,}" if neither else "",
            style="" if kind else "bold",
        )
    return table


def _sizes(planned: Planned) -> Table:
    sizes, teacher = planned.sizes, sizes_of(planned.model).parameters
    student = {part: n for part, n in sizes.parameters.items() if part != UNUSED}
    table = table_of(
        "Parameters, and what the student's weigh in MB",
        ["Part"],
        ["Teacher", "Student", *PRECISIONS],
    )
    for part in dict.fromkeys([*student, *teacher]):
        table.add_row(
            part,
            millions(teacher.get(part, 0)),
            millions(student.get(part, 0)),
            *(megabytes(sizes.bytes[name].get(part, 0)) for name in PRECISIONS),
        )
    table.add_row(
        "total",
        millions(planned.model.parameters),
        millions(sizes.held),
        *(megabytes(sizes.total_bytes(name)) for name in PRECISIONS),
        style="bold",
    )
    return table


def _next(planned: Planned) -> RenderableType:
    recipe, prompts = planned.recipe, planned.prompts
    train, held = int(prompts.train.sum()), int(prompts.held_out.sum())
    seen = prompts.train | prompts.held_out
    tokens = int(np.minimum(prompts.tokens.lengths[seen], recipe.teacher.context).sum())
    schedule = recipe.schedule
    length = " or ".join(
        [
            *([f"{schedule.minutes:g} minutes in all"] if schedule.minutes else []),
            f"{schedule.epochs:g} epochs",
        ]
    )
    most = "up to " if schedule.minutes else ""  # the time decides how many
    size = f"{most}{tokens * recipe.teacher.width * 2 / 1e6:,.0f} MB on disk"
    teacher = recipe.teacher.encoder
    steps = [
        f"runs {teacher} once over {most}{train + held:,} prompts and keeps its outputs ({size})",
        f"trains the student to give the same outputs for {most}{train:,} prompts: {length}"
        + (", whichever ends first" if " or " in length else ""),
        f"measures it on the {held:,} prompts that were held out",
        f"writes runs/{recipe.name}/ with the student, its tokenizer, metrics and a report",
    ]
    numbered = Table.grid(padding=(0, 1))
    for at, step in enumerate(steps, 1):
        numbered.add_row(f"{at}.", text_of(step))
    made = [name for name, kind in zip(prompts.names, prompts.kinds, strict=True) if kind == _MADE]
    warning = (
        f"Trains on stand-ins generated by anatomy: {shown(', '.join(made))}. Such a student shows "
        "that things work, and knows no real prompt."
    )
    return Group(
        *([Text(warning, "red")] if made else []),
        Text("What a run does", "bold"),
        Padding(numbered, (0, 0, 0, 2)),
    )
