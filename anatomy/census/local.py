"""The census on this machine: in memory while the corpus is small, through the disk beyond."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from anatomy.census.keys import keys
from anatomy.census.model import Ask, Census, ShardCounts, total
from anatomy.census.shard import CLEANED, corpus_of, count, overlap
from anatomy.census.spill import SHARDS, Spill
from anatomy.corpus.build import Opened, check_usable, summary
from anatomy.corpus.model import Reading
from anatomy.encoders import Encoder
from anatomy.measures.overlap import Overlap
from anatomy.progress import Steps, quiet

IN_MEMORY = 1_000_000  # prompts: more of them go through the disk
_PROMPTS = pa.schema([("source", pa.int16()), ("prompt", pa.large_string())])
_CLEANED = pa.schema([("high", pa.uint64()), ("low", pa.uint64()), ("source", pa.int16())])


def census(
    sources: Sequence[Opened],
    encoders: Sequence[Encoder],
    ask: Ask,
    *,
    scratch: Path | None = None,
    steps: Steps = quiet,
) -> Census:
    """Count a corpus.

    Parameters
    ----------
    sources : sequence of Opened
    encoders : sequence of Encoder
    ask : Ask
    scratch : Path or None
        Where a corpus that is too large for the memory waits, about as many bytes as its prompts
        have; None: the system's temporary folder.
    steps : Steps

    Raises
    ------
    InputError
        Anything that the readers raise; a source without a usable prompt; a full disk.
    """
    with ExitStack() as stack:
        dealt = _Dealt(partial(_folder, stack, scratch))
        readings = []
        for code, source in enumerate(sources):
            reading, usable = _read(source, code, dealt, steps)
            check_usable(source.name, reading, usable)
            readings.append((source, reading, usable))
        counts, cleaned = _count(dealt, encoders, ask, steps)
    unique = counts.raw.shared.diagonal()
    return Census(
        summaries=tuple(
            summary(one.name, one.kind, one.title, reading, usable, int(distinct))
            for (one, reading, usable), distinct in zip(readings, unique, strict=True)
        ),
        ask=ask,
        counts=counts,
        cleaned=tuple(cleaned),
    )


def _folder(stack: ExitStack, scratch: Path | None) -> Path:
    if scratch is not None:
        scratch.mkdir(parents=True, exist_ok=True)
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="census-", dir=scratch)))


class _Dealt:
    """The prompts read so far: in memory, or dealt out to shards on disk."""

    def __init__(self, folder: partial[Path]) -> None:
        self._folder = folder
        self._held: list[pa.RecordBatch] = []
        self._rows = 0
        self._spill: Spill | None = None
        self.root: Path | None = None

    def add(self, code: int, prompts: pa.LargeStringArray) -> None:
        source = pa.array(np.full(len(prompts), code, dtype=np.int16))
        rows = pa.record_batch([source, prompts], schema=_PROMPTS)
        self._rows += len(rows)
        if self._spill is None and self._rows > IN_MEMORY:
            self.root = self._folder()
            self._spill = Spill(self.root / "prompts", _PROMPTS)
            for held in self._held:
                self._deal(self._spill, held)
            self._held = []
        if self._spill is None:
            self._held.append(rows)
        else:
            self._deal(self._spill, rows)

    def shards(self) -> Iterator[tuple[int, pa.Table]]:
        """Each shard's number and rows; all of them are one where they are in memory."""
        if self._spill is None:
            yield 0, pa.Table.from_batches(self._held, schema=_PROMPTS)
            return
        self._spill.finish()
        for shard in range(SHARDS):
            yield shard, self._spill.read(shard)
            self._spill.drop(shard)

    @staticmethod
    def _deal(spill: Spill, rows: pa.RecordBatch) -> None:
        (key,) = keys(rows.column(1), "shard")
        spill.add(rows, key)


def _read(source: Opened, code: int, dealt: _Dealt, steps: Steps) -> tuple[Reading, int]:
    """Read a source; what its parts say but for the prompts, and how many of these there are."""
    nothing = pa.array([], type=pa.large_string())
    whole, usable, clock = Reading(nothing, (), 0), 0, time.perf_counter()
    for part in source.parts():
        whole = whole.with_counts_of(part)
        usable += len(part.prompts)
        dealt.add(code, part.prompts.unique())
        rate = usable / (time.perf_counter() - clock)
        steps(f"Reading {source.name}: {usable:,} prompts, {rate:,.0f} a second")
    return whole, usable


def _count(
    dealt: _Dealt, encoders: Sequence[Encoder], ask: Ask, steps: Steps
) -> tuple[ShardCounts, list[Overlap]]:
    found: ShardCounts | None = None
    cleaned: list[list[np.ndarray]] = [[] for _ in encoders]
    spills: list[Spill] = []
    for shard, rows in dealt.shards():
        if dealt.root is None:
            steps(f"Tokenizing {len(rows):,} prompts")
        else:
            steps(f"Tokenizing part {shard + 1} of {SHARDS}: {len(rows):,} prompts")
            spills = spills or [
                Spill(dealt.root / f"cleaned-{at}", _CLEANED) for at in range(len(encoders))
            ]
        if not len(rows) and found is not None:
            continue
        source = rows["source"].to_numpy()
        prompts = rows["prompt"].combine_chunks()
        corpus = corpus_of(source, prompts, ask.sources)
        counts, clean = count(corpus, encoders, ask)
        found = counts if found is None else total([found, counts])
        for at, part in enumerate(clean):
            if spills:
                columns = [pa.array(np.ascontiguousarray(part[name])) for name in _CLEANED.names]
                spills[at].add(pa.record_batch(columns, schema=_CLEANED), part["high"])
            else:
                cleaned[at].append(part)
    if found is None:
        raise ValueError("no shards")
    if not spills:
        return found, [overlap(np.concatenate(parts), ask.sources) for parts in cleaned]
    return found, [_overlap(spill, ask.sources) for spill in spills]


def _overlap(spill: Spill, sources: int) -> Overlap:
    spill.finish()
    whole = Overlap(np.zeros((sources, sources), dtype=np.int64), 0)
    for shard in range(SHARDS):
        rows = spill.read(shard)
        cleaned = np.empty(len(rows), dtype=CLEANED)
        for name in _CLEANED.names:
            cleaned[name] = rows[name].to_numpy()
        whole = whole + overlap(cleaned, sources)
        spill.drop(shard)
    return whole
