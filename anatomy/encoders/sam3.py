"""SAM3's text encoder, from either of the two formats its weights are published in.

Its text path is a causal CLIP transformer whose per-token outputs are projected to the detector's
width (SAM3: Carion et al., "SAM 3: Segment Anything with Concepts", 2025). Both formats are read
into the same module, only the text path's tensors are read, and nothing is unpickled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anatomy.encoders.checkpoints import (
    check_sizes,
    fill,
    read_json,
    read_tensors,
    refused,
    weight_files,
)
from anatomy.encoders.model import TextModel, TorchTextModel, WeightFile
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
_ORIGINAL = "detector.backbone.language_backbone."
_HEAD = 64  # width of an attention head: the original checkpoint does not say how many there are
# The original's names of a layer's tensors -> the module's.
_LAYER = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
_NOTES = {
    "mean": "mean over the valid tokens of the outputs, projected to {width} as the detector takes "
    "them; SAM3 itself pools nothing",
    "end": "output at the end-of-text token, projected to {width} as the detector takes it",
}


def load_sam3(place: Path, device: str, dtype: str) -> TextModel:
    """The text encoder of a `facebook/sam3` snapshot folder, or of an original sam3.pt.

    Raises
    ------
    InputError
        For what is neither, or is not whole; the message names the file and the tensor.
    """
    return (
        _from_folder(place, device, dtype) if place.is_dir() else _from_file(place, device, dtype)
    )


def _from_folder(folder: Path, device: str, dtype: str) -> TextModel:
    path = folder / "config.json"
    config = read_json(path)
    detector = config.get("detector_config") or config  # a video model wraps the detector
    text, encoder = detector.get("text_config"), detector.get("detr_encoder_config")
    if not isinstance(text, dict):
        raise InputError(f"{shown(path)}: has no text_config; give a folder of {HUB_ID}")
    width = (encoder or {}).get("hidden_size", 256)
    check_sizes({"text": text, "hidden_size": width}, path)
    files = weight_files(folder)
    if not files:
        raise InputError(f"{shown(folder)}: has no model.safetensors; get all of {HUB_ID}")
    starts = ("text_encoder.", "text_projection.")
    tensors = read_tensors(files, [*starts, *(f"detector_model.{s}" for s in starts)])
    names = {name.removeprefix("detector_model."): name for name in tensors}
    tensors = {name: tensors[there] for name, there in names.items()}
    return _built(_config(text, path), width, tensors, names, files, path, device, dtype)


def _from_file(path: Path, device: str, dtype: str) -> TextModel:
    given = read_tensors([path], [_ORIGINAL])
    names: dict[str, str] = {}
    tensors: dict[str, Tensor] = {}

    def take(name: str, there: str, tensor: Tensor) -> None:
        names[name], tensors[name] = there, tensor

    inner = "text_encoder.text_model."
    for there, tensor in given.items():
        own = there.removeprefix(_ORIGINAL)
        layer = re.fullmatch(r"encoder\.transformer\.resblocks\.(\d+)\.(.+)\.(weight|bias)", own)
        packed = re.fullmatch(r"encoder\.transformer\.resblocks\.(\d+)\.attn\.in_proj_(\w+)", own)
        if packed:
            for part, rows in zip("qkv", tensor.chunk(3), strict=False):
                name = f"{inner}encoder.layers.{packed[1]}.self_attn.{part}_proj.{packed[2]}"
                take(name, there, rows)
        elif layer and layer[2] in _LAYER:
            take(f"{inner}encoder.layers.{layer[1]}.{_LAYER[layer[2]]}.{layer[3]}", there, tensor)
        elif own == "encoder.token_embedding.weight":
            take(f"{inner}embeddings.token_embedding.weight", there, tensor)
        elif own == "encoder.positional_embedding":
            take(f"{inner}embeddings.position_embedding.weight", there, tensor)
        elif own.startswith("encoder.ln_final."):
            take(f"{inner}final_layer_norm.{own.rpartition('.')[2]}", there, tensor)
        elif own == "encoder.text_projection":  # [width, d]: the module's is transposed
            take("text_encoder.text_projection.weight", there, tensor.T)
        elif own.startswith("resizer."):
            take(f"text_projection.{own.removeprefix('resizer.')}", there, tensor)

    def shape(name: str, there: str, axes: int) -> Any:
        if name not in tensors or tensors[name].ndim != axes:
            what = "is missing" if name not in tensors else "has another shape than SAM3's"
            raise InputError(
                f"{shown(path)}: {_ORIGINAL}{there} {what}; give an original sam3.pt, or a "
                f"folder of {HUB_ID}"
            )
        return tensors[name].shape

    vocabulary, width = shape(
        f"{inner}embeddings.token_embedding.weight", "encoder.token_embedding.weight", 2
    )
    context, _ = shape(
        f"{inner}embeddings.position_embedding.weight", "encoder.positional_embedding", 2
    )
    inside, _ = shape(
        f"{inner}encoder.layers.0.mlp.fc1.weight",
        "encoder.transformer.resblocks.0.mlp.c_fc.weight",
        2,
    )
    projected, _ = shape("text_projection.weight", "resizer.weight", 2)
    layers = {name.split(".layers.")[1].split(".")[0] for name in tensors if ".layers." in name}
    text = {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": inside,
        "num_hidden_layers": len(layers),
        "num_attention_heads": max(1, width // _HEAD),
        "max_position_embeddings": context,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
    }
    own_projection = tensors.get("text_encoder.text_projection.weight")
    if own_projection is not None:
        text["projection_dim"] = own_projection.shape[0]
    return _built(_config(text, path), projected, tensors, names, [path], path, device, dtype)


def _config(text: Mapping[str, Any], path: Path) -> Any:
    from transformers import CLIPTextConfig

    with refused(path):
        return CLIPTextConfig(**{k: v for k, v in text.items() if k != "model_type"})


def _built(
    config: Any,
    width: int,
    tensors: dict[str, Tensor],
    names: Mapping[str, str],
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
        # CLIP's own projection, which SAM3 does not use: counted where it is there
        module.text_encoder.text_projection = torch.nn.Identity()
    fill(module, tensors, files[0], renamed=names)
    text_model: Any = module.text_encoder.text_model
    table = text_model.embeddings
    table.position_ids = torch.arange(config.max_position_embeddings).expand((1, -1))
    token_embedding = table.token_embedding.weight.detach().numpy()
    position_embedding = table.position_embedding.weight.detach().numpy()
    module.to(device=device, dtype=getattr(torch, dtype))

    def forward(ids: Tensor, mask: Tensor | None) -> Tensor:
        hidden = text_model(input_ids=ids, attention_mask=mask).last_hidden_state
        projected: Tensor = module.text_projection(hidden)
        return projected

    return TorchTextModel(
        module=module,
        forward=forward,
        token_embedding=token_embedding,
        position_embedding=position_embedding,
        no_positions="",
        context=config.max_position_embeddings,
        pooling="mean",
        files=[
            WeightFile.of(path) for path in (*files, *([where] if where.suffix == ".json" else []))
        ],
        device=device,
        dtype=dtype,
        notes={name: text.format(width=width) for name, text in _NOTES.items()},
    )
