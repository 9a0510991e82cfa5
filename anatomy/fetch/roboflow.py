"""The annotation files of RF100-VL, through the client that its authors publish.

The client offers no export without images, so one dataset at a time is downloaded, its
annotation files are kept, and its images are deleted before the next one comes.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anatomy.errors import InputError
from anatomy.fetch.archives import move_into
from anatomy.fetch.folders import tell
from anatomy.files import shown

if TYPE_CHECKING:
    from rich.progress import Progress

KEY = "ROBOFLOW_API_KEY"
ANNOTATIONS = "*/_annotations.coco.json"


def fetch_datasets(
    package: str,
    folder: Path,
    staging: Path,
    *,
    done: Collection[str],
    command: str,
    progress: Progress | None = None,
) -> Iterator[tuple[str, list[Path]]]:
    """Bring each dataset's annotation files to `<folder>/<dataset>/<split>/`.

    Parameters
    ----------
    package : str
        The client to import: "rf100vl".
    folder, staging : Path
        Where the files belong, and a folder of our own on the same disk for the images.
    done : collection of str
        Datasets that are here already.
    command : str
        What the user typed, to be named in messages.
    progress : rich.progress.Progress, optional
        Counts datasets.

    Yields
    ------
    tuple of str and list of Path
        A dataset once it is complete, and its files relative to `folder`.

    Raises
    ------
    InputError
        The package or the key is missing, or Roboflow refuses.
    OSError
        A folder cannot be written.
    """
    key = os.environ.get(KEY, "").strip()
    client = _client(package, command)
    if not key:
        raise InputError(
            f"{package}: {KEY} is not set; get a free key at https://app.roboflow.com/settings/api,"
            f" set it, and run `{command}` again"
        )
    with _one_line(package, key, command), _silent():
        datasets = list(client.get_rf100vl_projects(api_key=key))
    task = None
    if progress is not None:
        task = progress.add_task(f"{package} (datasets)", total=len(datasets))
    names = [_folder_name(str(dataset.name), package) for dataset in datasets]
    if there := sum(name in done for name in names):
        tell(progress, f"Reused: {there:,} of {len(names):,} datasets")
    for dataset, name in zip(datasets, names, strict=True):
        if name not in done:
            with _one_line(f"{package}: dataset {name}", key, command):
                files = _fetch_one(dataset, name, folder, staging)
            yield name, files
        if progress is not None and task is not None:
            progress.advance(task)
            progress.refresh()  # the client's silence covers the display's own ticks


def _client(package: str, command: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise InputError(
            f"{package}: cannot be imported ({shown(error)}); "
            f"pip install 'prompt-anatomy[roboflow]' and run `{command}` again"
        ) from error


def _fetch_one(dataset: Any, name: str, folder: Path, staging: Path) -> list[Path]:
    arrived = staging / "images" / name
    kept = staging / "kept"
    for leftover in (arrived, kept):
        shutil.rmtree(leftover, ignore_errors=True)
    arrived.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _silent():
            dataset.download(str(arrived), model_format="coco", overwrite=True)
        files = [
            path.relative_to(arrived)
            for path in sorted(arrived.glob(ANNOTATIONS))
            if path.is_file() and not path.is_symlink()
        ]
        if not files:
            raise InputError("came without annotation files")
        for file in files:
            (kept / file).parent.mkdir(parents=True, exist_ok=True)
            (arrived / file).rename(kept / file)
        move_into(kept, folder / name, files)
    finally:
        shutil.rmtree(arrived, ignore_errors=True)
        shutil.rmtree(kept, ignore_errors=True)
    return [Path(name) / file for file in files]


def _folder_name(name: str, package: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", name):
        raise InputError(f"{package}: names a dataset {shown(name)!r}, which cannot be a folder")
    return name


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """The client prints a line per percent, to both streams."""
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield


@contextlib.contextmanager
def _one_line(what: str, key: str, command: str) -> Iterator[None]:
    """Whatever the client raises, as one line that does not show the key."""
    try:
        yield
    except Exception as error:
        network = isinstance(error, ConnectionError | TimeoutError)
        if isinstance(error, OSError) and error.errno is not None and not network:
            raise
        # The client puts the key into addresses, and addresses into messages: without
        # "from None" the traceback of --debug would show it.
        reason = shown(error).replace(key, "***")
        if not isinstance(error, InputError):
            reason = f"Roboflow's client failed ({type(error).__name__}: {reason})"
        raise InputError(
            f"{what}: {reason}; check {KEY} and the network, and run `{command}` again"
        ) from None
