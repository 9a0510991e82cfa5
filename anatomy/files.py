"""Files on disk: whole-or-nothing writing, hashing, printable paths."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMPORARY_SUFFIX = ".anatomy-partial"


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a reader sees the old file or the new one, never a part.

    The bytes go to a temporary file in the same folder, are synced, and the file is renamed.
    """
    with whole(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place, synced, when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = ""
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{path.name}.", suffix=TEMPORARY_SUFFIX, dir=path.parent
        )
        os.close(handle)
        yield Path(name)
        with Path(name).open("r+b") as stream:  # whoever wrote it, all of it must be on the disk
            os.fsync(stream.fileno())
        # mkstemp creates files only their owner may read; a report is meant to be shared.
        Path(name).chmod(0o666 & ~umask())
        Path(name).replace(path)
    except BaseException as error:
        if name:
            with suppress(OSError):  # the fault that brought us here is the one to tell
                Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError) and (
            error.filename is None or str(error.filename).endswith(TEMPORARY_SUFFIX)
        ):  # a full disk does not say where, and nobody knows the temporary file
            error.filename = str(path)
        raise


def umask() -> int:
    """The permissions that this process takes away from what it creates."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def remove_partial_files(folder: Path) -> int:
    """Delete what a killed `write_whole` left in `folder`; returns how many files."""
    left = list(folder.glob(f".*{TEMPORARY_SUFFIX}")) if folder.is_dir() else []
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file's bytes, read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def shown(text: object) -> str:
    """`text` made safe for one line of a terminal: control and invisible characters as escapes."""
    try:
        whole = str(text)
    except RecursionError:  # lists in lists, out of a hostile document
        whole = f"a {type(text).__name__} nested too deeply"
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode("ascii")
        for c in whole
    )
