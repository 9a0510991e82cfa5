"""Taking a source's official files from a folder, an archive or a file that the user has."""

from __future__ import annotations

import filecmp
import os
import shutil
from pathlib import Path

from anatomy.corpus.model import HubFiles, RoboflowProject, Source
from anatomy.errors import InputError
from anatomy.fetch.archives import extract, is_archive
from anatomy.files import shown

# Read by none of the readers, and most of an archive's bytes.
_IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".npy", ".npz")
_FILMS = (".avi", ".mkv", ".mov", ".mp4")


def copy_files(
    source: Source, origin: Path, folder: Path, staging: Path, *, force: bool
) -> list[Path]:
    """Copy the official files found at `origin` into `folder`.

    Parameters
    ----------
    source : Source
    origin : Path
        A folder laid out officially or containing one that is, an archive of one, or a file.
    folder, staging : Path
        Where the files belong, and a folder of our own on the same disk, not there yet.
    force : bool
        Whether a file that is there with other content is replaced.

    Returns
    -------
    list of Path
        What was copied, relative to `folder`; empty if all of it was there.

    Raises
    ------
    InputError
        Nothing official is there, a link that leads out of it, or another
        file where one belongs.
    OSError
        A file cannot be read or written.
    """
    home = staging / source.name
    if origin.is_dir():
        files = _inside(source.locate(origin), origin)
        candidates = [file.relative_to(origin) for file in files]
        # Hard links would be quicker, but then an edit of the copy would change the original.
        _copy(files, candidates, home)
    elif is_archive(origin) and not _place_file(source, origin, staging):
        unpacked = staging / "unpacked"
        extract(origin, unpacked, wanted=is_annotation)
        root = _descended(source, unpacked)
        put(source.locate(root), root, home)
    elif not is_archive(origin):
        _place_file(source, origin, staging)
    settled = _settle(source, staging)
    if not settled:
        raise InputError(
            f"{shown(origin)}: has none of the files of {source.name}, which are "
            f"{expected(source)}; see {source.homepage}"
        )
    return _replace(settled, home, folder, force=force)


def expected(source: Source) -> str:
    """The official files of `source`, for messages."""
    remote = source.remote
    if isinstance(remote, HubFiles):
        return ", ".join(remote.patterns)
    if isinstance(remote, RoboflowProject):
        return "<dataset>/{train,valid,test}/_annotations.coco.json"
    return ", ".join(
        f"the content of {item.url.rpartition('/')[2]}" if item.unpack else item.path
        for item in remote
    )


def is_annotation(name: str) -> bool:
    """Whether an archive's member can be a file that is read; images and films cannot."""
    return Path(name).suffix.lower() not in _IMAGES + _FILMS


def with_siblings(files: list[Path]) -> list[Path]:
    """`files` and what lies beside them with the same suffix: RefCOCOg's other split, say."""
    return sorted(
        {
            beside
            for file in files
            for beside in file.parent.iterdir()
            if beside.is_file() and beside.suffix == file.suffix
        }
    )


def put(files: list[Path], origin: Path, folder: Path) -> list[Path]:
    """Rename `files`, below `origin`, to the same places below `folder`; gives those places."""
    places = [file.relative_to(origin) for file in files]
    for file, place in zip(files, places, strict=True):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        file.replace(folder / place)
    return places


def _inside(files: list[Path], origin: Path) -> list[Path]:
    """`files`, none of which a link takes out of `origin`."""
    real = origin.resolve()
    for file in files:
        if not file.resolve().is_relative_to(real):
            raise InputError(
                f"{shown(file)}: is a link to a place outside {shown(origin)}; "
                "name a folder that holds both with --from"
            )
    return files


def _copy(files: list[Path], places: list[Path], home: Path) -> None:
    for file, place in zip(files, places, strict=True):
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, home / place)


def _place_file(source: Source, file: Path, staging: Path) -> bool:
    """Copy one file to where the readers look for it; False if its name is not an official one.

    How much of its path belongs to the layout is found by trying: RefCOCO's `refs(unc).p` needs
    the folder above it, LVIS's file does not.
    """
    home = staging / source.name
    # Not resolved: a link that the user names is meant, and its own name is the official one.
    above = Path(os.path.abspath(file)).parts[1:-1][-2:]  # noqa: PTH100
    for depth in range(len(above), -1, -1):
        place = Path(*above[len(above) - depth :], file.name)
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        (home / place).touch()
        if source.locate(staging) == [home / place]:
            shutil.copyfile(file, home / place)
            return True
        shutil.rmtree(home)
    return False


def _settle(source: Source, staging: Path) -> list[Path]:
    """The files in staging once all lie where the readers look for them, or none.

    A folder that contains the official one adds leading folders to each path. They are taken
    away one by one until every file is found.
    """
    home = staging / source.name
    while home.is_dir():
        files = sorted(path for path in home.rglob("*") if path.is_file())
        if files and sorted(source.locate(staging)) == files:
            return files
        inner = list(home.iterdir())
        if len(inner) != 1 or not inner[0].is_dir():
            return []
        lifted = staging / "lifted"
        inner[0].rename(lifted)
        home.rmdir()
        lifted.rename(home)
    return []


def _descended(source: Source, folder: Path) -> Path:
    """`folder`, or what all of an archive lies in if the files are found only there."""
    while not source.locate(folder):
        inner = list(folder.iterdir())
        if len(inner) != 1 or not inner[0].is_dir():
            break
        folder = inner[0]
    return folder


def _replace(files: list[Path], home: Path, folder: Path, *, force: bool) -> list[Path]:
    """Move `files` into `folder`, after all of them were seen to have a place there."""
    new = []
    for file in files:
        target = folder / file.relative_to(home)
        if not target.exists():
            new.append(file)
        elif not filecmp.cmp(file, target, shallow=False):
            if not force:
                raise InputError(
                    f"{shown(target)}: is there with other content; --force replaces it"
                )
            new.append(file)
    return put(new, home, folder)
