"""Unpacking: what comes out, and every way in which an archive may lie."""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anatomy.errors import InputError
from anatomy.fetch import archives
from anatomy.fetch import members as rules
from anatomy.fetch.archives import extract, is_archive
from anatomy.fetch.members import safe_path

CONTENT = {"a.json": b"[1]", "deep/er/b.json": b"{}" * 5000, "deep/c.txt": b""}


def zip_of(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, body in members.items():
            package.writestr(name, body)
    return path


def tar_of(path: Path, members: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as package:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            package.addfile(info, io.BytesIO(body))
    return path


def plain_tar_of(path: Path, members: dict[str, bytes]) -> Path:
    return tar_of(path, members, "w")


MAKERS = pytest.mark.parametrize(
    ("make", "name"), [(zip_of, "x.zip"), (tar_of, "x.tar.gz"), (plain_tar_of, "x.tar")]
)
Maker = Callable[[Path, dict[str, bytes]], Path]


def below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refused(archive: Path, *words: str, **options: int) -> None:
    """The archive is refused in one line, and nothing of it is left."""
    destination = archive.parent / "out"
    around = sorted(archive.parent.iterdir())
    with pytest.raises(InputError) as caught:
        extract(archive, destination, **options)
    message = str(caught.value)
    assert message.startswith(str(archive)) and "\n" not in message
    for word in words:
        assert word in message
    assert sorted(archive.parent.iterdir()) == around


@MAKERS
def test_everything_comes_out(tmp_path: Path, make: Maker, name: str) -> None:
    archive = make(tmp_path / name, CONTENT)
    assert is_archive(archive)
    files = extract(archive, tmp_path / "new" / "out")
    assert files == sorted(Path(name) for name in CONTENT)
    assert below(tmp_path / "new" / "out") == CONTENT
    assert stat.S_IMODE((tmp_path / "new" / "out").stat().st_mode) & 0o111  # can be entered
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["out"]


@MAKERS
def test_only_what_is_wanted(tmp_path: Path, make: Maker, name: str) -> None:
    archive = make(tmp_path / name, CONTENT)
    files = extract(archive, tmp_path / "out", wanted=lambda name: name.endswith("b.json"))
    assert files == [Path("deep/er/b.json")]
    assert below(tmp_path / "out") == {"deep/er/b.json": CONTENT["deep/er/b.json"]}


@MAKERS
def test_into_a_folder_that_is_there(tmp_path: Path, make: Maker, name: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.json").write_bytes(b"old")
    (tmp_path / "out" / "mine.txt").write_bytes(b"mine")
    extract(make(tmp_path / name, CONTENT), tmp_path / "out")
    assert below(tmp_path / "out") == {**CONTENT, "mine.txt": b"mine"}


@MAKERS
@pytest.mark.parametrize(
    "bad", ["../evil", "a/../../evil", "/etc/evil", "C:/evil", "C:evil", "a\\..\\evil"]
)
def test_members_that_leave(tmp_path: Path, make: Maker, name: str, bad: str) -> None:
    archive = make(tmp_path / name, {"fine.json": b"1", bad: b"2"})
    refused(archive, "evil")


@MAKERS
def test_duplicates(tmp_path: Path, make: Maker, name: str) -> None:
    refused(make(tmp_path / name, {"a/x": b"1", "a/./x": b"2"}), "a/./x", "twice")
    refused(make(tmp_path / name, {"a": b"1", "a/x": b"2"}), "a/x")
    refused(make(tmp_path / name, {"a/x": b"1", "a": b"2"}), "'a'")


@MAKERS
def test_names_that_differ_in_case_are_different(tmp_path: Path, make: Maker, name: str) -> None:
    members = {"A.json": b"1", "a.json": b"2"}
    extract(make(tmp_path / name, members), tmp_path / "out")
    assert below(tmp_path / "out") == members


@MAKERS
def test_names_are_printed_as_escapes(tmp_path: Path, make: Maker, name: str) -> None:
    refused(make(tmp_path / name, {"x\x1b[31m": b"1", "x\x1b[31m/y": b""}), "\\x1b[31m")


@MAKERS
def test_limit_counts_what_comes_out(tmp_path: Path, make: Maker, name: str) -> None:
    archive = make(tmp_path / name, {"a": os.urandom(30_000), "b": os.urandom(30_000)})
    refused(archive, "50,000 bytes", limit_bytes=50_000)
    extract(archive, tmp_path / "out", limit_bytes=100_000)


def test_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "FREE_BYTES", 2**20)
    zeros = bytes(8 * 2**20)
    refused(zip_of(tmp_path / "x.zip", {"a": zeros}), "at a", "bomb")
    refused(tar_of(tmp_path / "x.tgz", {"a": zeros}), "at a", "bomb")
    # What is skipped costs nothing in a zip, but a tar's stream has to be read past it.
    extract(zip_of(tmp_path / "x.zip", {"a": zeros}), tmp_path / "out", wanted=lambda name: False)


def test_zip_that_understates_its_size(tmp_path: Path) -> None:
    """The header's size is what zipfile reads; the rest does not come out, and the CRC tells."""
    archive = zip_of(tmp_path / "x.zip", {"a": bytes(5000)})
    raw = archive.read_bytes().replace(struct.pack("<I", 5000), struct.pack("<I", 50))
    archive.write_bytes(raw)
    refused(archive, "get it again")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_zip_links_and_devices(tmp_path: Path, kind: int) -> None:
    info = zipfile.ZipInfo("special")
    info.create_system = 3
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as package:
        package.writestr(info, "/etc/passwd")
    refused(tmp_path / "x.zip", "special", "link" if kind == stat.S_IFLNK else "device")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE]
)
def test_tar_links_and_devices(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as package:
        info = tarfile.TarInfo("special")
        info.type = kind
        info.linkname = "/etc/passwd"
        package.addfile(info)
    link = kind in (tarfile.SYMTYPE, tarfile.LNKTYPE)
    refused(tmp_path / "x.tar", "special", "link" if link else "device")


def test_a_link_is_refused_even_if_it_is_not_wanted(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as package:
        info = tarfile.TarInfo("link")
        info.type = tarfile.SYMTYPE
        info.linkname = ".."
        package.addfile(info)
    with pytest.raises(InputError, match="link"):
        extract(tmp_path / "x.tar", tmp_path / "out", wanted=lambda name: False)


def test_encrypted_zip(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", {"secret": b"1"})
    raw = bytearray(archive.read_bytes())
    raw[6] |= 1  # the flag in the local header ...
    raw[raw.index(b"PK\x01\x02") + 8] |= 1  # ... and in the central directory
    archive.write_bytes(raw)
    refused(archive, "secret", "encrypted")


def test_nul_in_a_zip_name(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", {"aaaaX../b": b"1"})
    archive.write_bytes(archive.read_bytes().replace(b"aaaaX../b", b"aaaa\0../b"))
    refused(archive, "NUL")


def test_tar_headers_that_would_fill_the_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@PaxHeader")
    info.type = tarfile.XHDTYPE
    info.size = 2**33
    (tmp_path / "x.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
    refused(tmp_path / "x.tar", "header", "8,589,934,592")


def test_sparse_and_negative_tar_members(tmp_path: Path) -> None:
    info = tarfile.TarInfo("sparse")
    info.type = tarfile.GNUTYPE_SPARSE
    (tmp_path / "x.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
    refused(tmp_path / "x.tar", "sparse")
    info = tarfile.TarInfo("negative")
    info.size = -512
    (tmp_path / "x.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
    refused(tmp_path / "x.tar", "negative")


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_MEMBERS", 5)
    refused(zip_of(tmp_path / "x.zip", dict.fromkeys("abcdef", b"")), "5 members")


@MAKERS
def test_cut_short_anywhere(tmp_path: Path, make: Maker, name: str) -> None:
    members = {f"{i}.json": os.urandom(300 * i + 1) for i in range(6)}
    raw = make(tmp_path / name, members).read_bytes()
    end = (
        len(raw)
        if name != "x.tar"
        else sum(512 + -(-len(b) // 512) * 512 for b in members.values())
    )
    for cut in (*range(0, end, 311), end - 1):
        (tmp_path / name).write_bytes(raw[:cut])
        refused(tmp_path / name)


@pytest.mark.parametrize(("make", "name"), [(zip_of, "x.zip"), (tar_of, "x.tar.gz")])
def test_a_flipped_byte_never_gives_wrong_content(tmp_path: Path, make: Maker, name: str) -> None:
    members = {f"{i}.json": os.urandom(400) for i in range(4)}
    raw = make(tmp_path / name, members).read_bytes()
    for place in range(0, len(raw), 7):
        flipped = bytearray(raw)
        flipped[place] ^= 0x40
        (tmp_path / name).write_bytes(flipped)
        try:
            extract(tmp_path / name, tmp_path / f"out{place}")
        except InputError:
            assert not (tmp_path / f"out{place}").exists()
        else:  # a date, a mode, a name
            assert set(below(tmp_path / f"out{place}").values()) <= set(members.values())


def test_a_damaged_tar_header_is_not_taken_for_the_end(tmp_path: Path) -> None:
    raw = bytearray(plain_tar_of(tmp_path / "x.tar", {"a": b"1", "b": b"2"}).read_bytes())
    raw[1024 + 150] ^= 0xFF  # the checksum of b's header
    (tmp_path / "x.tar").write_bytes(raw)
    refused(tmp_path / "x.tar", "damaged")


def test_what_is_no_archive(tmp_path: Path) -> None:
    for body in (b"", b"PK", b"PK\x03\x04 not really", b"{}", b"\x1f\x8b nothing"):
        (tmp_path / "x.zip").write_bytes(body)
        refused(tmp_path / "x.zip")
    (tmp_path / "x.zip").write_bytes(gzip.compress(b"only a text, no tar"))
    refused(tmp_path / "x.zip")


@MAKERS
def test_an_empty_archive(tmp_path: Path, make: Maker, name: str) -> None:
    assert extract(make(tmp_path / name, {}), tmp_path / "out") == []


@MAKERS
def test_a_name_too_long_for_the_disk(tmp_path: Path, make: Maker, name: str) -> None:
    refused(make(tmp_path / name, {"x" * 300: b"1"}), "xxx")


def test_the_name_of_the_archive_does_not_matter(tmp_path: Path) -> None:
    extract(zip_of(tmp_path / "x.tar.gz", CONTENT), tmp_path / "out")
    assert below(tmp_path / "out") == CONTENT
    # A tar whose first member's name begins like a zip.
    extract(plain_tar_of(tmp_path / "x.zip", {"PK": b"1"}), tmp_path / "out2")
    assert below(tmp_path / "out2") == {"PK": b"1"}


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    archive = zip_of(tmp_path / "x.zip", CONTENT)
    monkeypatch.setattr(archives, "_write", full)
    with pytest.raises(OSError, match="No space left"):
        extract(archive, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["x.zip"]


@settings(max_examples=150, deadline=None)
@given(
    names=st.lists(st.text(st.sampled_from("ab./\\\0:~ é\n"), min_size=1, max_size=12), max_size=4),
    zipped=st.booleans(),
)
def test_no_name_gets_out(
    names: list[str], zipped: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    box = tmp_path_factory.mktemp("box")
    inner = box / "inner"
    inner.mkdir()
    archive = box / "x"
    try:
        (zip_of if zipped else plain_tar_of)(archive, dict.fromkeys(names, b"!"))
    except (ValueError, IndexError):  # the writer's own limits
        return
    try:
        files = extract(archive, inner / "out")
    except (InputError, OSError):
        files = []
    outside = [p for p in box.rglob("*") if p.is_file() and inner / "out" not in p.parents]
    assert outside == [archive]
    assert sorted(below(inner / "out")) == sorted(file.as_posix() for file in files)


@pytest.mark.parametrize("name", ["a/b.json", "./a", "a//b", "é", "...", "a/..b"])
def test_safe_names(name: str) -> None:
    assert not safe_path(name).is_absolute()


@pytest.mark.parametrize("name", ["/a", "..", "a/..", "../a", "a\0", "a\\b", "c:a"])
def test_unsafe_names(name: str) -> None:
    with pytest.raises(ValueError, match=r"has|leaves"):
        safe_path(name)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_inside_a_member_of_any_compression(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", method) as package:
        package.writestr("a.json", os.urandom(900))
    raw = (tmp_path / "x.zip").read_bytes()
    for place in range(36, 300, 3):
        damaged = bytearray(raw)
        damaged[place] ^= 0xFF
        (tmp_path / "x.zip").write_bytes(damaged)
        with suppress(InputError):  # and nothing else; some bytes say nothing
            extract(tmp_path / "x.zip", tmp_path / f"out{place}")
