"""The tokens that the student keeps, and what that does to prompts."""

from __future__ import annotations

from anatomy.amounts import millions
from anatomy.report.blocks import Block, Cell, Paragraph, Ref, Row, Section, Strong, Table
from anatomy.report.cells import columns, count, share
from anatomy.report.figures import Drawing
from anatomy.report.sentences import percent
from distill.metrics.run import EffectMetrics
from distill.report.view import RunView

_TABLE = "token embedding"


def section(view: RunView) -> Section:
    """What is kept, what it saves, and what becomes of training and held-out prompts."""
    run = view.metrics.run
    words = run.vocabulary
    if words.kept == words.teacher:
        kept = Paragraph(f"The student keeps all {words.teacher:,} tokens of its teacher.")
    else:
        before, after = run.teacher.parameters[_TABLE], run.student.parameters[_TABLE]
        kept = Paragraph(
            (
                Strong(f"{words.kept:,} of {words.teacher:,} tokens are kept"),
                (
                    f" ({percent(words.kept / words.teacher)}): the token table has "
                    f"{millions(after)} parameters in place of the teacher's {millions(before)}. "
                    "A prompt whose tokens are all kept is segmented exactly as before; any "
                    "other still encodes, into smaller pieces. "
                ),
                Ref("table-vocabulary"),
                " counts both, for training and held-out prompts apart.",
            )
        )
    blocks: list[Block] = [kept]
    if words.kept != words.teacher:
        blocks.append(_effects(view))
    return Section("vocabulary", "Vocabulary", tuple(blocks))


def drawings(view: RunView) -> list[Drawing]:
    """None."""
    return []


def _effects(view: RunView) -> Table:
    words = view.metrics.run.vocabulary
    length = view.recipe.student.context
    return Table(
        id="vocabulary",
        label="What the vocabulary does to prompts",
        caption=(
            "What the smaller vocabulary does to prompts. Growth: tokens of the split prompts, "
            f"after against before. Longer than L = {length}, the student's context: with the "
            "teacher's tokens, and with the student's."
        ),
        columns=columns(
            "Prompts",
            "Number",
            "All tokens kept",
            "Some split",
            "Growth of these",
            f"Longer than {length} before",
            "after",
        ),
        rows=(_row("training", words.train), _row("held out", words.held_out)),
    )


def _row(name: str, found: EffectMetrics) -> Row:
    split = found.prompts - found.unchanged
    growth = f"{found.tokens_after / found.tokens_before:.2f}" if found.tokens_before else "none"
    return Row(
        (
            Cell(name),
            count(found.prompts),
            share(found.unchanged / found.prompts) if found.prompts else Cell("none"),
            count(split),
            Cell(growth),
            count(found.truncated_before),
            count(found.truncated_after),
        )
    )
