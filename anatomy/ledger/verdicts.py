"""From intervals to verdicts. A claim contradicts only if no rounding of its numbers saves it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from anatomy.ledger.intervals import Interval

Verdict = Literal["holds", "contradicts", "undecided"]


def equal(published: Interval, implied: Interval) -> Verdict:
    """The two can be the same number: "holds"; they cannot: "contradicts"."""
    return "holds" if published.overlaps(implied) else "contradicts"


def less(small: Interval, large: Interval) -> Verdict:
    """The first is less than the second, for all roundings, for none, or for some."""
    if small.hi < large.lo:
        return "holds"
    return "contradicts" if small.lo >= large.hi else "undecided"


def at_most(small: Interval, large: Interval) -> Verdict:
    """The first is less than or equal to the second, for all roundings, for none, or for some."""
    if small.hi <= large.lo:
        return "holds"
    return "contradicts" if small.lo > large.hi else "undecided"


def possible(verdict: Verdict) -> Verdict:
    """An order that some rounding allows counts as holding."""
    return "contradicts" if verdict == "contradicts" else "holds"


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """A claim with several parts: one contradiction contradicts it."""
    found = set(verdicts)
    if "contradicts" in found:
        return "contradicts"
    return "undecided" if "undecided" in found or not found else "holds"


def any_reading(verdicts: Iterable[Verdict]) -> Verdict:
    """A claim with several possible readings: decided only where all readings agree."""
    found = set(verdicts)
    return found.pop() if len(found) == 1 else "undecided"


def saved_by(literal: Verdict, others: Iterable[Verdict]) -> Verdict:
    """A contradiction stands only if the less literal readings contradict as well."""
    return any_reading((literal, *others)) if literal == "contradicts" else literal
