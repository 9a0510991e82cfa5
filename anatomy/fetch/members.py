"""What a member of an archive may be called, and how much may come out of one."""

from __future__ import annotations

from pathlib import PurePosixPath

from anatomy.files import shown

LIMIT_BYTES = 32 * 2**30  # the largest official archive unpacks to 1.1 GB
MAX_MEMBERS = 1_000_000
# Annotation JSON shrinks to a tenth, rarely to a fiftieth; a bomb to a thousandth.
MAX_RATIO = 200
FREE_BYTES = 64 * 2**20  # below this the ratio says nothing: a megabyte of zeros hurts nobody


class RefusedError(Exception):
    """A reason to refuse the archive, without the archive's path."""


def safe_path(name: str) -> PurePosixPath:
    """A member's name as a relative path that stays where it is put.

    Raises
    ------
    ValueError
        With the reason: empty, absolute, a drive, "..", a backslash, a NUL.
    """
    if "\0" in name:
        raise ValueError("has a NUL in its name")
    if "\\" in name:  # a separator on Windows, where it would go around the checks below
        raise ValueError("has a backslash in its name")
    if name.startswith("/") or name[1:2] == ":":
        raise ValueError("has an absolute path")
    path = PurePosixPath(name)
    if ".." in path.parts:
        raise ValueError('leaves the folder with ".."')
    return path


class Members:
    """The names seen so far, each checked against the ones before; `add` may refuse."""

    def __init__(self) -> None:
        self._files: set[PurePosixPath] = set()
        self._folders: set[PurePosixPath] = set()
        self._count = 0

    def add(self, name: str, *, folder: bool) -> PurePosixPath:
        self._count += 1
        if self._count > MAX_MEMBERS:
            raise RefusedError(f"has more than {MAX_MEMBERS:,} members")
        try:
            path = safe_path(name)
        except ValueError as error:
            raise RefusedError(f"its member {shown(name)!r} {error}") from error
        if folder:
            if path in self._files:
                raise RefusedError(f"its member {shown(name)!r} is there twice")
            self._folders.update((path, *path.parents))
            return path
        if not path.parts:
            raise RefusedError("has a member without a name")
        if path in self._files or path in self._folders:
            raise RefusedError(f"its member {shown(name)!r} is there twice")
        if not self._files.isdisjoint(path.parents):
            raise RefusedError(f"its member {shown(name)!r} lies below a file")
        self._files.add(path)
        self._folders.update(path.parents)
        return path


class Budget:
    """How many bytes may still come out of the archive; `spend` refuses when they are used up."""

    def __init__(self, limit: int, packed: int) -> None:
        self._limit = limit
        self._packed = max(packed, 1)
        self._out = 0

    def spend(self, count: int, where: str) -> None:
        self._out += count
        if self._out > self._limit:
            raise RefusedError(f"unpacks to more than {self._limit:,} bytes (at {where})")
        if self._out > max(FREE_BYTES, MAX_RATIO * self._packed):
            raise RefusedError(
                f"unpacks to more than {MAX_RATIO} times its size (at {where}); "
                "it looks like a zip bomb"
            )
