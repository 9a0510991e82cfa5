"""Which effective ranks a spectrum can have, given how many directions hold 90 and 95 per cent.

The effective rank is exp(entropy of p) (Roy & Vetterli 2007), with p the singular values s over
their sum, or their squares over theirs. Both are in use, and they differ. A spectrum is given by
blocks of equal squares: (how many, each square), in falling order, with squares that add up to 1.
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Literal

Power = Literal[1, 2]
Blocks = list[tuple[int, float]]


def effective_rank(blocks: Blocks, power: Power) -> float:
    """exp(entropy of s^power / sum of s^power)."""
    weights = [(n, sqrt(q) if power == 1 else q) for n, q in blocks if n and q > 0]
    whole = sum(n * w for n, w in weights)
    return exp(-sum(n * w / whole * log(w / whole) for n, w in weights))


def flat(dims: int, dims90: int, dims95: int) -> Blocks:
    """Level within the first dims90, up to dims95, and beyond: the most even such spectrum."""
    return [
        (dims90, 0.9 / dims90),
        (dims95 - dims90, 0.05 / (dims95 - dims90)),
        (dims - dims95, 0.05 / (dims - dims95)),
    ]


def spiked(dims: int, dims90: int, dims95: int, spikes: int) -> Blocks:
    """A few large values, all others level and as small as dims90 and dims95 let them be.

    The directions dims90 to dims95 hold just over 5 per cent, which fixes the level; the last
    5 per cent fill as few directions at that level as they can.
    """
    level = 0.05 / (dims95 - dims90 + 1) * (1 + 1e-6)
    tail = min(int(0.05 / level), dims - dims95 - 1)
    large = 0.95 - level * (dims95 - spikes)
    return [
        (spikes, large / spikes),
        (dims95 - spikes, level),
        (tail, level),
        (1, 0.05 - tail * level),
    ]


def reachable(dims: int, dims90: int, dims95: int, power: Power) -> tuple[float, float]:
    """Least and greatest effective rank found among the flat and the spiked spectra.

    Every mixture of two spectra with the same dims90 and dims95 has them too, so all values in
    between occur. Others may occur as well, but for power 2 none above the greatest.
    """
    found = [effective_rank(flat(dims, dims90, dims95), power)]
    for spikes in range(1, 61):
        blocks = spiked(dims, dims90, dims95, spikes)
        squares = [q for _, q in blocks]
        if squares == sorted(squares, reverse=True) and squares[-1] >= 0:
            found.append(effective_rank(blocks, power))
    return min(found), max(found)


def reachable_by_share(dims: int, leading: int, share: float, power: Power) -> tuple[float, float]:
    """Likewise, where it is only known that `leading` directions hold this share."""
    rest = (1 - share) / (dims - leading)
    level = [(leading, share / leading), (dims - leading, rest)]
    spike = [(1, share - (leading - 1) * rest), (dims - 1, rest)]
    found = [effective_rank(level, power), effective_rank(spike, power)]
    return min(found), max(found)
