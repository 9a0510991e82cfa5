"""What the teacher says: its outputs for every prompt, computed once and kept on disk.

The teacher runs over distinct rows of token ids, in batches of one length, so nothing is computed
twice or on padding. It sees a prompt as far as its own context reaches, also where the student's
is shorter: a student's token learns from what the teacher makes of the whole prompt.

The outputs of all valid tokens lie one after the other in one file, shortest rows first, and are
read through a memory map. A journal beside it says how many rows are on the disk, with a hash; a
killed run goes on from there.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from anatomy.encoders.again import opens_again
from anatomy.encoders.batches import of_one_length, token_budget
from anatomy.encoders.model import TorchOutputs
from anatomy.engines import Engine, Run, here
from anatomy.errors import InputError
from anatomy.files import shown, write_whole
from anatomy.progress import Steps, quiet
from anatomy.tokens.ragged import distinct, rows, truncated
from anatomy.tokens.table import TokenTable, spans

if TYPE_CHECKING:
    from anatomy.encoders.model import Outputs, TextModel
    from distill.teacher import Teacher

NONE = -1  # a token without a target
FORMAT = 1
JOURNAL = "targets.json"
JOURNAL_SECONDS = 5.0  # at most so much work is lost by a kill
ROUNDING = 2e-3  # of a vector's norm: more, and the dtype is too narrow for this teacher
_BLOCK = 1 << 24


@dataclass(frozen=True)
class Targets:
    """The teacher's outputs for N prompts, of which M have different token ids.

    Attributes
    ----------
    tokens : memmap of float16 or float32, shape [T, D]
        Per-token outputs of the M rows, one row after the other.
    offsets : ndarray of int64, shape [M + 1]
        Row r holds ``tokens[offsets[r]:offsets[r + 1]]``.
    pooled : memmap of float32, shape [M, D']
        One output a row, by the recipe's pooling.
    row : ndarray of int64, shape [N]
        Each prompt's row.
    place : ndarray of int64, shape [W]
        For each token of the N prompts, as they were given, its row of `tokens`; `NONE` where the
        teacher's own context cut it off.
    reused : int
        Rows that were on the disk already.
    rounding : float
        Largest error of a stored vector, relative to its norm.
    seconds : float
        That the teacher took, in this process and those before it.
    """

    tokens: np.ndarray
    offsets: np.ndarray
    pooled: np.ndarray
    row: np.ndarray
    place: np.ndarray
    reused: int
    rounding: float
    seconds: float


@dataclass
class _Journal:
    """How far the files on the disk are good."""

    rows: int = 0
    tokens_sha256: str = ""
    pooled_sha256: str = ""
    width: int = 0
    pooled_width: int = 0
    rounding: float = 0.0
    seconds: float = 0.0

    def write(self, folder: Path) -> None:
        write_whole(folder / JOURNAL, json.dumps(self.__dict__).encode())

    @classmethod
    def read(cls, folder: Path) -> _Journal:
        """The journal on disk; an empty one if there is none or it is damaged."""
        try:
            content: dict[str, Any] = json.loads((folder / JOURNAL).read_bytes())
            journal = cls(**content)
            whole = all(
                type(value) is type(default)
                for value, default in zip(
                    journal.__dict__.values(), cls().__dict__.values(), strict=True
                )
            )
        except (OSError, ValueError, TypeError, RecursionError):
            return cls()
        return journal if whole and journal.width > 0 and journal.pooled_width > 0 else cls()


def make_targets(
    teacher: Teacher,
    table: TokenTable,
    folder: Path,
    *,
    pooling: str,
    dtype: str = "float16",
    engine: Engine | None = None,
    steps: Steps = quiet,
) -> Targets:
    """Run the teacher over prompts, or read what an earlier run has left.

    Parameters
    ----------
    teacher : Teacher
    table : TokenTable of N prompts
        The teacher's own token ids, whole; they are cut to its context here.
    folder : Path
        The files go into a folder in it, named by a hash of all that the outputs depend on:
        weights, tokenizer, ids, context, pooling, precision, device type, batch plan and `dtype`.
    pooling : {"mean", "end", "cls"}
    dtype : {"float16", "float32"}
        In which token outputs are stored. float16 rounds a vector by about 3e-4 of its norm,
        which moves a cosine by 4e-8 (of MiniLM: 3.1e-4 at most); bfloat16 would by 3e-3.
    engine : Engine, optional
        Where the teacher runs: in this process, or on a cluster. The outputs are the same.
    steps : Steps

    Raises
    ------
    InputError
        If a prompt has no token, the teacher's outputs are not finite or too large for `dtype`,
        or the folder cannot be written.
    """
    model = teacher.model
    if not len(table):
        raise ValueError("no prompts")
    if not table.lengths.all():
        raise InputError(
            f"{shown(teacher.encoder.name)}: its tokenizer makes no token of some prompt; it "
            "cannot teach those"
        )
    left, offsets = truncated(table, model.context, teacher.encoder.tokenizer.special_ids)
    cut = TokenTable(table.ids[left], offsets)
    numbers, first = distinct(cut)
    whole = rows(cut, first)
    order = np.argsort(whole.lengths, kind="stable")
    sorted_rows = rows(whole, order)
    row_of = np.empty(len(order), dtype=np.int64)
    row_of[order] = np.arange(len(order))
    own = folder / _key(teacher, sorted_rows, pooling, dtype)[:24]
    try:
        own.mkdir(parents=True, exist_ok=True)
        run = _run_of(engine, teacher)
        journal, reused = _fill(teacher, run, sorted_rows, own, pooling, dtype, steps)
        tokens = _mapped(own / "tokens.bin", dtype, len(sorted_rows.ids), journal.width)
        pooled = _mapped(own / "pooled.bin", "float32", len(order), journal.pooled_width)
    except OSError as error:
        raise InputError(
            f"{shown(folder)}: the teacher's outputs cannot be kept there ({error.strerror}); "
            "make room, or name another folder with --out"
        ) from error
    row = row_of[numbers]
    place = np.full(len(table.ids), NONE, dtype=np.int64)
    place[left] = spans(sorted_rows.offsets[row], cut.lengths)
    return Targets(
        tokens, sorted_rows.offsets, pooled, row, place, reused, journal.rounding, journal.seconds
    )


def _key(teacher: Teacher, table: TokenTable, pooling: str, dtype: str) -> str:
    """Hash of all that the outputs depend on; the number of threads moves only last digits."""
    model = teacher.model
    digest = hashlib.sha256()
    for part in (
        FORMAT,
        model.weights_hash,
        teacher.encoder.tokenizer.description,
        model.context,
        model.device,
        model.dtype,
        token_budget(model.device),
        pooling,
        dtype,
    ):
        digest.update(f"{part}\n".encode())
    digest.update(np.ascontiguousarray(table.lengths).tobytes())
    digest.update(np.ascontiguousarray(table.ids.astype(np.int32)).tobytes())
    return digest.hexdigest()


def _run_of(engine: Engine | None, teacher: Teacher) -> Run[TextModel]:
    model = teacher.model
    if engine is None:
        return here(model)
    device = engine.device(model.device)
    return engine.opened(model, opens_again(teacher.encoder, model, device), device)


def _fill(
    teacher: Teacher,
    run: Run[TextModel],
    table: TokenTable,
    place: Path,
    pooling: str,
    dtype: str,
    steps: Steps,
) -> tuple[_Journal, int]:
    """Bring the files of a folder to all rows; returns the journal and the rows found."""
    paths = place / "tokens.bin", place / "pooled.bin"
    journal = _Journal.read(place)
    done = min(journal.rows, len(table))
    sizes = (
        int(table.offsets[done]) * journal.width * np.dtype(dtype).itemsize,
        done * journal.pooled_width * 4,
    )
    hashes = [_hash_of(path, size) for path, size in zip(paths, sizes, strict=True)]
    found = [None if digest is None else digest.hexdigest() for digest in hashes]
    if done != journal.rows or found != [journal.tokens_sha256, journal.pooled_sha256]:
        journal, done, sizes = _Journal(), 0, (0, 0)
        hashes = [hashlib.sha256(), hashlib.sha256()]
    reused, clock, before = done, time.perf_counter(), journal.seconds
    if done == len(table):
        return journal, reused
    with paths[0].open("ab") as tokens_file, paths[1].open("ab") as pooled_file:
        for stream, size in zip((tokens_file, pooled_file), sizes, strict=True):
            stream.truncate(size)  # what came after the journal was last written
        saved = time.perf_counter()
        cuts = of_one_length(table.lengths[reused:], token_budget(teacher.model.device))
        work = partial(_asked, pooling=pooling, dtype=dtype, name=teacher.encoder.name)
        end = 0
        for stored, pooled, rounding in run(work, _batches(table, reused, cuts)):
            end += len(pooled)
            journal.rounding = max(journal.rounding, rounding)
            journal.width, journal.pooled_width = stored.shape[1], pooled.shape[1]
            for stream, block, digest in zip(
                (tokens_file, pooled_file), (stored, pooled), hashes, strict=True
            ):
                body = block.tobytes()
                stream.write(body)
                digest.update(body)
            journal.rows = reused + end
            if time.perf_counter() - saved > JOURNAL_SECONDS or journal.rows == len(table):
                journal.tokens_sha256, journal.pooled_sha256 = (
                    digest.hexdigest() for digest in hashes
                )
                journal.seconds = before + time.perf_counter() - clock
                _synced(tokens_file, pooled_file)
                journal.write(place)
                saved = time.perf_counter()
            rate = end / (time.perf_counter() - clock)
            steps(
                f"Teacher {teacher.encoder.name}: {journal.rows:,} of {len(table):,} prompts, "
                f"{rate:,.0f} a second"
            )
    return journal, reused


def _batches(
    table: TokenTable, first: int, cuts: Iterable[tuple[int, int]]
) -> Iterator[np.ndarray]:
    """Ids [B, L] of each batch; the cuts count rows from the row `first`."""
    for start, end in cuts:
        low, high = table.offsets[first + start], table.offsets[first + end]
        yield table.ids[low:high].reshape(end - start, -1)


def _asked(
    model: TextModel, ids: np.ndarray, *, pooling: str, dtype: str, name: str
) -> tuple[np.ndarray, np.ndarray, float]:
    """A batch's per-token outputs as they are stored, its pooled ones, and the rounding."""
    outputs = model.encode(ids.astype(np.int64))
    stored, rounding = _stored(outputs, dtype, name, model.dtype)
    return stored, np.ascontiguousarray(outputs.pooled(pooling), dtype=np.float32), rounding


def _stored(outputs: Outputs, dtype: str, name: str, precision: str) -> tuple[np.ndarray, float]:
    """Outputs [T, D] in the dtype of the file, and the largest relative error that this makes.

    On the device where they are: less goes to the host, which would be slower at it.
    """
    import torch

    hidden = outputs.hidden if isinstance(outputs, TorchOutputs) else outputs.tokens
    with torch.inference_mode():
        tokens = torch.as_tensor(hidden).flatten(0, 1).float()
        norms = tokens.norm(dim=1)
        stored = tokens.to(getattr(torch, dtype))
        errors = (stored.float() - tokens).norm(dim=1) / torch.where(norms > 0, norms, 1.0)
        finite, rounding = torch.stack([norms.isfinite().all().float(), errors.max()]).tolist()
    if not finite:
        raise InputError(
            f"{shown(name)}: gives outputs that are not finite in {precision}; run again with "
            "--set teacher.precision=float32"
        )
    if not rounding <= ROUNDING:
        raise InputError(
            f"{shown(name)}: {dtype} rounds its outputs by {rounding:.2g} of "
            "their norm; run again with --set teacher.stored=float32"
        )
    return stored.cpu().numpy(), rounding


def _synced(*streams: IO[bytes]) -> None:
    import os

    for stream in streams:
        stream.flush()
        os.fsync(stream.fileno())


def _hash_of(path: Path, size: int) -> Any:
    """The running hash of a file's first `size` bytes; None if it is shorter."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while size and (block := stream.read(min(size, _BLOCK))):
                digest.update(block)
                size -= len(block)
    except FileNotFoundError:
        pass
    return None if size else digest


def _mapped(path: Path, dtype: str, rows: int, width: int) -> np.ndarray:
    return np.memmap(path, dtype=dtype, mode="r", shape=(rows, width))
