"""Unpacking zip and tar archives that nobody vouches for.

A member may not leave the folder, be a link or a device, or unfold into more than the archive
can honestly hold. Sizes are counted while reading: a header says whatever its author wants. All
names are judged before the result becomes visible, and the first bad one refuses the archive.
"""

from __future__ import annotations

import errno
import gzip
import lzma
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol, cast

from anatomy.errors import InputError
from anatomy.fetch.members import LIMIT_BYTES, Budget, Members, RefusedError
from anatomy.files import shown, umask

UNPACKING_SUFFIX = ".anatomy-unpacking"

# What the system says to a place or a name that only a bad archive asks for.
_FAULTS_OF_ARCHIVES = frozenset((errno.EINVAL, errno.ENAMETOOLONG, errno.EILSEQ))
_BLOCK = 2**20
_MAX_TAR_HEADER = 2**20
_EXTENSION_HEADERS = frozenset(
    (
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
    )
)


def is_archive(path: Path) -> bool:
    """Whether the name is that of an archive that `extract` reads."""
    return path.name.lower().endswith((".zip", ".tar", ".tar.gz", ".tgz"))


def extract(
    archive: Path,
    destination: Path,
    *,
    wanted: Callable[[str], bool] = lambda name: True,
    limit_bytes: int = LIMIT_BYTES,
) -> list[Path]:
    """Unpack the wanted members of a zip, tar or tar.gz archive.

    Parameters
    ----------
    archive : Path
        Recognised by its content, not by its name.
    destination : Path
        Folder to fill. If it does not exist it appears whole; if it does, each file is put into
        place whole, over a file of the same name.
    wanted : function of a member's path ("/" between its parts), default everything
        Members it is false for are checked like all others, and not written.
    limit_bytes : int, default 32 GiB
        Most bytes that may come out.

    Returns
    -------
    list of Path
        The files, sorted, relative to `destination`.

    Raises
    ------
    InputError
        Not an archive, damaged, cut short, encrypted, or a member that is refused. Nothing of
        the archive is then left at `destination`.
    OSError
        The archive or the destination cannot be read or written.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(
        tempfile.mkdtemp(
            prefix=f".{destination.name}.", suffix=UNPACKING_SUFFIX, dir=destination.parent
        )
    )
    try:
        with _one_line(archive):
            budget = Budget(limit_bytes, archive.stat().st_size)
            unpack = _unpack_zip if _is_zip(archive) else _unpack_tar
            written = sorted(unpack(archive, folder, wanted, budget))
        # mkdtemp makes a folder that only its owner may enter.
        folder.chmod(0o777 & ~umask())
        move_into(folder, destination, written)
        return written
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def move_into(folder: Path, destination: Path, files: list[Path]) -> None:
    """Rename `files`, relative to `folder`, into `destination`; all at once if it is not there.

    Raises
    ------
    OSError
        A rename is not possible, a folder standing where a file belongs for instance.
    """
    if not destination.exists():
        destination.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(destination)
        return
    for file in files:
        (destination / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).replace(destination / file)


class _Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


def _is_zip(archive: Path) -> bool:
    with archive.open("rb") as stream:
        return stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def _unpack_zip(
    archive: Path, folder: Path, wanted: Callable[[str], bool], budget: Budget
) -> list[Path]:
    with zipfile.ZipFile(archive) as package:
        members = Members()
        chosen: list[tuple[zipfile.ZipInfo, PurePosixPath]] = []
        for info in package.infolist():
            # orig_filename: zipfile cuts `filename` at a NUL.
            path = members.add(info.orig_filename, folder=info.is_dir())
            _check_zip_member(info)
            if not info.is_dir() and wanted(str(path)):
                chosen.append((info, path))
        for info, path in chosen:
            with package.open(info) as stream:
                _write(stream, folder / path, budget, shown(path))
    return [Path(path) for _, path in chosen]


def _check_zip_member(info: zipfile.ZipInfo) -> None:
    name = shown(info.orig_filename)
    if info.flag_bits & 0x41:  # bit 0: encrypted, bit 6: strong encryption
        raise RefusedError(f"its member {name!r} is encrypted")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise RefusedError(f"its member {name!r} is a link")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise RefusedError(f"its member {name!r} is a device or another special file")


class _TarInfo(tarfile.TarInfo):
    """A tar header, refused before the standard library acts on it."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> _TarInfo:
        info = super().frombuf(buf, encoding, errors)
        if info.size < 0:
            raise RefusedError(f"its member {shown(info.name)!r} has a negative size")
        # These are read into memory whole.
        if info.type in _EXTENSION_HEADERS and info.size > _MAX_TAR_HEADER:
            raise RefusedError(f"has a header of {info.size:,} bytes")
        if info.type == tarfile.GNUTYPE_SPARSE:
            raise RefusedError(f"its member {shown(info.name)!r} is a sparse file")
        return info


class _Counted:
    """A stream that counts what it gives and remembers where its last non-zero byte was."""

    def __init__(self, stream: _Readable, budget: Budget) -> None:
        self._stream = stream
        self._budget = budget
        self.member = "its start"
        self.position = 0
        self.content_end = 0

    def read(self, count: int = -1) -> bytes:
        data = self._stream.read(count)
        self._budget.spend(len(data), self.member)
        content = len(data.rstrip(b"\0"))
        if content:
            self.content_end = self.position + content
        self.position += len(data)
        return data


def _unpack_tar(
    archive: Path, folder: Path, wanted: Callable[[str], bool], budget: Budget
) -> list[Path]:
    """One pass over the stream: nothing is sought, so the bytes counted are all there are."""
    written: list[Path] = []
    members = Members()
    end = 0
    with _tar_stream(archive) as raw:
        stream = _Counted(raw, budget)
        with tarfile.open(
            fileobj=cast(IO[bytes], stream), mode="r|", tarinfo=_TarInfo, bufsize=_BLOCK
        ) as package:
            for info in package:
                stream.member = shown(info.name)
                _check_tar_member(info)
                path = members.add(info.name, folder=info.isdir())
                _second_opinion(info, folder)
                end = info.offset_data + -(-info.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
                content = package.extractfile(info) if info.isreg() else None
                if content is not None and wanted(str(path)):
                    with content:
                        # The stream counts already; writing must not count twice.
                        _write(content, folder / path, None, shown(path))
                    written.append(Path(path))
            # Reading to the very end checks gzip's checksum.
            while stream.read(_BLOCK):
                pass
    # tarfile takes a damaged header, or no more bytes, for the end. The true end is zeros.
    if stream.content_end > end:
        raise RefusedError(f"is damaged or cut short after byte {end:,}")
    if stream.position < end + tarfile.BLOCKSIZE:
        raise RefusedError("is cut short")
    return written


@contextmanager
def _tar_stream(archive: Path) -> Iterator[_Readable]:
    with archive.open("rb") as packed:
        magic = packed.read(2)
        packed.seek(0)
        if magic == b"\x1f\x8b":
            with gzip.open(packed) as unpacked:
                yield unpacked
        else:
            yield packed


def _check_tar_member(info: tarfile.TarInfo) -> None:
    name = shown(info.name)
    if info.issym() or info.islnk():
        raise RefusedError(f"its member {name!r} is a link")
    if not (info.isreg() or info.isdir()):
        raise RefusedError(f"its member {name!r} is a device or another special file")


def _second_opinion(info: tarfile.TarInfo, folder: Path) -> None:
    """The standard library's own check, where it has one (Python 3.11.4)."""
    data_filter = getattr(tarfile, "data_filter", None)
    if data_filter is None:
        return
    try:
        data_filter(info, str(folder))
    except tarfile.TarError as error:
        raise RefusedError(f"its member {shown(info.name)!r} is refused: {error}") from error


def _write(stream: _Readable, path: Path, budget: Budget | None, where: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as out:
        while block := stream.read(_BLOCK):
            if budget is not None:
                budget.spend(len(block), where)
            out.write(block)


@contextmanager
def _one_line(archive: Path) -> Iterator[None]:
    """Whatever the archive makes the standard library raise, as one line."""
    where = shown(archive)
    try:
        yield
    except RefusedError as error:
        raise InputError(f"{where}: {error}; not unpacked") from error
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        struct.error,
        NotImplementedError,  # a zip compression that this Python lacks
        RuntimeError,
        ValueError,
        LookupError,
        OverflowError,
    ) as error:
        raise InputError(
            f"{where}: is not a whole zip, tar or tar.gz archive ({shown(error)}); get it again"
        ) from error
    except OSError as error:
        # gzip's and bz2's own faults come without a number of the system's.
        if error.errno is not None and error.errno not in _FAULTS_OF_ARCHIVES:
            raise
        raise InputError(f"{where}: cannot be unpacked ({shown(error)}); get it again") from error
