"""A source's folder below the data folder: what was fetched into it, and who may write now."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from anatomy.errors import InputError
from anatomy.files import shown, write_whole
from anatomy.locks import NAME, held

if TYPE_CHECKING:
    from rich.progress import Progress

RECORD = ".anatomy-fetched"


@dataclass
class Record:
    """What an earlier fetch did in a source's folder.

    Attributes
    ----------
    complete : bool
    files : dict of str to int
        Length of each official file, by its path relative to the data folder.
    done : dict of str to list of str
        Parts that need not be fetched again (an address, a dataset), and their files relative
        to the source's folder.
    """

    complete: bool = False
    files: dict[str, int] = field(default_factory=dict)
    done: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Record | None:
        """The record in `folder`; an unreadable one counts as incomplete."""
        try:
            found = json.loads((folder / RECORD).read_bytes())
            return cls(
                bool(found["complete"]),
                {str(path): int(size) for path, size in found["files"].items()},
                {str(part): [str(f) for f in files] for part, files in found["done"].items()},
            )
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return cls()

    def write(self, folder: Path) -> None:
        write_whole(folder / RECORD, json.dumps(vars(self), indent=1).encode())

    @staticmethod
    def remove_if_alone(folder: Path) -> None:
        """Leave nothing behind where nothing was fetched."""
        with suppress(OSError):
            if [entry.name for entry in folder.iterdir()] == [RECORD]:
                (folder / RECORD).unlink()
            folder.rmdir()  # fails, as it should, unless it is empty

    def has(self, part: str, folder: Path) -> bool:
        """Whether a part was fetched and its files are still there."""
        return part in self.done and all((folder / file).is_file() for file in self.done[part])


def alone(name: str, data: Path, progress: Progress | None = None) -> AbstractContextManager[None]:
    """Hold the lock of `<data>/<name>`, after the process that holds it now has ended.

    To wait serves better than to refuse: what the other one brings is then already there.
    """
    where = f"{name}: in {shown(data)}"
    return held(data / f".{name}{NAME}", where, waiting=lambda line: tell(progress, line))


def tell(progress: Progress | None, line: str) -> None:
    """A line above the bars, where there are any."""
    if progress is not None:
        progress.console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def disk_errors(data: Path) -> Iterator[None]:
    """What the disk refuses, as one line."""
    try:
        yield
    except OSError as error:
        where = shown(error.filename if error.filename is not None else data)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InputError(
                f"{shown(data)}: the disk is full; make room and run the command again, "
                "or name another folder with --data"
            ) from error
        raise InputError(
            f"{where}: {error.strerror or shown(error)}; check the path and its permissions, "
            "or name another folder with --data"
        ) from error


def check_room(folder: Path, needed: int) -> None:
    """Refuse a download that the disk has no room for, before it starts.

    Raises
    ------
    InputError
        Naming the folder, the bytes needed and those free.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            f"{shown(folder)}: {needed:,} bytes are needed and {free:,} are free; "
            "make room, or name another folder with --data"
        )
