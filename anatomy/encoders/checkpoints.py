"""Weight files, read without running anything that stands in them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anatomy.errors import InputError
from anatomy.files import shown

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

SAFETENSORS = "model.safetensors"
INDEX = "model.safetensors.index.json"
TORCH = "pytorch_model.bin"
_LARGEST_CONFIG = 1 << 24  # bytes
_WIDEST = 1 << 17  # of any size in a config: wider layers than these do not exist
_SIZES = (
    "hidden_size",
    "intermediate_size",
    "num_attention_heads",
    "projection_dim",
    "d_model",
    "d_ff",
    "dim",
    "hidden_dim",
    "n_embd",
    "embedding_size",
)
_MANY = ("vocab_size", "max_position_embeddings", "n_positions")  # rows of tables
_LARGEST_TABLE = 1 << 24
_LAYERS = ("num_hidden_layers", "num_layers", "n_layer", "n_layers", "num_decoder_layers")
# What makes the library run code from elsewhere.
_CODE = ("auto_map", "attn_implementation", "_attn_implementation")
# A module's unused heads may have parameters that are in no file: so many times, and so many more.
_SLACK, _SPARE = 2, 1 << 20


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
            if Path(name).name != name or not _is_file(folder / name):
                raise InputError(f"{shown(index)}: names {shown(name)}, which is not beside it")
        return [folder / name for name in files]
    return [folder / TORCH] if (folder / TORCH).is_file() else []


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long
        return False


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises
    ------
    InputError
    """
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{shown(path)}: is no file; get the snapshot again")
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


def check_config(config: Mapping[str, Any], path: Path, tensors: int) -> None:
    """Refuse what no checkpoint of so many tensors can mean, before anything is made of it.

    Parameters
    ----------
    config : mapping
        Of config.json, with the configurations inside it.
    path : Path
        Of config.json, for messages.
    tensors : int
        In the weight files: each layer has one at least.

    Raises
    ------
    InputError
        For sizes that are none, for more layers than tensors and for code from elsewhere.
    """
    waiting = [*config.items()]
    while waiting:  # not a call in a call: how deeply they lie in each other is theirs to choose
        name, value = waiting.pop()
        if isinstance(value, dict) and name not in _CODE:
            waiting += value.items()
        elif name in _CODE and (name == "auto_map" or "/" in str(value)) and value:
            raise InputError(
                f"{shown(path)}: needs code of its own ({name}), which is not run; encode with "
                "your own code and give the result: --encoder outputs:FILE"
            )
        elif name in (*_SIZES, *_MANY, *_LAYERS) and value is not None:
            most = _LARGEST_TABLE if name in _MANY else _WIDEST
            if type(value) is not int or not 0 < value <= most:
                raise InputError(
                    f"{shown(path)}: {name} is {shown(value)[:40]}, no size from 1 to {most:,}"
                )
            if name in _LAYERS and value > tensors:
                raise InputError(
                    f"{shown(path)}: {name} is {value:,}, but the weights beside it are "
                    f"{tensors:,} tensors; take both from one repository"
                )


def check_amount(module: Module, shapes: Mapping[str, Sequence[int]], path: Path) -> None:
    """Refuse a configuration whose module, on the meta device, is far larger than its weights."""
    needed = sum(parameter.numel() for parameter in module.parameters())
    held = sum(math.prod(shape) for shape in shapes.values())
    if needed > _SLACK * held + _SPARE:
        raise InputError(
            f"{shown(path)}: asks for {needed:,} parameters, but the weights beside it hold "
            f"{held:,}; take both from one repository"
        )


def read_shapes(files: Sequence[Path]) -> dict[str, list[int]]:
    """The shape of every tensor in checkpoint files, by name, without reading their numbers.

    Raises
    ------
    InputError
        As `read_tensors`.
    """
    shapes: dict[str, list[int]] = {}
    for path in files:
        if not _is_safetensors(path):
            shapes |= {name: list(tensor.shape) for name, tensor in _of_torch(path).items()}
            continue
        from safetensors import safe_open

        with refused(path), safe_open(path, framework="np") as file:
            shapes |= {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    return shapes


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
        own = {n: tensor for n, tensor in found.items() if n.startswith(tuple(prefixes))}
        for name, tensor in own.items():
            if not _is_dense(tensor):
                raise InputError(
                    f"{shown(path)}: {shown(name)} is no plain tensor (sparse or quantised); save "
                    "it as one"
                )
        tensors |= own
    return tensors


def fill(
    module: Module, tensors: Mapping[str, Tensor], path: Path, *, renamed: Callable[[str], str]
) -> None:
    """Give a module on the meta device its weights, as float32; nothing may be missing or left.

    Parameters
    ----------
    module : torch.nn.Module
    tensors : mapping of str to Tensor
        By the module's own names.
    path : Path
        Of the checkpoint, for messages.
    renamed : callable
        The checkpoint's name for a name of the module, for messages.

    Raises
    ------
    InputError
        For a tensor that is missing, misshapen, no plain floats or not in the module.
    """
    wanted = dict(module.named_parameters())
    check_tensors(wanted, tensors, path, renamed=renamed)
    state = {name: tensors[name].float() for name in wanted}
    module.load_state_dict(state, strict=True, assign=True)


def check_tensors(
    wanted: Mapping[str, Tensor],
    tensors: Mapping[str, Tensor],
    path: Path,
    *,
    renamed: Callable[[str], str] = str,
) -> None:
    """Refuse tensors that are not, by name, shape and kind of number, what a module has.

    Parameters
    ----------
    wanted, tensors : mapping of str to Tensor
        The module's own, and what was read, by the module's names.
    path : Path
        Of the checkpoint, for messages.
    renamed : callable
        The checkpoint's name for a name of the module, for messages.

    Raises
    ------
    InputError
        For a tensor that is missing, misshapen, no plain numbers or not in the module.
    """
    for name, own in wanted.items():
        there = shown(renamed(name))
        if name not in tensors:
            raise InputError(f"{shown(path)}: {there} is missing; this is no whole checkpoint")
        if tensors[name].shape != own.shape:
            raise InputError(
                f"{shown(path)}: {there} has shape {list(tensors[name].shape)}, but the encoder "
                f"needs {list(own.shape)}"
            )
        if not _is_plain(tensors[name], floats=own.is_floating_point()):
            kind = "floats" if own.is_floating_point() else "whole numbers"
            raise InputError(f"{shown(path)}: {there} is no plain tensor of {kind}")
    for name in tensors:
        if name not in wanted and not name.endswith(".position_ids"):
            raise InputError(
                f"{shown(path)}: {shown(renamed(name))} is there, but the encoder has no place "
                "for it; take configuration and weights from one repository"
            )


def _is_dense(tensor: Tensor) -> bool:
    import torch

    return tensor.layout == torch.strided and not tensor.is_quantized


def _is_plain(tensor: Tensor, *, floats: bool) -> bool:
    """Numbers that all lie in memory: neither sparse nor repeated nor without data."""
    return (
        tensor.is_floating_point() == floats
        and not tensor.is_complex()
        and _is_dense(tensor)
        and tensor.device.type == "cpu"
        and tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()
    )


@contextmanager
def refused(path: Path) -> Iterator[None]:
    """The libraries' exceptions about a checkpoint as one line."""
    try:
        yield
    except (InputError, MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:
        import pickle

        text = " ".join(shown(str(error).replace("\n", " ")).split())
        if type(error).__name__ == "OutOfMemoryError":
            what = "the device has no room for it; give --device cpu"
        elif isinstance(error, pickle.UnpicklingError):
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
