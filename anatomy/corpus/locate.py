"""Where a source's official files lie below a data folder.

Only known names in known folders are looked for: a data folder may hold a million images beside
its annotations, and walking it would take minutes. A file that a link takes out of the data
folder is an error, not a surprise.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import platformdirs

from anatomy.errors import InputError
from anatomy.files import shown

# Folders inside a source's own in which its annotation files come: as the hub has them (none,
# "annotation"), as COCO's users keep them, and as Roboflow's copy of SA-Co/Gold unpacks.
ANNOTATION_FOLDERS = ("", "annotation", "annotations", "gt-annotations")
SPLITS = ("train", "valid", "test")
COCO_FILE = "_annotations.coco.json"
# The three sets, and whose split of each is read: the first that is there. RefCOCOg's split by
# Google has images in both of its parts and no test set; UMD's has neither fault.
REFER_SETS = {
    "refcoco": ("unc", "google"),
    "refcoco+": ("unc",),
    "refcocog": ("umd", "google"),
}

Locate = Callable[[Path], list[Path]]


def data_folder(option: Path | None = None) -> Path:
    """The folder of the sources: `option` (``--data``), else ``ANATOMY_DATA``, else the cache's.

    Only an option that is no folder is an error; the other two may not exist yet.
    """
    if option is not None:
        if not option.is_dir():
            raise InputError(
                f"{shown(option)}: no such folder; create it, or name the one that the sources "
                "are in with --data"
            )
        return option
    named = os.environ.get("ANATOMY_DATA")
    return Path(named) if named else platformdirs.user_cache_path("anatomy") / "data"


def by_pattern(*folders: str, pattern: str) -> Locate:
    """A finder of the files whose whole name matches `pattern`, in one of `folders`."""
    name = re.compile(pattern)

    def find(folder: Path) -> list[Path]:
        for part in ANNOTATION_FOLDERS:
            found = _entries(folder / part, lambda entry: name.fullmatch(entry.name) is not None)
            if found:
                return found
        return []

    return _in_own_folder(folders, find)


def lvis_file(data: Path) -> list[Path]:
    """LVIS's val file, or else its train file; either has the whole category table."""
    found = by_pattern("lvis", pattern=r"lvis_v1_(train|val)\.json(\.zip)?")(data)
    return sorted(found, key=lambda path: ("_train" in path.name, path.name))[:1]


def rf100vl_files(data: Path) -> list[Path]:
    """`<dataset>/{train,valid,test}/_annotations.coco.json`, by dataset."""

    def find(folder: Path) -> list[Path]:
        return [
            dataset / split / COCO_FILE
            for dataset in _entries(folder, os.DirEntry.is_dir)
            for split in SPLITS
            if (dataset / split / COCO_FILE).exists()
        ]

    return _in_own_folder(("rf100vl", "rf100-vl"), find)(data)


def refcoco_files(data: Path) -> list[Path]:
    """One `refs(...).p` for each of the three sets that is there."""

    def find(folder: Path) -> list[Path]:
        found = []
        for name, splitters in REFER_SETS.items():
            paths = [folder / name / f"refs({splitter}).p" for splitter in splitters]
            found += [path for path in paths if path.exists()][:1]
        return found

    return _in_own_folder(("refcoco",), find)(data)


def _in_own_folder(folders: tuple[str, ...], find: Callable[[Path], list[Path]]) -> Locate:
    """`find` in the first of a source's own folders that has anything, else in the data folder."""

    def locate(data: Path) -> list[Path]:
        for folder in (*(data / name for name in folders), data):
            found = sorted(find(folder))
            if found:
                for path in found:
                    _check(path, data)
                return found
        return []

    return locate


def _entries(folder: Path, wanted: Callable[[os.DirEntry[str]], bool]) -> list[Path]:
    """The wanted entries of a folder; none if it is not there."""
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if wanted(entry)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise InputError(
            f"{shown(folder)}: cannot be listed ({error.strerror}); check its permissions"
        ) from error


def _check(path: Path, data: Path) -> None:
    """Refuse what is not a file of the data folder."""
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"{shown(path)}: is a link to nothing; remove it or get the file again"
        ) from error
    if not real.is_relative_to(data.resolve()):
        raise InputError(
            f"{shown(path)}: is a link to a place outside the data folder {shown(data)}; "
            "copy the file there, or name the folder it is really in with --data"
        )
    if not real.is_file():
        raise InputError(f"{shown(path)}: is not a file; remove it or get the file again")
