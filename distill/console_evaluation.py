"""What an evaluation came to, on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from anatomy.console import table_of, text_of
from anatomy.corpus.model import COMBINED
from anatomy.files import shown
from distill.metrics.evaluation import Evaluation, GroupQuality

_out = Console()
_NONE = Text("-", "dim")


def print_evaluation(found: Evaluation) -> None:
    """Source by source, then what word order and the vocabulary do, then what is flagged."""
    table = table_of(
        "Cosine of student and teacher on held-out prompts",
        ["Source"],
        ["Prompts", "Pooled", "5 %", "Tokens", "Baseline", "Same 10"],
    )
    for group in found.groups:
        flagged = group.verdict == "flagged"
        style = "bold" if group.group == COMBINED else "red" if flagged else ""
        table.add_row(text_of(group.group), f"{group.prompts:,}", *_numbers(group), style=style)
    _out.print(table)
    interval = found.combined.interval
    within = f" (95 % interval {interval.low:.4f} to {interval.high:.4f})" if interval else ""
    _out.print(
        f"Pooled: mean over prompts{within}; 5 %: of them are below; tokens: mean over tokens; "
        "baseline: pooled, the teacher's one mean vector for every prompt; same 10: of a prompt's "
        "ten nearest, how many are the teacher's.",
        style="dim",
    )
    for line in (*_order(found), *_split(found)):
        _out.print(line, highlight=False)
    for group in found.groups[1:]:
        if group.verdict == "flagged" and group.pooled:
            _out.print(
                f"Flagged: {shown(group.group)} reaches {group.pooled.student.mean:.4f}, under the "
                f"gate of {found.gate:g} (cosine_gate in the recipe)",
                style="red",
                markup=False,
                highlight=False,
            )
    if found.ungated:
        names = ", ".join(shown(group.group) for group in found.ungated)
        _out.print(
            f"The gate of {found.gate:g} says nothing in {names}: the mean vector reaches it too",
            style="red",
            markup=False,
            highlight=False,
        )
    few = [f"{shown(g.group)} ({g.prompts})" for g in found.groups if g.verdict == "too few"]
    few += [f"{shown(g.group)} (none)" for g in found.groups if g.verdict == "none held out"]
    if few:
        _out.print(
            f"Too few held-out prompts to judge: {', '.join(few)}", markup=False, highlight=False
        )


def _numbers(group: GroupQuality) -> list[str | Text]:
    pooled, tokens, overlap = group.pooled, group.tokens, group.overlap
    return [
        f"{pooled.student.mean:.4f}" if pooled else _NONE,
        f"{pooled.student.p5:.4f}" if pooled and pooled.student.p5 is not None else _NONE,
        f"{tokens.student.mean:.4f}" if tokens else _NONE,
        f"{pooled.baseline.mean:.4f}" if pooled else _NONE,
        f"{overlap.k * overlap.share:.1f}" if overlap else _NONE,
    ]


def _order(found: Evaluation) -> list[str]:
    return [
        f"Word order: with {shuffle.kind} shuffled, a prompt's cosine with itself is "
        f"{shuffle.teacher.mean:.4f} in the teacher and {shuffle.student.mean:.4f} in the student"
        for shuffle in found.shuffles
        if shuffle.group == COMBINED
    ]


def _split(found: Evaluation) -> list[str]:
    kept, split = found.segmented[:2]
    if kept.pooled is None or split.pooled is None:
        return []
    line = (
        f"Vocabulary: {split.prompts:,} of {found.combined.prompts:,} prompts hold a token that "
        f"was not kept; they reach {split.pooled.mean:.4f}, the others {kept.pooled.mean:.4f}"
    )
    return [line]
