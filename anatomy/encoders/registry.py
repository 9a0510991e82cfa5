"""Encoders by name."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa

from anatomy.encoders.checkpoints import SAFETENSORS, TORCH, weight_files
from anatomy.encoders.model import NoWeightsError, TextModel
from anatomy.encoders.places import encoder_folder
from anatomy.errors import InputError
from anatomy.fetch.hub import check_repository, quiet
from anatomy.fetch.hub_errors import Asked, explained
from anatomy.files import shown
from anatomy.progress import without_widgets
from anatomy.tokens.clip import ClipTokenizer
from anatomy.tokens.huggingface import HuggingFaceTokenizer
from anatomy.tokens.table import TokenTable

NAMES = ("sam3[=PATH]", "minilm[=FOLDER]", "hf:ID|FOLDER", "outputs:FILE")
_HUB = "hf:"

Open = Callable[[str, str], TextModel]  # of a device and a dtype


class Tokenizer(Protocol):
    """What the audit needs of a tokenizer; see `ClipTokenizer` for the meanings."""

    name: str
    vocabulary_size: int
    special_ids: tuple[int, ...]
    context: int | None
    description: str

    def clean(self, prompts: pa.LargeStringArray | Sequence[str]) -> pa.LargeStringArray:
        """Cleaned prompts, one for one."""

    def encode(self, prompts: pa.LargeStringArray | Sequence[str]) -> TokenTable:
        """Token ids."""

    def clean_and_encode(
        self, prompts: pa.LargeStringArray | Sequence[str]
    ) -> tuple[pa.LargeStringArray, TokenTable]:
        """Cleaned prompts, and their token ids."""

    def ends(self, prompts: pa.LargeStringArray | Sequence[str]) -> np.ndarray:
        """Where each token ends in its prompt, int64 [T]."""

    def text_of(self, number: int) -> str:
        """The text of a token."""


@dataclass(frozen=True)
class Encoder:
    """A text encoder: its tokenizer and, where they can be had, its weights.

    Attributes
    ----------
    name : str
    tokenizer : Tokenizer
    weights : str
        Empty where there are weights, else why not and how to get them.
    open : callable(device, dtype) -> TextModel, or None
        Reads the weights; raises `NoWeightsError` if a download shows that there are none.
    spec : str
        What `resolve` makes the same encoder of in another process, whatever its folder is.
    """

    name: str
    tokenizer: Tokenizer
    weights: str
    open: Open | None = None
    spec: str = ""


def resolve(names: Sequence[str]) -> tuple[Encoder, ...]:
    """The encoders of these names: see `NAMES`. Tokenizers are read, weights only looked for.

    Raises
    ------
    InputError
        For an unknown name, a name given twice, or a tokenizer or path that cannot be had.
    """
    without_widgets()
    found: list[Encoder] = []
    for name in names:
        encoder = replace(_resolve(name), spec=_anywhere(name))
        if any(encoder.name == other.name for other in found):
            raise InputError(
                f"--encoder: {shown(encoder.name)} is named twice; name each encoder once"
            )
        found.append(encoder)
    return tuple(found)


def _anywhere(name: str) -> str:
    """A name with the path in it, if there is one, as an absolute one."""
    head, mark, place = name.partition(_HUB if name.startswith(_HUB) else "=")
    if place and (_path(place).is_dir() or (mark == "=" and _path(place).exists())):
        return f"{head}{mark}{_path(place).absolute()}"
    return name


def _resolve(name: str) -> Encoder:
    if name.startswith(_HUB) and not name.removeprefix(_HUB).strip():
        raise InputError(f"--encoder {shown(name)}: names nothing; give hf:ID or hf:FOLDER")
    if name.startswith(_HUB):
        return _hugging_face(name, name.removeprefix(_HUB))
    own, equals, place = name.partition("=")
    if equals and not place:
        raise InputError(f"--encoder {shown(name)}: no path after the =; give {shown(own)}=PATH")
    if own == "sam3":
        return _sam3(place)
    if own == "minilm":
        return _minilm(place)
    nearest = difflib.get_close_matches(own, ["sam3", "minilm", _HUB], n=1, cutoff=0.4)
    hint = f"did you mean {nearest[0]}? " if nearest else ""
    raise InputError(
        f"--encoder: no encoder is called {shown(name)}; {hint}known: {', '.join(NAMES)}"
    )


def _sam3(place: str) -> Encoder:
    from anatomy.encoders.sam3 import HUB_FILES, HUB_ID, ORIGINAL, holds_sam3, load_sam3

    tokenizer = ClipTokenizer("sam3")
    if not place:
        folder = _cached(HUB_ID, holds_sam3)
        if folder is None:
            return Encoder(
                "sam3",
                tokenizer,
                "not measured: no weights for sam3 here; pass --encoder sam3=PATH (a snapshot "
                f"folder of {HUB_ID}, or the original sam3.pt), or sam3={HUB_ID} to download them",
            )
        return Encoder(
            "sam3", tokenizer, "", lambda device, dtype: load_sam3(folder, device, dtype)
        )
    path = _path(place)
    if path.is_dir() and not holds_sam3(path):
        raise InputError(
            f"--encoder sam3={shown(place)}: has neither model.safetensors nor {ORIGINAL}; give a "
            f"snapshot folder of {HUB_ID} with its weights"
        )
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise InputError(f"--encoder sam3={shown(place)}: is neither a file nor a folder")
    if path.exists():
        return Encoder("sam3", tokenizer, "", lambda device, dtype: load_sam3(path, device, dtype))
    if not _is_repository(place):
        raise InputError(
            f"--encoder sam3={shown(place)}: no such file or folder; give a snapshot folder of "
            f"{HUB_ID}, an original sam3.pt, or {HUB_ID}"
        )

    def download(device: str, dtype: str) -> TextModel:
        asked = _asked(place, f"sam3={place}", gated=True)
        folder = _snapshot(asked, HUB_FILES, holds_sam3, SAFETENSORS)
        return load_sam3(folder, device, dtype)

    return Encoder("sam3", tokenizer, "", download)


def _minilm(place: str) -> Encoder:
    folder = _path(place) if place else encoder_folder("minilm")
    if not (folder / "tokenizer.json").is_file():
        if place:
            raise InputError(
                f"--encoder minilm={shown(place)}: no tokenizer.json in this folder; give one with "
                "all-MiniLM-L6-v2's files, or run `anatomy fetch minilm`"
            )
        raise InputError(
            "--encoder minilm: its files are not here; run `anatomy fetch minilm`, or give "
            "minilm=FOLDER"
        )
    return _of_folder("minilm", folder)


def _hugging_face(name: str, place: str) -> Encoder:
    if _path(place).is_dir():
        return _of_folder(name, _path(place))
    tokenizer = HuggingFaceTokenizer(name, place)  # refuses what is no repository

    def download(device: str, dtype: str) -> TextModel:
        from anatomy.encoders.transformers_models import HUB_FILES, load_transformers

        asked = _asked(place, name, gated=False)
        folder = _snapshot(asked, HUB_FILES, weight_files, TORCH)
        if not weight_files(folder) or not (folder / "config.json").is_file():
            raise NoWeightsError(
                f"not measured: {place} has no weights that can be read; give a repository with "
                "config.json and model.safetensors"
            )
        return load_transformers(folder, tokenizer.context, device, dtype)

    return Encoder(name, tokenizer, "", download)


def _of_folder(name: str, folder: Path) -> Encoder:
    tokenizer = HuggingFaceTokenizer(name, str(folder))
    if not (folder / "config.json").is_file() or not weight_files(folder):
        return Encoder(
            name,
            tokenizer,
            f"not measured: no weights in {shown(folder)}; save config.json and model.safetensors "
            "there",
        )

    def load(device: str, dtype: str) -> TextModel:
        from anatomy.encoders.transformers_models import load_transformers

        return load_transformers(folder, tokenizer.context, device, dtype)

    return Encoder(name, tokenizer, "", load)


def _path(place: str) -> Path:
    try:
        path = Path(place).expanduser()
        path.exists()
    except (OSError, RuntimeError, ValueError) as error:  # too long, no such user, a NUL
        raise InputError(f"{shown(place)[:80]}: is no path ({shown(error)[:80]})") from error
    return path


def _is_repository(place: str) -> bool:
    try:
        check_repository(place)
    except InputError:
        return False
    return True


def _cached(repository: str, whole: Callable[[Path], object]) -> Path | None:
    """A snapshot that the hub's client already has, without asking any network."""
    import huggingface_hub

    found = huggingface_hub.try_to_load_from_cache(repository, "config.json")
    folder = Path(found).parent if isinstance(found, str) else None
    try:
        return folder if folder is not None and whole(folder) else None
    except InputError:  # a download that was broken off is none; nobody has asked for this folder
        return None


def _asked(repository: str, name: str, *, gated: bool) -> Asked:
    return Asked(
        repository,
        kind="model",
        gated=gated,
        command=f"anatomy audit --encoder {name}",
        elsewhere="give a folder that holds its files",
    )


def _snapshot(
    asked: Asked, patterns: Sequence[str], whole: Callable[[Path], object], last: str
) -> Path:
    """Files of a hub repository in the client's cache, downloaded where they are missing.

    Where what came is not `whole`, the file `last` is asked for by its name: without a network
    the client gives what it has, which does not tell that the hub has no more.
    """
    import huggingface_hub

    with explained(asked), quiet():
        folder = Path(
            huggingface_hub.snapshot_download(asked.repository, allow_patterns=list(patterns))
        )
        if not whole(folder):
            with contextlib.suppress(huggingface_hub.errors.RemoteEntryNotFoundError):
                huggingface_hub.hf_hub_download(asked.repository, last)  # lies beside the others
    return folder
