"""From the facts of each audit to the measures of a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from anatomy.comparison.difference import difference
from anatomy.comparison.document import Change, Measure, Value
from anatomy.comparison.facts import Fact, Key, at_size, same_size
from anatomy.comparison.inside import EQUAL, MLE, TWO_NN
from anatomy.comparison.roles import Measured
from anatomy.comparison.standing import outputs_of
from anatomy.corpus.model import COMBINED
from anatomy.findings import Findings

Known = Mapping[Key, Fact]


def measures(
    role: str,
    facts: Sequence[Known],
    audits: Sequence[Findings],
    measured: Sequence[Measured | None] | None = None,
) -> list[Measure]:
    """Every number that any audit has, with its difference to the baseline's.

    Parameters
    ----------
    role : str
        The baseline's encoder; empty for the corpus.
    facts : sequence of mapping of Key to Fact
        Of each audit, the baseline first.
    audits : sequence of Findings
    measured : sequence of encoders, files of outputs or None, optional
        What fills the role in each audit.
    """
    found = []
    for key in _keys(facts):
        for name, row in _rows(key, [known.get(key) for known in facts]):
            why = [_why(key, at, audits[at], measured) for at in range(len(row))]
            absent = ["" if fact else reason for fact, reason in zip(row, why, strict=True)]
            found.append(_measure(role, key._replace(name=name), row, absent))
    return found


def _keys(facts: Sequence[Known]) -> Iterator[Key]:
    """All keys: those of one subject and part together, in the order in which they first come."""
    keys = dict.fromkeys(key for known in facts for key in known)
    order = list(dict.fromkeys((key.subject, key.part) for key in keys))
    groups = list(dict.fromkeys(key.group for key in keys))
    yield from sorted(
        keys, key=lambda key: (order.index((key.subject, key.part)), groups.index(key.group))
    )


def _rows(key: Key, row: list[Fact | None]) -> Iterator[tuple[str, list[Fact | None]]]:
    """A number's row; of an estimate on unequal numbers of points also that at the fewest."""
    present = [fact for fact in row if fact]
    unequal = any(not same_size(fact.points, present[0].points) for fact in present)
    if key.name not in (MLE, TWO_NN) or not unequal:
        yield key.name, row
        return
    fewest = min(fact.points for fact in present)
    equal = [fact and at_size(fact, fewest) for fact in row]
    judged = equal[0] is not None
    yield key.name, [fact and replace(fact, headline=fact.headline and not judged) for fact in row]
    if judged:
        yield f"{key.name}{EQUAL}{fewest:,} points", equal


def _measure(role: str, key: Key, row: Sequence[Fact | None], absent: list[str]) -> Measure:
    base, *others = row
    first = next(fact for fact in row if fact)
    return Measure(
        role=role,
        **key._asdict(),
        unit=first.unit,
        headline=any(fact.headline for fact in row if fact),
        values=[_value(fact) if fact else None for fact in row],
        absent=absent,
        changes=[None, *(_change(base, fact) if base and fact else None for fact in others)],
    )


def _value(fact: Fact) -> Value:
    return Value(value=fact.value, low=fact.low, high=fact.high, points=fact.points or None)


def _change(base: Fact, other: Fact) -> Change:
    found = difference(base, other)
    return Change(
        difference=found.value,
        low=found.low,
        high=found.high,
        relative=found.value / base.value if base.value else None,
        verdict=found.verdict,
    )


def _why(key: Key, at: int, audit: Findings, measured: Sequence[Measured | None] | None) -> str:
    """Why an audit has no such number, where it has none."""
    names = [source.name for source in audit.sources]
    if measured and measured[at] is None:
        return "no counterpart"
    if key.subject == "overlap":
        return "not both sources"
    if key.group not in (COMBINED, *names):
        return "no such source"
    one = measured[at] if measured else None
    if key.subject in ("embedding", "positions", "outputs") and outputs_of(one) is None:
        return "no weights"
    return "not measured"
