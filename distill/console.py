"""What `distill run` shows on a terminal: how far it is, and what it came to."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import TaskID

from anatomy.amounts import millions
from anatomy.console import bars
from anatomy.files import shown
from anatomy.progress import Steps
from anatomy.report.sentences import percent
from anatomy.report.write import PAGE, PRINT
from distill.console_evaluation import print_evaluation
from distill.finished import Ended
from distill.folder import RUNS, STUDENT
from distill.metrics import Metrics
from distill.metrics.run import RunMetrics
from distill.run import Run
from distill.train import Progress
from distill.words import lasting, megabytes

_out = Console()
_NEXT = {
    "export": "for transformers and onnxruntime; --to has more",
    "benchmark": "its speed and memory beside the teacher's",
    "ablate": "what each part of the recipe is worth",
}


@contextmanager
def training() -> Iterator[tuple[Steps, Callable[[Progress], None]]]:
    """Show the step at work, and how far a training is; quiet where there is no terminal."""
    with bars() as shown_bars:
        step = shown_bars.add_task("Starting", total=None)
        bar: TaskID | None = None  # of the training, in place of the step's line

        def watch(progress: Progress) -> None:
            nonlocal bar
            if bar is None:
                bar = shown_bars.add_task("Training", total=progress.steps)
                shown_bars.update(step, visible=False)
            cosine = "" if progress.cosine is None else f", held out {progress.cosine:.4f}"
            minutes, seconds = divmod(round(progress.left), 60)
            shown_bars.update(
                bar,
                description=f"Loss {progress.loss:.3g}{cosine}, "
                f"{progress.rate:,.0f} prompts/s, {minutes}:{seconds:02} left",
                completed=progress.step,
                total=progress.steps,
            )

        def steps(text: str) -> None:
            nonlocal bar
            if bar is not None:
                shown_bars.remove_task(bar)
                bar = None
            shown_bars.update(step, visible=True, description=shown(text))

        yield steps, watch


def print_run(run: Run) -> None:
    """What a run came to: how near the student is, what it weighs, how long it took."""
    assert run.metrics is not None  # noqa: S101
    print_metrics(run.metrics)
    there, targets = [], run.data.targets
    if run.trained.resumed:
        there.append(f"{run.trained.resumed:,} of {run.trained.steps:,} steps")
    if targets.reused:
        there.append(f"{targets.reused:,} of {len(targets.pooled):,} outputs of the teacher")
    if there:
        again = " (--no-resume trains again)" if run.trained.resumed else ""
        _say(f"Reused: {', '.join(there)}{again}")
    print_places(run.folder)


def print_ended(ended: Ended, *, rendered: bool) -> None:
    """What a run came to that had ended before; `rendered`: its report had to be made again."""
    print_metrics(ended.metrics)
    again = "; its report was missing or old and is made again" if rendered else ""
    _say(f"This run had ended before, nothing was trained{again}. --no-resume begins again.")
    print_places(ended.folder)


def print_metrics(metrics: Metrics) -> None:
    """The evaluation, and the run in two lines."""
    if metrics.evaluation is not None:
        print_evaluation(metrics.evaluation)
    for line in _lines(metrics.run):
        _say(line)


def print_places(folder: Path) -> None:
    """Where things are, and what comes next."""
    _say(f"Student: {shown(folder / STUDENT)}", wrapped=False)  # a path stays in one piece
    _say(f"Report: {shown(folder / PAGE)}, {shown(folder / PRINT)}", wrapped=False)
    run = shlex.quote(shown(folder.name if folder.parent == RUNS else folder))
    _out.print("Next:")
    longest = max(map(len, _NEXT))
    for command, what in _NEXT.items():
        _say(f"  distill {command} {run}{' ' * (longest - len(command))}  {what}", wrapped=False)


def _lines(run: RunMetrics) -> list[str]:
    student, teacher, took = run.student, run.teacher, run.training
    sizes = " and ".join(
        f"{megabytes(student.total_bytes(precision))} MB in {precision}"
        for precision in ("float32", "int8")
    )
    return [
        (
            f"Size: {millions(student.total)} of the teacher's {millions(teacher.total)} "
            f"parameters ({percent(student.total / teacher.total)}); {sizes}"
        ),
        (
            f"Training: {took.steps:,} steps, {took.prompts:,} prompts seen ({took.epochs:.1f} "
            f"epochs) in {lasting(took.seconds)}; the teacher's outputs took "
            f"{lasting(took.targets_seconds)}"
        ),
    ]


def _say(line: str, *, wrapped: bool = True) -> None:
    _out.print(line, markup=False, highlight=False, soft_wrap=not wrapped)
