"""Timing all encoders beside each other, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from distill.benchmark.subjects import Forward, Subject
from distill.metrics.benchmark import Length, Speed
from distill.timing import Timing, in_turns

if TYPE_CHECKING:
    from torch import Tensor

PATIENCE = {"cpu": 0.5, "cuda": 1.0}  # seconds of a call, about: a larger batch is cut to fit
SAMPLES = 8  # batches of different prompts that are taken in turns
TURNS = 3
_PROBE = 4  # rows of the call that tells how long a batch would take

Key = tuple[str, Length]


def speeds(
    subjects: Sequence[Subject],
    forwards: Mapping[str, Forward],
    batches: Sequence[int],
    *,
    device: str,
    seconds: float,
) -> dict[str, list[Speed]]:
    """Time every subject at every batch and length.

    Those of one batch and one number of turns are called one after the other, and again, so that
    what else the machine does meets all of them.

    Parameters
    ----------
    subjects : sequence of Subject
    forwards : mapping of str to callable(ids, mask)
        By the subject's name.
    batches : sequence of int
    device : {"cpu", "cuda"}
    seconds : float
        For all of it, about; three turns are taken in any case.
    """
    found: dict[str, list[Speed]] = {subject.name: [] for subject in subjects}
    for batch in batches:
        calls: dict[Key, Callable[[], object]] = {}
        rows: dict[Key, int] = {}
        for subject in subjects:
            for way in subject.ways:
                key = subject.name, way
                forward = forwards[subject.name]
                rows[key] = fitting(subject, forward, batch, way, device)
                calls[key] = call(subject, forward, rows[key], way, device)
        times = in_turns(calls, seconds=seconds / len(batches), device=device, turns=TURNS)
        for (name, way), timing in times.items():
            found[name].append(_speed(batch, rows[name, way], way, timing))
    return found


def fitting(subject: Subject, forward: Forward, batch: int, way: Length, device: str) -> int:
    """Rows of a batch that take no longer than a call may: all, or half as often as needed."""
    few = min(batch, _PROBE)
    if batch == few:
        return batch
    probe = in_turns(
        {"": call(subject, forward, few, way, device)}, seconds=0, device=device, turns=2
    )
    each = probe[""].seconds / few
    while batch > few and batch * each > PATIENCE[device]:
        batch //= 2
    return batch


def call(
    subject: Subject, forward: Forward, batch: int, way: Length, device: str
) -> Callable[[], object]:
    """A call that encodes the next of some batches, which are on the device already."""
    import torch

    number = len(subject.table)
    random = np.random.default_rng(0)
    batches: list[tuple[Tensor, Tensor]] = []
    for _ in range(SAMPLES):
        arrays = subject.arrays(random.integers(0, number, batch), way)
        ids, mask = (torch.from_numpy(array).to(device) for array in arrays)
        batches.append((ids, mask))
    at = 0

    def encode() -> object:
        nonlocal at
        at = (at + 1) % SAMPLES
        with torch.inference_mode():
            return forward(*batches[at])

    return encode


def _speed(batch: int, rows: int, way: Length, timing: Timing) -> Speed:
    return Speed(
        batch=batch,
        rows=rows,
        length=way,
        milliseconds=1e3 * timing.seconds,
        low=1e3 * timing.low,
        high=1e3 * timing.high,
        turns=timing.turns,
    )
