"""A draw of prompts that does not depend on who counts them, or in which order.

Every prompt has a lot, a hash of its raw string and the seed. The sample of a source is its
prompts of the lowest lots, in that order: samples of one seed are nested, what the union draws of
a source is part of what the source draws for itself, and the lowest of two halves are among the
lowest of both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anatomy.census.keys import keys
from anatomy.corpus.model import Corpus


@dataclass(frozen=True)
class Lowest:
    """Prompts of the lowest lots. Two add up with ``+``, whether or not they share prompts.

    Attributes
    ----------
    most : int or None
        Prompts of each source, at most; None: all.
    lots : tuple of ndarray of uint64, one for each source, ascending
    prompts : tuple of pa.LargeStringArray, one for each source
    """

    most: int | None
    lots: tuple[np.ndarray, ...]
    prompts: tuple[pa.LargeStringArray, ...]

    @classmethod
    def of(cls, corpus: Corpus, sources: int, seed: int, most: int | None) -> Lowest:
        """The lowest of each of the sources of a corpus; nothing if `most` is 0."""
        if most == 0:
            nothing = pa.array([], type=pa.large_string())
            return cls(0, (np.zeros(0, dtype=np.uint64),) * sources, (nothing,) * sources)
        (lot,) = keys(corpus.prompts, f"lot {seed}")
        drawn = []
        for code in range(sources):
            rows = np.flatnonzero(corpus.source == code)
            if most is not None and len(rows) > most:
                rows = rows[np.argpartition(lot[rows], most - 1)[:most]]
            drawn.append(_sorted(lot[rows], corpus.prompts.take(pa.array(rows)), most))
        return cls(most, tuple(lot for lot, _ in drawn), tuple(prompts for _, prompts in drawn))

    def first(self, most: int | None) -> Lowest:
        """The `most` lowest of these of each source."""
        return Lowest(
            most,
            tuple(lot[:most] for lot in self.lots),
            tuple(prompts[:most] for prompts in self.prompts),
        )

    def __add__(self, other: Lowest) -> Lowest:
        merged = [
            _sorted(np.concatenate([a, b]), pa.concat_arrays([p, q]), self.most)
            for a, b, p, q in zip(self.lots, other.lots, self.prompts, other.prompts, strict=True)
        ]
        return Lowest(
            self.most, tuple(lot for lot, _ in merged), tuple(prompts for _, prompts in merged)
        )


def _sorted(
    lots: np.ndarray, prompts: pa.LargeStringArray, most: int | None
) -> tuple[np.ndarray, pa.LargeStringArray]:
    """The lowest, ascending and each once; of equal lots by the string."""
    table = pa.table({"lot": lots, "prompt": prompts})
    order = pc.sort_indices(table, sort_keys=[("lot", "ascending"), ("prompt", "ascending")])
    order = order.to_numpy()
    again = np.flatnonzero(lots[order[1:]] == lots[order[:-1]]) + 1
    if len(again):
        before = prompts.take(pa.array(order[again - 1]))
        same = pc.equal(prompts.take(pa.array(order[again])), before)
        once = np.ones(len(order), dtype=bool)
        once[again[same.to_numpy(zero_copy_only=False)]] = False
        order = order[once]
    order = order[:most]
    return lots[order], prompts.take(pa.array(order))
