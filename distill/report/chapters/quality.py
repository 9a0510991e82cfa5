"""How near the student is to its teacher on prompts that it has not learnt from."""

from __future__ import annotations

from functools import partial

from anatomy.corpus.model import COMBINED
from anatomy.report.blocks import (
    Block,
    Cell,
    Cite,
    Code,
    Column,
    FigureBlock,
    Heading,
    Paragraph,
    Ref,
    Row,
    Section,
    Strong,
    Table,
)
from anatomy.report.cells import NOTHING, columns, count, dimension, estimated, text
from anatomy.report.figures import Drawing
from anatomy.report.references import EFFECTIVE_RANK, HARMONIC, MLE, TWO_NN
from distill.metrics.evaluation import Dimensions, Evaluation, GroupQuality, Likeness
from distill.report.chapters.quality_words import four, order_blocks, order_drawings, prompt_blocks
from distill.report.plots import quality as plots
from distill.report.view import RunView
from distill.words import listed

_TITLE = "How near the student is to its teacher"


def section(view: RunView) -> Section:
    """Closeness, neighbourhoods, dimensions, word order, vocabulary and the worst prompts."""
    found = view.metrics.evaluation
    if found is None:
        absent = Paragraph(("Not measured yet: ", Code(f"distill evaluate {view.name}")), "absent")
        return Section("quality", _TITLE, (absent,))
    blocks: list[Block] = [
        _headline(found),
        _verdict(found),
        *_ungated(found),
        *_absent(found),
        FigureBlock("closeness"),
        _closeness(found),
        _tokens(found),
        _neighbours(found),
        *_dimensions(found),
        Heading("quality-order", "Word order"),
        *order_blocks(found),
        Heading("quality-prompts", "Which prompts it is far from"),
        *prompt_blocks(found, view.metrics.run.vocabulary.kept),
    ]
    return Section("quality", _TITLE, tuple(blocks))


def drawings(view: RunView) -> list[Drawing]:
    """Closeness by source, and the pairs of which word order is the meaning."""
    found = view.metrics.evaluation
    if found is None:
        return []
    more = len([g for g in found.groups if g.pooled]) - 1 > plots.MOST
    return [
        Drawing(
            name="closeness",
            caption=(
                "Cosine of the student's pooled outputs with the teacher's on held-out prompts: "
                "(a) the mean and its 95 % interval, the cosine that 5 % of the prompts are below, "
                "and how far the teacher's mean vector over the training prompts gets in the "
                "student's place; (b) the share of prompts below each cosine."
                + (f" The first {plots.MOST} sources." if more else "")
            ),
            alternative="Pooled cosine by source, and its distribution over prompts.",
            draw=partial(plots.closeness, found.groups, found.gate),
        ),
        *order_drawings(found),
    ]


def _headline(found: Evaluation) -> Paragraph:
    whole = found.combined
    if whole.pooled is None:
        return Paragraph("No prompt is held out.", "absent")
    near = whole.interval
    within = f" (95 % interval {near.low:.4f} to {near.high:.4f})" if near else ""
    seeds = (
        " The interval holds which prompts were held out, near-duplicates drawn together; not how "
        "the student would come out of another training."
    )
    return Paragraph(
        (
            (
                f"On {whole.prompts:,} held-out prompts the student's pooled output has a mean "
                f"cosine of {whole.pooled.student.mean:.4f} with the teacher's{within}. The "
                "teacher's mean vector over the training prompts, given for every prompt, reaches "
                f"{whole.pooled.baseline.mean:.4f}; beside each cosine stands what that much "
                "ignorance reaches ("
            ),
            Ref("figure-closeness"),
            ", ",
            Ref("table-closeness"),
            f").{seeds if near else ''}",
        )
    )


def _verdict(found: Evaluation) -> Paragraph:
    bound = f"a mean pooled cosine of {found.gate:g}"
    if not found.flagged:
        judged = [group for group in found.groups[1:] if group.verdict == "passes"]
        if not judged:
            return Paragraph("No source has prompts enough for the gate.", "absent")
        return Paragraph(f"Every source that can be judged reaches the gate, {bound}.", "advice")
    below = [f"{g.group} ({g.pooled.student.mean:.4f})" for g in found.flagged if g.pooled]
    return Paragraph(
        (Strong("Flagged: "), f"{listed(below)}. The gate is {bound} in each source."), "notice"
    )


def _ungated(found: Evaluation) -> list[Block]:
    names = [group.group for group in found.ungated]
    if not names:
        return []
    return [
        Paragraph(
            f"In {listed(names)} the teacher's mean vector alone reaches the gate, so that to pass "
            "it says nothing there: the outputs all point nearly the same way. Judge by the "
            "distance to the mean vector, and by neighbours and ranks; raise cosine_gate.",
            "notice",
        )
    ]


def _absent(found: Evaluation) -> list[Block]:
    missing = [
        f"{group.group}: {what}: {why}" if what != "all" else f"{group.group}: {why}"
        for group in found.groups
        for what, why in group.absent.items()
    ]
    return [Paragraph(f"Not measured: {'; '.join(missing)}.", "absent")] if missing else []


def _row(group: GroupQuality, *cells: Cell) -> Row:
    return Row((Cell(group.group), *cells), kind="all" if group.group == COMBINED else "")


def _likeness(near: Likeness | None, beside: str = "") -> list[Cell]:
    """Cosine, 5 %, the mean vector's; error, 95 %, the mean vector's."""
    if near is None:
        return [NOTHING] * 6
    return [
        Cell(f"{near.student.mean:.4f}", beside),
        four(near.student.p5),
        four(near.baseline.mean),
        Cell(f"{near.error.mean:.3f}"),
        NOTHING if near.error.p95 is None else Cell(f"{near.error.p95:.3f}"),
        Cell(f"{near.baseline_error.mean:.3f}"),
    ]


def _heads(*before: str, after: tuple[str, ...] = ()) -> tuple[Column, ...]:
    return (
        *columns(*before),
        Column("Mean", group="Cosine", opens=True),
        Column("5 % below", group="Cosine"),
        Column("Mean vector", group="Cosine"),
        Column("Mean", group="Relative error", opens=True),
        Column("5 % above", group="Relative error"),
        Column("Mean vector", group="Relative error"),
        *(Column(title, opens=True) for title in after),
    )


def _closeness(found: Evaluation) -> Table:
    rows = []
    for group in found.groups:
        near = group.interval
        beside = f"[{near.low:.4f}, {near.high:.4f}]" if near else ""
        verdict = "" if group.group == COMBINED else group.verdict
        rows.append(
            _row(group, count(group.prompts), *_likeness(group.pooled, beside), text(verdict))
        )
    return Table(
        id="closeness",
        label="Pooled outputs",
        caption=(
            "Pooled outputs on held-out prompts. Relative error: ||s - t|| / ||t||. A prompt that "
            "stands in several sources counts in each. Mean vector: the same of the teacher's mean "
            "over the training prompts in the student's place."
        ),
        columns=_heads("Source", "Prompts", after=("Gate",)),
        rows=tuple(rows),
    )


def _tokens(found: Evaluation) -> Table:
    return Table(
        id="tokens",
        label="Token outputs",
        caption=(
            "Outputs at the student's tokens that end where one of the teacher's does; the rest as "
            "for pooled outputs."
        ),
        columns=_heads("Source", "Tokens"),
        rows=tuple(
            _row(group, count(group.tokens.count), *_likeness(group.tokens))
            for group in found.groups
            if group.tokens
        ),
    )


def _neighbours(found: Evaluation) -> Table:
    rows = []
    for group in found.groups:
        same, ranks = group.overlap, group.ranks
        if same:
            rows.append(
                _row(
                    group,
                    count(same.prompts),
                    Cell(f"{same.k * same.share:.2f}"),
                    Cell(f"{same.k * same.chance:.2f}"),
                    Cell(f"{ranks.value:.4f}") if ranks else NOTHING,
                    count(ranks.pairs) if ranks else NOTHING,
                )
            )
    return Table(
        id="neighbours",
        label="Neighbours and similarities",
        caption=(
            "Whether prompts are near to the same prompts: of the 10 nearest by cosine among the "
            "source's other held-out prompts, how many both encoders name, and how many they would "
            "by chance; and Spearman's rank correlation of the similarities of pairs of prompts. "
            "Prompts of equal tokens are one."
        ),
        columns=columns(
            "Source", "Distinct prompts", "Same of 10", "by chance", "Rank correlation", "Pairs"
        ),
        rows=tuple(rows),
        narrow=True,
    )


def _dimensions(found: Evaluation) -> list[Block]:
    rows: list[Row] = []
    for group in found.groups:
        pair = group.dimension
        if pair is None:
            continue
        for who, side in (("teacher", pair.teacher), ("student", pair.student)):
            rows.append(Row((Cell(group.group), *_sizes(who, pair.points, side))))
    if not rows:
        return []
    return [
        Paragraph(
            (
                (
                    "A student whose outputs fill fewer dimensions than its teacher's, at the "
                    "same prompts, has lost what the missing ones told apart. The linear "
                    "dimension is the effective rank "
                ),
                Cite(EFFECTIVE_RANK),
                "; the intrinsic one is estimated by maximum likelihood ",
                Cite(MLE),
                " ",
                Cite(HARMONIC),
                " and TwoNN ",
                Cite(TWO_NN),
                " (",
                Ref("table-student-dimensions"),
                ").",
            )
        ),
        Table(
            id="student-dimensions",
            label="Dimensions of the outputs",
            caption=(
                "Dimensions of the pooled outputs, not normalised, of teacher and student at the "
                "same distinct held-out prompts, with 95 % intervals."
            ),
            columns=columns(
                "Source",
                "Outputs of",
                "Points",
                "Width",
                "95 % of variance",
                "Linear",
                "MLE",
                "TwoNN",
                left=["Outputs of"],
            ),
            rows=tuple(rows),
        ),
    ]


def _sizes(who: str, points: int, side: Dimensions) -> list[Cell]:
    return [
        text(who, left=True),
        count(points),
        count(side.ambient),
        count(side.dims95),
        dimension(side.linear),
        estimated(side.mle),
        estimated(side.two_nn),
    ]
