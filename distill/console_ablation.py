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
        f"Held-out pooled cosine after {found.steps:,} steps, one field changed at a time",
        ["Field"],
        ["Mean", "5 %", "Difference", "Params"],
    )
    for grid in GRIDS:
        for row in found.grid(grid):
            table.add_row(
                f"{grid} {row.value}",
                *_numbers(found.student(row)),
                style="bold" if row.own else "",
            )
        if found.grid(grid):
            table.add_section()
    _out.print(table)
    notes = [
        (
            "Bold: as in the recipe. Difference: against it, prompt by prompt, and half "
            "of its 95 % interval over prompts; dim: the interval holds zero."
        ),
        (
            f"A small grid: {found.steps:,} steps of {found.step_prompts} prompts; the run's own "
            f"training took {found.run_steps:,}."
        ),
    ]
    if found.seed_spread is not None:
        notes.append(
            f"Other seeds alone move the pooled cosine by {found.seed_spread:.4f}: what differs "
            "by less is noise."
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
        noise = against.low <= 0 <= against.high
        half = (against.high - against.low) / 2
        difference = Text(f"{against.mean:+.4f} ± {half:.4f}", "dim" if noise else "")
    return [
        f"{student.pooled.mean:.4f}",
        f"{student.pooled_p5:.4f}",
        difference,
        f"{student.parameters / 1e6:.2f} M",
    ]
