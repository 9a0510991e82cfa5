"""Any text encoder of the transformers library, from a local folder: weights only, no code."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anatomy.encoders.checkpoints import (
    TORCH,
    check_amount,
    check_config,
    read_json,
    read_shapes,
    refused,
    weight_files,
)
from anatomy.encoders.model import TextModel, TorchTextModel, WeightFile, placed
from anatomy.errors import InputError
from anatomy.files import shown

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

CONFIG = "config.json"
HUB_FILES = (
    CONFIG,
    "tokenizer.json",
    "tokenizer_config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "model-*-of-*.safetensors",
    "1_Pooling/config.json",
    "*_Dense/config.json",
)
# Text towers of models that also see.
_TOWERS = {
    "clip": "CLIPTextModelWithProjection",
    "clip_text_model": "CLIPTextModelWithProjection",
    "siglip": "SiglipTextModel",
    "siglip_text_model": "SiglipTextModel",
    "siglip2": "Siglip2TextModel",
    "siglip2_text_model": "Siglip2TextModel",
    "t5": "T5EncoderModel",
    "mt5": "MT5EncoderModel",
    "umt5": "UMT5EncoderModel",
}
_PROJECTION = "text_projection.weight"  # of a CLIP; some are published without
# Modules that come after the outputs we measure: a checkpoint may lack them.
_UNUSED = re.compile(r"(^|\.)(pooler|head|lm_head|classifier)\.")
_NUMBER = re.compile(r"\d+")
_CONTEXT = 512  # tokens, where neither tokenizer nor model knows a limit
_POOLINGS = {  # sentence-transformers' names
    "mean_tokens": "mean",
    "mean": "mean",
    "cls_token": "cls",
    "cls": "cls",
    "lasttoken": "end",
}
_WORDS = {
    "mean": "mean over the valid tokens",
    "cls": "output at the first token",
    "end": "output at the last token",
}
_POSITION_NAMES = ("position_embedding", "position_embeddings", "wpe", "embed_positions")


def load_transformers(
    folder: Path, tokenizer_context: int | None, device: str, dtype: str
) -> TextModel:
    """The text encoder in a folder with config.json and weights.

    Parameters
    ----------
    folder : Path
    tokenizer_context : int or None
        Tokens that its tokenizer gives at most, where it says so.
    device : {"cpu", "cuda"}
    dtype : {"float32", "bfloat16"}

    Raises
    ------
    InputError
        For a folder whose weights are not whole, need code of their own or cannot be read; the
        message names the file and the tensor.
    """
    path = folder / CONFIG
    content = read_json(path)
    files = weight_files(folder)
    if not files:
        raise InputError(f"{shown(folder)}: has no model.safetensors; save the weights there")
    shapes = read_shapes(files)
    check_config(content, path, len(shapes))
    with _silent():
        config = _config(folder, path)
        module = _load(folder, config, files, shapes)
    tower = getattr(module, "text_model", module)
    token_embedding = _token_embedding(tower, path)
    positions, why_not = _positions(tower, config, token_embedding.shape[1])
    project = getattr(module, "text_projection", None) if _is_clip(config) else None
    pooling, notes = _pooling(folder, config, project)
    limits = [tokenizer_context, None if positions is None else len(positions)]
    if positions is None:
        limits.append(getattr(config, "max_position_embeddings", None))
    placed(module, device, dtype)

    def forward(ids: Tensor, mask: Tensor | None) -> Tensor:
        import torch

        mask = torch.ones_like(ids) if mask is None else mask.long()
        hidden: Tensor = tower(
            input_ids=ids, attention_mask=mask, return_dict=True
        ).last_hidden_state
        return hidden

    with refused(path):  # a module may still want other inputs than ours
        return TorchTextModel(
            module=module if project is not None else tower,
            forward=forward,
            token_embedding=token_embedding,
            position_embedding=positions,
            no_positions=why_not,
            context=min([limit for limit in limits if limit] or [_CONTEXT]),
            pooling=pooling,
            files=[WeightFile.of(file) for file in (*files, path)],
            device=device,
            dtype=dtype,
            project=project,
            notes=notes,
        )


def _config(folder: Path, path: Path) -> Any:
    """The configuration of the text part, whose classes are the library's own."""
    from transformers import AutoConfig

    with refused(path):
        config: Any = AutoConfig.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
    kind = config.model_type
    if config.is_encoder_decoder and kind not in _TOWERS:
        raise InputError(
            f"{shown(path)}: {shown(kind)} is an encoder with a decoder, which is not read; give "
            "a text encoder, or its outputs: --encoder outputs:FILE"
        )
    if kind in _TOWERS and hasattr(config, "text_config"):
        text = config.text_config
        if kind == "clip":  # the whole model's width holds, whatever its text part says
            text.projection_dim = config.projection_dim
        return text
    return config


def _is_clip(config: Any) -> bool:
    return str(config.model_type) == "clip_text_model"


def _load(folder: Path, config: Any, files: list[Path], shapes: dict[str, list[int]]) -> Any:
    """The module with every weight that our outputs need, from the files alone, as float32."""
    import torch
    import transformers

    loader = getattr(transformers, _TOWERS.get(config.model_type, "AutoModel"))
    build = getattr(loader, "from_config", None) or loader._from_config
    with refused(folder / CONFIG), torch.device("meta"):
        empty = build(config)
    check_amount(empty, shapes, folder / CONFIG)
    with refused(files[0]):
        module, report = loader.from_pretrained(
            str(folder),
            config=config,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
            use_safetensors=files[0].name != TORCH,
            ignore_mismatched_sizes=True,  # so that we can name them
            dtype=torch.float32,  # the tables are measured as they are stored
        )
    for name, there, needed in sorted(map(tuple, report.get("mismatched_keys") or [])):
        raise InputError(
            f"{shown(files[0])}: {shown(name)} has shape {list(there)}, but the encoder needs "
            f"{list(needed)}"
        )
    missing = set(report.get("missing_keys") or [])
    if _is_clip(config) and _PROJECTION in missing:
        module.text_projection = None
        missing.remove(_PROJECTION)
    for name in sorted(missing):
        if not _UNUSED.search(name):
            raise InputError(
                f"{shown(files[0])}: {shown(name)} is missing; this is no whole checkpoint"
            )
    _refuse_layers_left(module, set(report.get("unexpected_keys") or []), files[0])
    return module


def _refuse_layers_left(module: Any, unexpected: set[str], path: Path) -> None:
    """Tensors for which there is no module may be of heads and decoders, but of no layer more."""
    ours = {_NUMBER.sub("#", name) for name, _ in module.named_parameters()}
    before = f"{module.base_model_prefix}."
    for name in sorted(unexpected):
        if _NUMBER.sub("#", name.removeprefix(before)) in ours and _NUMBER.search(name):
            raise InputError(
                f"{shown(path)}: {shown(name)} is there, but {CONFIG} asks for fewer layers; "
                "take both from one repository"
            )


def _token_embedding(tower: Any, path: Path) -> np.ndarray:
    import torch

    with refused(path):
        embedding = tower.get_input_embeddings()
    if not isinstance(embedding, torch.nn.Embedding):
        raise InputError(f"{shown(path)}: is no text encoder: its inputs are no tokens")
    table: np.ndarray = embedding.weight.detach().numpy()
    return table


def position_embedding(tower: Any, width: int) -> tuple[str, Any, int] | None:
    """The embedding of absolute positions: its name in the tower, itself, the first token's row.

    It is added to the tokens', so it is as wide: a table of another width serves another end.
    """
    import torch

    for name, part in tower.named_modules():
        if (
            name.rpartition(".")[2] in _POSITION_NAMES
            and isinstance(part, torch.nn.Embedding)
            and part.embedding_dim == width
        ):
            # RoBERTa and its kin count positions from behind the padding's, OPT from its offset.
            first = 0 if part.padding_idx is None else part.padding_idx + 1
            return name, part, int(getattr(part, "offset", first))
    return None


def _positions(tower: Any, config: Any, width: int) -> tuple[np.ndarray | None, str]:
    """The table of absolute positions from the first token's on; or why there is none."""
    found = position_embedding(tower, width)
    if found is not None:
        _, part, first = found
        table: np.ndarray = part.weight.detach().numpy()
        return table[first:], ""
    if any("rotary" in name for name, _ in tower.named_modules()) or hasattr(
        config, "rope_parameters"
    ):
        return None, "its positions are rotary: they turn queries and keys and have no table"
    if hasattr(config, "relative_attention_num_buckets") or getattr(
        config, "relative_attention", False
    ):
        return None, "its positions are relative: a part of attention and no table"
    return None, "no table of absolute positions was found in it"


def _pooling(folder: Path, config: Any, project: Any) -> tuple[str, dict[str, str]]:
    """The encoder's own pooling, and what it is called where the usual words do not fit."""
    if _is_clip(config):
        if project is None:
            return "end", {}
        return "end", {
            "end": f"output at the end-of-text token, projected to {project.out_features:,}"
        }
    if str(config.model_type).startswith("siglip"):
        note = "mean over the valid tokens; SigLIP itself pools what it reads of padded prompts"
        return "mean", {"mean": note}
    path = folder / "1_Pooling" / CONFIG
    if not path.is_file():
        return "mean", {}
    modes = read_json(path)
    named = {modes["pooling_mode"]} if isinstance(modes.get("pooling_mode"), str) else set()
    named |= {
        name.removeprefix("pooling_mode_")
        for name, value in modes.items()
        if name.startswith("pooling_mode_") and value is True
    }
    pooling = _POOLINGS.get(named.pop()) if len(named) == 1 else None
    if pooling is None:
        raise InputError(
            f"{shown(path)}: names a pooling that is none of mean, cls and last token; give "
            "--encoder outputs:FILE with its outputs"
        )
    if any(folder.glob(f"*_Dense/{CONFIG}")):
        words = _WORDS[pooling]
        return pooling, {pooling: f"{words}, before the dense layer that it is published with"}
    return pooling, {}


@contextmanager
def _silent() -> Iterator[None]:
    """No warnings and bars of the library among ours: what matters becomes one line."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    import transformers

    logging: Any = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
