"""What an ablation will do, and what it came to, on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from anatomy.console import table_of
from distill.ablation.schedule import Schedule
from distill.metrics.ablation import GRIDS, AblatedStudent, Ablation
from distill.published import beside
from distill.words import lasting

_out = Console()


def print_schedule(schedule: Schedule) -> None:
    """How many students, of how many steps, and about how long."""
    left = schedule.students - schedule.done
    said = f"{schedule.cells} cells of the grids are {schedule.students} students"
    if schedule.done:
        said += f", {schedule.done} of them trained before"
    said += f"; {left} to train, {schedule.steps:,} steps each"
    if schedule.seconds is not None:
        said += f": about {lasting(schedule.seconds)}"
    _out.print(said, highlight=False, soft_wrap=True)


def print_ablation(found: Ablation) -> None:
    """Grid by grid; then what is noise, and what the paper measured instead."""
    table = table_of(
        f"Held-out cosine after {found.steps:,} steps, one field of the recipe changed at a time",
        ["Field", "Value"],
        ["Pooled", "5 %", "Tokens", "Against the recipe's", "Parameters", "Cut", "Shuffled"],
    )
    for grid in GRIDS:
        for at, row in enumerate(found.grid(grid)):
            table.add_row(
                grid if at == 0 else "",
                row.value,
                *_numbers(found.student(row)),
                style="bold" if row.own else "",
            )
        if found.grid(grid):
            table.add_section()
    _out.print(table)
    notes = [
        (
            "Bold: as in the recipe. Against it: difference of the pooled cosine, prompt by prompt, "
            "with its 95 % interval over prompts; dim: it holds zero."
        ),
        (
            f"A small grid: {found.steps:,} steps of {found.step_prompts} prompts each; the run's own "
            f"training took {found.run_steps:,}."
        ),
    ]
    if found.seed_spread is not None:
        notes.append(
            f"Other seeds alone move the pooled cosine by {found.seed_spread:.4f}: what differs "
            "by less is noise."
        )
    if found.teacher_shuffled is not None:
        notes.append(
            f"Shuffled: cosine with the prompt's words in another order; in the teacher "
            f"{found.teacher_shuffled:.4f}."
        )
    _out.print("\n".join(notes), style="dim", highlight=False)
    for grid in GRIDS:
        if found.grid(grid) and (said := beside(grid)):
            _out.print(said, style="dim", highlight=False)


def _numbers(student: AblatedStudent) -> list[str | Text]:
    against = student.against
    if against is None:
        difference = Text("")
    else:
        difference = Text(
            f"{against.mean:+.4f} [{against.low:+.4f}, {against.high:+.4f}]",
            "dim" if against.low <= 0 <= against.high else "",
        )
    return [
        f"{student.pooled.mean:.4f}",
        f"{student.pooled_p5:.4f}",
        f"{student.token_cosine:.4f}",
        difference,
        f"{student.parameters / 1e6:.2f} M",
        f"{student.cut:.1%}",
        "" if student.shuffled is None else f"{student.shuffled:.4f}",
    ]
