"""What the command shows on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from anatomy.amounts import millions
from anatomy.console import bars, table_of, text_of
from anatomy.files import shown
from anatomy.progress import Steps
from anatomy.report.sentences import percent
from distill.console_evaluation import print_evaluation
from distill.folder import STUDENT
from distill.plan import Planned
from distill.recipe import Recipe, StudentRecipe
from distill.run import Run
from distill.shallow import parts_of
from distill.sizes import PRECISIONS, UNUSED
from distill.train import Progress

_out = Console()
_MADE = "stand-in"
_NEITHER = (
    "Neither: more than is needed of a source that only evaluates, the words of a prompt that "
    "trains in another order, or more than prompts.limit."
)


def print_plan(planned: Planned, run: str, written: Path | None) -> None:
    """A recipe: what it makes, why each field is what it is, what it weighs, what comes next.

    `run` is the command that trains it; `written` the file that the recipe was written to.
    """
    recipe = planned.recipe
    _out.print(_headline(planned))
    _out.print()
    _out.print(_fields(recipe))
    _out.print(_prompts(planned))
    if not (planned.prompts.train | planned.prompts.held_out).all():
        _out.print(_NEITHER, style="dim")
    _out.print(_sizes(planned))
    _out.print(_next(planned, run, written))


@contextmanager
def training() -> Iterator[tuple[Steps, Callable[[Progress], None]]]:
    """Show the step at work, and how far a training is; quiet where there is no terminal."""
    with bars() as shown_bars:
        task = shown_bars.add_task("Starting", total=None)

        def watch(progress: Progress) -> None:
            cosine = "" if progress.cosine is None else f", held-out cosine {progress.cosine:.4f}"
            minutes, seconds = divmod(round(progress.left), 60)
            shown_bars.update(
                task,
                description=f"Training, loss {progress.loss:.4f}{cosine}, "
                f"{progress.rate:,.0f} prompts/s, {minutes}:{seconds:02} left",
                completed=progress.step,
                total=progress.steps,
            )

        def steps(step: str) -> None:
            shown_bars.update(task, description=shown(step), completed=0, total=None)

        yield steps, watch


def print_run(run: Run) -> None:
    """What a run came to: how near the student is, what it weighs, how long it took."""
    recipe, sizes, trained = run.recipe, run.planned.sizes, run.trained
    if run.evaluation is not None:
        print_evaluation(run.evaluation)
    precision = recipe.export_precision
    _out.print(
        f"{_described(recipe.student)}: {millions(sizes.held)} of the teacher's "
        f"{millions(run.teacher.model.parameters)} parameters "
        f"({percent(sizes.held / run.teacher.model.parameters)}), "
        f"{_megabytes(sizes.total_bytes(precision))} MB in {precision}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    epochs = trained.prompts / len(run.data.training)
    parts = [
        f"{trained.steps:,} steps, {trained.prompts:,} prompts seen ({epochs:.1f} epochs)",
        f"{trained.seconds / 60:.1f} minutes",
    ]
    if trained.resumed:
        parts.append(f"{trained.resumed:,} of the steps were there already")
    if run.data.targets.reused:
        parts.append(f"{run.data.targets.reused:,} of the teacher's outputs were there already")
    _out.print("Training: " + "; ".join(parts), markup=False, highlight=False, soft_wrap=True)
    _out.print(f"Student: {shown(run.folder / STUDENT)}", markup=False, soft_wrap=True)


def _headline(planned: Planned) -> Text:
    recipe, sizes = planned.recipe, planned.sizes
    teacher, precision = planned.model.parameters, recipe.export_precision
    return Text.assemble(
        (shown(recipe.name), "bold"),
        f"\n  {_described(recipe.student)}, to do the work of {shown(recipe.teacher.encoder)}"
        f"\n  {millions(sizes.held)} parameters, {percent(sizes.held / teacher)} of "
        f"{millions(teacher)}; {_megabytes(sizes.total_bytes(precision))} MB in {precision}",
    )


def _described(student: StudentRecipe) -> str:
    if student.kind == "shallow":
        numbers = " and ".join(str(layer + 1) for layer in student.kept_layers)
        return f"{len(student.kept_layers)} of the teacher's layers ({numbers})"
    layers = f"{student.hidden_layers} layer{'s' if student.hidden_layers > 1 else ''}"
    mixer = ", RepMixer first and last" if student.repmixer else ""
    return f"{shown(student.name)} ({layers}, {student.hidden_size} wide{mixer})"


def _fields(recipe: Recipe) -> Table:
    table = Table(title="Recipe", title_justify="left", title_style="bold", header_style="bold")
    table.add_column("Field", no_wrap=True)
    table.add_column("Value", overflow="fold", max_width=24)
    table.add_column("Why", overflow="fold")
    for path, value in recipe.fields().items():
        if path in recipe.reasons and path != "prompts.origins":  # a table of its own
            table.add_row(path, text_of(_value(value)), text_of(recipe.reasons[path]))
    return table


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


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
    sizes, model = planned.sizes, planned.model
    positions, (_, projector) = model.position_embedding, parts_of(model)
    teacher = {
        "token embedding": model.token_embedding.size,
        "positions": 0 if positions is None else positions.size,
        "projector": 0 if projector is None else sum(p.numel() for p in projector.parameters()),
    }
    teacher["layers"] = model.parameters - sum(teacher.values())
    student = {part: n for part, n in sizes.parameters.items() if part != UNUSED}
    table = table_of(
        "Parameters, and what the student's weigh",
        ["Part"],
        ["Teacher", "Student", *(f"{name}, MB" for name in PRECISIONS)],
    )
    for part in (*student, *(part for part in teacher if part not in student and teacher[part])):
        table.add_row(
            part,
            millions(teacher.get(part, 0)),
            millions(student.get(part, 0)),
            *(_megabytes(sizes.bytes[name].get(part, 0)) for name in PRECISIONS),
        )
    table.add_row(
        "total",
        millions(model.parameters),
        millions(sizes.held),
        *(_megabytes(sizes.total_bytes(name)) for name in PRECISIONS),
        style="bold",
    )
    return table


def _megabytes(number: int) -> str:
    return f"{number / 1e6:,.2f}"


def _next(planned: Planned, run: str, written: Path | None) -> RenderableType:
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
        numbered.add_row(f"  {at}.", text_of(step))
    made = [name for name, kind in zip(prompts.names, prompts.kinds, strict=True) if kind == _MADE]
    warning = (
        f"Trains on stand-ins generated by anatomy: {shown(', '.join(made))}. Such a student shows "
        "that things work, and knows no real prompt."
    )
    return Group(
        *([Text(warning, "red")] if made else []),
        Text("Nothing is trained yet.", "bold"),
        Text.assemble((shown(run), "bold"), " does the rest:"),
        numbered,
        Text(
            f"The recipe is in {shown(written)}; change in it what you like before."
            if written
            else "--set FIELD=VALUE changes a field; --out recipe.yaml writes all of them to edit."
        ),
    )
