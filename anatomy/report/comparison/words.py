"""How numbers and their changes are written in a comparison."""

from __future__ import annotations

from collections.abc import Sequence

from anatomy.comparison import Change, Comparison, Measure, Role, Value
from anatomy.comparison.facts import Unit
from anatomy.corpus.model import COMBINED
from anatomy.report.sentences import percent

_DIGITS: dict[Unit, int] = {"tokens": 4, "dimension": 2, "cosine": 3}
_MINUS = "\N{MINUS SIGN}"
_TIMES = "\N{MULTIPLICATION SIGN}"
_MANY_TIMES = 10


def number(value: float, unit: Unit) -> str:
    """A number in its unit."""
    if unit == "share":
        return percent(value)
    if isinstance(value, int) or unit not in _DIGITS:
        return f"{value:,.0f}"
    return f"{value:,.{_DIGITS[unit]}f}"


def signed(difference: float, unit: Unit) -> str:
    """A difference with its sign; of shares in percentage points. It never rounds to nothing."""
    sign = _MINUS if difference < 0 else "+" if difference > 0 else ""
    size = abs(difference)
    if unit == "share":
        return sign + percent(size).replace(" %", " pp")
    text = number(size, unit)
    if size and not text.strip("0.,"):
        text = f"{size:.2g}"
    return sign + text


def relative(change: Change) -> str:
    """A change as a share of the baseline, or as its multiple; empty where that is 0."""
    share = change.relative
    if share is None or change.verdict == "same":
        return ""
    if share + 1 >= _MANY_TIMES:
        return f"{_TIMES}{share + 1:,.0f}"
    return (_MINUS if share < 0 else "+") + percent(abs(share))


def change_of(measure: Measure, change: Change) -> str:
    """By how much, in the measure's unit."""
    return "no change" if change.verdict == "same" else signed(change.difference, measure.unit)


def title_of(measure: Measure) -> str:
    """A measure's name with the part of its subject that it is of."""
    if measure.subject == "contexts":
        return f"{measure.name} at {measure.part}"
    if measure.headline and measure.part == "used tokens":
        return "Rank of the used tokens"
    return measure.name


def value_of(measure: Measure, value: Value) -> str:
    """A value in the measure's unit."""
    return number(value.value, measure.unit)


def interval_of(measure: Measure, low: float | None, high: float | None) -> str:
    """An interval in brackets; empty where there is none."""
    if low is None or high is None:
        return ""
    return f"[{number(low, measure.unit)}, {number(high, measure.unit)}]".replace("-", _MINUS)


def group(name: str) -> str:
    """A group of prompts in a table."""
    return "all prompts" if name == COMBINED else name


def role_title(role: Role) -> str:
    """The baseline's encoder, and what stands in its place elsewhere."""
    others = dict.fromkeys(s.name for s in role.standings[1:] if s and s.name != role.name)
    return f"{role.name} against {listed(list(others))}" if others else role.name


def listed(names: Sequence[str]) -> str:
    """ "a, b and c"."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def mix(comparison: Comparison) -> str:
    """What a caption adds where its numbers contain stand-ins."""
    return " (with stand-ins)" if comparison.stand_ins else ""


def by_value(comparison: Comparison, values: Sequence[str]) -> str:
    """Which audits have which value: "0 in a and b; 1 in c"."""
    by: dict[str, list[str]] = {}
    for label, value in zip(comparison.labels, values, strict=True):
        by.setdefault(value, []).append(label)
    return "; ".join(f"{value} in {listed(labels)}" for value, labels in by.items())
