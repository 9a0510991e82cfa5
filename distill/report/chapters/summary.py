"""The student in a few numbers, and whether it is near enough to its teacher."""

from __future__ import annotations

from anatomy.amounts import millions
from anatomy.report.blocks import Block, Bullets, Card, Cards, Code, Paragraph, Section, Strong
from anatomy.report.figures import Drawing
from anatomy.report.sentences import percent
from distill.metrics import Benchmark, Evaluation
from distill.report.view import RunView
from distill.words import described, lasting, listed, megabytes


def section(view: RunView) -> Section:
    """Headline numbers, the gate's verdict, and what the run made of what."""
    blocks: list[Block] = [_cards(view), _gate(view), _sentences(view)]
    return Section("summary", "Summary", tuple(blocks))


def drawings(view: RunView) -> list[Drawing]:
    """None."""
    return []


def _cards(view: RunView) -> Cards:
    run, evaluation = view.metrics.run, view.metrics.evaluation
    student, teacher, words = run.student, run.teacher, run.vocabulary
    cards = [
        Card(
            "Parameters",
            millions(student.total),
            f"{percent(student.total / teacher.total)} of the teacher's {millions(teacher.total)}",
        ),
        *(_near(evaluation) if evaluation else []),
        Card(
            "Size in int8",
            f"{megabytes(student.total_bytes('int8'))} MB",
            f"{megabytes(student.total_bytes('float32'))} MB in float32; the teacher "
            f"{megabytes(teacher.total_bytes('int8'))} and "
            f"{megabytes(teacher.total_bytes('float32'))} MB",
        ),
        *(_weakest(evaluation) if evaluation else []),
        _speed(view.metrics.benchmark)
        or Card(
            "Tokens kept",
            percent(words.kept / words.teacher),
            f"{words.kept:,} of {words.teacher:,}; context L = {view.recipe.student.context}",
        ),
        Card(
            "Trained in",
            lasting(run.training.targets_seconds + run.training.seconds),
            f"{run.training.prompts:,} prompts seen, on {run.device_name}",
        ),
    ]
    return Cards(tuple(cards))


def _speed(benchmark: Benchmark | None) -> Card | None:
    """Prompts a second in the largest batch, where it was measured."""
    student = benchmark.student if benchmark else None
    own = student.own(max(benchmark.batches)) if benchmark and student else None
    if benchmark is None or own is None:
        return None
    where = f"batches of {own.batch}, {benchmark.dtype}, on {benchmark.conditions.device_name}"
    teacher = benchmark.teacher.own(own.batch) if benchmark.teacher else None
    times = f"{own.rate / teacher.rate:.1f} times the teacher's; " if teacher else ""
    return Card("Prompts a second", f"{own.rate:,.0f}", times + where)


def _near(evaluation: Evaluation) -> list[Card]:
    near = evaluation.combined.pooled
    if near is None:
        return []
    p5 = near.student.p5
    tail = "" if p5 is None else f"; 5 % of them under {p5:.3f}"
    return [
        Card("Held-out cosine", f"{near.student.mean:.4f}", f"mean of {near.count:,} prompts{tail}")
    ]


def _weakest(evaluation: Evaluation) -> list[Card]:
    """The source that the student does least well on, of several."""
    measured = [
        (group.pooled.student.mean, group)
        for group in evaluation.groups[1:]
        if group.pooled and group.verdict in ("passes", "flagged")
    ]
    if len(measured) < 2:
        return []
    mean, group = min(measured, key=lambda pair: pair[0])
    said = f"{group.group}: held-out cosine of {group.prompts:,} prompts"
    return [Card("Weakest source", f"{mean:.4f}", said)]


def _gate(view: RunView) -> Paragraph:
    """Whether every source reaches the bound."""
    evaluation = view.metrics.evaluation
    if evaluation is None:
        return Paragraph(
            ("How near it is to its teacher is not measured yet; ", *_command(view, "evaluate")),
            "absent",
        )
    flagged = evaluation.flagged
    bound = f"{evaluation.gate:g}"
    if not any(group.verdict in ("passes", "flagged") for group in evaluation.groups[1:]):
        return Paragraph(
            "No source has enough held-out prompts to be held against the gate, a mean pooled "
            f"cosine of {bound}.",
            "absent",
        )
    if not flagged:
        return Paragraph(
            (
                Strong("Passes the gate. "),
                (
                    f"Every source with enough held-out prompts reaches a mean pooled cosine of "
                    f"{bound}, the bound that the recipe sets."
                ),
            ),
            "advice",
        )
    return Paragraph(
        (
            Strong("Under the gate. "),
            (
                f"{_flagged(evaluation)} {'stay' if len(flagged) > 1 else 'stays'} under a mean "
                f"pooled cosine of {bound}, the bound that the recipe sets. Train longer "
                "(--minutes), or a larger student (--budget, --student)."
            ),
        ),
        "notice",
    )


def _flagged(evaluation: Evaluation) -> str:
    return listed(
        [
            f"{group.group} ({group.pooled.student.mean:.3f})"
            for group in evaluation.flagged
            if group.pooled
        ]
    )


def _command(view: RunView, name: str) -> tuple[Code | str, ...]:
    return (Code(f"distill {name} {view.name}"), " measures it.")


def _sentences(view: RunView) -> Bullets:
    run, recipe = view.metrics.run, view.recipe
    vocabulary, training = run.vocabulary, run.training
    everything = run.sources[-1]
    kept = (
        "all of its tokens"
        if vocabulary.kept == vocabulary.teacher
        else f"{vocabulary.kept:,} of its {vocabulary.teacher:,} tokens"
    )
    return Bullets(
        (
            (
                f"The student is {described(recipe.student)}, with a context of "
                f"{recipe.student.context} tokens; it has learnt to give the per-token outputs of "
                f"{run.teacher.name}, and keeps {kept}."
            ),
            (
                f"It was trained on {everything.train:,} prompts, each seen {training.epochs:.1f} "
                f"times on average, in {training.steps:,} steps; {everything.held_out:,} prompts "
                "were held out, and none with the same words in another order was trained on."
            ),
        )
    )
