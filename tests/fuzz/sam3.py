"""SAM3's weights: as an encoder, in both of their formats, and as the detector of an export."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import torch
from safetensors.torch import save as save_tensors

from anatomy.encoders.sam3 import load_sam3
from distill.exports import export
from distill.exports.trained import read_run
from tests.distill.exports import runs
from tests.encoders import tiny
from tests.fuzz import mutate
from tests.fuzz.target import BrokenError, Target, each, packed, put, refusing, scratch, unpacked

_CONFIG, _WEIGHTS, _PROCESSOR = "config.json", "model.safetensors", "processor_config.json"


def _encoder(place: Path) -> None:
    """Load it; what loads must encode."""
    with refusing():
        model = load_sam3(place, "cpu", "float32")
        vocabulary, width = model.token_embedding.shape
        if model.position_embedding is None or model.position_embedding.shape[1] != width:
            raise BrokenError("no table of positions for these tokens")
        ids = np.arange(3)[None] % vocabulary
        model.encode(ids[:, : model.context])


@cache
def _snapshots() -> list[bytes]:
    folders = [
        tiny.save_snapshot(scratch() / "seeds" / f"sam3-{video}", video=video)
        for video in (False, True)
    ]
    return [packed(*((f / name).read_bytes() for name in (_CONFIG, _WEIGHTS))) for f in folders]


def _snapshot(data: bytes) -> None:
    config, weights = unpacked(data, 2)
    put(f"snapshot/{_WEIGHTS}", weights)
    _encoder(put(f"snapshot/{_CONFIG}", config).parent)


@cache
def _originals() -> list[bytes]:
    whole = tiny.save_original(scratch() / "seeds" / "original").read_bytes()
    tensors = {n.removeprefix("detector."): t for n, t in tiny.original_tensors().items()}
    return [whole, _file(tensors)]


def _original(data: bytes) -> None:
    _encoder(put("original/sam3.pt", data))


def _file(content: object) -> bytes:
    out = io.BytesIO()
    torch.save(content, out)
    return out.getvalue()


def _retensored(random: Random, data: bytes) -> bytes:
    """A torch file with some of its tensors left out, misnamed or misshapen; or its bytes."""
    if random.random() < 0.4:
        return mutate.repacked(random, data)
    try:
        content = torch.load(io.BytesIO(data), weights_only=True)
        tensors = content.get("model", content)
        for _ in range(random.randrange(1, 4)):
            name = random.choice([*tensors])
            tensors |= random.choice(_CHANGES)(random, name, tensors.pop(name))
        return _file(content)
    except Exception:  # bytes that are no such file any more
        return mutate.binary(random, data)


def _sized(random: Random, name: str, tensor: torch.Tensor) -> dict[str, object]:
    size = random.choice((0, 1, 2, 3, 64, 65, 128))
    return {name: tensor.new_zeros([size, *tensor.shape[1:]])}


def _renamed(random: Random, name: str, tensor: torch.Tensor) -> dict[str, object]:
    parts = name.split(".")
    at = random.randrange(len(parts))
    parts[at] = random.choice(("0", "1", "7", "-1", "9" * 30, "", "weight", *mutate.STRINGS))
    return {".".join(parts): tensor}


_CHANGES: tuple[Callable[[Random, str, torch.Tensor], dict[str, object]], ...] = (
    lambda random, name, tensor: {},
    _sized,
    _renamed,
    lambda random, name, tensor: {name: tensor.flatten()},
    lambda random, name, tensor: {name: tensor[None]},
    lambda random, name, tensor: {name: tensor.sum()},
    lambda random, name, tensor: {name: tensor.T.contiguous() if tensor.ndim == 2 else tensor},
    lambda random, name, tensor: {name: tensor.to(random.choice((torch.int8, torch.complex64)))},
    lambda random, name, tensor: {name: tensor.to_sparse()},
    lambda random, name, tensor: {name: random.choice((3, "x", None, [tensor], {"x": tensor}))},
)


# The detector, into which an export puts the student.


@cache
def _student() -> Path:
    return runs.lite(scratch() / "seeds" / "lite")


@cache
def _detectors() -> list[bytes]:
    folder = scratch() / "seeds" / "detector"
    state = {name: part.clone() for name, part in runs.sam3_model(folder).state_dict().items()}
    processor = {"image_processor": {"size": {"height": 56, "width": 56}}}
    config = (folder / _CONFIG).read_bytes()
    read_run(_student())
    return [packed(config, json.dumps(processor).encode(), save_tensors(state))]


def _detector(data: bytes) -> None:
    config, processor, weights = unpacked(data, 3)
    put(f"detector/{_PROCESSOR}", processor)
    put(f"detector/{_WEIGHTS}", weights)
    folder = put(f"detector/{_CONFIG}", config).parent
    out = scratch() / "exported"
    try:
        with refusing():
            export(_student(), ["sam3-litetext"], out, folder)
    finally:
        shutil.rmtree(out, ignore_errors=True)


TARGETS = [
    Target("sam3-snapshot", _snapshot, _snapshots, each(mutate.document, mutate.header), 10),
    Target("sam3-original", _original, _originals, _retensored, 8),
    Target(
        "sam3-detector",
        _detector,
        _detectors,
        each(mutate.document, mutate.document, mutate.header),
        1,
    ),
]
