"""The census on this machine: in memory while the corpus is small, through the disk beyond."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import pyarrow as pa

from anatomy.census.kept import SHARDS, Kept, identity, path_of
from anatomy.census.keys import keys
from anatomy.census.model import Ask, Census, ShardCounts, assembled, total
from anatomy.census.reading import read
from anatomy.census.shard import CLEANED, Cleaned, corpus_of, count, overlap
from anatomy.census.spill import Spill, waiting
from anatomy.corpus.build import Opened
from anatomy.encoders import Encoder
from anatomy.errors import InputError
from anatomy.locks import held
from anatomy.measures.overlap import Overlap
from anatomy.progress import Steps, quiet, remark

IN_MEMORY = 1_000_000  # prompts: more of them go through the disk
OLD = 30 * 24 * 3600  # seconds without a change, after which a killed census is forgotten
_PROMPTS = pa.schema([("source", pa.int16()), ("prompt", pa.large_string())])


def census(
    sources: Sequence[Opened],
    encoders: Sequence[Encoder],
    ask: Ask,
    *,
    keep: Path | None = None,
    steps: Steps = quiet,
) -> Census:
    """Count a corpus.

    Parameters
    ----------
    sources : sequence of Opened
    encoders : sequence of Encoder
    ask : Ask
    keep : Path or None
        Where a corpus that is too large for the memory waits, about as many bytes as its prompts
        have, and where a run that was killed is continued. None: the system's temporary folder,
        and nothing is continued.
    steps : Steps

    Raises
    ------
    InputError
        Anything that the readers raise; a source without a usable prompt; a full disk.
    """
    with ExitStack() as stack:
        place = _Place(stack, keep, identity(sources, encoders, ask) if keep else None)
        earlier = place.earlier()
        readings = earlier.readings(sources) if earlier else None
        if earlier and readings:
            steps("Going on with what an earlier run read")
            counts, cleaned = _on_disk(earlier, encoders, ask, steps)
        else:
            dealt = _Dealt(place.new)
            readings = [read(one, code, dealt.add, steps) for code, one in enumerate(sources)]
            kept = dealt.finish()
            if kept:
                kept.keep_readings(readings)
                counts, cleaned = _on_disk(kept, encoders, ask, steps)
            else:
                counts, cleaned = _in_memory(dealt.rows, encoders, ask, steps)
        place.clear()
    return assembled(sources, readings, ask, counts, cleaned)


class _Place:
    """Where a census may keep what it has, if it needs to."""

    def __init__(self, stack: ExitStack, keep: Path | None, name: str | None) -> None:
        self._stack = stack
        self._own = keep / name if keep and name else None
        self._keep = keep
        self._locked = False
        self._used: Kept | None = None
        if keep:
            _forget_old(keep)

    def earlier(self) -> Kept | None:
        """What a run that was killed has left."""
        if self._own and self._own.is_dir() and self._lock(self._own):
            self._used = Kept(self._own)
            return self._used
        return None

    def new(self) -> Kept:
        """An empty folder: the census's own, or another where a second run works on the same."""
        if self._used:  # what it holds is of other files
            self._used.delete()
        elif self._own and self._lock(self._own):
            self._used = Kept(self._own)
        else:
            if self._keep:
                self._keep.mkdir(parents=True, exist_ok=True)
            folder = tempfile.TemporaryDirectory(prefix="census-", dir=self._keep)
            self._used = Kept(Path(self._stack.enter_context(folder)))
        return self._used

    def clear(self) -> None:
        """Delete what is not needed any more."""
        if self._used:
            self._used.delete()

    def _lock(self, own: Path) -> bool:
        if not self._locked:
            try:
                self._stack.enter_context(held(own.with_suffix(".lock"), "census"))
            except InputError:
                return False
            self._locked = True
        return True


def _forget_old(keep: Path) -> None:
    """Delete what censuses left that were killed long ago and were never asked for again."""
    for own in keep.iterdir() if keep.is_dir() else ():
        lock = own.with_suffix(".lock")
        with suppress(OSError, InputError):  # held: its census lives, however long it takes
            if own.is_dir() and not own.is_symlink() and _age(own) > OLD:
                with held(lock, "census"):
                    Kept(own).delete()
            elif own == lock and _age(own) > OLD and not own.with_suffix("").exists():
                with held(lock, "census"):
                    pass  # which deletes it


def _age(path: Path) -> float:
    """Seconds since something in a folder, or a file, was written; of the folder and one below."""
    newest: float = max(
        part.stat().st_mtime for part in (path, *(path.iterdir() if path.is_dir() else ()))
    )
    return time.time() - newest


class _Dealt:
    """The prompts read so far: in memory, or dealt out to shards on disk."""

    def __init__(self, place: Callable[[], Kept]) -> None:
        self._place = place
        self._held: list[pa.RecordBatch] = []
        self._rows = 0
        self._kept: Kept | None = None
        self._spill: Spill | None = None

    def add(self, code: int, prompts: pa.LargeStringArray) -> None:
        source = pa.array(np.full(len(prompts), code, dtype=np.int16))
        rows = pa.record_batch([source, prompts], schema=_PROMPTS)
        self._rows += len(rows)
        if self._spill is None and self._rows > IN_MEMORY:
            self._kept = self._place()
            self._spill = Spill(self._kept.prompts, _PROMPTS)
            for held in self._held:
                self._deal(self._spill, held)
            self._held = []
        if self._spill is None:
            self._held.append(rows)
        else:
            self._deal(self._spill, rows)

    @property
    def rows(self) -> pa.Table:
        """What is in memory."""
        return pa.Table.from_batches(self._held, schema=_PROMPTS)

    def finish(self) -> Kept | None:
        """The shards, if they are on disk."""
        if self._spill:
            self._spill.finish()
        return self._kept

    @staticmethod
    def _deal(spill: Spill, rows: pa.RecordBatch) -> None:
        (key,) = keys(rows.column(1), "shard")
        spill.add(rows, key)


def _in_memory(
    rows: pa.Table, encoders: Sequence[Encoder], ask: Ask, steps: Steps
) -> tuple[ShardCounts, list[Overlap]]:
    steps(f"Tokenizing {len(rows):,} prompts")
    counts, cleaned = _counted(rows, encoders, ask)
    return counts, [part.overlap() for part in cleaned]


def _on_disk(
    kept: Kept, encoders: Sequence[Encoder], ask: Ask, steps: Steps
) -> tuple[ShardCounts, list[Overlap]]:
    whole: ShardCounts | None = None
    reused = 0
    for shard in range(SHARDS):
        counts = kept.counts(shard)
        reused += counts is not None
        rows = waiting(kept.prompts, shard) if counts is None else None
        if rows is not None:
            steps(f"Tokenizing part {shard + 1} of {SHARDS}: {len(rows):,} prompts")
            counts, cleaned = _counted(rows, encoders, ask)
            kept.keep(shard, counts, [part.hashes() for part in cleaned])
        if counts is not None:
            path_of(kept.prompts, shard).unlink(missing_ok=True)
            whole = counts if whole is None else total([whole, counts])
    if whole is None:
        raise ValueError("no shards")
    if reused:
        remark(steps, f"Reused: {reused} of {SHARDS} parts of the corpus, counted before")
    steps("Counting cleaned prompts")
    return whole, [_cleaned(kept, number, ask.sources) for number in range(len(encoders))]


def _counted(
    rows: pa.Table, encoders: Sequence[Encoder], ask: Ask
) -> tuple[ShardCounts, list[Cleaned]]:
    prompts = rows["prompt"].combine_chunks()
    return count(corpus_of(rows["source"].to_numpy(), prompts, ask.sources), encoders, ask)


def _cleaned(kept: Kept, number: int, sources: int) -> Overlap:
    whole = Overlap.none(sources)
    for hashes in kept.hashes(number, CLEANED):
        whole = whole + overlap(hashes, sources)
    return whole
