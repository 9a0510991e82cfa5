"""Encoding a plan: batches without padding, shards that are kept on disk.

Rows are sorted by length and each batch holds rows of one length only, so nothing is computed on
padding and no mask can matter. The sorted rows are cut into shards; each finished shard is a file
named by what it holds, so that a second audit, or a killed one run again, encodes only what is
not there.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from anatomy.encoders.batches import of_one_length, token_budget
from anatomy.errors import InputError
from anatomy.files import shown, write_whole
from anatomy.inside.draw import Plan
from anatomy.progress import Steps, quiet, remark
from anatomy.tokens.ragged import rows
from anatomy.tokens.table import TokenTable, spans

if TYPE_CHECKING:
    from anatomy.encoders.model import TextModel
    from anatomy.engines import Run

SHARD = 2048  # rows
IN_MEMORY = 1 << 30  # bytes
_FORMAT = 2  # of the shards; another one never meets their files


@dataclass(frozen=True)
class Encoded:
    """Outputs of a plan.

    Attributes
    ----------
    pooled : ndarray of float32, shape [M, D]
        Of each row of the plan's table.
    tokens : ndarray of float32, shape [K, D]
        At each of the plan's places.
    reused : int
        Rows that came from the cache.
    """

    pooled: np.ndarray
    tokens: np.ndarray
    reused: int


def batches(device: str) -> str:
    """The batch plan in words: floats are the same only where it is."""
    return f"rows of one length, up to {token_budget(device):,} tokens; shards of {SHARD:,} rows"


def encode(
    run: Run[TextModel],
    device: str,
    plan: Plan,
    *,
    pooling: str,
    key: str,
    cache: Path | None,
    steps: Steps = quiet,
    name: str = "",
) -> Encoded:
    """Run an encoder over the rows of a plan.

    Parameters
    ----------
    run : Run of TextModel
        Has shards encoded: by `engines.here(model)`, or by a cluster.
    device : {"cpu", "cuda"}
        Of the encoder.
    plan : Plan
    pooling : {"mean", "end", "cls"}
    key : str
        Says all that the outputs depend on besides the rows: weights, tokenizer, context,
        pooling, dtype, device, threads.
    cache : Path or None
        Folder of the shards; None keeps none.
    steps : Steps
        Told about progress, with prompts per second.
    name : str
        Of the encoder, for `steps`.
    """
    table, places = plan.table, plan.places
    order = np.argsort(table.lengths, kind="stable")
    digest = hashlib.sha256(f"{_FORMAT} {batches(device)} {key}".encode()).hexdigest()
    folder = cache / digest[:32] if cache else None
    if folder:  # found out before anything is computed
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(folder, error) from error
    wanted = np.zeros(len(table.ids), dtype=bool)
    wanted[places] = True
    outputs: list[np.ndarray] = []  # once their width is known

    def put(part: _Part, found: tuple[np.ndarray, np.ndarray]) -> None:
        if not outputs:
            lengths = len(table), len(places)
            outputs.extend(
                _array((length, own.shape[1])) for length, own in zip(lengths, found, strict=True)
            )
        outputs[0][part.chosen] = found[0]
        outputs[1][np.searchsorted(places, part.places)] = found[1]

    missing: list[np.ndarray] = []
    for at in range(0, len(order), SHARD):
        part = _Part.of(table, wanted, order[at : at + SHARD])
        if found := _read(part.path(folder), part) if folder else None:
            put(part, found)
        else:
            missing.append(part.chosen)
    absent = sum(map(len, missing))
    reused, done, clock = len(order) - absent, 0, time.perf_counter()
    under_way: deque[_Part] = deque()

    def parts() -> Iterator[_Part]:
        for chosen in missing:
            under_way.append(_Part.of(table, wanted, chosen))
            yield under_way[-1]

    for found in run(partial(_run, device=device, pooling=pooling), parts()):
        part = under_way.popleft()
        if folder:
            _write(part.path(folder), found)
        put(part, found)
        done += len(part.chosen)
        rate = done / (time.perf_counter() - clock)
        steps(
            f"Encoding with {name}: {reused + done:,} of {len(order):,} prompts, {rate:,.0f} a "
            "second"
        )
    if not outputs:
        raise ValueError("nothing to encode: the plan has no rows")
    if reused:
        remark(
            steps,
            f"Reused: {reused:,} of {len(order):,} encoded prompts of {name} (--no-cache encodes "
            "again)",
        )
    return Encoded(outputs[0], outputs[1], reused)


@dataclass(frozen=True)
class _Part:
    """Rows that are encoded together: a shard.

    `chosen` are their numbers in the plan's table, `places` those of its places that they have,
    `mask` where these are in the shard's flat ids.
    """

    chosen: np.ndarray
    shard: TokenTable
    mask: np.ndarray
    places: np.ndarray

    @classmethod
    def of(cls, table: TokenTable, wanted: np.ndarray, chosen: np.ndarray) -> _Part:
        shard = rows(table, chosen)
        here = spans(table.offsets[chosen], shard.lengths)
        mask = wanted[here]
        return cls(chosen, shard, mask, here[mask])

    def path(self, folder: Path) -> Path:
        digest = hashlib.sha256()
        shard = self.shard
        for part in (shard.lengths, shard.ids.astype(np.int32), np.packbits(self.mask)):
            digest.update(np.ascontiguousarray(part).tobytes())
        return folder / f"{digest.hexdigest()[:40]}.outputs"


def _array(shape: tuple[int, int]) -> np.ndarray:
    """Room for outputs: in memory, or in a file without a name where it would fill the memory."""
    size = 4 * shape[0] * shape[1]
    if size <= IN_MEMORY:
        return np.empty(shape, dtype=np.float32)
    try:
        with tempfile.TemporaryFile() as stream:
            if hasattr(os, "posix_fallocate"):  # a full disk is an error now, and a crash later
                os.posix_fallocate(stream.fileno(), 0, size)
            return np.memmap(stream, dtype=np.float32, mode="w+", shape=shape)
    except OSError as error:
        raise InputError(
            f"{shown(tempfile.gettempdir())}: outputs larger than the memory need {size:,} bytes "
            f"there ({error.strerror}); make room, name another folder with TMPDIR, or give a "
            "smaller --sample"
        ) from error


def _run(
    model: TextModel, part: _Part, *, device: str, pooling: str
) -> tuple[np.ndarray, np.ndarray]:
    """Pooled outputs of the rows, and token outputs where `mask` is True, in the rows' order."""
    shard, mask = part.shard, part.mask
    pooled, tokens = [], []
    for at, end in of_one_length(shard.lengths, token_budget(device)):
        low, high = shard.offsets[at], shard.offsets[end]
        ids = shard.ids[low:high].reshape(end - at, -1).astype(np.int64)
        outputs = model.encode(ids)
        pooled.append(outputs.pooled(pooling))
        tokens.append(outputs.tokens.reshape(high - low, -1)[mask[low:high]])
    return np.concatenate(pooled), np.concatenate(tokens)


def _write(path: Path, found: tuple[np.ndarray, np.ndarray]) -> None:
    from safetensors.numpy import save

    body = save({"pooled": found[0], "tokens": found[1]})
    try:
        write_whole(path, hashlib.sha256(body).digest() + body)
    except OSError as error:
        raise _unusable(path.parent, error) from error


def _read(path: Path, part: _Part) -> tuple[np.ndarray, np.ndarray] | None:
    """A shard from disk; None if it is not there or is damaged: then it is made again."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        content = path.read_bytes()
        if hashlib.sha256(content[32:]).digest() != content[:32]:
            return None
        tensors = load(content[32:])
        pooled, tokens = tensors["pooled"], tensors["tokens"]
    except (OSError, SafetensorError, KeyError):
        return None
    lengths = len(part.chosen), len(part.places)
    whole = pooled.ndim == tokens.ndim == 2 and (len(pooled), len(tokens)) == lengths
    return (pooled, tokens) if whole else None


def _unusable(folder: Path, error: OSError) -> InputError:
    return InputError(
        f"{shown(folder)}: outputs cannot be kept there ({error.strerror}); name another folder "
        "with ANATOMY_CACHE, or give --no-cache"
    )
