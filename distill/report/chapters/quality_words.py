"""What word order is to the student, and which prompts it is far from: parts of `quality`."""

from __future__ import annotations

from functools import partial

from anatomy.corpus.model import COMBINED
from anatomy.files import shown
from anatomy.report.blocks import Block, Cell, FigureBlock, Fold, Paragraph, Ref, Row, Table
from anatomy.report.cells import NOTHING, columns, count, text
from anatomy.report.figures import Drawing
from anatomy.report.sentences import percent
from distill.metrics.evaluation import Evaluation
from distill.report.plots.quality import order
from distill.words import listed


def order_blocks(found: Evaluation) -> list[Block]:
    """What shuffled words, and pairs whose order is their meaning, are to both encoders."""
    shuffles: list[Block] = [_shuffles(found)] if found.shuffles else []
    if not found.pairs:
        cut = "The context cuts every one of the fixed pairs whose order is their meaning."
        return [Paragraph(f"Not measured: {cut}", "absent"), *shuffles]
    return [
        _order(found),
        *shuffles,
        FigureBlock("order"),
        Fold("The pairs in numbers", (_pairs(found),)),
    ]


def prompt_blocks(found: Evaluation, kept: int) -> list[Block]:
    """What the `kept` tokens do to held-out prompts, and the worst of these."""
    return [_kept(found, kept), _segmented(found), _worst(found)]


def order_drawings(found: Evaluation) -> list[Drawing]:
    """The pairs, as both encoders tell them apart."""
    if not found.pairs:
        return []
    drawing = Drawing(
        name="order",
        caption=(
            "Two prompts of the same words, of which the order is the meaning: the cosine of their "
            "pooled outputs in the teacher and in the student. A student far to the right of its "
            "teacher has forgotten the order."
        ),
        alternative="Cosine of each pair of prompts in teacher and student.",
        draw=partial(order, found.pairs),
    )
    return [drawing]


def four(value: float | None) -> Cell:
    """A cosine, or nothing."""
    return NOTHING if value is None else Cell(f"{value:.4f}")


def _order(found: Evaluation) -> Paragraph:
    pairs, orders = found.pairs, found.orders
    teacher, student = (
        sum(getattr(pair, side) for pair in pairs) / len(pairs) for side in ("teacher", "student")
    )
    blind = sum(1 - pair.student < (1 - pair.teacher) / 2 for pair in pairs)
    twins = (
        f" In the corpus {orders.prompts:,} prompts are of {orders.bags:,} sets of the same words "
        "in other orders"
    )
    if orders.teacher and orders.student:
        twins += (
            f"; the cosine of {orders.pairs:,} such pairs that are held out is "
            f"{orders.teacher.mean:.4f} in the teacher and {orders.student.mean:.4f} in the "
            "student"
        )
    return Paragraph(
        (
            (
                "The consistency loss asks that prompts whose content words are shuffled stay "
                "where they are (paper, equation 6); a student may overdo it and forget an order "
                "that is meaning. "
            ),
            Ref("figure-order"),
            (
                f" has {len(pairs)} fixed pairs such as “dog on cat” and “cat on dog”: their mean "
                f"cosine is {teacher:.4f} in the teacher and {student:.4f} in the student, and in "
                f"{blind} of them the student keeps less than half of the distance (1 - cosine) "
                f"that the teacher makes.{twins}."
            ),
        )
    )


def _shuffles(found: Evaluation) -> Table:
    return Table(
        id="shuffles",
        label="Shuffled prompts",
        caption=(
            "Held-out prompts with their words shuffled: cosine with the prompt as it was, in the "
            "teacher and in the student; and of the student's shuffled prompt with the teacher's, "
            "beside what the teacher's mean vector reaches there. "
            "Content words: runs of them, as the consistency loss shuffles; all words: what "
            "relates them too. As many prompts are drawn of each source; those of one word, or "
            "longer than the context, are left out."
        ),
        columns=columns(
            "Shuffled", "Source", "Prompts", "Teacher", "Student", "Student to teacher",
            "Mean vector", left=["Source"],
        ),
        rows=tuple(
            Row(
                (
                    Cell(shuffle.kind),
                    text(shuffle.group, left=True),
                    count(shuffle.prompts),
                    four(shuffle.teacher.mean),
                    four(shuffle.student.mean),
                    four(shuffle.closeness.mean),
                    four(shuffle.baseline.mean),
                ),
                kind="all" if shuffle.group == COMBINED else "",
            )
            for shuffle in found.shuffles
        ),
    )  # fmt: skip


def _pairs(found: Evaluation) -> Table:
    return Table(
        id="pairs",
        label="Pairs of two orders",
        caption=(
            "Cosine of the pooled outputs of both prompts of a pair. All kept: whether all their "
            "tokens are in the student's vocabulary."
        ),
        columns=columns("Prompt", "and", "Teacher", "Student", "All kept", left=["and"]),
        rows=tuple(
            Row(
                (
                    Cell(pair.one),
                    text(pair.other, left=True),
                    four(pair.teacher),
                    four(pair.student),
                    text("yes" if pair.kept else "no"),
                )
            )
            for pair in found.pairs
        ),
    )


def _kept(found: Evaluation, kept: int) -> Paragraph:
    whole, split = found.segmented[:2]
    if split.pooled is None or whole.pooled is None:
        return Paragraph(
            f"All held-out prompts consist of the {kept:,} tokens that the student keeps."
            if whole.pooled
            else f"Every held-out prompt holds a token beyond the {kept:,} that the student keeps."
        )
    return Paragraph(
        (
            (
                f"{split.prompts:,} held-out prompts "
                f"({percent(split.prompts / found.combined.prompts)}) hold a token that the "
                "student does not keep. Their mean cosine is "
                f"{split.pooled.mean:.4f}, the others' {whole.pooled.mean:.4f} ("
            ),
            Ref("table-segmented"),
            "). ",
            Ref("table-worst"),
            " names the prompts at which the student is farthest from its teacher.",
        )
    )


def _segmented(found: Evaluation) -> Table:
    return Table(
        id="segmented",
        label="Prompts by their tokens",
        caption="Pooled cosine of held-out prompts by what vocabulary and context make of them.",
        columns=columns("Prompts", "Number", "Mean cosine", "5 % below", "Mean vector"),
        rows=tuple(
            Row(
                (
                    Cell(part.kind),
                    count(part.prompts),
                    four(part.pooled.mean if part.pooled else None),
                    four(part.pooled.p5 if part.pooled else None),
                    four(part.baseline.mean if part.baseline else None),
                )
            )
            for part in found.segmented
        ),
    )


def _worst(found: Evaluation) -> Table:
    rows = []
    for prompt in found.worst:
        why = [
            *(["a token not kept"] if prompt.split else []),
            *(["longer than the context"] if prompt.cut else []),
        ]
        rows.append(
            Row(
                (
                    Cell(shown(prompt.text)),  # what cannot be seen, as escapes
                    text(listed(prompt.sources), left=True),
                    four(prompt.cosine),
                    four(prompt.baseline),
                    four(prompt.token_cosine),
                    count(prompt.tokens),
                    text(listed(why) if why else "", left=True),
                )
            )
        )
    return Table(
        id="worst",
        label="The worst prompts",
        caption=(
            f"The {len(rows)} held-out prompts of the lowest pooled cosine; beside it what the "
            "mean vector reaches, the mean cosine of their tokens, and how many of these the "
            "student reads. A prompt is cut to 200 characters here."
        ),
        columns=columns(
            "Prompt",
            "Source",
            "Pooled",
            "Mean vector",
            "Tokens' cosine",
            "Tokens",
            "Note",
            left=["Source", "Note"],
        ),
        rows=tuple(rows),
    )
