"""Who may change a folder: one process at a time, and nobody else for as long as it lives.

The lock is the system's, on a file in the folder, and ends with the process however that ends:
kill -9 leaves a file behind and no lock. In the file stands who holds it, for the one line that
the next one is told. Whoever only reads needs no lock, so a folder may be read-only.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from anatomy.errors import InputError
from anatomy.files import shown

NAME = ".anatomy-lock"
_MOST = 1024  # bytes of a lock's file
_WITHOUT = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def held(
    path: Path, where: str, instead: str = "", *, waiting: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold the lock file `path`, which is gone afterwards. Who holds it may hold it again within.

    Parameters
    ----------
    path : Path
        Its folder is made if it is missing.
    where : str
        What is held, in a message: a folder, as the user named it.
    instead : str
        What a user may do but wait: ", or give another folder".
    waiting : callable(str), optional
        Wait for another process, once this was told whom for, instead of refusing.

    Raises
    ------
    InputError
        If another process holds it: which one, since when, and what to do.
    OSError
        If the file cannot be made there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # One object for all in this process that ask for one file: what is held can be held again.
    lock = FileLock(path, is_singleton=True, on_acquired=_sign)
    try:
        try:
            lock.acquire(blocking=False)
        except Timeout as error:
            told = f"{where}: {_holder(path)} there"
            if waiting is None:
                raise InputError(f"{told}; wait until it ends{instead}") from error
            waiting(f"{told}; waiting until it ends")
            lock.acquire(poll_interval=0.2)
    except OSError as error:
        # Some network file systems know no locks; better unlocked than not at all.
        if error.errno not in _WITHOUT:
            raise
        yield
        return
    try:
        yield
    finally:
        if lock.lock_counter == 1:
            with suppress(OSError):  # while it is held, so that nobody locks it for nothing
                path.unlink(missing_ok=True)
        lock.release()


def _sign(descriptor: int) -> None:
    """Write into a lock's file who holds it."""
    found = os.fstat(descriptor)
    # Never into what is no lock's file: a pipe, or another file under this name.
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_size > _MOST:
        return
    since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    with suppress(OSError):  # on a full disk, too, it is held
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, json.dumps({"process": os.getpid(), "since": since}).encode())


def _holder(path: Path) -> str:
    """Who is at work, as its lock's file says; it may say anything, or nothing."""
    try:
        with path.open("rb") as stream:
            content = json.loads(stream.read(_MOST))
        process, since = int(content["process"]), datetime.fromisoformat(content["since"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return "another process is at work"
    return f"process {process} has been at work since {shown(f'{since:%Y-%m-%d %H:%M:%S}')}"
