"""Embeddings from files: every format and layout gives the same rows; what is wrong is named."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch

from anatomy.encoders import outputs
from anatomy.encoders.outputs import Outputs, read_outputs
from anatomy.errors import InputError

ROWS = np.arange(28, dtype=np.float32).reshape(7, 4) / 8 - 1.5  # exact in every format
FLOATS = [np.float16, np.float32, np.float64]


def npy(folder: Path, array: Any, name: str = "rows.npy") -> Path:
    np.save(folder / name, array, allow_pickle=True)
    return folder / name


def tensors(folder: Path, name: str = "rows.safetensors", **arrays: np.ndarray) -> Path:
    save_file(arrays, folder / name)
    return folder / name


def parquet(folder: Path, name: str = "rows.parquet", **columns: Any) -> Path:
    pq.write_table(pa.table(columns), folder / name)
    return folder / name


def lists(rows: np.ndarray, kind: str = "list") -> pa.Array:
    values = pa.array(rows.ravel())
    if kind == "fixed":
        return pa.FixedSizeListArray.from_arrays(values, rows.shape[1])
    offsets = np.arange(len(rows) + 1) * rows.shape[1]
    if kind == "large":
        return pa.LargeListArray.from_arrays(offsets.astype(np.int64), values)
    return pa.ListArray.from_arrays(offsets.astype(np.int32), values)


def refused(place: str | Path, *words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_outputs(place)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


def assert_sound(found: Outputs, expected: np.ndarray, dtype: object) -> None:
    wanted = np.float64 if np.dtype(dtype) == np.float64 else np.float32
    assert found.rows.dtype == wanted and found.rows.dtype.isnative
    assert found.rows.flags.c_contiguous and not found.rows.flags.writeable
    assert type(found.rows) is np.ndarray
    assert found.dtype == np.dtype(dtype).name
    np.testing.assert_array_equal(found.rows, expected.astype(wanted))


# .npy


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("bytes_", ["<", ">"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_npy(tmp_path: Path, dtype: type, bytes_: str, order: Any) -> None:
    stored = np.asarray(ROWS, np.dtype(dtype).newbyteorder(bytes_), order=order)
    path = npy(tmp_path, stored)
    found = read_outputs(path)
    assert_sound(found, ROWS, dtype)
    assert found.path == str(path)
    assert found.bytes == path.stat().st_size
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@given(
    hnp.arrays(
        np.float16,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements=st.floats(width=16, allow_nan=False, allow_infinity=False),
    )
)
def test_every_float16_is_kept(tmp_path_factory: pytest.TempPathFactory, rows: np.ndarray) -> None:
    found = read_outputs(npy(tmp_path_factory.mktemp("npy"), rows))
    np.testing.assert_array_equal(found.rows.astype(np.float64), rows.astype(np.float64))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["npy", "safetensors"])
def test_what_fits_stays_in_its_file(tmp_path: Path, dtype: type, kind: str) -> None:
    rows = ROWS.astype(dtype)
    path = npy(tmp_path, rows) if kind == "npy" else tensors(tmp_path, rows=rows)
    base = read_outputs(path).rows.base
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


def test_many_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "_BLOCK", 40)
    assert_sound(read_outputs(npy(tmp_path, ROWS.astype(np.float16))), ROWS, np.float16)
    bad = ROWS.astype(np.float16)
    bad[5, 2] = np.inf
    refused(npy(tmp_path, bad), "row 5 ", "inf")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_first_row_that_is_not_finite_is_named(
    tmp_path: Path, value: float, dtype: type
) -> None:
    rows = ROWS.astype(dtype)
    rows[[3, 5], 1] = value
    refused(
        npy(tmp_path, rows), "rows.npy: row 3 (counted from 0)", str(np.dtype(dtype).type(value))
    )


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (ROWS[0], ["1 dimensions", "[4]"]),
        (ROWS[None], ["3 dimensions", "[1, 7, 4]"]),
        (np.float32(1), ["0 dimensions"]),
        (ROWS[:0], ["empty", "[0, 4]"]),
        (ROWS[:, :0], ["empty", "[7, 0]"]),
        (ROWS.astype(np.int64), ["int64"]),
        (ROWS.astype(np.complex64), ["complex64"]),
        (ROWS.astype(np.longdouble), ["float"]),
        (np.array([["a", "b"]]), ["<U1"]),
        (np.array([[1, None]], dtype=object), ["Python objects"]),
        (np.zeros((2, 2), dtype=[("a", "<f4")]), ["holds [('a', '<f4')]"]),
        (np.zeros((2, 2), dtype=[("\u03b1", "<f4")]), ["no array of floats"]),
    ],
)
@pytest.mark.filterwarnings("ignore:Stored array in format 3.0")
def test_arrays_that_are_no_embeddings(tmp_path: Path, array: Any, words: list[str]) -> None:
    refused(npy(tmp_path, array), "rows.npy", *words)


def with_header(shape: str, body: bytes = b"\0" * 64) -> bytes:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (117 - len(header)) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUM",
        b"not an array",
        b"\x93NUMPY\x09\x00v\x00",
        with_header("(4, 4)")[:60],
        with_header("(4, 5)"),
        with_header("(9223372036854775807, 9223372036854775807)"),
        with_header(f"({'9' * 40}, 1)"),
        with_header("(-4, 4)"),
        with_header("(-4, -4)"),
        with_header("(4.0, 4)"),
        with_header("'4, 4'"),
        with_header("(4, __import__('os'))"),
        with_header("(" * 50),
        b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + b"(" * 1000,
    ],
)
def test_npy_files_that_are_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rows.npy").write_bytes(content)
    refused(tmp_path / "rows.npy", "rows.npy")


def test_a_cut_npy(tmp_path: Path) -> None:
    path = npy(tmp_path, ROWS)
    path.write_bytes(path.read_bytes()[:-1])
    refused(path, "not a whole .npy")


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "owned"),)

    refused(npy(tmp_path, np.array([[Evil()]], dtype=object)), "Python objects")
    assert not (tmp_path / "owned").exists()


# .safetensors


@pytest.mark.parametrize("dtype", FLOATS)
def test_safetensors(tmp_path: Path, dtype: type) -> None:
    path = tensors(tmp_path, rows=ROWS.astype(dtype), ids=np.arange(7))
    assert_sound(read_outputs(path), ROWS, dtype)
    assert read_outputs(f"{path}:rows").path == f"{path}:rows"


def test_bfloat16(tmp_path: Path) -> None:
    rows = torch.randn(50, 6).bfloat16()
    save_torch({"x": rows}, tmp_path / "rows.safetensors", metadata={"by": "a test"})
    found = read_outputs(tmp_path / "rows.safetensors")
    assert found.dtype == "bfloat16"
    np.testing.assert_array_equal(found.rows, rows.float().numpy())


@given(st.integers(1, 7), st.integers(1, 5), st.integers(0, 7))
def test_any_place_in_the_file(
    tmp_path_factory: pytest.TempPathFactory, n: int, d: int, before: int
) -> None:
    """A tensor of bytes before it may leave it where no float32 can be read in place."""
    rows = np.random.default_rng(n).normal(size=(n, d)).astype(np.float32)
    header = {
        "a": {"dtype": "U8", "shape": [before], "data_offsets": [0, before]},
        "b": {"dtype": "F32", "shape": [n, d], "data_offsets": [before, before + rows.nbytes]},
    }
    text = json.dumps(header).encode()
    path = tmp_path_factory.mktemp("st") / "x.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"\1" * before + rows.tobytes())
    found = read_outputs(path).rows
    np.testing.assert_array_equal(found, rows)
    assert found.flags.aligned


def test_which_tensor(tmp_path: Path) -> None:
    path = tensors(tmp_path, one=ROWS, two=ROWS * 2, ids=np.arange(7), line=ROWS[0])
    refused(path, "which one?", "rows.safetensors:NAME", "one, two")
    np.testing.assert_array_equal(read_outputs(f"{path}:two").rows, ROWS * 2)
    refused(f"{path}:three", "has no three", "one")
    refused(f"{path}:ids", "ids is I64 of shape [7]")
    refused(f"{path}:line", "line is F32 of shape [4]")
    refused(f"{path}:", "no name after the colon")
    refused(tensors(tmp_path, "ids.safetensors", ids=np.arange(7)), "no two-dimensional", "ids")
    refused(tensors(tmp_path, "no.safetensors", rows=ROWS[:0]), "empty", "[0, 4]")


@pytest.mark.parametrize("damage", ["empty", "cut", "text", "long", "overlap"])
def test_safetensors_files_that_are_none(tmp_path: Path, damage: str) -> None:
    path = tensors(tmp_path, rows=ROWS)
    whole = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "cut": whole[:-1],
            "text": b"not tensors at all",
            "long": b"\xff" * 8 + whole[8:],
            "overlap": whole.replace(b"[7,4]", b"[7,5]"),
        }[damage]
    )
    refused(path, "rows.safetensors: is not a whole .safetensors")


# .parquet


@pytest.mark.parametrize("kind", ["list", "large", "fixed"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_parquet_lists(tmp_path: Path, dtype: type, kind: str) -> None:
    column = lists(ROWS.astype(dtype), kind)
    path = parquet(tmp_path, prompt=["x"] * 7, embedding=column, id=range(7))
    assert_sound(read_outputs(path), ROWS, dtype)
    assert_sound(read_outputs(f"{path}:embedding"), ROWS, dtype)


def test_parquet_columns(tmp_path: Path) -> None:
    columns = {f"d{number}": ROWS[:, number] for number in range(4)}
    path = parquet(tmp_path, prompt=["x"] * 7, **columns)
    assert_sound(read_outputs(path), ROWS, np.float32)
    mixed = parquet(tmp_path, **{**columns, "d1": ROWS[:, 1].astype(np.float64)})
    assert_sound(read_outputs(mixed), ROWS, np.float64)


def test_many_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "_PARQUET_ROWS", 3)
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"e": lists(ROWS)}), path, row_group_size=5)
    assert_sound(read_outputs(path), ROWS, np.float32)
    values = ROWS.tolist()
    values[5] = [1.0]
    refused(parquet(tmp_path, e=pa.array(values)), "row 5 ", "1 numbers", "first row 4")
    values[5] = [1.0, None, 2.0, 3.0]
    refused(parquet(tmp_path, e=pa.array(values)), "row 5 ", "missing")
    values[5] = None
    refused(parquet(tmp_path, e=pa.array(values)), "row 5 ", "missing")
    values[5] = [1.0, float("nan"), 2.0, 3.0]
    refused(parquet(tmp_path, e=pa.array(values)), "row 5 ", "nan")
    fixed = pa.array([*ROWS.tolist()[:4], None], pa.list_(pa.float32(), 4))
    refused(parquet(tmp_path, e=fixed), "row 4 ", "missing")
    columns = {"a": pa.array([1.0, 2.0, 3.0, 4.0, None]), "b": np.ones(5)}
    refused(parquet(tmp_path, **columns), "row 4 ", "missing")


def test_which_column(tmp_path: Path) -> None:
    path = parquet(tmp_path, a=lists(ROWS), b=lists(ROWS * 2), text=["x"] * 7)
    refused(path, "which one?", "rows.parquet:NAME", "a, b")
    np.testing.assert_array_equal(read_outputs(f"{path}:b").rows, ROWS * 2)
    refused(f"{path}:c", "has no c", "a, b")
    refused(f"{path}:text", "column text is string, not lists of floats")
    refused(parquet(tmp_path, text=["x"]), "no column of lists of floats", "text")
    refused(parquet(tmp_path, only=[1.0, 2.0]), "no column of lists of floats", "only")
    refused(parquet(tmp_path, ids=[[1, 2], [3, 4]]), "no column of lists of floats")
    refused(parquet(tmp_path, deep=[[[1.0]], [[2.0]]]), "no column of lists of floats")
    twice = pa.Table.from_arrays([lists(ROWS), lists(ROWS)], names=["a", "a"])
    pq.write_table(twice, tmp_path / "twice.parquet")
    refused(tmp_path / "twice.parquet:a", "two columns called a")


def test_parquet_without_numbers(tmp_path: Path) -> None:
    kind = pa.list_(pa.float32())
    refused(parquet(tmp_path, e=pa.array([], kind)), "empty")
    refused(parquet(tmp_path, e=pa.array([[], []], kind)), "empty", "[2, 0]")
    refused(parquet(tmp_path, e=pa.array([None, [1.0]], kind)), "row 0 ", "missing")


def test_parquet_files_that_are_none(tmp_path: Path) -> None:
    path = parquet(tmp_path, e=lists(ROWS))
    whole = path.read_bytes()
    for content in (b"", whole[:-9], b"PAR1" * 9, whole[:40] + bytes(60) + whole[100:]):
        path.write_bytes(content)
        refused(path, "rows.parquet: is not a whole .parquet")


def test_a_parquet_bomb(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    ones = pa.FixedSizeListArray.from_arrays(pa.array(np.ones(1_000_000, np.float32)), 1000)
    with pq.ParquetWriter(path, pa.schema({"e": ones.type}), use_dictionary=True) as writer:
        for _ in range(70):
            writer.write_table(pa.table({"e": ones}))
    refused(path, "200 times")


# Places.


def test_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(tmp_path / "absent.npy", "absent.npy", "no such file")
    refused("a\0b.npy", "no such file")
    refused("x" * 5000, "no such file")
    refused(tmp_path, "is not a file")
    os.mkfifo(tmp_path / "pipe.npy")
    refused(tmp_path / "pipe.npy", "is not a file")
    (tmp_path / "rows.txt").write_text("1 2 3")
    refused(tmp_path / "rows.txt", "rows.txt", ".npy, .safetensors, .parquet")
    refused(f"{npy(tmp_path, ROWS)}:x", "leave out :x")
    monkeypatch.chdir(tmp_path)
    npy(tmp_path, ROWS, "odd:name.npy")
    assert read_outputs("odd:name.npy").path == "odd:name.npy"
    npy(tmp_path, ROWS).rename("LOUD.NPY")
    assert_sound(read_outputs("LOUD.NPY"), ROWS, np.float32)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = npy(tmp_path, ROWS)
    path.chmod(0)
    refused(path, "Permission denied")


def test_real_embeddings(corpora: Path) -> None:
    """CLIP's of the LVIS names, as half precision."""
    path = corpora.parent / "embeddings" / "lvis_clip_vitb32.npy"
    if not path.is_file():
        pytest.skip("no real embeddings here")
    found = read_outputs(path)
    assert found.rows.shape == (1203, 512) and found.dtype == "float16"
    np.testing.assert_array_equal(found.rows, np.load(path).astype(np.float32))
