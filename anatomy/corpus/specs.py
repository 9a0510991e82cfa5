"""What a user may write after ``--sources``: names, "all", files, columns, labels."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anatomy.corpus import places, registry
from anatomy.corpus.model import COMBINED, Source
from anatomy.corpus.tables import format_of, stem_of
from anatomy.errors import InputError
from anatomy.files import shown

RESERVED = ("all", COMBINED)
LONGEST_NAME = 64
_LABEL = re.compile(r"\w[\w.+-]{0,63}")


@dataclass(frozen=True)
class UserFile:
    """A file of the user's, or several; the column to read (None: see `tables.choose`); a name.

    Attributes
    ----------
    path : Path
        The file; or the pattern or list that stands for `several`.
    """

    name: str
    path: Path
    column: str | None = None
    several: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files to read, in this order."""
        return self.several or (self.path,)

    @property
    def title(self) -> str:
        """As the user would write it: PATH or PATH:COLUMN."""
        return f"{self.path}" if self.column is None else f"{self.path}:{self.column}"


def parse(sources: Sequence[str]) -> list[Source | UserFile]:
    """The sources that `sources` names, in that order.

    Each item is an official name, "all" (the six), ``PATH``, ``PATH:COLUMN`` or
    ``LABEL=PATH[:COLUMN]``, or several of these with commas between them. What exists as a path
    is one, whatever characters it contains. A file's name is its label, else its stem. PATH may
    be a pattern (``data/*.parquet``), a list of paths (``@files.txt``) or a file, or pattern, of a
    store (``s3://bucket/prompts.parquet``); several files are one source.

    Raises
    ------
    InputError
        Nothing is named, or a name twice; an unknown name (the nearest is offered); a file that
        is not there; a label that is no word, or the name of an official source.
    """
    found: list[Source | UserFile] = []
    for item in sources:
        for part in [item] if os.path.lexists(item) else item.split(","):
            if part.strip() == "all":
                found.extend(registry.ALL)
            elif part.strip():
                found.append(_one(part.strip()))
    names = [source.name for source in found]
    if not names:
        raise InputError("no sources; name some with --sources: all, lvis, prompts.txt, ...")
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"{shown(name)}: two sources have this name; name each once, and files that are "
                "called the same with LABEL=PATH"
            )
    return found


def _one(text: str) -> Source | UserFile:
    if text in registry.NAMES:
        return registry.by_name(text)
    _check_encodable(text)
    label, equals, rest = text.partition("=")
    if not equals or os.path.lexists(text):
        label, rest = "", text
    elif not _LABEL.fullmatch(label):
        raise InputError(
            f"{shown(text)}: {shown(label) or 'nothing'} is no label; use letters, digits and ._+-"
        )
    where, column = _split(rest)
    several = places.files_of(where) if places.is_several(where) else ()
    path = places.path_of(where)
    name = label or shown(_name_of_several(path) if several else stem_of(path) or path.name)
    name = name[:LONGEST_NAME]
    check_free(name, shown(text), f"give your file another, my-{name}={shown(rest)}")
    return UserFile(name, path, column, several)


def _name_of_several(path: Path) -> str:
    """What is no sign in the stem of a pattern or a list, or else in the nearest folder's name."""
    for part in (stem_of(path) or path.name, *(parent.name for parent in path.parents)):
        bare = re.sub(r"\W*[*?@\[][^/]*", "", part)
        if bare:
            return bare
    return "prompts"


def check_free(name: str, where: str, instead: str) -> None:
    """Refuse a name that is not the user's to give; InputError."""
    if name in (*registry.NAMES, *RESERVED):
        raise InputError(f"{where}: {name} is a name that anatomy uses itself; {instead}")


def _split(text: str) -> tuple[str, str | None]:
    """PATH and COLUMN: the longest beginning that is a path, so a path may contain colons."""
    if os.path.lexists(text):
        return text, None
    if places.is_remote(text):  # not asked for: its last part alone may have a colon
        folder, slash, last = text.rpartition("/")
        name, colon, column = last.partition(":")
        return _with_column(text, f"{folder}{slash}{name}", column if colon else None)
    for at in reversed([match.start() for match in re.finditer(":", text)]):
        path, column = text[:at], text[at + 1 :]
        if os.path.lexists(path) or places.is_several(path):
            return _with_column(text, path, column)
    if places.is_several(text):
        return text, None
    path = text.partition(":")[0]
    if os.sep in text or format_of(Path(path)):
        raise InputError(f"{shown(path)}: no such file; check the path")
    registry.by_name(text)  # raises, and offers the nearest name
    raise AssertionError(text)


def _with_column(text: str, path: str, column: str | None) -> tuple[str, str | None]:
    if column == "":
        raise InputError(f"{shown(text)}: no column after the colon; leave out both")
    return path, column


def _check_encodable(text: str) -> None:
    """A file name that is not UTF-8 reaches Python as lone surrogates, which no report can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"{shown(text)}: is not valid UTF-8; rename the file") from None
    if "\0" in text:
        raise InputError(f"{shown(text)}: has a NUL character, which no path can have")
