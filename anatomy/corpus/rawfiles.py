"""Files as bytes, text and JSON: read once, hashed as read, bounded, faults in one line."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PosixPath, WindowsPath
from typing import Any, BinaryIO, cast

import pyarrow as pa

from anatomy.corpus.model import SourceFile
from anatomy.errors import InputError
from anatomy.files import shown

# What a compressed file may unpack to. The largest official one, LVIS's train set, has 1.1 GB.
MAX_UNPACKED = 4 * 2**30
# Text shrinks to a tenth, rarely to a hundredth; a bomb to a thousandth and less.
MAX_RATIO = 200
FREE_BYTES = 2**28  # below this the ratio says nothing
_BLOCK = 2**24
_BOM = b"\xef\xbb\xbf"
# What the readers of packed files raise for damaged ones.
_DAMAGE = (
    EOFError,
    OSError,  # gzip.BadGzipFile and Arrow's errors among them
    ValueError,
    RuntimeError,  # an encrypted member
    NotImplementedError,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zlib.error,
)


def opened(path: Path) -> BinaryIO:
    """The file, to be read from its beginning; unbuffered."""
    if path.is_dir():
        raise InputError(f"{shown(path)}: is a folder; name a file")
    if path.exists() and not path.is_file():  # a pipe, say: it cannot be read a second time
        raise InputError(f"{shown(path)}: is not a regular file; save it as one")
    with Faults(shown(path)):
        # A local file is not buffered twice; what a store gives has its own way.
        local = isinstance(path, PosixPath | WindowsPath)
        return cast(BinaryIO, path.open("rb", buffering=0) if local else path.open("rb"))


def read_bytes(path: Path) -> bytes:
    """The file's bytes, read once: what is hashed is what is parsed."""
    with opened(path) as stream, Faults(shown(path)):
        return stream.read()


def record(path: Path, raw: bytes, data: Path | None = None) -> SourceFile:
    """Provenance of `raw`, which was read from `path`; the path relative to the data folder."""
    return recorded(path, len(raw), hashlib.sha256(raw).hexdigest(), data)


def recorded(path: Path, size: int, sha256: str, data: Path | None = None) -> SourceFile:
    """Provenance of a file of so many bytes with this hash."""
    relative = data is not None and path.is_relative_to(data)
    name = (path.relative_to(data) if relative and data is not None else path).as_posix()
    # A name that is not UTF-8 comes as lone surrogates, which no document can hold.
    name = name if _encodable(name) else shown(name)
    return SourceFile(name, size, sha256)


class Faults:
    """A context in which what is wrong with a file becomes one line, an `InputError`.

    Parameters
    ----------
    where : str
        Names the file.
    packed : str
        ".gz", ".zst" or ".zip" for one that is being unpacked.
    """

    def __init__(self, where: str, packed: str = "") -> None:
        self._where, self._packed = where, packed

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if self._packed and isinstance(error, _DAMAGE):
            raise InputError(
                f"{self._where}: is not a whole {self._packed} file ({one_line(error)}); get the "
                "file again"
            ) from error
        if isinstance(error, OSError):
            raise InputError(
                f"{self._where}: cannot be read ({error.strerror or one_line(error)}); check the "
                "path and its permissions"
            ) from error


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def unpacked(raw: bytes, suffix: str, where: str, inner: str = "") -> bytes:
    """`raw`, decompressed if `suffix` is ".gz", ".zst" or ".zip" (then: its file `inner`)."""
    with Faults(where, suffix):
        if suffix == ".gz":
            with gzip.open(io.BytesIO(raw)) as stream:
                return _bounded(stream, where, len(raw))
        if suffix == ".zst":
            with pa.input_stream(pa.py_buffer(raw), compression="zstd") as stream:
                return _bounded(stream, where, len(raw))
        if suffix == ".zip":
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                found = [i for i in archive.infolist() if i.filename.split("/")[-1] == inner]
                if len(found) != 1:
                    raise InputError(f"{where}: has no {shown(inner)} inside; get the file again")
                with archive.open(found[0]) as member:
                    return _bounded(member, where, len(raw))
    return raw


def _bounded(stream: BinaryIO | Any, where: str, packed: int) -> bytes:
    parts: list[bytes] = []
    total = 0
    while block := stream.read(_BLOCK):
        total += len(block)
        if total > MAX_UNPACKED:
            raise InputError(
                f"{where}: unpacks to more than {MAX_UNPACKED // 2**30} GiB; unpack it and name "
                "the file inside, if it is meant to be that large"
            )
        check_ratio(total, packed, where)
        parts.append(block)
    return b"".join(parts)


def check_ratio(unpacked: int, packed: int, where: str) -> None:
    """Refuse what grows out of all proportion; InputError."""
    if unpacked > max(FREE_BYTES, MAX_RATIO * packed):
        raise InputError(
            f"{where}: unpacks to more than {MAX_RATIO} times its size, as bombs do; unpack it "
            "yourself, if it is meant to"
        )


def decode(raw: bytes, where: str) -> str:
    """`raw` as text: UTF-8 with or without a byte order mark, or an error that says where not."""
    try:
        return without_bom(raw, where).decode()
    except UnicodeDecodeError as error:
        at = error.start + (len(_BOM) if raw.startswith(_BOM) else 0)
        raise not_utf8(where, at, raw.count(b"\n", 0, at) + 1, raw[at]) from None


def without_bom(raw: bytes, where: str) -> bytes:
    """`raw` without UTF-8's byte order mark; UTF-16 is refused with a hint."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or raw[:4096].count(0) * 4 > len(raw[:4096]):
        raise InputError(f"{where}: looks like UTF-16, not UTF-8; save it as UTF-8")
    return raw.removeprefix(_BOM)


def not_utf8(where: str, at: int, line: int, byte: int) -> InputError:
    """The error for a file that is no UTF-8 at byte `at`, in this line."""
    return InputError(
        f"{where}: is not UTF-8 at byte {at:,} (line {line:,}: {byte:#04x}); save it as UTF-8"
    )


def parse_json(
    raw: bytes, where: str, keep: Callable[[dict[str, Any]], dict[str, Any]] | None = None
) -> Any:
    """A JSON document; `keep` may thin out each object as it is parsed."""
    if not raw.strip():
        raise InputError(f"{where}: is empty; get the file again")
    try:
        return json.loads(decode(raw, where), object_hook=keep)
    except RecursionError as error:
        raise InputError(f"{where}: is nested too deeply to be read; is it the right file?") from (
            error
        )
    except json.JSONDecodeError as error:
        raise InputError(
            f"{where}: is not whole JSON ({one_line(error)}); get the file again"
        ) from error
    except ValueError as error:
        raise InputError(f"{where}: has a number of thousands of digits; get it again") from error


def one_line(error: BaseException) -> str:
    """An exception's message for the middle of a sentence."""
    return shown(" ".join(str(error).split()))[:200] or type(error).__name__
