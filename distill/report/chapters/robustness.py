"""What an attention makes of the student's errors, and where the paper's factor comes from."""

from __future__ import annotations

from functools import partial

from anatomy.report.blocks import (
    Block,
    Bullets,
    Cell,
    Cite,
    Code,
    FigureBlock,
    Paragraph,
    Row,
    Section,
    Strong,
    Table,
    Text,
)
from anatomy.report.cells import columns, count, text
from anatomy.report.figures import Drawing
from anatomy.report.references import PAPER
from distill.metrics.robustness import Attenuation, Robustness, SimulatedAttention
from distill.report.plots.robustness import attenuation
from distill.report.view import RunView
from distill.robustness import PUBLISHED_INPUT, PUBLISHED_NOISE, PUBLISHED_RATIO

_TITLE = "What attention makes of errors"
_USUAL = 1.0  # sharpness of the table by level


def section(view: RunView) -> Section:
    """The paper's claim, the study, what it shows."""
    found = view.metrics.robustness
    if found is None:
        few = " (it needs 32 held-out tokens)" if view.metrics.evaluation else ""
        absent = Paragraph(
            (f"Not measured{few}: ", Code(f"distill evaluate {view.name}")), "absent"
        )
        return Section("robustness", _TITLE, (absent,))
    blocks: list[Block] = [
        _claim(),
        Paragraph(_reading(found), "advice"),
        _how(found),
        FigureBlock("robustness"),
        Bullets(tuple(_sentences(found))),
        *(_levels(attention) for attention in found.attentions),
        *(_temperatures(attention) for attention in found.attentions),
        _published(found),
    ]
    return Section("robustness", _TITLE, tuple(blocks))


def drawings(view: RunView) -> list[Drawing]:
    """Both ratios against sharpness."""
    found = view.metrics.robustness
    if found is None:
        return []
    return [
        Drawing(
            name="robustness",
            caption=(
                f"Text embeddings perturbed by noise of {PUBLISHED_INPUT} of their length, the "
                "paper's input error: left, how often the relative error of the attention's output "
                "goes into that of its input: above 1 the attention attenuates; right, the paper's "
                "kind of ratio, relative error of the logits to absolute error of the output. Both "
                "hang on the temperature T, the right one on the number of keys besides."
            ),
            alternative="Ratios of errors against sharpness, a curve for each number of keys.",
            draw=partial(attenuation, found.attentions, PUBLISHED_INPUT),
        )
    ]


def _claim() -> Paragraph:
    return Paragraph(
        (
            "The paper ",
            Cite(PAPER),
            (
                f" (section 5.7) reports an input error of about {PUBLISHED_INPUT}, a logit error "
                f"of about 0.96 and an attention output error of about 0.0034, under a noise "
                f"level of {PUBLISHED_NOISE:g}, and concludes that softmax reduces errors "
                f"{PUBLISHED_RATIO:g} times. It does not say which attention that was, of how many "
                "keys, at which temperature, nor how the errors are normalised. An input error of "
                f"{PUBLISHED_INPUT} can only be relative, and a noise as long as the vector itself."
            ),
        )
    )


def _reading(found: Robustness) -> Text:
    """The attention in which the paper's ratio comes about, at a sharpness nearest to 1."""
    hits = [p for p in found.published if p.sharpness is not None]
    if not hits:
        return (
            f"In no attention that was simulated does the ratio come to {PUBLISHED_RATIO:g}, "
            "however its errors are compared."
        )
    near = min(hits, key=lambda p: abs((p.sharpness or 0) - 1))
    row = min(
        (
            row
            for attention in found.attentions
            for row in attention.rows
            if attention.direction == near.direction and row.keys == near.keys
            if _is_published(row)
        ),
        key=lambda row: abs(row.sharpness - (near.sharpness or 0)),
    )
    return (
        Strong(f"A ratio of {PUBLISHED_RATIO:g} says nothing about attenuation. "),
        (
            f"With {row.keys:,} keys and 1/T = {row.sharpness:g} the input's relative error is "
            f"{row.input:.2f}, the logits' {row.logits:.3f}, and the root mean square of the "
            f"output's error {row.output_absolute:.4f}: a ratio of {_said(row.mixed)}. But that is "
            f"an absolute error, of outputs whose numbers are as small. Relative to them it is "
            f"{row.output:.2f}, and the factor {_said(row.factor)}: "
            + (
                "the attention lets less of the error through than it got."
                if row.output < 0.95 * row.input
                else "the attention lets all of the error through, and more."
                if row.output > 1.05 * row.input
                else "nothing is attenuated."
            )
        ),
    )


def _is_published(row: Attenuation) -> bool:
    """Whether it is perturbed as much as the paper's."""
    return row.perturbation == "noise" and row.input > PUBLISHED_INPUT - 0.01


def _how(found: Robustness) -> Paragraph:
    described = " ".join(
        f"{attention.direction.capitalize()}: {attention.described}"
        for attention in found.attentions
    )
    return Paragraph(
        f"Simulated with {found.tokens} token outputs of held-out prompts, {found.width} wide, "
        f"{found.norm:.3g} long on average. {described} Logits are dot products, scaled so that "
        "those of the clean text deviate by 1/T over a query's keys. No projection of SAM3's "
        "attention is used: its weights are not at hand. Noise has a random direction and the "
        "given share of each token's length; the student's error is its own, at the same tokens. "
        "Errors are means of ||x' - x|| / ||x||, of logits after each query's mean is taken away, "
        "which softmax does not see."
    )


def _sentences(found: Robustness) -> list[Text]:
    said: list[Text] = []
    for attention in found.attentions:
        rows = [row for row in attention.rows if _is_published(row)]
        factors = [row.factor for row in rows if row.factor]
        sharp = [row.sharpness for row in rows]
        said.append(
            f"{attention.direction.capitalize()}: between 1/T = {min(sharp):g} and {max(sharp):g} "
            f"the factor goes from {max(factors):.2g} to {min(factors):.2g}, at an input error of "
            f"{PUBLISHED_INPUT}. "
            + (
                "Temperature alone makes any factor: where T is large every key weighs the same, "
                "and the output is the values' mean whatever the text says; such an attention "
                "forgives errors because it does not listen."
                if attention.direction == "text asks"
                else "The values are the text too: their error passes whatever the weights are, "
                "and independent noise is only averaged over the keys."
            )
        )
    asks = found.attentions[0].rows
    sharpest = max(row.sharpness for row in asks)
    most = max(row.keys for row in asks)
    (own,) = (
        r
        for r in asks
        if r.perturbation == "student" and r.keys == most and r.sharpness == sharpest
    )
    said.append(
        f"Sharpness does not save a query either: at the student's own error of "
        f"{found.student_error:.3g}, {_share(own.top_kept)} of the queries keep their heaviest of "
        f"{most:,} keys, and at 1/T = {sharpest:g} the output's error is {own.output:.3g}."
    )
    said.append(
        f"Noise of {PUBLISHED_NOISE:g} in each number, the paper's level read literally, is a "
        f"relative error of {found.literal_noise:.3g} of these outputs; of unit vectors it would "
        f"be {PUBLISHED_INPUT} at a width of {(PUBLISHED_INPUT / PUBLISHED_NOISE) ** 2:.0f}, and "
        f"{PUBLISHED_NOISE * 256**0.5:.2g} at SAM3's 256."
    )
    return said


def _levels(attention: SimulatedAttention) -> Table:
    keys = _middle(attention)
    rows = [row for row in attention.rows if row.keys == keys and row.sharpness == _USUAL]
    tag = attention.direction.replace(" ", "-")
    return Table(
        id=f"levels-{tag}",
        label=f"Errors by level, {attention.direction}",
        caption=(
            f"{attention.direction.capitalize()}, {keys:,} keys, 1/T = {_USUAL:g}: errors by how "
            "much the text is perturbed. The output's stands relative and absolute (root mean "
            "square of its numbers); the factor compares relative with relative, the mixed ratio "
            "the logits' relative with the output's absolute."
        ),
        columns=columns("Perturbation", *_GIVEN, *_PASSED),
        rows=tuple(
            Row(
                (Cell("the student's own" if row.perturbation == "student" else "noise"),
                 *_given(row), *_passed(row)),
                kind="chosen" if row.perturbation == "student" else "",
            )
            for row in rows
        ),
    )  # fmt: skip


_GIVEN = ("Input", "Logits", "Top key kept")
_PASSED = ("Weight moved", "Output", "absolute", "Factor", "Mixed")


def _given(row: Attenuation) -> tuple[Cell, ...]:
    """What hangs on no temperature."""
    return Cell(f"{row.input:.3f}"), Cell(f"{row.logits:.3f}"), Cell(_share(row.top_kept))


def _passed(row: Attenuation) -> tuple[Cell, ...]:
    return (
        Cell(f"{row.weights:.3f}"),
        Cell(f"{row.output:.3f}"),
        Cell(f"{row.output_absolute:.5f}"),
        Cell(_said(row.factor)),
        Cell(_said(row.mixed)),
    )


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def _said(ratio: float | None) -> str:
    if ratio is None:
        return "no error"
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.2g}"


def _middle(attention: SimulatedAttention) -> int:
    """The number of keys of the tables: the last but one swept."""
    keys = sorted({row.keys for row in attention.rows})
    return keys[-2] if len(keys) > 1 else keys[0]


def _temperatures(attention: SimulatedAttention) -> Table:
    keys = _middle(attention)
    rows = [r for r in attention.rows if r.keys == keys and r.perturbation == "student"]
    tag = attention.direction.replace(" ", "-")
    return Table(
        id=f"temperatures-{tag}",
        label=f"Errors by temperature, {attention.direction}",
        caption=(
            f"{attention.direction.capitalize()}, {keys:,} keys: the student's own error at each "
            f"temperature. That of the input is {rows[0].input:.3f}, of the logits "
            f"{rows[0].logits:.3f}; {_share(rows[0].top_kept)} of the queries keep their heaviest "
            "key."
        ),
        columns=columns("1/T", *_PASSED),
        rows=tuple(Row((Cell(f"{row.sharpness:g}"), *_passed(row))) for row in rows),
    )


def _published(found: Robustness) -> Table:
    return Table(
        id="published-ratio",
        label="The paper's ratio",
        caption=(
            f"Where the mixed ratio comes to the paper's {PUBLISHED_RATIO:g} at its input error of "
            f"{PUBLISHED_INPUT}, and what is attenuated there: relative error to relative error."
        ),
        columns=columns("Attention", "Keys", "1/T", "Factor there"),
        rows=tuple(
            Row(
                (
                    Cell(part.direction),
                    count(part.keys),
                    text(f"{part.sharpness:.2g}" if part.sharpness else "nowhere in the sweep"),
                    text(f"{part.factor:.2g}" if part.factor else ""),
                )
            )
            for part in found.published
        ),
        narrow=True,
    )
