"""What unpacks to far more than it is, at every door through which something packed comes in."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from anatomy.corpus import official, rawfiles
from anatomy.corpus.tables import read_table
from anatomy.errors import InputError
from anatomy.fetch import members
from anatomy.fetch.archives import extract

LARGE = 2**21
LVIS = "lvis_v1_val.json"


@pytest.fixture(autouse=True)
def small_limits(monkeypatch):
    """A megabyte is what may come out of anything, however small it is."""
    monkeypatch.setattr(rawfiles, "FREE_BYTES", 2**20)
    monkeypatch.setattr(members, "FREE_BYTES", 2**20)
    monkeypatch.setattr(rawfiles, "_BLOCK", 2**16)


def zipped(name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as package:
        package.writestr(name, content)
    return out.getvalue()


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue())


PROMPTS = b"a dog\n" * (LARGE // 6)


def refused(read) -> None:
    with pytest.raises(InputError, match="unpacks to more than 200 times its size") as caught:
        read()
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstd)])
@pytest.mark.parametrize("kind", [".txt", ".csv", ".jsonl", ".json"])
def test_a_table_that_was_packed(tmp_path, kind, suffix, pack):
    path = tmp_path / f"x{kind}{suffix}"
    path.write_bytes(pack(PROMPTS))
    refused(lambda: read_table(path))


def test_many_small_parts_are_one(tmp_path):
    """A gzip file may be many beside each other: it is all of them that counts."""
    path = tmp_path / "x.txt.gz"
    path.write_bytes(b"".join(gzip.compress(b"a" * 2**16) for _ in range(40)))
    refused(lambda: read_table(path))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_official_file_in_a_zip(tmp_path, method):
    path = tmp_path / f"{LVIS}.zip"
    path.write_bytes(zipped(LVIS, b" " * LARGE, method))
    refused(lambda: official.read_lvis([path], tmp_path))


@pytest.mark.parametrize("outer", ["zip", "tar", "tar.gz"])
def test_a_bomb_within_an_archive_stays_packed_and_is_refused_when_it_is_read(tmp_path, outer):
    inner = zipped(LVIS, b" " * LARGE)
    archive = tmp_path / f"x.{outer}"
    if outer == "zip":
        archive.write_bytes(zipped(f"lvis/{LVIS}.zip", inner))
    else:
        with tarfile.open(archive, "w:gz" if outer == "tar.gz" else "w") as package:
            info = tarfile.TarInfo(f"lvis/{LVIS}.zip")
            info.size = len(inner)
            package.addfile(info, io.BytesIO(inner))
    assert extract(archive, tmp_path / "out") == [Path(f"lvis/{LVIS}.zip")]
    unpacked = tmp_path / "out" / "lvis" / f"{LVIS}.zip"
    assert unpacked.read_bytes() == inner
    refused(lambda: official.read_lvis([unpacked], tmp_path))


def test_members_that_share_one_content(tmp_path):
    """Entries of a zip's directory that all name the same packed bytes, under other names."""
    data = zipped("a", bytes(2**17))
    at = data.index(b"PK\x01\x02")
    directory = data[at : data.index(b"PK\x05\x06")]
    many = b"".join(
        directory[:46] + b"%c" % letter + directory[47:] for letter in b"abcdefghijklmnopqrstuvwxyz"
    )
    tail = b"PK\x05\x06" + bytes(4) + (26).to_bytes(2, "little") * 2
    tail += len(many).to_bytes(4, "little") + at.to_bytes(4, "little") + bytes(2)
    (tmp_path / "x.zip").write_bytes(data[:at] + many + tail)
    with pytest.raises(InputError, match="get it again"):
        extract(tmp_path / "x.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()
