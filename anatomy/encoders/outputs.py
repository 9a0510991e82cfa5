"""Embeddings that were computed elsewhere: a matrix in a .npy, .safetensors or .parquet file.

Nothing is unpickled. A matrix of float32 or float64 that lies in its file as it is needed stays
there and is read page by page; others are converted in blocks, float16 and bfloat16 to float32,
which holds each of their values exactly.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import safe_open

from anatomy.corpus.rawfiles import check_ratio, one_line
from anatomy.errors import InputError
from anatomy.files import sha256_of, shown

FORMATS = (".npy", ".safetensors", ".parquet")

_BLOCK = 2**24  # bytes looked at together
_PARQUET_ROWS = 2**12
_SHOWN_NAMES = 20
# The names that safetensors gives to what is read here. NumPy has no bfloat16: its bits are those
# of the upper half of a float32.
_SAFETENSORS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_STORED = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


@dataclass(frozen=True)
class Outputs:
    """One embedding a row, as a file holds them.

    Attributes
    ----------
    rows : ndarray of float32, or float64 where these are stored, shape [N, D]
        Finite, C-contiguous, read-only; N and D are at least 1. Backed by the file where that
        is possible.
    path : str
        The file, and after a colon the tensor or column if one was named.
    bytes : int
        Size of the file.
    sha256 : str
        Of the file.
    dtype : str
        As stored: "float16", "bfloat16", "float32" or "float64".
    """

    rows: np.ndarray
    path: str
    bytes: int
    sha256: str
    dtype: str


def read_outputs(place: str | Path) -> Outputs:
    """Read the embeddings of ``FILE`` or ``FILE:NAME``.

    Parameters
    ----------
    place : str or Path
        ``.npy``: a two-dimensional array.
        ``.safetensors``: the only two-dimensional tensor of floats, or the one called NAME.
        ``.parquet``: the only column of lists of floats, or the one called NAME; where there is
        none, all columns of floats side by side (two at least). Other columns are left out.
        What exists as a path is one, whatever colons it contains.

    Raises
    ------
    InputError
        With one line: no such file, another kind of file, damaged or cut short, no floats,
        not two-dimensional, rows of different lengths or missing values, nothing in it, NaN or
        infinity (with the first such row, counted from 0), several to choose from.
    """
    path, name = _split(str(place))
    where = shown(path)
    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise InputError(
            f"{where}: is not a kind of file that embeddings are read from; use "
            f"{', '.join(FORMATS)}"
        )
    try:
        if kind == ".npy":
            rows, dtype = _npy(path, name, where)
        elif kind == ".safetensors":
            rows, dtype = _safetensors(path, name, where)
        else:
            rows, dtype = _parquet(path, name, where)
        digest, size = sha256_of(path), path.stat().st_size
    except (InputError, MemoryError):
        raise
    except Exception as error:  # the three readers raise a dozen kinds for what is not theirs
        raise InputError(
            f"{where}: is not a whole {kind} file of numbers ({one_line(error)}); write it again"
        ) from error
    _check_finite(rows, where)
    rows.flags.writeable = False
    return Outputs(rows, shown(f"{path}:{name}" if name else path), size, digest, dtype)


def _split(text: str) -> tuple[Path, str | None]:
    """FILE and NAME: the longest beginning that is a path, so a path may contain colons."""
    colons = [match.start() for match in re.finditer(":", text)]
    for end in (len(text), *reversed(colons)):
        path, name = text[:end], text[end + 1 :]
        if "\0" in path or not os.path.lexists(path):
            continue
        if end < len(text) and not name:
            raise InputError(f"{shown(text)}: no name after the colon; leave out both")
        if not Path(path).is_file():
            raise InputError(f"{shown(path)}: is not a file; name a file of embeddings")
        return Path(path), name or None
    raise InputError(f"{shown(text)}: no such file; check the path")


# The three formats.


def _npy(path: Path, name: str | None, where: str) -> tuple[np.ndarray, str]:
    if name is not None:
        raise InputError(f"{where}: a .npy has one array; leave out {shown(':' + name)}")
    with path.open("rb") as stream:
        version = np.lib.format.read_magic(stream)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        # Version 3 is for names of fields, which no matrix of floats has.
        if read is None:
            raise InputError(f"{where}: is no array of floats; save one with numpy.save")
        shape, fortran, dtype = read(stream)
        if dtype.kind != "f" or dtype.itemsize > 8:
            kind = "Python objects" if dtype.hasobject else shown(dtype)
            raise InputError(f"{where}: holds {kind}; save it as float16, float32 or float64")
        _check_shape(shape, where)
        at = stream.tell()
    _check_room(path, at, shape, dtype.itemsize)
    stored = np.memmap(path, dtype, mode="r", offset=at, shape=shape, order="F" if fortran else "C")
    return _converted(stored), f"float{dtype.itemsize * 8}"


def _safetensors(path: Path, name: str | None, where: str) -> tuple[np.ndarray, str]:
    with safe_open(path, framework="numpy") as file:  # checks all of the header
        found = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118  (no mapping)
        kinds = {key: part.get_dtype() for key, part in found.items()}
        shapes = {key: part.get_shape() for key, part in found.items()}
    fitting = [key for key in kinds if len(shapes[key]) == 2 and kinds[key] in _SAFETENSORS]
    name = _chosen(name, fitting, list(kinds), "two-dimensional tensor of floats", where)
    if name not in fitting:
        raise InputError(
            f"{where}: {shown(name)} is {shown(kinds[name])} of shape {shapes[name]}; "
            "a two-dimensional tensor of floats is needed"
        )
    kind, shape = kinds[name], tuple(shapes[name])
    _check_shape(shape, where)
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        begin = 8 + length + json.loads(stream.read(length))[name]["data_offsets"][0]
    stored = np.memmap(path, _SAFETENSORS[kind], mode="r", offset=begin, shape=shape)
    return _converted(stored, bfloat16=kind == "BF16"), _STORED[kind]


def _parquet(path: Path, name: str | None, where: str) -> tuple[np.ndarray, str]:
    with pq.ParquetFile(path) as file:
        schema, count = file.schema_arrow, file.metadata.num_rows
        names = schema.names
        if len(set(names)) < len(names):
            twice = next(column for column in names if names.count(column) > 1)
            raise InputError(f"{where}: has two columns called {shown(twice)}; rename them")
        lists = [column for column in names if _is_list_of_floats(schema.field(column).type)]
        floats = [column for column in names if pa.types.is_floating(schema.field(column).type)]
        if name is None and not lists and len(floats) > 1:
            columns = floats
            types = {schema.field(column).type for column in columns}
            width = len(columns)
        else:
            columns = [_chosen(name, lists, names, "column of lists of floats", where)]
            if columns[0] not in lists:
                raise InputError(
                    f"{where}: column {shown(columns[0])} is "
                    f"{shown(schema.field(columns[0]).type)}, not lists of floats"
                )
            types = {schema.field(columns[0]).type.value_type}
            width = _width(file, columns[0], where)
        _check_shape((count, width), where)
        kinds = {np.dtype(kind.to_pandas_dtype()) for kind in types}
        dtype = np.dtype(np.float64 if np.dtype(np.float64) in kinds else np.float32)
        check_ratio(count * width * dtype.itemsize, path.stat().st_size, where)
        rows = np.empty((count, width), dtype)
        at = 0
        for batch in file.iter_batches(_PARQUET_ROWS, columns=columns):
            block = rows[at : at + len(batch)]
            for number, column in enumerate(columns):
                values = batch.column(column)
                if column in lists:
                    block[:] = _rectangle(values, width, at, where)
                else:
                    _check_present(values, 1, at, where)
                    block[:, number] = values.to_numpy(zero_copy_only=False)
            at += len(batch)
    if at != count:
        raise InputError(f"{where}: holds {at:,} rows and announces {count:,}; write it again")
    return rows, str(max(kinds, key=lambda kind: kind.itemsize))


def _is_list_of_floats(kind: pa.DataType) -> bool:
    listed: bool = (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )
    return listed and bool(pa.types.is_floating(kind.value_type))


def _width(file: pq.ParquetFile, column: str, where: str) -> int:
    """The length of the first list in a column; 0 where there is none."""
    for batch in file.iter_batches(1, columns=[column]):
        _check_present(batch.column(0), 1, 0, where)
        return len(batch.column(0)[0].values)
    return 0


def _rectangle(values: pa.Array, width: int, at: int, where: str) -> np.ndarray:
    """Lists of one length as a matrix; `at` is the number of the first of them in the file."""
    _check_present(values, 1, at, where)
    if not pa.types.is_fixed_size_list(values.type):
        lengths = values.value_lengths().to_numpy(zero_copy_only=False)
        other = np.flatnonzero(lengths != width)
        if len(other):
            raise InputError(
                f"{where}: row {at + other[0]:,} (counted from 0) has {lengths[other[0]]:,} "
                f"numbers and the first row {width:,}; all rows need the same"
            )
    flat = values.flatten()
    _check_present(flat, width, at, where)
    matrix: np.ndarray = flat.to_numpy(zero_copy_only=False).reshape(-1, width)
    return matrix


def _check_present(values: pa.Array, width: int, at: int, where: str) -> None:
    """Refuse nulls; `values` has `width` of them for each row, from row `at` on."""
    if values.null_count:
        first = int(np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))[0])
        raise InputError(
            f"{where}: row {at + first // width:,} (counted from 0) has a missing value; "
            "every row needs all its numbers"
        )


# What they share.


def _chosen(
    name: str | None, fitting: Sequence[str], names: Sequence[str], what: str, where: str
) -> str:
    """The tensor or column to read."""
    if name is None and len(fitting) == 1:
        return fitting[0]
    listed = ", ".join(shown(one) for one in (fitting or names)[:_SHOWN_NAMES]) or "nothing"
    if name is None and fitting:
        raise InputError(f"{where}: which one? name it, {where}:NAME; there are {listed}")
    if name is None:
        raise InputError(f"{where}: has no {what}; it has {listed}")
    if name not in names:
        raise InputError(f"{where}: has no {shown(name)}; it has {listed}")
    return name


def _check_shape(shape: Sequence[int], where: str) -> None:
    if len(shape) != 2:
        raise InputError(
            f"{where}: has {len(shape)} dimensions, shape {list(shape)}; embeddings need two, "
            "[rows, numbers a row]"
        )
    if 0 in shape:
        raise InputError(f"{where}: is empty, shape {list(shape)}; it needs rows of numbers")


def _check_room(path: Path, at: int, shape: Sequence[int], itemsize: int) -> None:
    """Refuse a shape that the file is too short for, before anything is computed with it."""
    needed, size = at + shape[0] * shape[1] * itemsize, path.stat().st_size
    if min(shape) < 0 or needed > size:
        raise ValueError(f"{needed:,} bytes for shape {list(shape)}, and the file has {size:,}")


def _converted(stored: np.ndarray, *, bfloat16: bool = False) -> np.ndarray:
    """`stored` itself if it can be computed with, else a copy as float32 or float64."""
    wanted = np.dtype(np.float64 if stored.dtype.itemsize == 8 else np.float32)
    if stored.dtype == wanted and stored.flags.c_contiguous and stored.flags.aligned:
        return stored.view(np.ndarray)
    rows = np.empty(stored.shape, wanted)
    for part in _blocks(rows):
        rows[part] = _widened(stored[part]) if bfloat16 else stored[part]
    return rows


def _widened(halves: np.ndarray) -> np.ndarray:
    return (halves.astype(np.uint32) << 16).view(np.float32)


def _blocks(rows: np.ndarray) -> Iterator[slice]:
    step = max(1, _BLOCK // (rows.shape[1] * rows.itemsize))
    for start in range(0, len(rows), step):
        yield slice(start, start + step)


def _check_finite(rows: np.ndarray, where: str) -> None:
    for part in _blocks(rows):
        finite = np.isfinite(rows[part])
        if not finite.all():
            row = int(np.flatnonzero(~finite.all(axis=1))[0])
            value = rows[part][row][~finite[row]][0]
            raise InputError(
                f"{where}: row {part.start + row:,} (counted from 0) holds {value}; "
                "embeddings need finite numbers"
            )
