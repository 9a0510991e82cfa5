"""A file read once, from its beginning to its end: hashed as read, unpacked if it is packed."""

from __future__ import annotations

import gzip
import hashlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from anatomy.corpus import rawfiles
from anatomy.corpus.model import SourceFile
from anatomy.errors import InputError

PIECE = 2**24  # bytes
LONGEST_LINE = 2**26  # bytes: a thousand times what a prompt may have


class Packed:
    """Reads a file that may be packed; what is hashed is what is read.

    Parameters
    ----------
    path : Path
    compression : {"", ".gz", ".zst"}
    where : str
        Names it in messages.
    within : tuple of (int, int), optional
        Of a file that is not packed: only lines that begin at these bytes, the second left out. It
        cannot be finished, then.

    Raises
    ------
    InputError
        From here, `read` and `finish`: it cannot be read, is damaged, or unpacks to far more than
        it should.
    """

    def __init__(
        self,
        path: Path,
        compression: str,
        where: str,
        within: tuple[int, int] | None = None,
    ) -> None:
        self._path, self._where, self._compression = path, where, compression
        stream = rawfiles.opened(path)
        self._raw = _Hashed(stream)
        self._bytes = path.stat().st_size
        self._begin, self._left = 0, sys.maxsize  # where it is read from, and how much of it
        if within is not None:
            with self._faults():
                self._begin = _line_from(path, within[0])
                self._left = max(0, _line_from(path, within[1]) - self._begin)
                stream.seek(self._begin)
        self._unpacked = 0
        self.mark = 0  # bytes of a byte order mark that `lines` left out
        self._stream: Any = self._raw
        with self._faults():
            if compression == ".gz":
                self._stream = gzip.GzipFile(fileobj=io.BufferedReader(self._raw))
            elif compression == ".zst":
                whole = pa.PythonFile(io.BufferedReader(self._raw))  # no short reads
                self._stream = pa.input_stream(whole, compression="zstd")

    def __enter__(self) -> Packed:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    def read(self, size: int = PIECE) -> bytes:
        """The next bytes, `size` of them unless the file ends."""
        parts: list[bytes] = []
        left = size = min(size, self._left)
        while left:
            with self._faults():
                part = self._stream.read(left)
            if not part:
                break
            parts.append(part)
            left -= len(part)
        self._unpacked += size - left
        self._left -= size - left
        if self._compression:
            rawfiles.check_ratio(self._unpacked, self._bytes, self._where)
        return b"".join(parts)

    def lines(self) -> Iterator[bytes]:
        r"""Pieces of whole lines, each but the last ended by "\n"; the byte order mark is gone."""
        left = b""
        first = self._begin == 0
        while part := self.read():
            if first:
                bare = rawfiles.without_bom(part, self._where)
                self.mark, part, first = len(part) - len(bare), bare, False
            end = part.rfind(b"\n") + 1
            if end:
                yield left + part[:end]
                left = part[end:]
            else:
                left += part
            if len(left) > LONGEST_LINE:
                raise InputError(
                    f"{self._where}: has a line of more than {LONGEST_LINE // 2**20} MiB; is it a "
                    "text with a prompt a line?"
                )
        if left:
            yield left

    def finish(self) -> SourceFile:
        """The file's record, once all of it was read."""
        with self._faults():
            while self._raw.read(PIECE):
                pass
        return rawfiles.recorded(self._path, self._raw.size, self._raw.digest.hexdigest())

    def _faults(self) -> rawfiles.Faults:
        return rawfiles.Faults(self._where, self._compression)


def _line_from(path: Path, at: int) -> int:
    """Where the first line begins that begins at this byte or after it; the file's end, if none."""
    if at == 0:
        return 0
    with path.open("rb") as stream:
        stream.seek(at - 1)
        stream.readline(LONGEST_LINE)
        return stream.tell()


class _Hashed(io.RawIOBase):
    """A file that is hashed as it is read."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        view = memoryview(target)
        number: int = self._stream.readinto(view)
        self.digest.update(view[:number])
        self.size += number
        return number

    def close(self) -> None:
        self._stream.close()
        super().close()
