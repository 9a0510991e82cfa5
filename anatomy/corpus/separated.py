"""Tables of text with a header row: .csv and .tsv, a block of the file at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from anatomy.corpus import rawfiles
from anatomy.corpus.lines import Choose
from anatomy.corpus.packed import Packed
from anatomy.errors import InputError

WRONG_WIDTH = "wrong number of columns"

_BLOCK = 2**24  # Arrow reads in blocks and refuses a row that is longer than one
_LAST = b"end of the table"


def separated(
    file: Packed, separator: str, choose: Choose, where: str
) -> Iterator[tuple[pa.Array | None, dict[str, int]]]:
    """One column, as bytes: whether they are UTF-8 is decided row by row.

    Arrow shows the rows that it skips as text, and fails where they are none. So each byte is
    given to it as the character of that number, and taken back.

    Yields
    ------
    (values, refused)
        Rows of another width than the header's come as refused, with the last block.
    """
    wrong = 0

    def skip(_row: object) -> str:
        nonlocal wrong
        wrong += 1
        return "skip"

    head = rawfiles.without_bom(file.read(_BLOCK), where)
    if not head.strip():
        raise InputError(f"{where}: is empty; it needs a header row and rows")
    last: pa.Array | None = None
    try:
        text = io.StringIO(head.decode(errors="replace"), newline="")
        names = next(csv.reader(text, delimiter=separator))
        chosen = choose(names).encode().decode("latin-1")
        # A quote that is never closed swallows the rest of the file, and Arrow does not mind. So
        # the last row is one of ours, and it has to come out whole.
        end = b"\n" + separator.encode().join([_LAST] * len(names))
        reader = pyarrow.csv.open_csv(
            pa.PythonFile(io.BufferedReader(_Ended(head, file, end))),  # no short reads
            pyarrow.csv.ReadOptions(block_size=_BLOCK),
            pyarrow.csv.ParseOptions(
                delimiter=separator,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=skip,
            ),
            pyarrow.csv.ConvertOptions(
                column_types={chosen: pa.large_binary()}, include_columns=[chosen]
            ),
        )
        for batch in reader:
            if last is not None:
                yield last, {}
            last = _taken_back(batch.column(0)) if len(batch) else last
    except (pa.ArrowException, csv.Error, ValueError) as error:
        raise InputError(
            f"{where}: is not a whole table ({rawfiles.one_line(error)}); check its quotes and "
            "separators"
        ) from error
    if last is None or not len(last) or last[-1].as_py() != _LAST:
        raise InputError(f"{where}: has a quote that is never closed; check its last rows")
    yield last[:-1], {WRONG_WIDTH: wrong} if wrong else {}


def _as_characters(data: bytes) -> bytes:
    return data if data.isascii() else data.decode("latin-1").encode()


def _taken_back(values: pa.LargeBinaryArray) -> pa.LargeBinaryArray:
    """The bytes that `_as_characters` made these of."""
    _, ends, data = values.buffers()
    offsets = np.frombuffer(ends, np.int64)[values.offset : values.offset + len(values) + 1]
    held = np.frombuffer(data or b"", np.uint8)[offsets[0] : offsets[-1]]
    if not (held > 0x7F).any():
        return values
    characters = np.zeros(len(held) + 1, np.int64)
    np.cumsum((held & 0xC0) != 0x80, out=characters[1:])
    plain = held.tobytes().decode().encode("latin-1")
    places = characters[offsets - offsets[0]]
    buffers = [None, pa.py_buffer(places), pa.py_buffer(plain)]
    return pa.Array.from_buffers(pa.large_binary(), len(values), buffers)


class _Ended(io.RawIOBase):
    """A file whose last line breaks are left out, and an end put in their place."""

    def __init__(self, head: bytes, file: Packed, end: bytes) -> None:
        self._ready, self._file, self._end = _as_characters(head), file, end
        self._open = True

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while self._open and len(self._ready.rstrip(b"\r\n")) == 0:
            self._more()
        # Line breaks wait for what comes after them.
        bare = len(self._ready.rstrip(b"\r\n")) if self._open else len(self._ready)
        number = min(len(target), bare)
        target[:number] = self._ready[:number]
        self._ready = self._ready[number:]
        return number

    def _more(self) -> None:
        part = self._file.read(_BLOCK)
        if part:
            self._ready += _as_characters(part)
        else:
            self._ready = self._end
            self._open = False
