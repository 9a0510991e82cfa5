"""Shards on disk: rows are dealt out by a hash and come back shard by shard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from anatomy.census.kept import SHARDS, Full, path_of

_WAITING = 2**26  # bytes that wait to be dealt out together


def shards_of(key: np.ndarray, shards: int = SHARDS) -> np.ndarray:
    """The shard that each key (uint64 [N]) belongs to, by its highest bits; int32 [N].

    `shards` is a power of two.
    """
    found: np.ndarray = (key >> np.uint64(65 - shards.bit_length())).astype(np.int32)
    return found


def waiting(folder: Path, shard: int) -> pa.Table | None:
    """All rows of a shard, in the order they came; None if there are none."""
    path = path_of(folder, shard)
    if not path.exists():
        return None
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_stream(file).read_all()


class Spill:
    """Rows of one schema in `SHARDS` files.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    schema : pa.Schema

    Raises
    ------
    InputError
        From all of it, if the folder cannot be written to, or the disk is full.
    """

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self._folder, self._schema = folder, schema
        self._waiting: list[pa.RecordBatch] = []
        self._shards: list[np.ndarray] = []
        self._bytes = 0
        self._writers: dict[int, tuple[pa.NativeFile, pa.ipc.RecordBatchStreamWriter]] = {}
        with Full(self._folder):
            folder.mkdir(parents=True, exist_ok=True)

    def add(self, rows: pa.RecordBatch, key: np.ndarray) -> None:
        """Deal rows out by their keys, uint64 [N]: the highest bits decide."""
        self._waiting.append(rows)
        self._shards.append(shards_of(key))
        self._bytes += rows.nbytes
        if self._bytes >= _WAITING:
            self._deal()

    def finish(self) -> None:
        """Write what waits; no more comes."""
        with Full(self._folder):
            if self._waiting:
                self._deal()
            for file, writer in self._writers.values():
                writer.close()
                file.close()
            self._writers.clear()

    def _path(self, shard: int) -> Path:
        return path_of(self._folder, shard)

    def _deal(self) -> None:
        table = pa.Table.from_batches(self._waiting).combine_chunks()
        shards = np.concatenate(self._shards)
        self._waiting, self._shards, self._bytes = [], [], 0
        order = np.argsort(shards, kind="stable")
        ends = np.searchsorted(shards[order], np.arange(SHARDS + 1))
        sorted_rows = table.take(pa.array(order))
        with Full(self._folder):
            for shard in range(SHARDS):
                begin, end = int(ends[shard]), int(ends[shard + 1])
                if begin < end:
                    part = sorted_rows.slice(begin, end - begin).combine_chunks()
                    self._writer(shard).write_table(part)

    def _writer(self, shard: int) -> pa.ipc.RecordBatchStreamWriter:
        if shard not in self._writers:
            file = pa.OSFile(str(self._path(shard)), "wb")
            self._writers[shard] = file, pa.ipc.new_stream(file, self._schema)
        return self._writers[shard][1]
