"""Bringing the official files of a source into the data folder.

`<data>/<source>/` is filled by one process at a time. Beside the files stands a record of them,
written first as incomplete and at the end as complete: a killed fetch is told from a finished
one, and the next run does what is left.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from anatomy.corpus.model import Download, HubFiles, RoboflowProject, Source
from anatomy.errors import InputError
from anatomy.fetch import copying, hub, roboflow
from anatomy.fetch.addresses import file_name
from anatomy.fetch.archives import extract
from anatomy.fetch.downloads import download
from anatomy.fetch.folders import RECORD, Record, alone, disk_errors, tell
from anatomy.fetch.members import safe_path
from anatomy.files import sha256_of, shown

if TYPE_CHECKING:
    from rich.progress import Progress

How = Literal["downloaded", "copied", "already there"]


@dataclass(frozen=True)
class Fetched:
    """What `fetch` did: the official files now below the data folder, and how they came."""

    name: str
    files: tuple[Path, ...]
    bytes: int
    how: How


def fetch(
    source: Source,
    data: Path,
    *,
    copy_from: Path | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Fetched:
    """Bring the official files of `source` into `<data>/<source.name>/`.

    Parameters
    ----------
    source : Source
    data : Path
        Data folder; made if missing.
    copy_from : Path, optional
        Folder, archive or single file to take them from, instead of the network.
    force : bool, default False
        Do it again where the files are there: download anew, check a hub's files against their
        published checksums and replace those that differ, or copy over other files.
    progress : rich.progress.Progress, optional
        A running display to add tasks to; nothing is printed without it.

    Returns
    -------
    Fetched
        With ``how == "already there"`` nothing was changed: an earlier fetch was complete, or the
        files were put there by hand.

    Raises
    ------
    InputError
        With one line that says what to do: no network, no access, no room, files that are not
        the published ones, ... Another fetch of the same source is waited for.
    """
    if copy_from is not None and not (copy_from.is_file() or copy_from.is_dir()):
        raise InputError(f"{shown(copy_from)}: there is no such file or folder; check --from")
    folder = data / source.name
    with ExitStack() as stack:
        stack.enter_context(disk_errors(data))
        if copy_from is None and not force and _is_complete(source, data):
            return _fetched(source, source.locate(data), "already there")  # no lock to read
        stack.enter_context(alone(source.name, data, progress))
        staging = data / f".{source.name}.anatomy-staging"
        shutil.rmtree(staging, ignore_errors=True)  # left by a killed run
        try:
            if copy_from is not None:
                taken = copying.copy_files(source, copy_from, folder, staging, force=force)
                files = _recorded(source, data)
                return _fetched(source, files, "copied" if taken else "already there")
            if not force and _is_complete(source, data):
                return _fetched(source, source.locate(data), "already there")
            _download(source, folder, staging, force, progress)
            return _fetched(source, _recorded(source, data), "downloaded")
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            Record.remove_if_alone(folder)


def command(source: Source) -> str:
    """The command that fetches `source`, for messages."""
    return f"anatomy fetch {source.name}"


def by_hand(source: Source) -> str:
    """What remains to a user whom the network fails, for messages."""
    return (
        f"run `{command(source)}` again later, or get the file by hand (see {source.homepage}) "
        f"and give it with `{command(source)} --from PATH`"
    )


def _is_complete(source: Source, data: Path) -> bool:
    """Whether there is nothing to do: all that was recorded is there, or files put by hand."""
    found = source.locate(data)
    record = Record.read(data / source.name)
    if not found or record is None:
        return bool(found)
    return record.complete and all(
        (data / path).is_file() and (data / path).stat().st_size == size
        for path, size in record.files.items()
    )


def _fetched(source: Source, files: list[Path], how: How) -> Fetched:
    return Fetched(source.name, tuple(files), sum(file.stat().st_size for file in files), how)


def _recorded(source: Source, data: Path) -> list[Path]:
    """The files that the readers will find, once they are recorded as a complete fetch."""
    folder = data / source.name
    files = source.locate(data)
    if not files:
        raise InputError(
            f"{source.name}: was fetched into {shown(folder)}, but none of it is a file that is "
            f"read; {by_hand(source)}"
        )
    record = Record.read(folder) or Record()
    record.complete = True
    record.files = {os.path.relpath(file, data): file.stat().st_size for file in files}
    record.write(folder)
    return files


def _download(
    source: Source, folder: Path, staging: Path, force: bool, progress: Progress | None
) -> None:
    """Fetch the parts that are not done, and record each."""
    folder.mkdir(parents=True, exist_ok=True)
    earlier = Record.read(folder)
    record = Record(done={} if force or earlier is None else dict(earlier.done))
    record.write(folder)
    changed = False
    try:
        for part, files in _parts(source, record, folder, staging, force, progress):
            changed = True
            record.done[part] = [file.as_posix() for file in files]
            record.write(folder)
    except BaseException:
        if not changed:  # then the files are those of before, and as complete as they were
            if earlier is None:
                (folder / RECORD).unlink()
            else:
                earlier.write(folder)
        raise


def _parts(
    source: Source,
    record: Record,
    folder: Path,
    staging: Path,
    force: bool,
    progress: Progress | None,
) -> Iterator[tuple[str, list[Path]]]:
    """What can be fetched on its own: its name in the record, and its files once they are here."""
    remote = source.remote
    if isinstance(remote, HubFiles):
        yield (
            remote.repository,
            hub.fetch_repository(
                remote.repository,
                remote.patterns,
                folder,
                command=command(source),
                gated=remote.gated,
                progress=progress,
            ),
        )
    elif isinstance(remote, RoboflowProject):
        yield from roboflow.fetch_datasets(
            remote.package,
            folder,
            staging,
            done={name for name in record.done if record.has(name, folder)},
            command=command(source),
            progress=progress,
        )
    else:
        waiting = [item for item in remote if not record.has(item.url, folder)]
        if len(waiting) < len(remote):
            there = len(remote) - len(waiting)
            tell(progress, f"Reused: {there:,} of {len(remote):,} parts of {source.name}")
        for item in waiting:
            yield item.url, _download_one(source, item, folder, staging, force, progress)


def _download_one(
    source: Source,
    item: Download,
    folder: Path,
    staging: Path,
    force: bool,
    progress: Progress | None,
) -> list[Path]:
    """One https file, unpacked if it is an archive; gives its files relative to `folder`."""
    place = Path(safe_path(item.path))
    if not item.unpack:
        target = folder / place
        if force or not _is_published(target, item):
            download(
                item.url,
                target,
                size=item.bytes,
                sha256=item.sha256,
                fix=by_hand(source),
                progress=progress,
            )
        return [place]
    archive = folder / f".anatomy-{file_name(item.url)}"  # a name that no file of the user has
    if force or not archive.is_file():  # there: killed between the download and the unpacking
        download(
            item.url,
            archive,
            size=item.bytes,
            sha256=item.sha256,
            fix=by_hand(source),
            progress=progress,
        )
    try:
        files = _unpack(source, item, archive, place, folder, staging)
    except InputError:
        archive.unlink()
        raise
    archive.unlink()
    return files


def _unpack(
    source: Source, item: Download, archive: Path, place: Path, folder: Path, staging: Path
) -> list[Path]:
    """Move what the readers read from an archive into `folder`."""
    shutil.rmtree(staging, ignore_errors=True)
    extract(archive, staging / source.name / place, wanted=copying.is_annotation)
    files = copying.with_siblings(source.locate(staging))
    if not files:
        raise InputError(
            f"{shown(item.url)}: has none of the files of {source.name}; {by_hand(source)}"
        )
    return copying.put(files, staging / source.name, folder)


def _is_published(path: Path, item: Download) -> bool:
    """Whether the file at `path` is known to be the published one."""
    if not path.is_file() or (item.bytes is None and item.sha256 is None):
        return False
    if item.bytes is not None and path.stat().st_size != item.bytes:
        return False
    return item.sha256 is None or sha256_of(path) == item.sha256.lower()
