"""Files of a Hugging Face repository, and what to do when the hub does not give them.

`snapshot_download` downloads. Around it: the listing that says which files there should be, since
`snapshot_download` returns an incomplete folder without an error when the hub answers with one;
their checksums; and one line in place of each of the hub client's exceptions.
"""

from __future__ import annotations

import fnmatch
import glob
import hashlib
import importlib
import logging
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anatomy.errors import InputError
from anatomy.fetch.archives import move_into
from anatomy.fetch.folders import check_room, tell
from anatomy.fetch.hub_errors import Asked, Kind, explained
from anatomy.fetch.members import safe_path
from anatomy.files import sha256_of, shown

if TYPE_CHECKING:
    from rich.progress import Progress

INCOMING = ".anatomy-incoming"

_TIMEOUT = 30.0
_REFRESH = 0.3  # seconds between two looks at how much has arrived
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"


@dataclass(frozen=True)
class _Published:
    """One file as the hub lists it. Either checksum may be missing."""

    path: str
    size: int | None
    sha256: str | None  # of files in large file storage
    git_oid: str | None  # of the others

    def is_at(self, path: Path) -> bool:
        """Whether the file at `path` is this one, as far as the listing lets us know."""
        if not path.is_file() or (self.size is not None and path.stat().st_size != self.size):
            return False
        if self.sha256 is not None:
            return sha256_of(path) == self.sha256
        return self.git_oid is None or _git_oid(path) == self.git_oid


def check_repository(repository: str) -> None:
    """Refuse what cannot be a repository's id.

    Raises
    ------
    InputError
        Unless it is namespace/name of letters, digits, "-", "_" and ".".
    """
    sound = re.fullmatch(f"{_NAME}/{_NAME}", repository)
    if not sound or "--" in repository or ".." in repository:
        raise InputError(
            f"{shown(repository)}: is not a repository of the Hugging Face hub; "
            "one is written namespace/name, e.g. facebook/SACo-Gold"
        )


def fetch_repository(
    repository: str,
    patterns: Sequence[str],
    folder: Path,
    *,
    command: str,
    kind: Kind = "dataset",
    gated: bool = False,
    progress: Progress | None = None,
) -> list[Path]:
    """Bring the files of a repository that match `patterns` into `folder`, as they lie there.

    Files already in `folder` are compared with the published checksums, kept if they are the
    same and replaced if not, once all the new ones are there and whole. A run that was killed is
    continued file by file. `HF_TOKEN`, `HF_ENDPOINT`, `HF_HUB_OFFLINE` and `hf auth login` mean
    what they mean to the hub's client.

    Parameters
    ----------
    repository : str
        namespace/name.
    patterns : sequence of str
        Globs of the hub's client: "*" also stands for "/".
    folder : Path
        Made if missing.
    command : str
        What the user typed, to be named in messages: "anatomy fetch saco-gold".
    kind : {"dataset", "model"}
    gated : bool
        Whether the repository is known to ask for its terms to be accepted.
    progress : rich.progress.Progress, optional

    Returns
    -------
    list of Path
        The files, sorted, relative to `folder`.

    Raises
    ------
    InputError
        The hub cannot be reached, does not have the repository, does not let this user in, or
        sent something else than it lists.
    OSError
        The folder cannot be written.
    """
    check_repository(repository)
    import huggingface_hub  # takes a second, which only a download is worth

    asked = Asked(repository, kind, gated, command)
    with explained(asked):
        revision, listing = _listing(huggingface_hub.HfApi(), repository, kind, patterns)
    if not listing:
        raise InputError(
            f"{repository}: has no file like {', '.join(patterns)}; see {asked.address} and "
            f"give what you find there with `{command} --from DIR`"
        )
    missing = [file for file in listing if not file.is_at(folder / file.path)]
    if missing:
        incoming = folder / INCOMING
        there = sum(file not in missing or file.is_at(incoming / file.path) for file in listing)
        if there:
            tell(progress, f"Reused: {there:,} of {len(listing):,} files of {repository}")
        try:
            with _watched(incoming, missing, progress, repository):
                _download(asked, revision, missing, incoming)
            move_into(incoming, folder, [Path(file.path) for file in missing])
        finally:
            if not _arrived(incoming, missing):  # nothing for the next run to go on with
                shutil.rmtree(incoming, ignore_errors=True)
    return sorted(Path(file.path) for file in listing)


def _download(asked: Asked, revision: str, files: Sequence[_Published], incoming: Path) -> None:
    """Bring `files` as they were at `revision` into `incoming`, whole and checked."""
    import huggingface_hub

    incoming.mkdir(parents=True, exist_ok=True)
    for left in _unfinished(incoming):  # by a kill; the client starts such a file afresh
        left.unlink(missing_ok=True)
    _remove_wrong(files, incoming)
    check_room(incoming, sum(file.size or 0 for file in files) - _arrived(incoming, files))
    with explained(asked), quiet():
        huggingface_hub.snapshot_download(
            asked.repository,
            repo_type=asked.kind,
            revision=revision,
            allow_patterns=[glob.escape(file.path) for file in files],
            local_dir=incoming,
            tqdm_class=_no_bars(),
        )
    wrong = _remove_wrong(files, incoming)
    if wrong:
        raise InputError(
            f"{asked.repository}: {shown(wrong[0])} did not come as it is published; "
            f"run `{asked.command}` again"
        )


def _listing(
    api: Any, repository: str, kind: Kind, patterns: Sequence[str]
) -> tuple[str, list[_Published]]:
    """The commit that "main" is now, and its files that match."""
    info = api.repo_info(repository, repo_type=kind, files_metadata=True, timeout=_TIMEOUT)
    siblings = [
        file
        for file in info.siblings or ()
        if any(fnmatch.fnmatchcase(file.rfilename, pattern) for pattern in patterns)
    ]
    for file in siblings:
        try:
            safe_path(file.rfilename)  # the hub's names are checked like an archive's
        except ValueError as error:
            raise InputError(f"{repository}: {shown(file.rfilename)!r} {error}") from error
    return info.sha, [
        _Published(
            file.rfilename,
            file.size,
            file.lfs.sha256 if file.lfs else None,
            None if file.lfs else file.blob_id,
        )
        for file in siblings
    ]


def _remove_wrong(files: Sequence[_Published], folder: Path) -> list[str]:
    """Delete what is not as published; gives the paths of the files that are not there now."""
    wrong = [file.path for file in files if not file.is_at(folder / file.path)]
    for path in wrong:
        (folder / path).unlink(missing_ok=True)
    return wrong


def _git_oid(path: Path) -> str:
    """The id under which git stores the file: its sha1 behind a header."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def _no_bars() -> type:
    """A progress bar for the client that shows nothing, whatever the environment says."""
    tqdm: Any = importlib.import_module("huggingface_hub.utils").tqdm

    class Silent(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs["disable"] = True
            super().__init__(*args, **kwargs)

    return Silent


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings of the client among ours: all that matters ends up in one line."""
    from huggingface_hub.utils import logging as client

    level = client.get_verbosity()
    client.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        client.set_verbosity(level)


@contextmanager
def _watched(
    folder: Path, files: Sequence[_Published], progress: Progress | None, title: str
) -> Iterator[None]:
    """Show how much has arrived, by looking at the disk.

    The client's own bars change from version to version; the files it writes do not.
    """
    if progress is None:
        yield
        return
    total = sum(file.size or 0 for file in files)
    task = progress.add_task(title, total=total or None)
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_REFRESH):
            progress.update(task, completed=min(total, _arrived(folder, files)))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
        progress.update(task, completed=total)
    finally:
        done.set()
        thread.join()


def _arrived(folder: Path, files: Sequence[_Published]) -> int:
    count = 0
    for path in (*(folder / file.path for file in files), *_unfinished(folder)):
        with suppress(OSError):  # not there yet, or renamed since
            count += path.stat().st_size
    return count


def _unfinished(folder: Path) -> list[Path]:
    """The files that the client writes to before it gives them their names."""
    return list((folder / ".cache" / "huggingface" / "download").rglob("*.incomplete"))
