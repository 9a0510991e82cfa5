"""What a change may be laid to, said aloud where another encoder stands in a place."""

from __future__ import annotations

from anatomy.comparison import Comparison, Role, Standing
from anatomy.report.blocks import Paragraph, Strong
from anatomy.report.comparison.words import listed


def causes(comparison: Comparison, role: Role, *, inside: bool) -> list[Paragraph]:
    """For audits whose tokenizer, or with `inside` whose weights, are not the baseline's."""
    base = role.standings[0]
    held = ("file" if role.kind == "outputs" else "weights") if inside else ""
    found: dict[str, list[str]] = {}
    for audit, other in zip(comparison.audits[1:], role.standings[1:], strict=True):
        words = _cause(base, other, held) if base and other else ""
        if words:
            found.setdefault(words, []).append(audit.label)
    return [
        Paragraph((Strong(listed(labels)), f": {words}"), "notice")
        for words, labels in found.items()
    ]


def _cause(base: Standing, other: Standing, held: str) -> str:
    parts = []
    if base.tokens and other.tokens and not other.tokens.same_tokenizer:
        parts.append("tokenizer")
    if held and base.weights and other.weights and base.weights != other.weights:
        parts.append(held)
    if not parts:
        return ""
    what = f"other {listed(parts)}" if parts == ["weights"] else f"another {listed(parts)}"
    stands = f"{other.name} stands against {base.name}" if other.name != base.name else other.name
    if other.same_sources:
        return (
            f"{stands}, with {what} on the same prompts. What changes is the encoder's doing, not "
            "the corpus's."
        )
    return (
        f"{stands}, with {what}, and the prompts differ too. What changes comes from both and "
        "cannot be laid to either."
    )
