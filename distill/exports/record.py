"""What stands beside an export: export.json, and how its folder gets there whole."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from anatomy import __version__
from anatomy.encoders.checkpoints import read_json
from anatomy.errors import InputError
from anatomy.files import TEMPORARY_SUFFIX, shown, umask, write_whole

FILE_NAME = "export.json"
_VERSION: Literal[1] = 1


class Part(BaseModel):
    """A part of the record: nothing unknown in it, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Comparison(Part):
    """What the export gave beside what the run's own student gives."""

    what: str = Field(description="Outputs, and who computed them")
    measure: Literal["largest absolute difference", "lowest cosine", "rows of ids that differ"]
    value: float
    tolerance: float
    prompts: int

    @property
    def holds(self) -> bool:
        """Whether it is within the tolerance; what is no number is not."""
        if self.measure == "lowest cosine":
            return self.value >= self.tolerance
        return self.value <= self.tolerance


class Record(Part):
    """export.json."""

    version: Literal[1] = _VERSION
    generator: str = f"prompt-anatomy {__version__}"
    format: str
    run: str
    teacher: str
    context: int = Field(description="L: longer prompts are cut, the last id made end of text")
    padding: Literal["fixed", "longest"] = Field(
        description="fixed: every batch must be padded to L; longest: to its longest row"
    )
    pad_id: int
    tokens: int = Field(description="Of the vocabulary")
    width: int = Field(description="Of the per-token outputs")
    pooling: str
    comparisons: list[Comparison]
    measured: dict[str, Any] = Field(default_factory=dict, description="What else was measured")
    files: dict[str, int] = Field(description="Path in the folder -> bytes; without this file")


def write_export(target: Path, make: Callable[[Path], Record]) -> Record:
    """Let `make` fill a new folder, and put it at `target` when it is whole.

    An earlier export at `target` is replaced if nothing else lies in it.

    Parameters
    ----------
    target : Path
    make : function of Path
        Writes all files but export.json, checks them, and returns the record; `files` is filled in
        here.

    Raises
    ------
    InputError
        If something else is at `target`; and whatever `make` raises. Then nothing is left behind.
    """
    check_target(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_left_overs(target)
    made = Path(
        tempfile.mkdtemp(prefix=f".{target.name}.", suffix=TEMPORARY_SUFFIX, dir=target.parent)
    )
    try:
        record = make(made)
        record = record.model_copy(update={"files": files_in(made)})
        text = json.dumps(record.model_dump(mode="json"), indent=1)
        write_whole(made / FILE_NAME, f"{text}\n".encode())
        made.chmod(0o777 & ~umask())
        _replace(target, made)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return record


def read_record(folder: Path) -> Record:
    """The export.json of a folder.

    Raises
    ------
    InputError
        If it is not there or no record of this version.
    """
    path = folder / FILE_NAME
    content = read_json(path)
    try:
        return Record.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = shown(".".join(map(str, first["loc"])))
        raise InputError(
            f"{shown(path)}: {place}: {shown(first['msg'])}; export it again elsewhere"
        ) from error


def files_in(folder: Path) -> dict[str, int]:
    """Bytes of all files below a folder but export.json, by their paths in it."""
    return {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / FILE_NAME
    }


def check_target(target: Path) -> None:
    """Refuse a place where something lies that is not an export's.

    Raises
    ------
    InputError
    """
    if not target.exists() and not target.is_symlink():
        return
    if target.is_symlink() or not target.is_dir():
        raise InputError(f"{shown(target)}: is in the way and no folder; give another --out")
    if not any(target.iterdir()):
        return
    if not (target / FILE_NAME).is_file():
        raise InputError(
            f"{shown(target)}: holds something else than an export; move it, or give another --out"
        )
    others = set(files_in(target)) - set(read_record(target).files)
    if others:
        raise InputError(
            f"{shown(target)}: {shown(min(others))} was not exported there; move it, or give "
            "another --out"
        )


def _remove_left_overs(target: Path) -> None:
    """Delete what a killed export left beside `target`; whoever calls holds the folder's lock."""
    for left in target.parent.glob(f".{target.name}.*{TEMPORARY_SUFFIX}"):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)


def _replace(target: Path, made: Path) -> None:
    """Rename; what was there stays until the new folder has its name."""
    if not target.exists():
        made.rename(target)
        return
    # With the end of a left-over's name: a kill here must not leave it for good.
    old = made.with_name(f"{made.name.removesuffix(TEMPORARY_SUFFIX)}.old{TEMPORARY_SUFFIX}")
    target.rename(old)
    try:
        made.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old)
