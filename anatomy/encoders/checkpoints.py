"""Weight files, read without running anything that stands in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anatomy.errors import InputError
from anatomy.files import shown

if TYPE_CHECKING:
    from torch import Tensor

SAFETENSORS = "model.safetensors"
INDEX = "model.safetensors.index.json"
TORCH = "pytorch_model.bin"
_LARGEST_CONFIG = 1 << 24  # bytes
_WIDEST = 1 << 17  # of any size in a config: wider layers than these do not exist
_SIZES = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "max_position_embeddings",
    "projection_dim",
)
_LARGEST_VOCABULARY = 1 << 24


def weight_files(folder: Path) -> list[Path]:
    """The files in a folder that hold its weights; none if there are none.

    Raises
    ------
    InputError
        If an index names files that are not there or lie elsewhere.
    """
    if (folder / SAFETENSORS).is_file():
        return [folder / SAFETENSORS]
    index = folder / INDEX
    if index.is_file():
        named = read_json(index).get("weight_map")
        if not isinstance(named, dict) or not named:
            raise InputError(f"{shown(index)}: has no weight_map; get the snapshot again")
        files = sorted({str(name) for name in named.values()})
        for name in files:
            if Path(name).name != name or not (folder / name).is_file():
                raise InputError(f"{shown(index)}: names {shown(name)}, which is not beside it")
        return [folder / name for name in files]
    return [folder / TORCH] if (folder / TORCH).is_file() else []


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises
    ------
    InputError
    """
    try:
        if path.stat().st_size > _LARGEST_CONFIG:
            raise InputError(f"{shown(path)}: is too large for a configuration")
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{shown(path)}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{shown(path)}: is not JSON; get the file again") from error
    if not isinstance(content, dict):
        raise InputError(f"{shown(path)}: is no JSON object; get the file again")
    return content


def check_sizes(config: Mapping[str, Any], path: Path) -> None:
    """Refuse a configuration whose sizes no machine could hold, before anything is allocated."""
    for name, value in config.items():
        if isinstance(value, dict):
            check_sizes(value, path)
        elif name in _SIZES and value is not None:
            most = _LARGEST_VOCABULARY if name == "vocab_size" else _WIDEST
            if type(value) is not int or not 0 < value <= most:
                raise InputError(
                    f"{shown(path)}: {name} is {shown(value)[:40]}, no size from 1 to {most:,}"
                )


def read_tensors(files: Sequence[Path], prefixes: Sequence[str]) -> dict[str, Tensor]:
    """The tensors of checkpoint files whose names begin with one of `prefixes`; "" is all.

    Safetensors files are read tensor by tensor; torch files with ``weights_only=True``, mapped
    into memory.

    Raises
    ------
    InputError
        For a file that is no checkpoint, is cut off, or holds anything but plain tensors.
    """
    tensors: dict[str, Tensor] = {}
    for path in files:
        found = _of_safetensors(path, prefixes) if _is_safetensors(path) else _of_torch(path)
        tensors |= {
            name: tensor for name, tensor in found.items() if name.startswith(tuple(prefixes))
        }
    return tensors


def fill(
    module: Any, tensors: Mapping[str, Tensor], path: Path, *, renamed: Mapping[str, str]
) -> None:
    """Give a module on the meta device its weights; nothing may be missing or misshapen.

    Parameters
    ----------
    module : torch.nn.Module
    tensors : mapping of str to Tensor
        By the module's own names.
    path : Path
        Of the checkpoint, for messages.
    renamed : mapping of str to str
        The module's names -> the checkpoint's, for messages.
    """
    wanted = dict(module.named_parameters())
    for name, parameter in wanted.items():
        there = shown(renamed.get(name, name))
        if name not in tensors:
            raise InputError(f"{shown(path)}: {there} is missing; this is no whole checkpoint")
        if tensors[name].shape != parameter.shape:
            raise InputError(
                f"{shown(path)}: {there} has shape {list(tensors[name].shape)}, but the encoder "
                f"needs {list(parameter.shape)}"
            )
    state = {name: tensors[name].float() for name in wanted}
    module.load_state_dict(state, strict=False, assign=True)


@contextmanager
def refused(path: Path) -> Iterator[None]:
    """The libraries' exceptions about a checkpoint as one line."""
    try:
        yield
    except (InputError, MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:
        import pickle

        text = " ".join(shown(error).split())
        if isinstance(error, pickle.UnpicklingError):
            what = "holds pickled code or is damaged; only plain tensors are read: give safetensors"
        else:
            what = f"is no checkpoint that can be read ({type(error).__name__}: {text[:160]})"
        raise InputError(f"{shown(path)}: {what}") from error


def _is_safetensors(path: Path) -> bool:
    return path.suffix == ".safetensors"


def _of_safetensors(path: Path, prefixes: Sequence[str]) -> dict[str, Tensor]:
    from safetensors import safe_open

    with refused(path), safe_open(path, framework="pt") as file:
        return {
            name: file.get_tensor(name)
            for name in file.keys()  # noqa: SIM118 (the file is no mapping)
            if name.startswith(tuple(prefixes))
        }


def _of_torch(path: Path) -> dict[str, Tensor]:
    import torch

    with refused(path):
        try:
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError:  # files of the old format cannot be mapped
            content = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("model", "state_dict"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict):
        raise InputError(f"{shown(path)}: holds no tensors by name; it is no checkpoint")
    return {str(k): v for k, v in content.items() if isinstance(v, torch.Tensor)}
