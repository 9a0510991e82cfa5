"""The approximate census: one pass, nothing on the disk, and no shard meets another.

Distinct prompts are estimated by sketches that merge (`measures.distinct`), and tokens are counted
of each source's prompts of the lowest lots, a sample of its distinct prompts that does not depend
on who draws it. A source of no more prompts than a sketch keeps hashes is counted exactly.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anatomy.census.keys import keys
from anatomy.census.lowest import Lowest
from anatomy.census.model import (
    Approximation,
    Ask,
    Census,
    EncoderCounts,
    ShardCounts,
    assembled,
)
from anatomy.census.reading import read
from anatomy.census.shard import Rows, encoder_counts, lvis_names
from anatomy.census.stored import packed, unpacked
from anatomy.corpus.build import Opened, numbered
from anatomy.corpus.model import Reading
from anatomy.encoders import Encoder
from anatomy.measures.distinct import HASHES, Distinct, Growing, overlap
from anatomy.progress import Steps, quiet

_BLOCK = 2**18  # rows of the sample whose tokens are in memory at once
_NO_PROMPTS = pa.array([], type=pa.large_string())


def census(
    sources: Sequence[Opened],
    encoders: Sequence[Encoder],
    ask: Ask,
    *,
    hashes: int = HASHES,
    steps: Steps = quiet,
) -> Census:
    """Estimate a corpus, in one pass over its sources.

    Parameters
    ----------
    sources, encoders, ask, steps
        As for `local.census`; a sample of all prompts cannot be asked for.
    hashes : int
        That each sketch keeps, and prompts of each source whose tokens are counted.

    Raises
    ------
    InputError
        Anything that the readers raise; a source without a usable prompt.
    """
    sketching = Sketching(encoders, ask, hashes)
    readings = [read(one, code, sketching.add, steps) for code, one in enumerate(sources)]
    return estimated(sources, readings, encoders, ask, sketching.finish(), steps)


@dataclass(frozen=True)
class Sketches:
    """What is kept of the prompts of some parts of a corpus. Two add up with ``+``.

    Attributes
    ----------
    hashes : int
        That each sketch keeps, and prompts that `lowest` does.
    raw : tuple of Distinct, one for each source
    cleaned : tuple of tuple of Distinct
        Prompts after the cleaning of an encoder: for each encoder, of each source.
    lvis : ndarray of bool, shape [S, names]
        Which of LVIS's names each source has, "_" kept; no names if that is not asked for.
    lowest : Lowest
    """

    hashes: int
    raw: tuple[Distinct, ...]
    cleaned: tuple[tuple[Distinct, ...], ...]
    lvis: np.ndarray
    lowest: Lowest

    def __add__(self, other: Sketches) -> Sketches:
        return Sketches(
            self.hashes,
            tuple(map(add, self.raw, other.raw)),
            tuple(
                tuple(map(add, mine, others))
                for mine, others in zip(self.cleaned, other.cleaned, strict=True)
            ),
            self.lvis | other.lvis,
            self.lowest + other.lowest,
        )

    def to_bytes(self) -> bytes:
        """As an .npz, for another process; nothing is pickled."""
        arrays = {"lvis": self.lvis, "sizes": np.array([self.hashes, len(self.cleaned)])}
        for row, sketches in enumerate((self.raw, *self.cleaned)):
            for code, one in enumerate(sketches):
                arrays[f"{row} {code}"] = np.frombuffer(one.to_bytes(), dtype=np.uint8)
        lowest = zip(self.lowest.lots, self.lowest.prompts, strict=True)
        for code, (lots, prompts) in enumerate(lowest):
            arrays[f"lots {code}"], arrays[f"prompts {code}"] = lots, packed(prompts)
        stream = io.BytesIO()
        np.savez(stream, allow_pickle=False, **arrays)
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Sketches:
        """What `to_bytes` gave."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            codes = range(len(arrays["lvis"]))
            hashes, encoders = (int(size) for size in arrays["sizes"])
            raw, *cleaned = [
                tuple(
                    Distinct.from_bytes(arrays[f"{row} {code}"].tobytes(), hashes) for code in codes
                )
                for row in range(1 + encoders)
            ]
            lowest = Lowest(
                hashes,
                tuple(arrays[f"lots {code}"] for code in codes),
                tuple(unpacked(arrays[f"prompts {code}"]) for code in codes),
            )
            return cls(hashes, raw, tuple(cleaned), arrays["lvis"], lowest)


class Sketching:
    """Sketches that take prompts as they come."""

    def __init__(self, encoders: Sequence[Encoder], ask: Ask, hashes: int) -> None:
        self._encoders, self._hashes = encoders, hashes
        self._lot = f"lot {ask.seed}"
        self._names = _NO_PROMPTS if ask.lvis is None else lvis_names()
        self._lvis = np.zeros((ask.sources, len(self._names)), dtype=bool)
        self._raw = [Growing(hashes) for _ in range(ask.sources)]
        self._cleaned = [[Growing(hashes) for _ in range(ask.sources)] for _ in encoders]
        self._drawn = [_Drawn(hashes) for _ in range(ask.sources)]

    def add(self, code: int, prompts: pa.LargeStringArray) -> None:
        """Take prompts of the source with this code."""
        raw, lot = keys(prompts, "distinct", self._lot)
        self._raw[code].add(raw)
        self._drawn[code].add(lot, prompts)
        for encoder, sketches in zip(self._encoders, self._cleaned, strict=True):
            (cleaned,) = keys(encoder.tokenizer.clean(prompts).unique(), "distinct")
            sketches[code].add(cleaned)
        if len(self._names):
            named = pc.index_in(prompts, value_set=self._names).drop_null()
            self._lvis[code, named.to_numpy()] = True

    def finish(self) -> Sketches:
        """What is kept of all that was added."""
        drawn = [one.finish() for one in self._drawn]
        return Sketches(
            self._hashes,
            tuple(one.finish() for one in self._raw),
            tuple(tuple(one.finish() for one in sketches) for sketches in self._cleaned),
            self._lvis,
            Lowest(
                self._hashes,
                tuple(one.lots[0] for one in drawn),
                tuple(one.prompts[0] for one in drawn),
            ),
        )


class _Drawn:
    """The prompts of the lowest lots of one source, as its prompts come."""

    def __init__(self, most: int) -> None:
        self._kept = Lowest(most, (np.zeros(0, dtype=np.uint64),), (_NO_PROMPTS,))
        self._most = most
        self._waiting: list[tuple[np.ndarray, pa.LargeStringArray]] = []
        self._rows = 0

    def add(self, lot: np.ndarray, prompts: pa.LargeStringArray) -> None:
        if len(self._kept.lots[0]) == self._most:
            low = lot < self._kept.lots[0][-1]
            lot, prompts = lot[low], prompts.filter(pa.array(low))
        self._waiting.append((lot, prompts))
        self._rows += len(lot)
        if self._rows >= self._most:  # as many as there are already: half of the work is new
            self.finish()

    def finish(self) -> Lowest:
        if self._waiting:
            lots, prompts = zip(*self._waiting, strict=True)
            waiting = Lowest(None, (np.concatenate(lots),), (pa.concat_arrays(prompts),))
            self._kept = self._kept + waiting
            self._waiting, self._rows = [], 0
        return self._kept


def estimated(
    sources: Sequence[Opened],
    readings: Sequence[tuple[Reading, int]],
    encoders: Sequence[Encoder],
    ask: Ask,
    sketches: Sketches,
    steps: Steps = quiet,
) -> Census:
    """The census that sketches of the whole corpus give."""
    usable = np.array([rows for _, rows in readings])
    raw = overlap(sketches.raw, usable)
    cleaned = [overlap(of_encoder, usable, within=raw) for of_encoder in sketches.cleaned]
    corpus = numbered(sketches.lowest.prompts)
    steps(f"Tokenizing {len(corpus):,} prompts")
    official = np.isin(corpus.source, ask.official)
    rows = Rows.of(corpus, official, _among(sketches))
    counts = ShardCounts(
        raw=raw.value,
        official=overlap(sketches.raw, usable, chosen=ask.official).value,
        lvis_as_given=sketches.lvis.sum(axis=1),
        encoders=tuple(_tokens(encoder, corpus.prompts, rows, ask.sources) for encoder in encoders),
        lowest=sketches.lowest.first(ask.sample),
    )
    approximation = None
    if not all(one.exact for one in (raw, *cleaned)):
        approximation = Approximation(sketches.hashes, raw, tuple(cleaned))
    values = [one.value for one in cleaned]
    return assembled(sources, readings, ask, counts, values, approximation)


def _among(sketches: Sketches) -> np.ndarray:
    """Of which of the prompts drawn the union is made: of those below every source's last lot."""
    lots = sketches.lowest.lots
    sampled = [own[-1] for own, one in zip(lots, sketches.raw, strict=True) if not one.exact]
    drawn = np.concatenate(lots)
    return drawn <= min(sampled) if sampled else np.ones(len(drawn), dtype=bool)


def _tokens(
    encoder: Encoder, prompts: pa.LargeStringArray, rows: Rows, sources: int
) -> EncoderCounts:
    tokenizer = encoder.tokenizer

    def block(at: int) -> EncoderCounts:
        some = slice(at, at + _BLOCK)
        part = Rows(rows.source[some], rows.union[some], rows.official[some])
        table = tokenizer.encode(prompts[some])
        return encoder_counts(table, part, sources, tokenizer.vocabulary_size)

    return reduce(add, map(block, range(0, len(prompts), _BLOCK)))
