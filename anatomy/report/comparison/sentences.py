"""What a reader should take away, each sentence computed from the comparison."""

from __future__ import annotations

import math
from collections import Counter

from anatomy.comparison import EQUAL, Change, Comparison, Measure, Value, Verdict
from anatomy.report.comparison.words import (
    change_of,
    interval_of,
    listed,
    relative,
    role_title,
    title_of,
    value_of,
)

_MOVED: tuple[Verdict, ...] = ("exact", "beyond")
_TOLD = 5  # numbers that moved most


def headlines(comparison: Comparison) -> list[Measure]:
    """The few numbers to look at first."""
    return [measure for measure in comparison.measures if measure.headline]


def moved(comparison: Comparison, at: int) -> list[tuple[Measure, Change]]:
    """Headline numbers that changed by more than chance in one audit, the most first.

    By their ratio to the baseline: that is the same for twice as much and half as much.
    """
    found = [
        (measure, change)
        for measure in headlines(comparison)
        if (change := measure.changes[at]) and change.verdict in _MOVED
    ]
    return sorted(found, key=lambda pair: -_size(pair[1]))


def _size(change: Change) -> float:
    ratio = (change.relative or 0.0) + 1
    return abs(math.log(ratio)) if change.relative is not None and ratio > 0 else math.inf


def unchanged(comparison: Comparison, at: int) -> bool:
    """Whether an audit is the baseline in every number that either has."""
    changes = [measure.changes[at] for measure in comparison.measures]
    base = [measure.values[0] for measure in comparison.measures]
    there = [measure.values[at] for measure in comparison.measures]
    return all(
        change.verdict == "same" if change else a is None and b is None
        for change, a, b in zip(changes, base, there, strict=True)
    )


def inputs(comparison: Comparison, at: int) -> str:
    """What one audit was given that the baseline was not."""
    base, other = comparison.audits[0], comparison.audits[at]
    if base.digest == other.digest:
        return f"The findings of {other.label} are those of {base.label}: their hashes are equal."
    parts = [*_sources(comparison, at), *_encoders(comparison, at), *_settings(comparison, at)]
    if not parts:
        return f"{other.label} was given the same prompts, encoders and settings as {base.label}."
    return f"Against {base.label}, {other.label} {listed(parts)}."


def _sources(comparison: Comparison, at: int) -> list[str]:
    def named(state: str) -> list[str]:
        return [row.name for row in comparison.sources if row.against[at] == state]

    parts = []
    if added := named("added"):
        parts.append(f"adds the source{'s' * (len(added) > 1)} {listed(added)}")
    if removed := named("removed"):
        parts.append(f"lacks the source{'s' * (len(removed) > 1)} {listed(removed)}")
    others = [
        f"{row.name} ({row.against[at]})"
        for row in comparison.sources
        if row.against[at] not in ("same", "absent", "added", "removed")
    ]
    return [*parts, f"reads other prompts of {listed(others)}"] if others else parts


def _encoders(comparison: Comparison, at: int) -> list[str]:
    parts = []
    for role in comparison.roles:
        base, other = role.standings[0], role.standings[at]
        if base is None or other is None:
            parts.append(f"has nothing to stand against {role.name}")
        elif base.name != other.name:
            parts.append(f"has {other.name} in the place of {base.name}")
        elif base.tokens and other.tokens and not other.tokens.same_tokenizer:
            parts.append(f"has another tokenizer of {role.name}")
        if base and other and base.weights != other.weights and base.name == other.name:
            what = "file" if role.kind == "outputs" else "weights"
            missing = "" if other.weights else "no " if base.weights else ""
            parts.append(f"has {missing or 'other '}{what} of {role.name}")
        if base and other and base.how and other.how and base.how != other.how:
            parts.append(f"takes outputs of {other.name} otherwise ({other.how}; not {base.how})")
    parts += [f"has {name} (not compared)" for name in comparison.unpaired[at]]
    return parts


def _settings(comparison: Comparison, at: int) -> list[str]:
    changed = [row for row in comparison.settings if row.values[0] != row.values[at]]
    words = [f"{row.name}: {row.values[at]} instead of {row.values[0]}" for row in changed]
    return [f"was run with other settings ({'; '.join(words)})"] if words else []


def counts(comparison: Comparison, at: int) -> str:
    """How many numbers changed, and how sure that is."""
    if unchanged(comparison, at):
        return f"Nothing changed: all {len(comparison.measures):,} numbers are the same."
    judged = _judged(comparison, at)
    found = Counter(verdict for verdict, _ in judged)
    estimates = sum(estimate for _, estimate in judged)
    unsure = found["no interval"] + found["other size"]
    exact = len(judged) - estimates - unsure
    parts = [f"{found['exact']:,} of {exact:,} exact numbers changed"]
    if estimates:
        parts.append(
            f"{found['beyond']:,} of {estimates:,} estimates changed by more than chance (1 in 20 "
            "would by chance alone)"
        )
    if unsure:
        parts.append(f"{unsure:,} changes of samples cannot be judged")
    pairs = [(measure.values[0], measure.values[at]) for measure in comparison.measures]
    if lone := sum((a is None) != (b is None) for a, b in pairs):
        parts.append(f"{lone:,} numbers have no counterpart")
    return f"{'; '.join(parts)}."


def _judged(comparison: Comparison, at: int) -> list[tuple[Verdict, bool]]:
    """Each change's verdict, and whether it is an estimate's: each estimate once.

    One that was judged as it stands is not counted again at equal points.
    """
    found, estimates = [], set()
    for measure in comparison.measures:
        change = measure.changes[at]
        if change is None:
            continue
        key = (measure.role, measure.part, measure.group, measure.name.split(EQUAL)[0])
        if change.low is None:
            found.append((change.verdict, False))
        elif key not in estimates:
            estimates.add(key)
            found.append((change.verdict, True))
    return found


def from_to(measure: Measure, at: int, *, intervals: bool = True) -> str:
    """The baseline's value and another audit's, with their intervals."""

    def text(value: Value) -> str:
        interval = interval_of(measure, value.low, value.high) if intervals else ""
        return f"{value_of(measure, value)} {interval}".strip()

    change = measure.changes[at]
    if change and change.verdict == "same" and measure.values[0]:
        return f"{text(measure.values[0])} in both"
    return " to ".join(text(value) for value in (measure.values[0], measure.values[at]) if value)


def by_how_much(measure: Measure, change: Change) -> str:
    """A change, absolute and relative, with its interval."""
    if change.verdict == "same":
        return "no change"
    interval = interval_of(measure, change.low, change.high)
    parts = [f"{change_of(measure, change)} {interval}".strip(), relative(change)]
    return ", ".join(filter(None, parts))


def name_of(comparison: Comparison, measure: Measure) -> str:
    """A measure with its encoder."""
    titles = {role.name: role_title(role) for role in comparison.roles}
    role = titles.get(measure.role)
    return f"{title_of(measure)}, {role}" if role else title_of(measure)


def most_moved(comparison: Comparison, at: int) -> str:
    """The numbers that moved most, in a sentence."""
    told = moved(comparison, at)[:_TOLD]
    if not told:
        return "None of the headline numbers moved by more than chance."
    parts = [
        f"{name_of(comparison, measure)}, {from_to(measure, at)} ({relative(change) or 'new'})"
        for measure, change in told
    ]
    return f"Most moved: {'; '.join(parts)}."
