"""Line by line: .txt and .jsonl, a piece of the file at a time."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import AnyStr

from anatomy.corpus import rawfiles, rows
from anatomy.corpus.packed import Packed
from anatomy.errors import InputError
from anatomy.files import shown

Choose = Callable[[Sequence[str]], str]  # the column to read, of those that there are


def text_lines(file: Packed, where: str, *, whole: bool = True) -> Iterator[list[object]]:
    r"""The lines of a text: "\n" and "\r\n" end one, and nothing else does (no U+2028, no "\f").

    If nothing at all decodes of a whole file, it is in another encoding, and that is the error.
    """
    first_fault: InputError | None = None
    any_text = False
    before = passed = 0  # bytes and lines of the pieces before
    for piece in file.lines():
        lines: list[object]
        try:
            lines = list(_split(piece.decode(), "\n", "\r"))
            any_text |= bool(piece.strip())
        except UnicodeDecodeError as error:
            lines = rows.decoded(_split(piece, b"\n", b"\r"))
            any_text |= any(isinstance(line, str) and bool(line.strip()) for line in lines)
            if first_fault is None:
                at = error.start
                line = passed + piece.count(b"\n", 0, at) + 1
                first_fault = rawfiles.not_utf8(where, file.mark + before + at, line, piece[at])
        yield lines
        before += len(piece)
        passed += len(lines)
    if whole and first_fault is not None and not any_text:
        raise first_fault


def _split(text: AnyStr, line_feed: AnyStr, carriage_return: AnyStr) -> list[AnyStr]:
    """The lines of a piece that ends with one."""
    unix = text.replace(carriage_return + line_feed, line_feed)
    return unix.removesuffix(line_feed).split(line_feed)


def json_lines(
    file: Packed, column: str | None, choose: Choose, where: str
) -> Iterator[list[object]]:
    """The value of each line, or of objects the column's.

    Which column is decided where the first objects are: a later piece of a large file cannot
    bring a better one.
    """
    parse = json.JSONDecoder().raw_decode
    picked = Picked(column, choose, where)
    number = 0
    for lines in text_lines(file, where):
        values: list[object] = []
        for line in lines:
            number += 1
            if not isinstance(line, str):
                values.append(line)
                continue
            text = line.strip(" \t\r")
            if not text:
                values.append("")  # refused as empty, like a blank line of a .txt
                continue
            try:
                value, end = parse(text)
            except (ValueError, RecursionError):
                end = -1
            if end != len(text):
                raise InputError(
                    f"{where}: line {number:,} is not JSON ({shown(text[:60])}); fix or remove it"
                )
            values.append(value)
        yield picked.of(values)
    picked.finish()


class Picked:
    """Of JSON values: strings as they are, objects' column."""

    def __init__(self, column: str | None, choose: Choose, where: str) -> None:
        self._column, self._choose, self._where = column, choose, where
        self._chosen: str | None = None

    def of(self, values: Iterable[object]) -> list[object]:
        """What is picked of these, in order."""
        values = list(values)
        if self._chosen is None:
            objects = (value for value in values if isinstance(value, dict))
            names = dict.fromkeys(itertools.chain.from_iterable(objects))
            if not names:
                return values
            self._chosen = self._choose(list(names))
        chosen = self._chosen
        return [value.get(chosen) if isinstance(value, dict) else value for value in values]

    def finish(self) -> None:
        """Refuse a column where no object had any; InputError."""
        if self._chosen is None and self._column is not None:
            raise InputError(
                f"{self._where}: has no columns; leave out {shown(':' + self._column)}"
            )
