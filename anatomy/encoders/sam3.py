"""SAM3's text encoder, from either of the two formats its weights are published in.

Its text path is a causal CLIP transformer whose per-token outputs are projected to the detector's
width (SAM3: Carion et al., "SAM 3: Segment Anything with Concepts", 2025). Both formats are read
into the same module, only the text path's tensors are read, and nothing is unpickled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anatomy.encoders.checkpoints import (
    check_config,
    fill,
    read_json,
    read_shapes,
    read_tensors,
    refused,
    weight_files,
)
from anatomy.encoders.model import TextModel, TorchTextModel, WeightFile, placed
from anatomy.errors import InputError
from anatomy.files import shown

if TYPE_CHECKING:
    from torch import Tensor

HUB_ID = "facebook/sam3"
HUB_FILES = (
    "config.json",
    "model.safetensors",
    "model*.safetensors",
    "model.safetensors.index.json",
)
ORIGINAL = "sam3.pt"  # the name of the original checkpoint
_ORIGINAL = "backbone.language_backbone."
_DETECTOR = ("detector.", "detector_model.", "")  # what stands before the text path's names
_HEAD = 64  # width of an attention head: the original checkpoint does not say how many there are
_INNER = "text_encoder.text_model."
# The module's names -> the original's; of a layer, whose number is left out, and of the rest.
_LAYER = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "self_attn.out_proj": "attn.out_proj",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_REST = {
    f"{_INNER}embeddings.token_embedding.weight": "encoder.token_embedding.weight",
    f"{_INNER}embeddings.position_embedding.weight": "encoder.positional_embedding",
    f"{_INNER}final_layer_norm.weight": "encoder.ln_final.weight",
    f"{_INNER}final_layer_norm.bias": "encoder.ln_final.bias",
    "text_encoder.text_projection.weight": "encoder.text_projection",
    "text_projection.weight": "resizer.weight",
    "text_projection.bias": "resizer.bias",
}
_BLOCK = re.compile(r"encoder\.transformer\.resblocks\.(\d+)\.(.+)")
_MODULE_LAYER = re.compile(re.escape(f"{_INNER}encoder.layers.") + r"(\d+)\.(.+)\.(weight|bias)")
_PACKED = "self_attn.{}_proj"  # queries, keys and values: one tensor in the original
_NOTES = {
    "mean": "mean over the valid tokens of the outputs, projected to {width} as the detector takes "
    "them; SAM3 itself pools nothing",
    "end": "output at the end-of-text token, projected to {width} as the detector takes it",
}


def holds_sam3(folder: Path) -> bool:
    """Whether a folder has weights of SAM3 in either format; they may still be damaged."""
    return bool(weight_files(folder)) or (folder / ORIGINAL).is_file()


def load_sam3(place: Path, device: str, dtype: str) -> TextModel:
    """SAM3's text encoder from its weights.

    Parameters
    ----------
    place : Path
        A snapshot folder of `HUB_ID`, the original sam3.pt, or a folder with that alone (what
        SAM3's own package leaves in the hub client's cache).
    device : {"cpu", "cuda"}
    dtype : {"float32", "bfloat16"}

    Raises
    ------
    InputError
        For what is none of these, or is not whole; the message names the file and the tensor.
    """
    if not place.is_dir():
        return _from_file(place, device, dtype)
    if not weight_files(place) and (place / ORIGINAL).is_file():
        return _from_file(place / ORIGINAL, device, dtype)
    return _from_folder(place, device, dtype)


def _from_folder(folder: Path, device: str, dtype: str) -> TextModel:
    path = folder / "config.json"
    config = read_json(path)
    detector = config.get("detector_config") or config  # a video model wraps the detector
    text = detector.get("text_config") if isinstance(detector, dict) else None
    if not isinstance(text, dict):
        raise InputError(f"{shown(path)}: has no text_config; give a folder of {HUB_ID}")
    encoder = detector.get("detr_encoder_config")
    width = encoder.get("hidden_size") if isinstance(encoder, dict) else None
    files = weight_files(folder)
    if not files:
        raise InputError(f"{shown(folder)}: has no model.safetensors; get all of {HUB_ID}")
    width = 256 if width is None else width
    check_config({"text_config": text, "hidden_size": width}, path, len(read_shapes(files)))
    starts = ("text_encoder.", "text_projection.")
    given = read_tensors(files, [before + start for before in _DETECTOR for start in starts])
    before = next((b for b in _DETECTOR if any(n.startswith(b + starts[0]) for n in given)), "")
    tensors = {name.removeprefix(before): tensor for name, tensor in given.items()}
    config = _config(text, path)
    return _built(config, width, tensors, before.__add__, files, path, device, dtype)


def _from_file(path: Path, device: str, dtype: str) -> TextModel:
    given = read_tensors([path], [before + _ORIGINAL for before in _DETECTOR])
    before = next((b for b in _DETECTOR if any(n.startswith(b + _ORIGINAL) for n in given)), "")
    before += _ORIGINAL
    own = {name.removeprefix(before): tensor for name, tensor in given.items()}

    def shape(name: str) -> list[int]:
        if name not in own or own[name].ndim != 2:
            what = "is missing" if name not in own else "has another shape than SAM3's"
            raise InputError(
                f"{shown(path)}: {before}{name} {what}; give an original {ORIGINAL}, or a folder "
                f"of {HUB_ID}"
            )
        return list(own[name].shape)

    vocabulary, width = shape("encoder.token_embedding.weight")
    context, _ = shape("encoder.positional_embedding")
    inside, _ = shape("encoder.transformer.resblocks.0.mlp.c_fc.weight")
    projected, _ = shape("resizer.weight")
    text = {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": inside,
        "num_hidden_layers": len({m[1] for m in map(_BLOCK.match, own) if m}),
        "num_attention_heads": max(1, width // _HEAD),
        "max_position_embeddings": context,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
    }
    if "encoder.text_projection" in own:
        text["projection_dim"] = shape("encoder.text_projection")[1]
    return _built(
        _config(text, path),
        projected,
        _renamed(own, path, before),
        lambda name: before + _original(name),
        [path],
        path,
        device,
        dtype,
    )


def _original(name: str) -> str:
    """The original's name of the tensor that gives the module's tensor `name`."""
    layer = _MODULE_LAYER.fullmatch(name)
    if not layer:
        return _REST.get(name, name)
    block = f"encoder.transformer.resblocks.{layer[1]}."
    if layer[2] in _LAYER:
        return f"{block}{_LAYER[layer[2]]}.{layer[3]}"
    return f"{block}attn.in_proj_{layer[3]}"


def _renamed(own: Mapping[str, Tensor], path: Path, before: str) -> dict[str, Tensor]:
    """The original's tensors by the module's names; packed ones are cut."""
    rest = {there: name for name, there in _REST.items()}
    layer = {there: name for name, there in _LAYER.items()}
    tensors: dict[str, Tensor] = {}
    for there, tensor in own.items():
        block = _BLOCK.fullmatch(there)
        if not block:
            if there in rest:  # what else there is does not touch the outputs
                # The original multiplies by this one from the other side.
                turned = there == "encoder.text_projection"
                tensors[rest[there]] = tensor.T if turned else tensor
            continue
        start = f"{_INNER}encoder.layers.{block[1]}."
        part, _, kind = block[2].rpartition(".")
        if part == "attn" and kind in ("in_proj_weight", "in_proj_bias"):
            if not tensor.ndim or len(tensor) % 3:
                raise InputError(
                    f"{shown(path)}: {shown(before + there)} has shape {list(tensor.shape)}, "
                    "which cannot be cut into queries, keys and values"
                )
            for letter, rows in zip("qkv", tensor.chunk(3), strict=True):
                name = f"{_PACKED.format(letter)}.{kind.removeprefix('in_proj_')}"
                tensors[start + name] = rows
        elif part in layer and kind in ("weight", "bias"):
            tensors[f"{start}{layer[part]}.{kind}"] = tensor
        else:
            raise InputError(
                f"{shown(path)}: {shown(before + there)} is there, but no layer of SAM3's text "
                f"encoder has it; give an original {ORIGINAL}"
            )
    return tensors


def _config(text: Mapping[str, Any], path: Path) -> Any:
    from transformers import CLIPTextConfig

    with refused(path):
        return CLIPTextConfig(**{k: v for k, v in text.items() if k != "model_type"})


def _built(
    config: Any,
    width: int,
    tensors: dict[str, Tensor],
    renamed: Callable[[str], str],
    files: list[Path],
    where: Path,
    device: str,
    dtype: str,
) -> TextModel:
    import torch
    from transformers import CLIPTextModelWithProjection

    with refused(where), torch.device("meta"):
        module: Any = torch.nn.Module()
        module.text_encoder = CLIPTextModelWithProjection(config)
        module.text_projection = torch.nn.Linear(config.hidden_size, width)
    if "text_encoder.text_projection.weight" not in tensors:
        # CLIP's own projection, which SAM3 does not use: counted where it is there.
        module.text_encoder.text_projection = torch.nn.Identity()
    fill(module, tensors, files[0], renamed=renamed)
    text_model: Any = module.text_encoder.text_model
    table = text_model.embeddings
    table.position_ids = torch.arange(config.max_position_embeddings).expand((1, -1))
    token_embedding = table.token_embedding.weight.detach().numpy()
    position_embedding = table.position_embedding.weight.detach().numpy()
    placed(module, device, dtype)

    def forward(ids: Tensor, mask: Tensor | None) -> Tensor:
        hidden = text_model(input_ids=ids, attention_mask=mask, return_dict=True).last_hidden_state
        projected: Tensor = module.text_projection(hidden)
        return projected

    with refused(files[0]):
        return TorchTextModel(
            module=module,
            forward=forward,
            token_embedding=token_embedding,
            position_embedding=position_embedding,
            no_positions="",
            context=config.max_position_embeddings,
            pooling="mean",
            files=[
                WeightFile.of(path)
                for path in (*files, *([where] if where.suffix == ".json" else []))
            ],
            device=device,
            dtype=dtype,
            notes={name: text.format(width=width) for name, text in _NOTES.items()},
        )
