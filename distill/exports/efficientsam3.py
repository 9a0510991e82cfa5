"""A state dict under EfficientSAM3's names, for its own package.

The names, for a student of n layers (``i`` from 0 to n - 1), all under
``backbone.language_backbone.``:

========================================================  ==========================
``encoder.embedding_layer.weight``                        [tokens, d]
``encoder.positional_embedding.pos_embed.pos_embed``      [1, 1, L, d]
``encoder.transformer.i.pre_norm_mha.0.{weight,bias}``    norm before attention
``encoder.transformer.i.pre_norm_mha.1.qkv_proj.*``       queries, keys, values: [3 d, d]
``encoder.transformer.i.pre_norm_mha.1.out_proj.*``       [d, d]
``encoder.transformer.i.pre_norm_ffn.{0,1,4}.*``          norm, wide, narrow
``encoder.transformer.i.{token_mixer,convffn}.*``         of RepMixer blocks, first and last
``encoder.final_layer_norm.{weight,bias}``                [d]
``encoder.projection_layer``                              [d, d], unused: the identity
``projector.{weight,bias}``                               [D, d]
========================================================  ==========================
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anatomy.errors import InputError
from anatomy.files import write_whole
from distill.exports.compare import Reference, check
from distill.exports.model_card import write_card
from distill.exports.record import Comparison
from distill.exports.tokenizer_files import JSON, check_tokenizer, write_tokenizer
from distill.mobileclip import EFFICIENTSAM3

if TYPE_CHECKING:
    from distill.exports.trained import TrainedRun

NAME = "efficientsam3"
SAFETENSORS, TORCH, SHAPE = "text_encoder.safetensors", "text_encoder.pt", "text_encoder.json"
_LAYER = re.compile(r"\.transformer\.\d+\.(.+)")


def write(
    run: TrainedRun, reference: Reference, folder: Path, target: Path
) -> tuple[list[Comparison], dict[str, Any]]:
    """Write the state dict, as safetensors and for torch, with the tokenizer; read both back.

    Raises
    ------
    InputError
        For a shallow student, which has no such names; if what is read back is not the student.
    """
    import torch
    from safetensors.torch import save_file

    from distill.mobileclip import efficientsam3_tensors

    recipe = run.student.recipe
    if recipe.kind != "litetext":
        raise InputError(
            f"{NAME}: has names for MobileCLIP's text encoders only, and {recipe.name} is made of "
            "its teacher's layers; export it --to transformers,onnx"
        )
    tensors = {n: t.contiguous() for n, t in efficientsam3_tensors(run.student).items()}
    save_file(tensors, folder / SAFETENSORS)
    torch.save(tensors, folder / TORCH)
    shape = {
        "context_length": run.context,
        "vocab_size": run.student.vocabulary_size,
        "dim": recipe.hidden_size,
        "ffn_dim": recipe.intermediate_size,
        "n_heads_per_layer": recipe.attention_heads,
        "n_transformer_layers": recipe.hidden_layers,
        "model_name": "mct" if recipe.repmixer else "base",
        "output_dim": run.student.width,
        "pad_id": run.student.pad_id,
    }
    write_whole(folder / SHAPE, (json.dumps(shape, indent=1) + "\n").encode())
    write_tokenizer(run, folder, fixed=True)
    found, measured = check_tokenizer(run, reference, folder)
    for name in (SAFETENSORS, TORCH):
        found += _read_back(run, reference, folder / name)
    check(found, target, NAME)
    notes = _notes(run, list(tensors))
    write_card(run, folder, "a state dict for EfficientSAM3", snippet(), found, notes, NAME)
    return found, measured | {"tensors": {n: list(t.shape) for n, t in sorted(tensors.items())}}


def _notes(run: TrainedRun, names: list[str]) -> list[str]:
    layers = {m[1] for name in names if (m := _LAYER.search(name))}
    rest = [name for name in names if not _LAYER.search(name)]
    sizes = (
        f"Make EfficientSAM3's text encoder with the sizes of {SHAPE} before the state is loaded: "
        f"its table of positions has {run.context} rows and must be neither cut nor stretched."
    )
    ids = (
        "EfficientSAM3's own tokenizer must not be used: ids are those of the "
        f"{run.tokenizer.vocabulary_size:,} tokens of {JSON}, padded to {run.context}."
    )
    listed = (
        f"Names: {_listed(rest)}; and, of layer i, under `{EFFICIENTSAM3}encoder.transformer.i.`: "
        f"{_listed(layers)}."
    )
    return [sizes, ids, listed]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def snippet(folder: str = "FOLDER") -> str:
    """Python that reads the state dict."""
    return f'''from safetensors.torch import load_file

state = load_file("{folder}/{SAFETENSORS}")
start = "{EFFICIENTSAM3}"
encoder = {{n[len(start) + 8 :]: t for n, t in state.items() if n.startswith(start + "encoder.")}}
projector = {{n[len(start) + 10 :]: t for n, t in state.items() if n.startswith(start + "projector.")}}'''  # noqa: E501


def _read_back(run: TrainedRun, reference: Reference, path: Path) -> list[Comparison]:
    """Through the reader of MobileCLIP's checkpoints, into a student of other weights."""
    import torch

    from distill.mobileclip import load_mobileclip
    from distill.students import build

    own = run.student
    other = build(own.recipe, own.vocabulary_size, own.width, own.pad_id, 1, None)
    load_mobileclip(other, path, np.arange(own.vocabulary_size), own.vocabulary_size)
    with torch.inference_mode():
        tokens = other.eval()(torch.from_numpy(reference.ids), torch.from_numpy(reference.mask))
    return reference.compare(f"read back from {path.name}", tokens.numpy())
