"""The folder of a census that goes through the disk: what is finished stays if the run is killed.

    <keep>/<what is counted, hashed>/
        prompts/NNN.arrow      the prompts of a shard, until it is counted
        read.json              what reading them found; written when all are there
        cleaned/K-NNN.hashes   of encoder K, the shard's cleaned prompts, in order
        counts/NNN.npz         everything else that was counted of the shard, written last

A run that ends deletes it. One with other files, encoders or settings has another name.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from anatomy.census.model import Ask, ShardCounts
from anatomy.census.stored import from_bytes, to_bytes
from anatomy.corpus.build import Opened
from anatomy.corpus.model import Reading, SourceFile
from anatomy.encoders import Encoder
from anatomy.errors import InputError
from anatomy.files import sha256_of, shown, write_whole

SHARDS = 256
_FORMAT = 2
_READ = "read.json"


def path_of(folder: Path, shard: int) -> Path:
    """The file in which a shard's prompts wait."""
    return folder / f"{shard:03}.arrow"


def identity(sources: Sequence[Opened], encoders: Sequence[Encoder], ask: Ask) -> str | None:
    """Says what is counted; None where it cannot be read again, so that nothing need be kept.

    Files count by name, size and time here; `Kept.readings` looks at their hashes.
    """
    parts: list[object] = [_FORMAT, asdict(ask)]
    for source in sources:
        if source.files is None:
            return None
        parts.append([source.name, source.kind, source.title])
        try:
            stats = [(path, path.stat()) for path in source.files]
        except OSError:
            return None
        parts += [[str(path), stat.st_size, stat.st_mtime] for path, stat in stats]
    for encoder in encoders:
        tokenizer = encoder.tokenizer
        parts.append([encoder.name, tokenizer.description, tokenizer.vocabulary_size])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


class Kept:
    """One census's folder.

    Raises
    ------
    InputError
        From what writes, if the folder takes no more.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def prompts(self) -> Path:
        """The folder of the shards."""
        return self.root / "prompts"

    def readings(self, sources: Sequence[Opened]) -> list[tuple[Reading, int]] | None:
        """What an earlier run read, if it read all and no file has changed since."""
        try:
            whole = json.loads((self.root / _READ).read_bytes())
            kept = whole["sources"]
            if not all(self._there(int(shard)) for shard in whole["shards"]):
                return None
            found = [(reading_of(one["reading"]), int(one["usable"])) for one in kept]
            for source, (reading, _) in zip(sources, found, strict=True):
                hashes = [file.sha256 for file in reading.files]
                if [sha256_of(path) for path in source.files or ()] != hashes:
                    return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found

    def keep_readings(self, readings: Sequence[tuple[Reading, int]]) -> None:
        """Say that all prompts are in their shards."""
        content = [
            {
                "usable": usable,
                "reading": kept_of(reading),
            }
            for reading, usable in readings
        ]
        shards = [int(path.stem) for path in sorted(self.prompts.iterdir())]
        whole = {"sources": content, "shards": shards}
        self._write(self.root / _READ, json.dumps(whole).encode())

    def _there(self, shard: int) -> bool:
        """Whether a shard is still there, counted or not: a disk may lose what was written last."""
        return path_of(self.prompts, shard).exists() or self.counts(shard) is not None

    def counts(self, shard: int) -> ShardCounts | None:
        """What was counted of a shard, if it was."""
        try:
            return from_bytes((self.root / "counts" / f"{shard:03}.npz").read_bytes())
        except (OSError, ValueError):
            return None

    def keep(self, shard: int, counts: ShardCounts, hashes: Sequence[np.ndarray]) -> None:
        """Keep what was counted of a shard; `hashes` of its cleaned prompts for each encoder."""
        for number, part in enumerate(hashes):
            self._write(self._cleaned(number, shard), part.tobytes())
        self._write(self.root / "counts" / f"{shard:03}.npz", to_bytes(counts))

    def hashes(self, number: int, dtype: np.dtype) -> Iterator[np.ndarray]:
        """An encoder's cleaned prompts of all shards, a range of their hashes after the other.

        Read, not mapped into memory: what is mapped counts as this process's as long as the
        system does not need the room.
        """
        folder = self._cleaned(number, 0).parent
        paths = sorted(folder.glob(f"{number}-*.hashes"))
        bounds = np.arange(1, SHARDS, dtype=np.uint64) << np.uint64(56)
        ends = []
        for path in paths:
            part = np.memmap(path, dtype, mode="r")
            ends.append([0, *np.searchsorted(part["high"], bounds).tolist(), len(part)])
            del part
        for at in range(SHARDS):
            here = [np.zeros(0, dtype=dtype)]
            for path, end in zip(paths, ends, strict=True):
                if end[at] < end[at + 1]:
                    begin, number_of_rows = end[at] * dtype.itemsize, end[at + 1] - end[at]
                    here.append(np.fromfile(path, dtype, count=number_of_rows, offset=begin))
            yield np.concatenate(here)

    def delete(self) -> None:
        """All of it; what says that all prompts are there goes first.

        Else a run that is killed in between would leave a folder that looks whole, and is not.
        """
        with suppress(OSError):
            (self.root / _READ).unlink(missing_ok=True)
        shutil.rmtree(self.root, ignore_errors=True)

    def _cleaned(self, number: int, shard: int) -> Path:
        return self.root / "cleaned" / f"{number}-{shard:03}.hashes"

    def _write(self, path: Path, data: bytes) -> None:
        with Full(self.root):
            write_whole(path, data)


def kept_of(reading: Reading) -> dict[str, Any]:
    """A reading without its prompts, as JSON has it."""
    return {
        "files": [asdict(file) for file in reading.files],
        "rows": reading.rows,
        "refused": dict(reading.refused),
        "notes": dict(reading.notes),
        "sha256": reading.sha256,
    }


def reading_of(kept: Mapping[str, Any]) -> Reading:
    """A reading without its prompts, from what was kept of it."""
    return Reading(
        prompts=pa.array([], type=pa.large_string()),
        files=tuple(SourceFile(**file) for file in kept["files"]),
        rows=int(kept["rows"]),
        refused={str(reason): int(count) for reason, count in kept["refused"].items()},
        notes={str(note): int(count) for note, count in kept["notes"].items()},
        sha256=kept["sha256"],
    )


class Full:
    """A context in which a disk that takes no more becomes one line, an `InputError`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, OSError):
            raise InputError(
                f"{shown(self._folder)}: a large corpus waits there while it is counted, and "
                f"cannot be written ({shown(error.strerror or error)}); make room, or name another "
                "folder with ANATOMY_CACHE; what is finished is kept"
            ) from error
