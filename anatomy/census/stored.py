"""Counts of a shard as bytes: for the disk, and between machines. Nothing is pickled."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from anatomy.census.lowest import Lowest
from anatomy.census.model import EncoderCounts, Group, ShardCounts
from anatomy.measures.context import LengthHistogram
from anatomy.measures.overlap import Overlap
from anatomy.measures.vocabulary import TokenCounts


def to_bytes(counts: ShardCounts) -> bytes:
    """The counts as an .npz: of most tokens there are none, so only the others are written."""
    arrays: dict[str, np.ndarray] = {
        "raw": counts.raw.shared,
        "official": counts.official.shared,
        "unions": np.array([counts.raw.union, counts.official.union]),
        "lvis": counts.lvis_as_given,
        "most": np.array([-1 if counts.lowest.most is None else counts.lowest.most]),
        "encoders": np.array([len(counts.encoders)]),
    }
    for at, encoder in enumerate(counts.encoders):
        for name, group in _groups(encoder):
            counted = group.counts
            arrays[f"{at} {name} lengths"] = group.lengths.counts
            arrays[f"{at} {name} ids"] = counted.used
            arrays[f"{at} {name} occurrences"] = counted.occurrences[counted.used]
            arrays[f"{at} {name} prompts"] = counted.prompts_with[counted.used]
            arrays[f"{at} {name} sizes"] = np.array([len(counted.occurrences), counted.prompts])
    for code, (lots, prompts) in enumerate(
        zip(counts.lowest.lots, counts.lowest.prompts, strict=True)
    ):
        arrays[f"lots {code}"] = lots
        arrays[f"prompts {code}"] = packed(prompts)
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def from_bytes(data: bytes) -> ShardCounts:
    """What `to_bytes` made of counts.

    Raises
    ------
    ValueError
        For anything else.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return _counts(arrays)
    except (KeyError, EOFError, OSError, zipfile.BadZipFile, pa.ArrowException) as error:
        raise ValueError(f"no counts of a shard: {error}") from error


def _counts(arrays: Mapping[str, np.ndarray]) -> ShardCounts:
    raw, official = (int(union) for union in arrays["unions"])
    sources = len(arrays["lvis"])
    most = int(arrays["most"][0])
    return ShardCounts(
        raw=Overlap(arrays["raw"], raw),
        official=Overlap(arrays["official"], official),
        lvis_as_given=arrays["lvis"],
        encoders=tuple(
            EncoderCounts(
                tuple(_group(arrays, f"{at} {code}") for code in range(sources)),
                _group(arrays, f"{at} union"),
                _group(arrays, f"{at} official"),
            )
            for at in range(int(arrays["encoders"][0]))
        ),
        lowest=Lowest(
            None if most < 0 else most,
            tuple(arrays[f"lots {code}"] for code in range(sources)),
            tuple(unpacked(arrays[f"prompts {code}"]) for code in range(sources)),
        ),
    )


def _groups(encoder: EncoderCounts) -> list[tuple[str, Group]]:
    sources = [(str(code), group) for code, group in enumerate(encoder.sources)]
    return [*sources, ("union", encoder.union), ("official", encoder.official)]


def _group(arrays: Mapping[str, np.ndarray], name: str) -> Group:
    vocabulary_size, prompts = (int(number) for number in arrays[f"{name} sizes"])
    ids = arrays[f"{name} ids"]
    occurrences = np.zeros(vocabulary_size, dtype=np.int64)
    prompts_with = np.zeros(vocabulary_size, dtype=np.int64)
    occurrences[ids] = arrays[f"{name} occurrences"]
    prompts_with[ids] = arrays[f"{name} prompts"]
    return Group(
        LengthHistogram(arrays[f"{name} lengths"]), TokenCounts(occurrences, prompts_with, prompts)
    )


def packed(prompts: pa.LargeStringArray) -> np.ndarray:
    stream = pa.BufferOutputStream()
    table = pa.table({"prompt": prompts})
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    return np.frombuffer(stream.getvalue(), dtype=np.uint8)


def unpacked(data: np.ndarray) -> pa.LargeStringArray:
    table = pa.ipc.open_stream(pa.py_buffer(data.tobytes())).read_all()
    column = table["prompt"]
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
