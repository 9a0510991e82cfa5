"""MobileCLIP's text encoders by the names of their checkpoints, to and from our students.

Three namings hold the same tensors: Apple's (`text_encoder.*`, MobileCLIP), EfficientSAM3's, which
keeps Apple's under `backbone.language_backbone.encoder.*` and adds `.projector.*`, and open_clip's
(`text.*`, in which MobileCLIP2 is published). Queries, keys and values are one tensor in all three.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anatomy.encoders.checkpoints import check_tensors, read_tensors
from anatomy.errors import InputError
from anatomy.files import shown

if TYPE_CHECKING:
    from torch import Tensor

    from distill.students import Student

EFFICIENTSAM3 = "backbone.language_backbone."
_APPLE, _OPEN_CLIP = "text_encoder.", "text."
_PREFIXES = (f"detector.{EFFICIENTSAM3}", EFFICIENTSAM3, _APPLE, _OPEN_CLIP)
_TOKENS = "embeddings.token_embedding.weight"
_POSITIONS = "embeddings.position_embedding.position_embedding"
# transformers' names -> theirs; of a layer, whose number is left out, and of the rest.
_APPLE_REST = {
    _TOKENS: "embedding_layer.weight",
    _POSITIONS: "positional_embedding.pos_embed.pos_embed",
    "final_layer_norm": "final_layer_norm",
}
_APPLE_LAYER = {
    "layer_norm1": "pre_norm_mha.0",
    "self_attn.out_proj": "pre_norm_mha.1.out_proj",
    "layer_norm2": "pre_norm_ffn.0",
    "mlp.fc1": "pre_norm_ffn.1",
    "mlp.fc2": "pre_norm_ffn.4",
    "layer_scale": "layer_scale",
    "token_mixer.layer_scale": "token_mixer.layer_scale",
    "token_mixer.reference_batchnorm": "token_mixer.norm.rbr_skip",
    "token_mixer.mixer.batchnorm_skip": "token_mixer.mixer.rbr_skip",
    "token_mixer.mixer.conv": "token_mixer.mixer.rbr_conv.0.conv",
    "token_mixer.mixer.batchnorm_conv": "token_mixer.mixer.rbr_conv.0.bn",
    "conv_feed_forward.depthwise_conv": "convffn.conv.conv",
    "conv_feed_forward.depthwise_batchnorm": "convffn.conv.bn",
    "conv_feed_forward.mlp.fc1": "convffn.fc1",
    "conv_feed_forward.mlp.fc2": "convffn.fc2",
}
_OPEN_CLIP_REST = {
    _TOKENS: "token_embedding.weight",
    _POSITIONS: "positional_embedding",
    "final_layer_norm": "ln_final",
}
_OPEN_CLIP_LAYER = {
    "layer_norm1": "ln_1",
    "self_attn.out_proj": "attn.out_proj",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_LAYER = re.compile(r"layers\.(\d+)\.(.+)")
_PACKED = re.compile(r"self_attn\.([qkv])_proj\.(weight|bias)")
# Of the pooled output, which no per-token output depends on; and the causal mask of some.
_LEFT_OUT = ("projection_layer", "text_projection", "text_projection.weight", "attn_mask")
_COUNTER = ".num_batches_tracked"


def load_mobileclip(student: Student, path: Path, kept: np.ndarray, rows: int | None) -> list[str]:
    """Give a litetext student the weights of a MobileCLIP checkpoint.

    The token table's rows are those of `kept`, the position table's the first L. The projector is
    taken where the checkpoint has one (EfficientSAM3's); else it stays as it is.

    Parameters
    ----------
    student : Student
    path : Path
        Safetensors, or a torch file (read with ``weights_only``).
    kept : ndarray of int64, shape [U]
        The teacher's id of each of the student's tokens.
    rows : int or None
        Tokens that the teacher has: the checkpoint must have as many, for its ids to mean the same.

    Returns
    -------
    list of str
        What was done, in words.

    Raises
    ------
    InputError
        If the file holds no such text encoder, or other tensors than the student needs; the
        message names the tensor.
    """
    tensors = read_tensors([path], _PREFIXES)
    prefix = next((p for p in _PREFIXES if any(name.startswith(p) for name in tensors)), None)
    if prefix is None:
        raise InputError(
            f"{shown(path)}: holds no text encoder of MobileCLIP (no {_APPLE}*, {_OPEN_CLIP}* or "
            f"{EFFICIENTSAM3}*); give a checkpoint of MobileCLIP or EfficientSAM3"
        )
    found = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
    kind = "open_clip" if prefix == _OPEN_CLIP else "apple"
    inner = "encoder." if EFFICIENTSAM3 in prefix else ""
    wanted = {n: t for n, t in _state(student).items() if inner or not n.startswith("projector.")}
    names = {name: _reference(name, kind, inner) for name in wanted}
    ours = {
        name: _one_of(found[there], part, path, prefix + there)
        for name, (there, part) in names.items()
        if there in found
    }
    left = set(found) - {there for there, _ in names.values()}
    for there in sorted(left):
        if there.removeprefix(inner) not in _LEFT_OUT and not there.endswith(_COUNTER):
            raise InputError(
                f"{shown(path)}: {shown(prefix + there)} is there, but "
                f"{shown(student.recipe.name)} has no place for it; give the checkpoint of the "
                "same architecture, not folded for inference"
            )
    _cut_tables(ours, student, kept, rows, path)
    for name, own in wanted.items():
        if name.endswith(_COUNTER) and name not in ours:
            ours[name] = own  # conversions leave it out; nothing depends on it
    check_tensors(wanted, ours, path, renamed=lambda name: prefix + names[name][0])
    import torch

    with torch.no_grad():
        for name, own in wanted.items():
            own.copy_(ours[name])
    tables = f"the rows of {len(kept):,} kept tokens, the first {student.recipe.context} positions"
    return [
        f"all layers from {shown(path.name)}, {tables}",
        f"projector: {'from the same file' if inner else 'random; MobileCLIP has none'}",
    ]


def efficientsam3_tensors(student: Student) -> dict[str, Tensor]:
    """A litetext student under EfficientSAM3's names, without what stands before `backbone.`.

    Its unused projection is put back as the identity.
    """
    import torch

    student = student.folded()
    made: dict[str, Tensor] = {}
    packed: dict[str, dict[int, Tensor]] = {}
    for name, tensor in _state(student).items():
        there, part = _reference(name, "apple", "encoder.")
        if part is None:
            made[EFFICIENTSAM3 + there] = tensor.detach().clone()
        else:
            packed.setdefault(there, {})[part] = tensor.detach()
    for there, parts in packed.items():
        made[EFFICIENTSAM3 + there] = torch.cat([parts[part] for part in range(3)])
    made[f"{EFFICIENTSAM3}encoder.projection_layer"] = torch.eye(student.recipe.hidden_size)
    return made


def _state(student: Student) -> dict[str, Tensor]:
    """The student's state without its pooled projection, by the text model's own names."""
    return {
        name.removeprefix("text_model."): tensor
        for name, tensor in student.state_dict(keep_vars=True).items()
        if not name.startswith("pooled_projection.")
    }


def _reference(name: str, kind: str, inner: str) -> tuple[str, int | None]:
    """Their name for ours, and which third of it is ours if it is packed."""
    if name.startswith("projector."):
        return name, None
    rest, of_layer = (
        (_APPLE_REST, _APPLE_LAYER) if kind == "apple" else (_OPEN_CLIP_REST, _OPEN_CLIP_LAYER)
    )
    layer = _LAYER.fullmatch(name)
    if not layer:
        return inner + _renamed(name, rest), None
    number = layer[1] if kind == "apple" else f"resblocks.{layer[1]}"
    start = f"{inner}transformer.{number}."
    packed = _PACKED.fullmatch(layer[2])
    if packed:
        pack = "pre_norm_mha.1.qkv_proj." if kind == "apple" else "attn.in_proj_"
        return f"{start}{pack}{packed[2]}", "qkv".index(packed[1])
    return start + _renamed(layer[2], of_layer), None


def _renamed(name: str, names: Mapping[str, str]) -> str:
    part, _, kind = name.rpartition(".")
    if name in names:
        return names[name]
    return f"{names[part]}.{kind}" if part in names else name


def _one_of(tensor: Tensor, part: int | None, path: Path, there: str) -> Tensor:
    if part is None:
        return tensor
    if not tensor.ndim or len(tensor) % 3:
        raise InputError(
            f"{shown(path)}: {shown(there)} has shape {list(tensor.shape)}, which cannot be cut "
            "into queries, keys and values"
        )
    return tensor.chunk(3)[part]


def _cut_tables(
    tensors: dict[str, Any], student: Student, kept: np.ndarray, rows: int | None, path: Path
) -> None:
    """Only the kept rows of the token table, and the first L positions; in place."""
    import torch

    table = tensors.get(_TOKENS)
    if table is not None and table.ndim == 2:
        needed = rows if rows is not None else int(kept.max()) + 1
        if len(table) < needed or (rows is not None and len(table) != rows):
            raise InputError(
                f"{shown(path)}: has embeddings of {len(table):,} tokens, but the teacher's "
                f"tokenizer has {needed:,}; MobileCLIP's checkpoints go with CLIP's tokenizer"
            )
        tensors[_TOKENS] = table[torch.from_numpy(np.ascontiguousarray(kept))]
    positions = tensors.get(_POSITIONS)
    if positions is not None and positions.ndim in (2, 4):
        length = student.recipe.context
        if positions.shape[-2] < length:
            raise InputError(
                f"{shown(path)}: has {positions.shape[-2]} positions, but the student needs "
                f"{length}; give a shorter context"
            )
        own = positions[..., :length, :]
        tensors[_POSITIONS] = own if own.ndim == 4 else own[None, None]
