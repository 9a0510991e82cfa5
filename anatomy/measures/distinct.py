"""How many distinct strings there are, from a sketch of each set of them.

A theta sketch keeps the lowest hashes of a set (Dasgupta, Lang, Rhodes and Thaler, "A Framework for
Estimating Stream Expression Cardinalities", ICDT 2016; the implementation is Apache DataSketches').
It counts exactly as long as it keeps all hashes, and then estimates, with a standard error of one
part in the square root of what it keeps. Sketches of parts merge into the sketch of the whole,
the same one whatever the parts and their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import datasketches
import numpy as np

from anatomy.measures.overlap import DEVIATIONS, Estimate, Overlap

HASHES = 2**20  # that a sketch keeps: up to so many distinct strings it counts exactly
_LOG_MOST = 26  # of a union: all that its sketches keep


@dataclass(frozen=True)
class Distinct:
    """The sketch of a set of hashes. Two add up with ``+`` to that of their union.

    Attributes
    ----------
    sketch : datasketches.compact_theta_sketch
    hashes : int
        That it keeps at most, a power of two.
    """

    sketch: datasketches.compact_theta_sketch
    hashes: int

    @classmethod
    def from_bytes(cls, data: bytes, hashes: int) -> Distinct:
        """What `to_bytes` gave."""
        return cls(datasketches.compact_theta_sketch.deserialize(data), hashes)

    def to_bytes(self) -> bytes:
        """The sketch as DataSketches writes it, for any of its languages."""
        data: bytes = self.sketch.serialize()
        return data

    def __add__(self, other: Distinct) -> Distinct:
        return Distinct(_union([self, other], _log2(self.hashes)), self.hashes)

    @property
    def exact(self) -> bool:
        """Whether it has all hashes."""
        return not self.sketch.is_estimation_mode()


class Growing:
    """A sketch that takes hashes as they come, and keeps `hashes` of them (a power of two)."""

    def __init__(self, hashes: int) -> None:
        self._hashes = hashes
        self._sketch = datasketches.update_theta_sketch(lg_k=_log2(hashes))

    def add(self, hashes: np.ndarray) -> None:
        """Take hashes, uint64 [n]."""
        update = self._sketch.update
        for number in hashes.view(np.int64).tolist():
            update(number)

    def finish(self) -> Distinct:
        """The sketch of all that was added."""
        self._sketch.trim()
        return Distinct(self._sketch.compact(), self._hashes)


def overlap(
    sketches: Sequence[Distinct],
    usable: np.ndarray,
    *,
    chosen: Sequence[int] | None = None,
    within: Estimate | None = None,
) -> Estimate:
    """What sources share, by the sketch of each.

    Parameters
    ----------
    sketches : sequence of Distinct, one for each source
    usable : ndarray of int64, shape [S]
        Prompts of each source, copies included: there are no more distinct ones.
    chosen : sequence of int, optional
        Codes of the sources that count; there is nothing of the others. All, if not given.
    within : Estimate, optional
        Of the strings that these were made of one by one: there are no more of these.
    """
    size = len(sketches)
    codes = list(range(size)) if chosen is None else list(chosen)
    shared = np.zeros((3, size, size), dtype=np.int64)
    outer = [within.value, within.low, within.high] if within else []
    limits = np.broadcast_to(usable, (3, size))
    if within:
        limits = np.minimum(limits, [one.shared.diagonal() for one in outer])
    for a in codes:
        shared[:, a, a] = np.minimum(_numbers(sketches[a].sketch), limits[:, a])
    for at, a in enumerate(codes):
        for b in codes[:at]:
            both = datasketches.theta_intersection()
            both.update(sketches[a].sketch)
            both.update(sketches[b].sketch)
            # Two sources cannot share more than the smaller one has.
            smaller = np.minimum(shared[:, a, a], shared[:, b, b])
            shared[:, a, b] = shared[:, b, a] = np.minimum(_numbers(both.get_result()), smaller)
    own = shared[:, codes, codes]
    of_all = _numbers(_union([sketches[code] for code in codes], _LOG_MOST))
    union = np.clip(of_all, own.max(axis=1, initial=0), own.sum(axis=1))
    if within:
        union = np.minimum(union, [one.union for one in outer])
    value, low, high = (Overlap(shared[row], int(union[row])) for row in range(3))
    return Estimate(value, low, high, all(sketches[code].exact for code in codes))


def _log2(power: int) -> int:
    return power.bit_length() - 1


def _union(sketches: Sequence[Distinct], log_hashes: int) -> datasketches.compact_theta_sketch:
    union = datasketches.theta_union(lg_k=log_hashes)
    for one in sketches:
        union.update(one.sketch)
    return union.get_result()


def _numbers(sketch: datasketches.theta_sketch) -> np.ndarray:
    """Estimate, lower and upper bound, int64 [3]."""
    found = (
        sketch.get_estimate(),
        sketch.get_lower_bound(DEVIATIONS),
        sketch.get_upper_bound(DEVIATIONS),
    )
    return np.array([round(number) for number in found], dtype=np.int64)
