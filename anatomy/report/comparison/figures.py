"""The figures of a comparison: which there are, and what their captions say."""

from __future__ import annotations

from functools import partial

from anatomy.comparison import EQUAL, MARK, MLE, TWO_NN, Comparison, Measure, Role
from anatomy.report.comparison import plots
from anatomy.report.comparison.sentences import headlines
from anatomy.report.comparison.words import role_title
from anatomy.report.figures import Drawing, Rendered, draw
from anatomy.report.names import slug

MOVED = "compare-moved"


def render(comparison: Comparison) -> list[Rendered]:
    """All figures of a comparison, in the order in which it shows them."""
    drawings: list[Drawing] = []
    base = comparison.labels[0]
    if moves := drawn_moves(comparison):
        drawings.append(
            Drawing(
                name=MOVED,
                caption=(
                    f"The headline numbers as multiples of {base}'s. Filled: changed by more than "
                    "chance; hollow: not, or cannot be judged. Bars are 95 % intervals of the "
                    "difference."
                    if plots.is_forest(comparison)
                    else f"The headline numbers as multiples of {base}'s, audit by audit. In "
                    "brackets: not more than chance, or cannot be judged."
                ),
                alternative="How far each headline number moved from the baseline's.",
                draw=partial(plots.moves, comparison, moves),
            )
        )
    for role in comparison.roles:
        if role.kind == "encoder":
            drawings.append(_context(comparison, role))
        if name := dimension_figure(comparison, role):
            drawings.append(
                Drawing(
                    name=name,
                    caption=(
                        f"{role_title(role)}: intrinsic dimension of the pooled outputs, with 95 % "
                        f"intervals. The dashed line is {base}."
                    ),
                    alternative="Estimates with intervals, audit by audit.",
                    draw=partial(plots.dimension, comparison, dimensions(comparison, role)),
                )
            )
    return draw(drawings, MARK, comparison.digest, comparison.stand_ins)


def _context(comparison: Comparison, role: Role) -> Drawing:
    return Drawing(
        name=context_figure(role),
        caption=(
            f"{role_title(role)}: left, how many tokens the prompts have; right, the share of "
            "tokens that a context of L cuts. Dots mark each audit's recommended context, the "
            "dotted line the bound that it keeps."
        ),
        alternative="Prompt lengths and token loss, one curve for each audit.",
        draw=partial(plots.context, comparison, role),
    )


def drawn_moves(comparison: Comparison) -> list[Measure]:
    """Headline numbers to draw: those with a ratio to the baseline, where any of them moved."""
    found = [
        measure
        for measure in headlines(comparison)
        if measure.values[0] and measure.values[0].value > 0
    ]
    changes = [change for measure in found for change in measure.changes if change]
    return found if any(change.verdict != "same" for change in changes) else []


def context_figure(role: Role) -> str:
    """The name of an encoder's figure of lengths and token loss."""
    return f"compare-context-{slug(role.name)}"


def dimension_figure(comparison: Comparison, role: Role) -> str:
    """The name of an encoder's figure of dimensions; empty where there are none to compare."""
    return f"compare-dimension-{slug(role.name)}" if dimensions(comparison, role) else ""


def dimensions(comparison: Comparison, role: Role) -> list[tuple[Measure, Measure]]:
    """MLE and TwoNN of all prompts, and of sources, that two audits or more have.

    At equal numbers of points where the audits have unequal ones.
    """
    chosen: dict[str, dict[str, Measure]] = {}
    for measure in comparison.of("outputs", role.name, "pooled"):
        kind = measure.name.split(EQUAL)[0]  # the row at equal points comes after the plain one
        if kind in (MLE, TWO_NN) and sum(value is not None for value in measure.values) > 1:
            chosen.setdefault(measure.group, {})[kind] = measure
    pairs = [(found[MLE], found[TWO_NN]) for found in chosen.values() if len(found) == 2]
    return pairs[: plots.most_groups(comparison)]
