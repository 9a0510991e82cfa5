"""How the training went: loss, held-out cosine and learning rate, step by step."""

from __future__ import annotations

from functools import partial

from anatomy.report.blocks import (
    Block,
    Cell,
    Definitions,
    FigureBlock,
    Fold,
    Paragraph,
    Ref,
    Row,
    Section,
    Table,
    Text,
)
from anatomy.report.cells import columns, count
from anatomy.report.figures import Drawing
from distill.report.plots.training import training
from distill.report.view import Point, RunView
from distill.words import counted, lasting

FIGURE = "training"


def section(view: RunView) -> Section:
    """The curves, and how long it took."""
    run = view.metrics.run
    took = run.training
    rate = took.prompts / took.seconds if took.seconds else 0.0
    schedule = view.recipe.schedule
    on_cpu = run.device == "cpu"
    with_what = counted(run.threads, "thread") if on_cpu else counted(run.processes, "process")
    items: list[tuple[Text, Text]] = [
        (
            "Length",
            (
                f"{took.steps:,} steps of {schedule.batch * schedule.accumulation:,} prompts, "
                f"{took.epochs:.1f} epochs"
            ),
        ),
        ("Teacher's outputs", f"{lasting(took.targets_seconds)}, once for all prompts"),
        ("Training", f"{lasting(took.seconds)}, {rate:,.0f} prompts/s with all checks and saving"),
        (
            "Device",
            f"{run.device_name}, {with_what}",
        ),
    ]
    blocks: list[Block] = [Definitions(tuple(items))]
    if view.curve:
        checked = tuple(report for report in view.curve if report.held_out)
        blocks = [
            Paragraph((Ref(f"figure-{FIGURE}"), " shows the training step by step.")),
            *blocks,
            FigureBlock(FIGURE),
        ]
        if checked:
            blocks.append(Fold("The checks on held-out prompts, in numbers", (_checks(checked),)))
    return Section("training", "Training", tuple(blocks))


def drawings(view: RunView) -> list[Drawing]:
    """The curves of metrics.jsonl."""
    if not view.curve:
        return []
    weights = view.recipe.loss
    return [
        Drawing(
            name=FIGURE,
            caption=(
                "Training: (a) the loss and its weighted terms, which add up to it, each a mean "
                "over the steps since the point before; (b) cosine of student and teacher on some "
                "of the held-out prompts, which nothing is learnt from; (c) the learning rate."
            ),
            alternative="Curves of loss, held-out cosine and learning rate by step.",
            draw=partial(training, view.curve, weights),
        )
    ]


def _checks(checked: tuple[Point, ...]) -> Table:
    names = {"cosine": "Pooled", "cosine_p5": "5th percentile", "token_cosine": "Tokens"}
    return Table(
        id="checks",
        label="Checks during training",
        caption=(
            "Cosine of student and teacher on some of the held-out prompts, during training: "
            "pooled outputs (mean, and the prompt that 5 % are below) and tokens (mean)."
        ),
        columns=columns("Step", "Epoch", "Loss", *names.values()),
        rows=tuple(
            Row(
                (
                    count(report.step),
                    Cell(f"{report.epoch:.2f}"),
                    Cell(f"{report.loss:.4f}"),
                    *(_cosine((report.held_out or {}).get(name)) for name in names),
                )
            )
            for report in checked
        ),
        narrow=True,
    )


def _cosine(value: float | None) -> Cell:
    return Cell("none" if value is None else f"{value:.4f}")
