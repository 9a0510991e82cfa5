"""Sets of ids as runs, never one by one: what a document claims to hold may be any number."""

from __future__ import annotations

from collections.abc import Sequence

Runs = list[tuple[int, int]]  # first and last id of each, ascending, none touching


def ranges(ids: Sequence[int]) -> str:
    """Ascending ids as text: ``[0, 1, 2, 5]`` becomes ``"0-2,5"``."""
    runs: Runs = []
    for number in ids:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return spell(runs)


def from_ranges(text: str) -> list[int]:
    """The ids that `ranges` wrote."""
    return [number for first, last in parse(text) for number in range(first, last + 1)]


def parse(text: str) -> Runs:
    """The runs of "0-3,17,40-41"."""
    runs = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        runs.append((int(first), int(last or first)))
    return runs


def ascending(runs: Runs, limit: int) -> bool:
    """Whether no id comes twice or before a lower one, and all are below `limit`."""
    ends = [-1, *(last for _, last in runs)]
    starts = [first for first, _ in runs] + [limit]
    return all(a < b for a, b in zip(ends, starts, strict=True)) and all(a <= b for a, b in runs)


def spell(runs: Sequence[tuple[int, int]]) -> str:
    """The text of runs."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def without(runs: Runs, others: Runs) -> Runs:
    """The ids of `runs` that are not in `others`."""
    left = []
    at = 0
    for first, last in runs:
        while at < len(others) and others[at][1] < first:
            at += 1
        here = at
        while here < len(others) and others[here][0] <= last:
            if others[here][0] > first:
                left.append((first, others[here][0] - 1))
            first = others[here][1] + 1
            here += 1
        if first <= last:
            left.append((first, last))
    return left


def size(runs: Runs) -> int:
    """How many ids."""
    return sum(last - first + 1 for first, last in runs)
