"""A user's own prompts: .txt, .csv, .tsv, .jsonl, .json and .parquet files.

The text formats may be compressed (.gz, .zst). Text is UTF-8, with or without a byte order mark;
a row of a line-based format that is not is refused and counted, as are empty rows and rows that
are no strings. Nothing is guessed: "NA", "null" and "1.0" in a .csv are prompts of these letters.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from anatomy.corpus import rawfiles, rows
from anatomy.corpus.model import Reading, SourceFile
from anatomy.errors import InputError
from anatomy.files import sha256_of, shown

FORMATS = (".txt", ".csv", ".tsv", ".jsonl", ".json", ".parquet")
COMPRESSIONS = (".gz", ".zst")
# Columns taken without asking, first of these first.
USUAL_COLUMNS = ("prompt", "text", "caption", "name")
WRONG_WIDTH = "wrong number of columns"

# Arrow reads a .csv in blocks and refuses a row that is longer than one.
_CSV_BLOCK = 2**24
_PARQUET_ROWS = 2**12  # at a time: few enough that none of them can fill the memory
_SHOWN_COLUMNS = 20

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
    """Read the prompts of one file.

    Parameters
    ----------
    path : Path
        Its suffixes say what it is.
    column : str, optional
        Of a .csv, .tsv, .parquet or of JSON objects. Without it: the only column there is, else
        the first of `USUAL_COLUMNS`.

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
    refused: dict[str, int] = {}
    if kind == ".parquet":
        values, record = _parquet(path, column, where)
    else:
        raw = rawfiles.read_bytes(path)
        record = rawfiles.record(path, raw)
        data = rawfiles.unpacked(raw, compression, where)
        del raw
        if kind == ".txt":
            if column is not None:
                raise InputError(f"{where}: a .txt has no columns; leave out {shown(':' + column)}")
            values = _lines(data, where)
        elif kind in (".csv", ".tsv"):
            values, refused = _csv(data, "\t" if kind == ".tsv" else ",", column, where)
        elif kind == ".jsonl":
            values = _picked(_json_lines(data, where), column, where)
        else:
            values = _json_rows(rawfiles.parse_json(data, where), column, where)
    prompts, more = rows.usable(values)
    rows.add_refused(refused, more)
    return Reading(prompts, (record,), len(prompts) + sum(refused.values()), refused)


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


def _lines(data: bytes, where: str) -> list[object]:
    r"""The lines of a text: "\n" and "\r\n" end one, and nothing else does (no U+2028, no "\f").

    If nothing at all decodes, the file is in another encoding, and that is the error.
    """
    text = rawfiles.without_bom(data, where)
    if not text:
        return []
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        lines = rows.decoded(text.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n"))
        if not any(isinstance(line, str) and line.strip() for line in lines):
            raise rawfiles.not_utf8(data, error, where) from None
        return lines
    return list(decoded.replace("\r\n", "\n").removesuffix("\n").split("\n"))


def _csv(
    data: bytes, separator: str, column: str | None, where: str
) -> tuple[Values, dict[str, int]]:
    """One column of a table with a header row; rows of another width are counted."""
    data = rawfiles.without_bom(data, where)
    if not data.strip():
        raise InputError(f"{where}: is empty; it needs a header row and rows")
    wrong = 0

    def skip(_row: object) -> str:
        nonlocal wrong
        wrong += 1
        return "skip"

    try:
        head = io.StringIO(data[:_CSV_BLOCK].decode(errors="replace"), newline="")
        names = next(csv.reader(head, delimiter=separator))
        chosen = choose(names, column, where)
        # A quote that is never closed swallows the rest of the file, and Arrow does not mind. So
        # the last row is one of ours, and it has to come out whole.
        last = b"end of the table"
        table = pyarrow.csv.read_csv(
            pa.py_buffer(
                data.rstrip(b"\r\n") + b"\n" + separator.encode().join([last] * len(names))
            ),
            pyarrow.csv.ReadOptions(block_size=_CSV_BLOCK),
            pyarrow.csv.ParseOptions(
                delimiter=separator,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=skip,
            ),
            # As bytes: whether they are UTF-8 is decided row by row.
            pyarrow.csv.ConvertOptions(
                column_types={chosen: pa.large_binary()}, include_columns=[chosen]
            ),
        )
    except (pa.ArrowException, csv.Error, ValueError) as error:
        raise InputError(
            f"{where}: is not a whole table ({rawfiles.one_line(error)}); check its quotes and "
            "separators"
        ) from error
    values = table.column(0)
    if len(values) == 0 or values[-1].as_py() != last:
        raise InputError(f"{where}: has a quote that is never closed; check its last rows")
    return values[:-1], {WRONG_WIDTH: wrong} if wrong else {}


def _json_lines(data: bytes, where: str) -> Iterable[object]:
    """The value of each line that has one."""
    parse = json.JSONDecoder().raw_decode
    values: list[object] = []
    for number, line in enumerate(_lines(data, where), 1):
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
    return values


def _json_rows(document: Any, column: str | None, where: str) -> Values:
    """The rows of a JSON document: a list of strings or objects, or an object of columns."""
    if isinstance(document, list):
        return _picked(document, column, where)
    if isinstance(document, dict):
        columns = {name: values for name, values in document.items() if isinstance(values, list)}
        if columns:
            values: list[object] = columns[choose(list(columns), column, where)]
            return values
    raise InputError(
        f"{where}: has neither a list of prompts nor columns of them; "
        'write ["a cat", ...] or {"prompt": ["a cat", ...]}'
    )


def _picked(values: Iterable[object], column: str | None, where: str) -> list[object]:
    """Strings as they are, objects' `column`."""
    values = list(values)
    names = dict.fromkeys(
        itertools.chain.from_iterable(value for value in values if isinstance(value, dict))
    )
    if not names:
        if column is not None:
            raise InputError(f"{where}: has no columns; leave out {shown(':' + column)}")
        return values
    chosen = choose(list(names), column, where)
    return [value.get(chosen) if isinstance(value, dict) else value for value in values]


def _parquet(path: Path, column: str | None, where: str) -> tuple[Values, SourceFile]:
    """One column; the others, which may be images, are never read."""
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            chosen = choose(schema.names, column, where)
            kind = schema.field(chosen).type
            if not rows.is_text(kind):
                raise InputError(
                    f"{where}: column {shown(chosen)} is {shown(kind)}, not text; name another, "
                    f"{where}:COLUMN"
                )
            parts, total = [], 0
            for batch in file.iter_batches(_PARQUET_ROWS, columns=[chosen]):
                part = batch.column(0)
                part = part.dictionary_decode() if pa.types.is_dictionary(kind) else part
                total += part.nbytes
                rawfiles.check_ratio(total, path.stat().st_size, where)
                parts.append(part)
            values = pa.chunked_array(parts, type=parts[0].type if parts else pa.large_string())
        record = SourceFile(path.as_posix(), path.stat().st_size, sha256_of(path))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(
            f"{where}: is not a whole parquet file ({rawfiles.one_line(error)}); get it again"
        ) from error
    return values, record
