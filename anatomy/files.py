"""Files on disk: whole-or-nothing writing, hashing, printable paths."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anatomy.errors import InputError

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
    handle, name = tempfile.mkstemp(
        prefix=f".{path.name}.", suffix=TEMPORARY_SUFFIX, dir=path.parent
    )
    os.close(handle)
    try:
        yield Path(name)
        with Path(name).open("r+b") as stream:  # whoever wrote it, all of it must be on the disk
            os.fsync(stream.fileno())
        # mkstemp creates files only their owner may read; a report is meant to be shared.
        Path(name).chmod(0o666 & ~umask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
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


@contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Hold the lock file `path`; the system drops the lock when the process ends, however.

    The file is gone afterwards. On Windows nothing is locked.

    Raises
    ------
    InputError
        With the message `busy`, if another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        yield
        return
    import fcntl

    while True:
        # Neither through a link nor into a pipe, whatever lies there.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        stream = os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0)
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            stream.close()
            raise InputError(busy) from error
        except OSError as error:
            # Some network file systems know no locks; better unlocked than not at all.
            if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                stream.close()
                raise
        if _is_still(path, stream.fileno()):
            break
        stream.close()  # its holder deleted it between our opening and locking it
    with stream:
        try:
            yield
        finally:
            path.unlink(missing_ok=True)  # while it is held, so that nobody locks it for nothing


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether the open file is the one that the path names."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


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
