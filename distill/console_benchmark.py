"""What a benchmark came to, on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from anatomy.console import table_of
from distill.metrics.benchmark import Benchmark, ModelCost, Speed

_out = Console()
_NONE = Text("-", "dim")


def print_benchmark(found: Benchmark) -> None:
    """Encoder by encoder; the reference of the ratios is SAM3's shape, else the teacher."""
    largest = max(found.batches)
    reference = found.model("sam3") or found.teacher
    own = reference.own(largest) if reference else None
    table = table_of(
        f"Prompts a second, {found.dtype}, {found.conditions.device_name}",
        ["Encoder"],
        ["Params", "GFLOP", *(f"batch {batch}" for batch in found.batches), "Ratio", "Paper"],
    )
    for model in found.models:
        table.add_row(
            model.name,
            f"{model.parameters / 1e6:.1f} M",
            *_numbers(model, found, own),
            model.published.speedup if model.published else _NONE,
            style="bold" if model.kind == "student" else "",
        )
    _out.print(table)
    _out.print(
        f"Prompts of {found.mean_length:.1f} tokens, each encoder padding as its processor does; "
        f"GFLOP of one prompt. Ratio: prompts a second at {largest} over "
        f"{reference.name if reference else 'nothing'}'s; paper: Table 8, on a laptop's RTX 4070. "
        "All but teacher and student have random weights.",
        style="dim",
        highlight=False,
    )
    if found.teacher and found.student:
        _out.print(_sentence(found.student, found.teacher, found.batches), highlight=False)
    for cost in found.libraries:
        times = ", ".join(f"{ms:.2f} ms at {batch}" for batch, ms in cost.milliseconds.items())
        _out.print(
            f"Alone in {cost.library}: {times}; {cost.resident_bytes / 1e6:,.0f} MB resident, "
            f"{cost.library_bytes / 1e6:,.0f} of them the library's",
            highlight=False,
        )
    for model in found.models:
        if model.absent:
            _out.print(f"Not timed: {model.name} {model.absent}", style="red", highlight=False)


def _numbers(model: ModelCost, found: Benchmark, own: Speed | None) -> list[str | Text]:
    done = model.flops or model.flops_trimmed
    speeds = [model.own(batch) for batch in found.batches]
    last = speeds[-1]
    return [
        f"{done / 1e9:.2f}" if done else _NONE,
        *(f"{speed.rate:,.0f}" if speed else _NONE for speed in speeds),
        f"{last.rate / own.rate:.1f}x" if last and own else _NONE,
    ]


def _sentence(student: ModelCost, teacher: ModelCost, batches: list[int]) -> str:
    parts = []
    for batch in batches:
        mine = student.speed(batch, "trimmed") or student.own(batch)
        theirs = teacher.speed(batch, "trimmed")
        if mine and theirs:
            parts.append(f"{mine.rate / theirs.rate:.1f}x at {batch}")
    return f"Student against this run's teacher, trimmed to the batch: {', '.join(parts)}"
