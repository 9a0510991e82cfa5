"""A user's own prompts: .txt, .csv, .tsv, .jsonl, .json and .parquet files.

The text formats may be compressed (.gz, .zst). Text is UTF-8, with or without a byte order mark;
a row of a line-based format that is not is refused and counted, as are empty rows and rows that
are no strings. Nothing is guessed: "NA", "null" and "1.0" in a .csv are prompts of these letters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from anatomy.corpus import rawfiles, rows
from anatomy.corpus.lines import Picked, json_lines, text_lines
from anatomy.corpus.model import NOTHING, Reading, joined
from anatomy.corpus.packed import PIECE, Packed
from anatomy.corpus.separated import separated
from anatomy.errors import InputError
from anatomy.files import sha256_of, shown

FORMATS = (".txt", ".csv", ".tsv", ".jsonl", ".json", ".parquet")
COMPRESSIONS = (".gz", ".zst")
# Columns taken without asking, first of these first.
USUAL_COLUMNS = ("prompt", "text", "caption", "name")

_PARQUET_ROWS = 2**12  # at a time: few enough that none of them can fill the memory
_SHOWN_COLUMNS = 20
TEXT_PIECE = 2**27  # bytes of a .txt that are read at once by one of several readers
_FOOTER = 2**24  # bytes of a Parquet file's footer that are looked at

Values: TypeAlias = "Sequence[object] | pa.Array | pa.ChunkedArray"


def format_of(path: Path) -> tuple[str, str] | None:
    """(format, compression or "") by the file's name; None if it is none of ours."""
    name, compression = path.name.lower(), ""
    for suffix in COMPRESSIONS:
        if name.endswith(suffix):
            name, compression = name.removesuffix(suffix), suffix
    for suffix in FORMATS:
        if name.endswith(suffix) and not (suffix == ".parquet" and compression):
            return suffix, compression
    return None


def stem_of(path: Path) -> str:
    """The file's name without the suffixes of `format_of`."""
    found = format_of(path)
    return path.name[: -len("".join(found))] if found else path.stem


def read_table(path: Path, column: str | None = None) -> Reading:
    """All prompts of one file; see `stream_table`."""
    return joined(stream_table(path, column))


def stream_table(path: Path, column: str | None = None) -> Iterator[Reading]:
    """Read the prompts of one file, a part after the other.

    Of a .json alone all has to be in memory.

    Parameters
    ----------
    path : Path
        Its suffixes say what it is.
    column : str, optional
        Of a .csv, .tsv, .parquet or of JSON objects. Without it: the only column there is, else
        the first of `USUAL_COLUMNS`.

    Yields
    ------
    Reading
        The last part has the record of the file.

    Raises
    ------
    InputError
        The file cannot be read, is not what its suffix says, has no such column or several to
        choose from, or is not UTF-8 as a whole. A file without a usable row is left to `build`.
    """
    where = shown(path)
    if not path.is_file():
        rawfiles.read_bytes(path)  # says what is wrong with it
    found = format_of(path)
    if found is None:
        raise InputError(
            f"{where}: is not a kind of file that is read; use {', '.join(FORMATS)} "
            "(text ones also .gz, .zst)"
        )
    kind, compression = found
    if kind == ".parquet":
        before = _state(path)
        yield from parquet_part(path, column)
        yield from file_record(path)
        if _state(path) != before:  # it is read twice: what is hashed must be what is counted
            raise _changed(where)
        return
    if kind == ".json":
        raw = rawfiles.read_bytes(path)
        record = rawfiles.record(path, raw)
        document = rawfiles.parse_json(rawfiles.unpacked(raw, compression, where), where)
        yield replace(_reading(_json_rows(document, column, where)), files=(record,))
        return
    with Packed(path, compression, where) as file:
        for values, refused in _values(file, kind, column, where):
            yield _reading(values, refused)
        yield replace(NOTHING, files=(file.finish(),))


def pieces(paths: Sequence[Path], column: str | None) -> Iterator[Callable[[], Iterator[Reading]]]:
    """What reads these files piece by piece.

    A Parquet file by its groups of rows, a large .txt that is not packed by its bytes; others are
    one piece.
    """
    for path in paths:
        if reads := _cut(path, column):
            version = _version(path)
            reads.append(partial(file_record, path))
            yield from (partial(_unchanged, path, version, read) for read in reads)
        else:
            yield partial(stream_table, path, column)


def _cut(path: Path, column: str | None) -> list[Callable[[], Iterator[Reading]]]:
    """What reads the rows of a file that has pieces; nothing for one that has none."""
    kind = format_of(path)
    if kind == (".parquet", ""):
        return [partial(parquet_part, path, column, [group]) for group in range(_row_groups(path))]
    if kind == (".txt", "") and column is None and (size := _size(path)) > TEXT_PIECE:
        begins = range(0, size, TEXT_PIECE)
        return [partial(_text_part, path, at, min(at + TEXT_PIECE, size)) for at in begins]
    return []


def parquet_part(
    path: Path, column: str | None, groups: Sequence[int] | None = None
) -> Iterator[Reading]:
    """The prompts of some groups of rows of a Parquet file, or of all; without its record."""
    yield from (_reading(values) for values in _parquet(path, column, groups, shown(path)))


def _text_part(path: Path, begin: int, end: int) -> Iterator[Reading]:
    """The prompts of a .txt whose lines begin at these bytes; without its record."""
    where = shown(path)
    with Packed(path, "", where, (begin, end)) as file:
        for lines in text_lines(file, where, whole=False):
            yield _reading(lines)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # the reader says what is wrong


def file_record(path: Path) -> Iterator[Reading]:
    """The record of a file, without prompts."""
    with rawfiles.Faults(shown(path)):
        record = rawfiles.recorded(path, path.stat().st_size, sha256_of(path))
    yield replace(NOTHING, files=(record,))


def _unchanged(
    path: Path, version: str, read: Callable[[], Iterator[Reading]]
) -> Iterator[Reading]:
    """Read a piece of a file that must be as it was when it was cut into pieces, here or there."""
    if _version(path) != version:  # its groups of rows may be others, or not there
        raise _changed(shown(path))
    yield from read()
    if _version(path) != version:
        raise _changed(shown(path))


def _version(path: Path) -> str:
    """Hash over the size and the end of a file: equal for copies on other machines.

    A Parquet file ends with a footer that tells where each column's pages lie, how many rows and
    which extremes they have. Of a text it is the last 64 KiB.
    """
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - 8))
            length = int.from_bytes(stream.read(4), "little")
            length = length if path.suffix.lower() == ".parquet" else 2**16
            stream.seek(max(0, size - 8 - min(length, _FOOTER)))
            return hashlib.sha256(b"%d " % size + stream.read()).hexdigest()
    except OSError:
        return ""  # the reader says what is wrong


def _changed(where: str) -> InputError:
    return InputError(f"{where}: changed while it was read; run again when it is at rest")


def _state(path: Path) -> tuple[int, int, int]:
    """What is another for another file under its name, or another content of it, on one machine."""
    with rawfiles.Faults(shown(path)):
        stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _values(
    file: Packed, kind: str, column: str | None, where: str
) -> Iterator[tuple[Values, dict[str, int]]]:
    """The values of a text format's rows, and rows that have none."""

    def chosen(columns: Sequence[str]) -> str:
        return choose(columns, column, where)

    if kind == ".txt":
        if column is not None:
            raise InputError(f"{where}: a .txt has no columns; leave out {shown(':' + column)}")
        yield from ((lines, {}) for lines in text_lines(file, where))
    elif kind == ".jsonl":
        yield from ((values, {}) for values in json_lines(file, column, chosen, where))
    else:
        yield from separated(file, "\t" if kind == ".tsv" else ",", chosen, where)


def _reading(values: Values, refused: Mapping[str, int] | None = None) -> Reading:
    prompts, more = rows.usable(values)
    bad = dict(refused or {})
    rows.add_refused(bad, more)
    return Reading(prompts, (), len(prompts) + sum(bad.values()), bad)


def choose(columns: Sequence[str], wanted: str | None, where: str) -> str:
    """The column to read out of `columns`."""
    listed = ", ".join(shown(name) for name in columns[:_SHOWN_COLUMNS]) or "none"
    if len(columns) > _SHOWN_COLUMNS:
        listed += f" and {len(columns) - _SHOWN_COLUMNS} more"
    if wanted is None:
        usual = [name for name in USUAL_COLUMNS if name in columns]
        if len(columns) != 1 and not usual:
            raise InputError(f"{where}: which column? name one, {where}:COLUMN; it has {listed}")
        wanted = usual[0] if usual else columns[0]
    if wanted not in columns:
        raise InputError(f"{where}: has no column {shown(wanted)}; it has {listed}")
    if columns.count(wanted) > 1:
        raise InputError(
            f"{where}: has {columns.count(wanted)} columns called {shown(wanted)}; rename them"
        )
    return wanted


def _json_rows(document: Any, column: str | None, where: str) -> Values:
    """The rows of a JSON document: a list of strings or objects, or an object of columns."""
    if isinstance(document, list):
        picked = Picked(column, lambda columns: choose(columns, column, where), where)
        values = picked.of(document)
        picked.finish()
        return values
    if isinstance(document, dict):
        columns: dict[str, list[object]] = {
            name: values for name, values in document.items() if isinstance(values, list)
        }
        if columns:
            return columns[choose(list(columns), column, where)]
    raise InputError(
        f"{where}: has neither a list of prompts nor columns of them; "
        'write ["a cat", ...] or {"prompt": ["a cat", ...]}'
    )


def _row_groups(path: Path) -> int:
    """How many a Parquet file has; 1 for one that says so when it is read."""
    try:
        with path.open("rb") as stream, pq.ParquetFile(stream) as file:
            return int(file.metadata.num_row_groups)
    except (pa.ArrowException, OSError, ValueError):
        return 1


def _parquet(
    path: Path, column: str | None, groups: Sequence[int] | None, where: str
) -> Iterator[Values]:
    """One column; the others, which may be images, are never read."""
    size = 0
    try:
        size = path.stat().st_size
        with path.open("rb") as stream, pq.ParquetFile(stream) as file:
            schema = file.schema_arrow
            chosen = choose(schema.names, column, where)
            kind = schema.field(chosen).type
            if not rows.is_text(kind):
                raise InputError(
                    f"{where}: column {shown(chosen)} is {shown(kind)}, not text; name another, "
                    f"{where}:COLUMN"
                )
            parts: list[pa.Array] = []
            ready = total = 0
            for batch in file.iter_batches(_PARQUET_ROWS, row_groups=groups, columns=[chosen]):
                part = batch.column(0)
                part = part.dictionary_decode() if pa.types.is_dictionary(kind) else part
                total += part.nbytes
                ready += part.nbytes
                rawfiles.check_ratio(total, size, where)
                parts.append(part)
                if ready >= PIECE:
                    yield pa.chunked_array(parts)
                    parts, ready = [], 0
            if parts:
                yield pa.chunked_array(parts)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(
            f"{where}: is not a whole parquet file ({rawfiles.one_line(error)}); get it again"
        ) from error
