"""An encoder opened once more, by a process that works for this one: the same, or refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING

from anatomy.encoders.model import NoWeightsError
from anatomy.encoders.registry import resolve
from anatomy.errors import InputError
from anatomy.files import shown

if TYPE_CHECKING:
    from anatomy.encoders.model import TextModel
    from anatomy.encoders.registry import Encoder

_LIBRARIES = ("torch", "transformers")  # another version may round otherwise


def opens_again(encoder: Encoder, model: TextModel, device: str) -> Callable[[], TextModel]:
    """What opens an encoder's weights elsewhere as they are here: it can be sent.

    Parameters
    ----------
    encoder : Encoder
    model : TextModel
        Open here: the other must have the same weights, dtype, libraries and number of threads.
    device : {"cpu", "cuda"}
        Of the other.
    """
    import torch

    return partial(
        _open,
        encoder.spec,
        device,
        model.dtype,
        model.weights_hash,
        torch.get_num_threads(),
        libraries(),
    )


def libraries() -> dict[str, str]:
    """Versions of the libraries that an encoder's outputs depend on, by name."""
    return {name: metadata.version(name) for name in _LIBRARIES}


def _open(
    spec: str, device: str, dtype: str, weights: str, threads: int, versions: dict[str, str]
) -> TextModel:
    import torch

    from anatomy.inside.options import found_device

    for name, version in libraries().items():
        if version != versions[name]:
            raise InputError(
                f"--engine ray: a worker has {name} {version}, and this process "
                f"{versions[name]}; install the same on every machine"
            )
    torch.set_num_threads(threads)  # Ray starts workers with fewer: sums in another order
    (encoder,) = resolve([spec])
    try:
        if encoder.open is None:
            raise NoWeightsError(encoder.weights)
        model = encoder.open(found_device(device), dtype)
    except NoWeightsError as error:
        raise InputError(
            f"--engine ray: a worker has no weights of {shown(spec)} ({error}); put them at the "
            "same path on every machine"
        ) from error
    if model.weights_hash != weights:
        raise InputError(
            f"--engine ray: a worker has other weights of {shown(spec)} than this process; put "
            "the same files on every machine"
        )
    return model
