"""The first page: what moved, by how much, and how sure that is."""

from __future__ import annotations

from anatomy.comparison import MLE, TWO_NN, Change, Comparison, Measure
from anatomy.report.blocks import (
    Block,
    Bullets,
    Card,
    Cards,
    FigureBlock,
    Paragraph,
    Section,
    Strong,
    Text,
)
from anatomy.report.comparison.causes import causes
from anatomy.report.comparison.figures import MOVED, drawn_moves
from anatomy.report.comparison.sentences import (
    by_how_much,
    counts,
    from_to,
    headlines,
    inputs,
    most_moved,
    moved,
    name_of,
    unchanged,
)
from anatomy.report.comparison.tables import About, tables
from anatomy.report.comparison.words import change_of, mix, relative

_CARDS = (  # the first six that there are
    *("Distinct prompts", "Mean tokens", "Recommended context", "Distinct tokens", MLE, TWO_NN),
    *("99th percentile", "Share of the top"),
)
_MOST_CARDS = 6


def summary_section(comparison: Comparison) -> Section:
    """Headline numbers, what differs in the inputs, and what moved most."""
    pair = len(comparison.audits) == 2
    blocks: list[Block] = [
        notice for role in comparison.roles for notice in causes(comparison, role, inside=True)
    ]
    blocks += _pair(comparison) if pair else _many(comparison)
    if drawn_moves(comparison):
        blocks.append(FigureBlock(MOVED))
    caption = f"Headline numbers, {_against(comparison)}{mix(comparison)}"
    about = About("headlines", "Headline numbers", caption)
    blocks += tables(comparison, headlines(comparison), about)
    return Section("summary", "Summary", tuple(blocks))


def _against(comparison: Comparison) -> str:
    base, *others = comparison.labels
    if len(others) == 1:
        return f"{others[0]} against {base}"
    return f"each audit against {base}, the baseline"


def _pair(comparison: Comparison) -> list[Block]:
    blocks: list[Block] = [_cards(comparison)]
    sentences: list[Text] = [inputs(comparison, 1), counts(comparison, 1)]
    blocks.append(Bullets(tuple(sentences)))
    if unchanged(comparison, 1):
        return blocks
    told = moved(comparison, 1)
    if not told:
        return [*blocks, Paragraph(most_moved(comparison, 1))]
    lines: list[Text] = [
        (
            Strong(name_of(comparison, measure)),
            f": {from_to(measure, 1)}; {by_how_much(measure, change)}; {change.verdict}.",
        )
        for measure, change in told
    ]
    return [*blocks, Paragraph((Strong("What moved most"),)), Bullets(tuple(lines[:6]))]


def _many(comparison: Comparison) -> list[Block]:
    lines: list[Text] = []
    for at, label in enumerate(comparison.labels[1:], 1):
        words = f": {inputs(comparison, at)} {counts(comparison, at)}"
        if not unchanged(comparison, at):
            words += f" {most_moved(comparison, at)}"
        lines.append((Strong(label), words))
    return [Bullets(tuple(lines))]


def _cards(comparison: Comparison) -> Cards:
    """One card for each kind of headline number: of the first encoder that has it."""
    first: dict[str, Measure] = {}
    for measure in headlines(comparison):
        kind = next((kind for kind in _CARDS if measure.name.startswith(kind)), None)
        if kind and measure.changes[1]:
            first.setdefault(kind, measure)
    cards = []
    for measure in [first[kind] for kind in _CARDS if kind in first][:_MOST_CARDS]:
        change = measure.changes[1]
        if change is None:
            continue
        length = measure.unit == "length" or change.verdict == "same"
        value = change_of(measure, change) if length else relative(change)
        cards.append(
            Card(
                name_of(comparison, measure),
                value or change_of(measure, change),
                f"{from_to(measure, 1, intervals=False)}{_tail(change)}",
            )
        )
    return Cards(tuple(cards))


def _tail(change: Change) -> str:
    return "" if change.verdict == "same" else f": {change.verdict}"
