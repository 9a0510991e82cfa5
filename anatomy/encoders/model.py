"""What the measures need of an encoder's weights, and how a torch module gives it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from anatomy.errors import InputError
from anatomy.files import sha256_of, shown

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

_PROBES = 4  # rows of random ids that tell whether an encoder is causal
_NOTES = {
    "mean": "mean over the valid tokens of the {width:,}-wide outputs",
    "end": "output at the last token, {width:,} wide",
    "cls": "output at the first token, {width:,} wide",
}


class NoWeightsError(Exception):
    """There turned out to be no weights; the message says so, and how to get them."""


@dataclass(frozen=True)
class WeightFile:
    """A file that was read for an encoder's weights."""

    path: str
    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> WeightFile:
        """Hash a file."""
        return cls(shown(path), path.stat().st_size, sha256_of(path))


class Outputs(Protocol):
    """Outputs of one batch."""

    @property
    def tokens(self) -> np.ndarray:
        """Per-token outputs, float32 [B, L, D]."""

    def pooled(self, pooling: str) -> np.ndarray:
        """One output a prompt, float32 [B, D'], by "mean", "end" or "cls"."""


class TextModel(Protocol):
    """An encoder's weights.

    Attributes
    ----------
    files : sequence of WeightFile
    weights_hash : str
        Of all files together.
    parameters : int
        Of the text path.
    token_embedding : ndarray of float32, shape [V, d]
    position_embedding : ndarray of float32, shape [L, d], or None
    no_positions : str
        Why there is none.
    causal : bool
        Whether later tokens leave earlier outputs as they are.
    context : int
        Positions that it reads.
    pooling : {"mean", "end", "cls"}
        Its own way to one output a prompt.
    device : {"cpu", "cuda"}
    dtype : str
        In which it computes.
    """

    files: Sequence[WeightFile]
    weights_hash: str
    parameters: int
    token_embedding: np.ndarray
    position_embedding: np.ndarray | None
    no_positions: str
    causal: bool
    context: int
    pooling: str
    device: str
    dtype: str

    def pooling_note(self, pooling: str) -> str:
        """How `pooling` makes one output of a prompt's, in words."""

    def encode(self, ids: np.ndarray, mask: np.ndarray | None = None) -> Outputs:
        """Outputs for ids (int64 [B, L]), of which those where `mask` (bool) is True count."""


def placed(module: Module, device: str, dtype: str) -> Module:
    """The module on a device, its parameters in a dtype.

    Buffers keep theirs: angles of rotary positions are no longer right in bfloat16.
    """
    import torch

    for parameter in module.parameters():
        parameter.data = parameter.data.to(device=device, dtype=getattr(torch, dtype))
    return module.to(device)


@dataclass(frozen=True)
class TorchOutputs:
    """Outputs as torch gave them."""

    hidden: Tensor
    last: Tensor
    mask: Tensor | None
    project: Callable[[Tensor], Tensor] | None

    @property
    def tokens(self) -> np.ndarray:
        """Per-token outputs, float32 [B, L, D]."""
        return _float32(self.hidden)

    def pooled(self, pooling: str) -> np.ndarray:
        """One output a prompt, float32 [B, D']."""
        import torch

        with torch.inference_mode():
            if pooling == "end":
                rows = torch.arange(len(self.hidden), device=self.hidden.device)
                end = self.hidden[rows, self.last]
                return _float32(self.project(end) if self.project else end)
            if pooling == "cls":
                return _float32(self.hidden[:, 0])
            hidden = self.hidden.float()
            if self.mask is None:
                return _float32(hidden.mean(dim=1))
            valid = self.mask.unsqueeze(-1).float()
            return _float32((hidden * valid).sum(dim=1) / valid.sum(dim=1))


@dataclass
class TorchTextModel:
    """A torch module as a `TextModel`.

    `forward(ids, mask)` gives the last hidden state [B, L, D]; `project` makes an end-of-text
    output of its last one.
    """

    module: Module
    forward: Callable[[Tensor, Tensor | None], Tensor]
    token_embedding: np.ndarray
    position_embedding: np.ndarray | None
    no_positions: str
    context: int
    pooling: str
    files: Sequence[WeightFile]
    device: str = "cpu"
    dtype: str = "float32"
    project: Callable[[Tensor], Tensor] | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.module.eval()
        for name, table in (
            ("token embedding", self.token_embedding),
            ("position embedding", self.position_embedding),
        ):
            if table is not None and not np.isfinite(table).all():
                raise InputError(
                    f"{self.files[0].path}: its {name} holds a number that is not finite; the "
                    "weights are damaged: get them again"
                )
        self.weights_hash = hashlib.sha256(
            " ".join(file.sha256 for file in self.files).encode()
        ).hexdigest()
        self.parameters = sum(p.numel() for p in self.module.parameters())
        self.causal = self._is_causal()

    def pooling_note(self, pooling: str) -> str:
        """How `pooling` makes one output of a prompt's, in words."""
        return self.notes.get(pooling) or _NOTES[pooling].format(width=self._width)

    def encode(self, ids: np.ndarray, mask: np.ndarray | None = None) -> TorchOutputs:
        """Outputs for ids (int64 [B, L]), of which those where `mask` (bool) is True count.

        Raises
        ------
        InputError
            For ids that the encoder has no embedding of: its tokenizer is another's.
        ValueError
            For rows that are longer than the context, or of which no token counts.
        """
        import torch

        if ids.shape[1] > self.context:
            raise ValueError(f"rows of {ids.shape[1]} tokens, but a context of {self.context}")
        if mask is not None and not mask.any(axis=1).all():
            raise ValueError("a row without a token that counts")
        tokens = len(self.token_embedding)
        if ids.size and not 0 <= ids.min() <= ids.max() < tokens:
            raise InputError(
                f"{self.files[0].path}: has embeddings of {tokens:,} tokens, but the tokenizer "
                f"gives id {ids.max():,}; take both from one repository"
            )
        with torch.inference_mode():
            there = torch.from_numpy(np.ascontiguousarray(ids)).to(self.device)
            if mask is None:
                valid, last = None, torch.full((len(ids),), ids.shape[1] - 1)
            else:
                valid = torch.from_numpy(np.ascontiguousarray(mask)).to(self.device)
                places = np.arange(ids.shape[1])
                last = torch.from_numpy(np.where(mask, places, 0).max(axis=1))
            hidden = self.forward(there, valid)
        return TorchOutputs(hidden, last.to(self.device), valid, self.project)

    def _is_causal(self) -> bool:
        """Asked of the model itself: another last token must not move any earlier output."""
        length = min(6, self.context)
        rng = np.random.default_rng(0)
        ids = rng.integers(0, len(self.token_embedding), (_PROBES, length))
        other = ids.copy()
        other[:, -1] = (other[:, -1] + 1 + len(self.token_embedding) // 2) % len(
            self.token_embedding
        )
        one, two = (self.encode(batch).tokens for batch in (ids, other))
        self._width = one.shape[2]
        if not np.isfinite(one).all():
            raise InputError(
                f"{self.files[0].path}: its outputs are not finite in {self.dtype}; the weights "
                "are damaged"
                + (", or give --dtype float32" if self.dtype != "float32" else ": get them again")
            )
        if length == 1:
            return True  # no output comes before the last token
        if np.array_equal(one[:, -1], two[:, -1]):
            return False  # it does not react at all: nothing is known
        scale = float(np.abs(one).max()) or 1.0
        return bool(np.abs(one[:, :-1] - two[:, :-1]).max() <= 1e-5 * scale)


def _float32(tensor: Tensor) -> np.ndarray:
    array: np.ndarray = tensor.float().cpu().numpy()
    return array
