"""Where a user's files are: here, a pattern of several, a list in a file, or a remote store."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from anatomy.errors import InputError
from anatomy.files import shown

# Stores whose files may be read: fsspec knows many more, some of which run programs or follow
# addresses into this machine's network.
STORES = ("s3", "gs", "hf", "az", "memory")
_REMOTE = re.compile(r"([a-z][a-z0-9+.-]*)://")
_PATTERN = re.compile(r"[*?]|\[[^]]+\]")
_MOST = 100_000  # files of one source
_LIST = "@"


def is_remote(text: str) -> bool:
    """Whether this names a file of a store: ``s3://bucket/prompts.parquet``."""
    return _REMOTE.match(text) is not None


def is_several(text: str) -> bool:
    """Whether this is a pattern, or names a list of files (``@files.txt``)."""
    if os.path.lexists(text):
        return False
    return text.startswith(_LIST) or _PATTERN.search(text) is not None


def path_of(text: str) -> Path:
    """The file that a name stands for, which need not be there.

    Raises
    ------
    InputError
        If it is of a store that is not read, or cannot be: the message says what to install.
    """
    if not is_remote(text):
        return Path(text)
    scheme = text.partition("://")[0]
    if scheme not in STORES:
        raise InputError(
            f"{shown(text)}: files of {shown(scheme)}:// are not read; "
            f"use {', '.join(f'{name}://' for name in STORES[:-1])} or copy it here"
        )
    try:
        from upath import UPath

        path = UPath(text)
        path.fs  # noqa: B018  (finds out whether the store's own library is there)
    except ImportError as error:
        raise InputError(
            f"{shown(text)}: {shown(scheme)}:// needs more libraries ({shown(error)}); "
            "pip install 'prompt-anatomy[remote]'"
        ) from error
    except Exception as error:  # each store has its own
        raise InputError(f"{shown(text)}: cannot be reached ({shown(error)[:200]})") from error
    return cast(Path, path)


def files_of(text: str) -> tuple[Path, ...]:
    """All files that a pattern, or a list of names, stands for; sorted, or in the list's order.

    Raises
    ------
    InputError
        If there is none.
    """
    found: Iterable[Path]
    if text.startswith(_LIST):
        try:
            lines = Path(text[1:]).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"{shown(text[1:])}: is no list of files, one a line ({shown(error)[:100]})"
            ) from error
        found = [path_of(line.strip()) for line in lines if line.strip()]
    elif is_remote(text):
        whole: Any = path_of(text)
        try:
            names = sorted(whole.fs.glob(whole.path))
        except Exception as error:
            raise InputError(f"{shown(text)}: cannot be listed ({shown(error)[:200]})") from error
        found = [path_of(whole.fs.unstrip_protocol(name)) for name in names]
    else:
        found = sorted(Path(name) for name in glob.glob(text, recursive=True))  # noqa: PTH207
        found = [path for path in found if path.is_file()]
    paths = tuple(found)
    if not paths:
        raise InputError(f"{shown(text)}: no such files; check the pattern")
    if len(paths) > _MOST:
        raise InputError(f"{shown(text)}: {len(paths):,} files; give at most {_MOST:,} a source")
    return paths
