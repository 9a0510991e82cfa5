"""Embeddings from files: .npy, .safetensors, .parquet."""

from __future__ import annotations

import io
from functools import cache, partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save

from anatomy.encoders.outputs import read_outputs
from tests.fuzz import mutate
from tests.fuzz.target import BrokenError, Target, put, refusing

_ROWS = np.random.default_rng(0).normal(size=(7, 5))


def _outputs(name: str, data: bytes) -> None:
    with refusing():
        found = read_outputs(put(name, data))
        rows = found.rows
        fine = rows.ndim == 2 and rows.size and rows.dtype.kind == "f" and np.isfinite(rows).all()
        if not fine or rows.flags.writeable or not rows.flags.c_contiguous:
            raise BrokenError(f"no embeddings: {rows.dtype} {rows.shape}")


def _npy() -> list[bytes]:
    files = []
    for rows in (
        _ROWS,
        _ROWS.astype("f4"),
        np.asfortranarray(_ROWS.astype(">f2")),
        _ROWS[0],
        _ROWS > 0,
    ):
        out = io.BytesIO()
        np.save(out, rows)
        files.append(out.getvalue())
    return files


def _safetensors() -> list[bytes]:
    rows = _ROWS.astype("f4")
    return [
        save({"a": rows}),
        save({"a": rows, "b": rows.astype("f2"), "c": np.arange(3)}),
        save({"x": rows[0]}),
    ]


@cache
def _parquet() -> list[bytes]:
    files = []
    fixed = pa.FixedSizeListArray.from_arrays(pa.array(_ROWS.ravel(), pa.float32()), 5)
    for table in (
        {"e": pa.array(_ROWS.tolist(), pa.list_(pa.float32()))},
        {"e": fixed, "text": pa.array(["x"] * 7)},
        {str(n): pa.array(_ROWS[:, n]) for n in range(5)},
    ):
        out = io.BytesIO()
        pq.write_table(pa.table(table), out)
        files.append(out.getvalue())
    return files


TARGETS = [
    Target("outputs-npy", partial(_outputs, "x.npy"), _npy),
    Target("outputs-safetensors", partial(_outputs, "x.safetensors"), _safetensors, mutate.header),
    Target("outputs-parquet", partial(_outputs, "o.parquet"), _parquet, few=100),
]
