"""Which prompts each optimiser step learns from, and the arrays of its batches.

A step is `batch` x `accumulation` prompts, however many processes share it. Its batches hold
prompts of nearly one length: an epoch's random order is cut into pools, each pool is sorted by
length, cut into batches, and the batches are shuffled. Almost nothing is then computed on padding,
while each epoch's batches are new ones. All of it is a function of the seed, the epoch and the
step, so a run that continues needs no state of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from anatomy.tokens.table import TokenTable, spans
from distill.examples import Examples
from distill.targets import NONE

POOL = 64  # batches that are sorted together


@dataclass(frozen=True)
class Batch:
    """Prompts, then the permuted versions of those that move, of one forward pass.

    Attributes
    ----------
    ids : ndarray of int64, shape [B + P, n]
    mask : ndarray of bool, shape [B + P, n]
    places : ndarray of int64, shape [K]
        Flat positions in the first B rows that have a target.
    targets : ndarray of int64, shape [K]
        Their rows of ``Targets.tokens``.
    prompts : int
        B.
    moved : ndarray of int64, shape [P]
        Which of the first B rows the last P rows permute.
    """

    ids: np.ndarray
    mask: np.ndarray
    places: np.ndarray
    targets: np.ndarray
    prompts: int
    moved: np.ndarray


class Order:
    """The batches of every step.

    Parameters
    ----------
    lengths : ndarray of int64, shape [N]
        Tokens of each prompt.
    batch, accumulation : int
        Prompts of a batch, and batches of a step.
    seed : int
    """

    def __init__(self, lengths: np.ndarray, batch: int, accumulation: int, seed: int) -> None:
        self._lengths = lengths
        self._seed = seed
        self.batch = min(batch, len(lengths))
        self.accumulation = accumulation
        self.batches = -(-len(lengths) // self.batch)  # of an epoch
        self._epoch = -1
        self._chosen: list[np.ndarray] = []

    def steps(self, epochs: float) -> int:
        """Optimiser steps in which every prompt comes so many times, or a little more often."""
        return max(1, math.ceil(epochs * self.batches / self.accumulation - 1e-9))

    def step(self, number: int) -> list[np.ndarray]:
        """The prompts (int64) of each batch of a step, from step 0 on."""
        first = number * self.accumulation
        return [self._batch(at) for at in range(first, first + self.accumulation)]

    def seen(self, steps: int) -> int:
        """Prompts of the first so many steps, each counted as often as it comes."""
        epochs, rest = divmod(steps * self.accumulation, self.batches)
        if not rest:
            return epochs * len(self._lengths)
        self._batch(steps * self.accumulation)  # so that the epoch's batches are there
        return epochs * len(self._lengths) + sum(map(len, self._chosen[:rest]))

    def _batch(self, number: int) -> np.ndarray:
        epoch, at = divmod(number, self.batches)
        if epoch != self._epoch:
            self._epoch, self._chosen = epoch, self._of_epoch(epoch)
        return self._chosen[at]

    def _of_epoch(self, epoch: int) -> list[np.ndarray]:
        random = np.random.default_rng([self._seed, epoch])
        order = random.permutation(len(self._lengths))
        chosen: list[np.ndarray] = []
        for at in range(0, len(order), POOL * self.batch):
            pool = order[at : at + POOL * self.batch]
            pool = pool[np.argsort(self._lengths[pool], kind="stable")]
            cut = [pool[i : i + self.batch] for i in range(0, len(pool), self.batch)]
            chosen += [cut[i] for i in random.permutation(len(cut))]
        return chosen


def assemble(
    examples: Examples,
    chosen: np.ndarray,
    *,
    length: int | None,
    pad_id: int,
    permute: np.ndarray | None = None,
    unmoved: bool = False,
) -> Batch:
    """The arrays of one batch.

    Parameters
    ----------
    examples : Examples
    chosen : ndarray of int64, shape [B]
    length : int or None
        Positions of the arrays; None: as many as the longest row has.
    pad_id : int
    permute : ndarray of bool, shape [B], optional
        Whose permuted versions are added, where they differ.
    unmoved : bool
        Add those that do not differ as well.
    """
    wanted = np.zeros(len(chosen), dtype=bool) if permute is None else permute
    moved = np.flatnonzero(wanted & (np.bool_(unmoved) | examples.moved[chosen]))
    others = chosen[moved]
    lengths = np.concatenate([examples.table.lengths[chosen], examples.permuted.lengths[others]])
    width = int(lengths.max()) if length is None else length
    mask = np.arange(width) < lengths[:, None]
    ids = np.full(mask.shape, pad_id, dtype=np.int64)
    rows = len(chosen)
    ids[:rows][mask[:rows]] = _flat(examples.table, chosen)
    ids[rows:][mask[rows:]] = _flat(examples.permuted, others)
    targets = examples.target[_places(examples.table, chosen)]
    learnt = targets != NONE
    places = np.flatnonzero(mask[:rows])[learnt]
    return Batch(ids, mask, places, targets[learnt], rows, moved)


def _places(table: TokenTable, chosen: np.ndarray) -> np.ndarray:
    return spans(table.offsets[chosen], table.lengths[chosen])


def _flat(table: TokenTable, chosen: np.ndarray) -> np.ndarray:
    ids: np.ndarray = table.ids[_places(table, chosen)]
    return ids
