"""Sets of ids as runs, never one by one: what a document claims to hold may be any number."""

from __future__ import annotations

from collections.abc import Sequence

Runs = list[tuple[int, int]]  # first and last id of each, ascending, none touching


def parse(text: str) -> Runs:
    """The runs of "0-3,17,40-41"."""
    runs = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        runs.append((int(first), int(last or first)))
    return runs


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
