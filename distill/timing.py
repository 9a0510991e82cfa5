"""Timing several things beside each other, in turns, so that the machine's load hits all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

_TURNS = 5  # at least, and as many more as the time allows
_SPELL = 0.02  # seconds of calls that are timed as one


@dataclass(frozen=True)
class Timing:
    """How long a call takes.

    Attributes
    ----------
    seconds : float
        Median over the turns.
    low, high : float
        First and third quartile.
    turns : int
    """

    seconds: float
    low: float
    high: float
    turns: int


def wait(device: str) -> None:
    """Until all that was asked of a device is done."""
    if device == "cuda":
        import torch

        torch.cuda.synchronize()


def in_turns(
    calls: Mapping[Key, Callable[[], object]], *, seconds: float, device: str, turns: int = _TURNS
) -> dict[Key, Timing]:
    """Time calls, one after the other and again.

    Each is called twice before the clock starts. In a turn a short call is repeated and the device
    is waited for once, at the end.

    Parameters
    ----------
    calls : mapping of names to callable()
    seconds : float
        For all of them together; there are `turns` at the least, however long they take.
    device : {"cpu", "cuda"}
    turns : int
    """
    repeats = {}
    for name, call in calls.items():
        for _ in range(2):
            wait(device)
            begin = time.perf_counter()
            call()
            wait(device)
            took = time.perf_counter() - begin
        repeats[name] = max(1, int(_SPELL / max(took, 1e-6)))
    taken: dict[Key, list[float]] = {name: [] for name in calls}
    begun = time.perf_counter()
    while any(len(each) < turns for each in taken.values()) or (
        time.perf_counter() - begun < seconds
    ):
        for name, call in calls.items():
            wait(device)
            begin = time.perf_counter()
            for _ in range(repeats[name]):
                call()
            wait(device)
            taken[name].append((time.perf_counter() - begin) / repeats[name])
        if not calls:
            break
    return {name: _of(each) for name, each in taken.items()}


def _of(taken: list[float]) -> Timing:
    low, middle, high = statistics.quantiles(taken, n=4, method="inclusive")
    return Timing(middle, low, high, len(taken))
