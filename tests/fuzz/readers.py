"""Prompts: a user's own files, the official ones, pickles and what is compressed."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import zipfile
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from anatomy.corpus import official, rawfiles
from anatomy.corpus.model import Reading
from anatomy.corpus.pickles import load_plain
from anatomy.corpus.tables import read_table
from tests.fuzz import mutate
from tests.fuzz.target import BrokenError, Target, packed, put, refusing, scratch, unpacked

_PROMPTS = ["a dog", "the man's hat", "猫 and é", "<b>x</b>", "two,\tcommas", 'a "quote"', ""]
_PICKLES = {list, dict, str, int, float, bool, type(None)}


def _check(reading: Reading) -> None:
    """What `Reading` promises."""
    counted = len(reading.prompts) + sum(reading.refused.values())
    if counted != reading.rows:
        raise BrokenError(f"{reading.rows} rows, but {counted} are accounted for")
    reading.prompts.validate(full=True)
    for prompt in reading.prompts.to_pylist():
        if not prompt.strip() or "\0" in prompt:
            raise BrokenError(f"no prompt: {prompt!r}")


def _table(name: str, data: bytes) -> None:
    with refusing():
        _check(read_table(put(name, data)))


def _column(name: str, data: bytes) -> None:
    """The same with a column asked for."""
    column, content = unpacked(data, 2)
    with refusing():
        _check(read_table(put(name, content), column.decode("utf-8", "replace")))


def _csv(separator: str) -> list[bytes]:
    rows = [
        ["id", "prompt"],
        *([str(n), f'"{p.replace(chr(34), chr(34) * 2)}"'] for n, p in enumerate(_PROMPTS)),
    ]
    many = "\n".join(separator.join(row) for row in rows)
    return [many.encode(), b"text\na\nb\n", b"\xef\xbb\xbfprompt\r\na dog\r\n"]


def _json() -> list[bytes]:
    objects = [{"prompt": p, "n": n, "more": [n]} for n, p in enumerate(_PROMPTS)]
    return [json.dumps(d).encode() for d in (_PROMPTS, objects, {"prompt": _PROMPTS, "x": [1]})]


def _lines() -> list[bytes]:
    return [
        b"\n".join(json.dumps(p).encode() for p in _PROMPTS),
        b"\n".join(json.dumps({"text": p, "n": n}).encode() for n, p in enumerate(_PROMPTS)),
    ]


@cache
def _parquet() -> list[bytes]:
    files = []
    columns: tuple[Any, ...] = (
        pa.array(_PROMPTS),
        pa.array(_PROMPTS).dictionary_encode(),
        pa.array([None, *_PROMPTS], pa.large_binary()),
    )
    for column in columns:
        for compression in ("none", "snappy", "zstd"):
            out = io.BytesIO()
            pq.write_table(
                pa.table({"prompt": column, "n": range(len(column))}), out, compression=compression
            )
            files.append(out.getvalue())
    return files


def _packed(
    seeds: Callable[[], Sequence[bytes]], compress: Callable[[bytes], bytes]
) -> list[bytes]:
    return [compress(seed) for seed in seeds()]


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue())


def _repacked(
    compress: Callable[[bytes], bytes], suffix: str, inner: Callable[[Random, bytes], bytes]
) -> Callable[[Random, bytes], bytes]:
    """Change what is inside and pack it again, or the packed bytes."""

    def mutated(random: Random, data: bytes) -> bytes:
        if random.random() < 0.5:
            return mutate.binary(random, data)
        return compress(inner(random, rawfiles.unpacked(data, suffix, "seed")))

    return mutated


# The official files.


def _coco() -> list[bytes]:
    return [
        json.dumps(
            {
                "categories": [
                    {"id": n, "name": p, "supercategory": "none", "synonyms": [p]}
                    for n, p in enumerate(_PROMPTS)
                ],
                "images": [{"id": 1, "text_input": p} for p in _PROMPTS],
                "annotations": [{"bbox": [1, 2], "segmentation": {"counts": "x"}}],
                "video_np_pairs": [{"id": 1, "noun_phrase": p} for p in _PROMPTS],
            }
        ).encode()
    ]


def _official(read: Callable[[list[Path], Path], Reading], name: str, data: bytes) -> None:
    with refusing():
        _check(read([put(name, data)], scratch()))


def _zip(method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as package:
        info = zipfile.ZipInfo("lvis_v1_val.json")  # without the hour
        info.compress_type = method
        package.writestr(info, _coco()[0])
    return out.getvalue()


def _zips() -> list[bytes]:
    return [
        _zip(m)
        for m in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    ]


@cache
def _refs() -> list[bytes]:
    refs = [
        {
            "ref_id": n,
            "split": "val",
            "sentences": [{"sent": p, "raw": p, "tokens": p.split(), "sent_id": n}],
            "box": [1.5, -2, True, None],
        }
        for n, p in enumerate(_PROMPTS)
    ]
    old = b"(lp1\n(dp2\nS'sentences'\np3\n(lp4\n(dp5\nS'sent'\np6\nS'a \"dog\"\\n'\np7\nsas"
    old += b"S'id'\np8\nL5L\nsa."
    return [*(pickle.dumps(refs, n) for n in range(pickle.HIGHEST_PROTOCOL + 1)), old]


_ASKED = [
    b"cos\nsystem\n",
    b"(S'x'\nios\nsystem\n",
    b"\x8c\x02os\x8c\x06system\x93",
    b"R",
    b"b",
    b"\x81",
]
_PLAIN = [
    b"(",
    b"]",
    b"}",
    b"l",
    b"d",
    b"a",
    b"e",
    b"s",
    b"u",
    b"0",
    b"1",
    b"2",
    b"N",
    b"\x88",
    b"\x94",
]
_PLAIN += [b"K\x05", b"h\x01", b"q\x01", b"g1\n", b"p9999999\n", b"j\0\0\0\0", b"U\x02ab", b"."]
_PLAIN += [
    b"X\x02\0\0\0ab",
    b"I99\n",
    b"L99999999999999999999L\n",
    b"F1e999\n",
    b"V\\ud800\n",
    b"S'\\xff'\n",
]
_PLAIN += [
    b"\x8a\x08" + b"\xff" * 8,
    b"\x8a\xff",
    b"\x95" + b"\x05" + b"\0" * 7,
    b"G" + b"\xff" * 8,
    b"\x80\x05",
]


def _program(random: Random, data: bytes) -> bytes:
    """A pickle with opcodes put in, now and then ones that ask for more; or opcodes alone."""
    kind = random.random()
    if kind < 0.4:
        return mutate.binary(random, data)
    codes = [random.choice(_PLAIN) for _ in range(random.choice((1, 2, 5, 30)))]
    if random.random() < 0.2:
        codes.insert(random.randrange(len(codes) + 1), random.choice(_ASKED))
    if kind < 0.6:
        return b"".join(codes) + b"."
    at = random.randrange(len(data) + 1)
    return data[:at] + b"".join(codes) + data[at:]


def _pickle(data: bytes) -> None:
    with refusing():
        waiting, seen = [load_plain(data, name="refs(unc).p")], 0
        while waiting and seen < 10_000:  # a memo can make a short pickle a very large tree
            seen += 1
            part = waiting.pop()
            if type(part) not in _PICKLES:
                raise BrokenError(f"a {type(part)} came out of a pickle")
            if isinstance(part, list):
                waiting += part[:50]
            elif isinstance(part, dict):
                waiting += [*part, *part.values()][:50]


TARGETS = [
    Target(
        "table-txt",
        partial(_table, "x.txt"),
        lambda: ["\n".join(_PROMPTS).encode()],
        mutate.text,
        400,
    ),
    Target("table-csv", partial(_table, "x.csv"), lambda: _csv(","), mutate.text, 400),
    Target("table-tsv", partial(_table, "x.tsv"), lambda: _csv("\t"), mutate.text),
    Target("table-jsonl", partial(_table, "x.jsonl"), _lines, mutate.text, 400),
    Target("table-json", partial(_table, "x.json"), _json, mutate.document, 400),
    Target("table-parquet", partial(_table, "x.parquet"), _parquet),
    Target(
        "table-column",
        partial(_column, "x.json"),
        lambda: [packed(b"prompt", seed) for seed in _json()],
    ),
    Target(
        "table-gz",
        partial(_table, "x.csv.gz"),
        lambda: _packed(lambda: _csv(","), _gzip),
        _repacked(_gzip, ".gz", mutate.text),
    ),
    Target(
        "table-zst",
        partial(_table, "x.jsonl.zst"),
        lambda: _packed(_lines, _zstd),
        _repacked(_zstd, ".zst", mutate.text),
    ),
    *(
        Target(
            f"official-{name}",
            partial(_official, read, f"{name}/{file}"),
            _coco,
            mutate.document,
            100,
        )
        for name, read, file in (
            ("rf100vl", official.read_rf100vl, "_annotations.coco.json"),
            ("lvis", official.read_lvis, "lvis_v1_val.json"),
            ("gold", official.read_gold, "gold_x_merged_a_release_test.json"),
            ("silver", official.read_silver, "silver_x_merged_test.json"),
            ("veval", official.read_veval, "saco_veval_sav_val.json"),
        )
    ),
    Target(
        "official-zip",
        partial(_official, official.read_lvis, "lvis_v1_val.json.zip"),
        _zips,
        mutate.repacked,
    ),
    Target(
        "official-refcoco",
        partial(_official, official.read_refcoco, "refcoco/refs(unc).p"),
        _refs,
        _program,
    ),
    Target("pickle", _pickle, _refs, _program, 1000),
]
