"""Any text encoder of the transformers library, from a local folder: weights only, no code."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anatomy.encoders.checkpoints import TORCH, check_sizes, read_json, refused, weight_files
from anatomy.encoders.model import TextModel, TorchTextModel, WeightFile
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
}
# Modules that come after the outputs we measure: a checkpoint may lack them.
_UNUSED = re.compile(r"(^|\.)(pooler|head|lm_head|classifier)\.")
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
    check_sizes(content, path)
    kind = str(content.get("model_type", ""))
    if content.get("auto_map"):
        raise InputError(
            f"{shown(path)}: needs code of its own (auto_map), which is not run; encode with your "
            "own code and give the result: --encoder outputs:FILE"
        )
    if content.get("is_encoder_decoder") and kind not in _TOWERS:
        raise InputError(
            f"{shown(path)}: {shown(kind)} is an encoder with a decoder, which is not read; give "
            "a text encoder, or its outputs: --encoder outputs:FILE"
        )
    files = weight_files(folder)
    if not files:
        raise InputError(f"{shown(folder)}: has no model.safetensors; save the weights there")
    module = _load(folder, kind, files, dtype)
    is_clip = kind.startswith("clip")
    tower = getattr(module, "text_model", module)
    token_embedding = tower.get_input_embeddings().weight.detach().float().numpy()
    positions, why_not = _positions(tower, module.config)
    pooling, notes = _pooling(folder, is_clip, module)
    limits = [tokenizer_context, None if positions is None else len(positions)]
    if positions is None:
        limits.append(getattr(_text_config(module.config), "max_position_embeddings", None))
    module.to(device)

    def forward(ids: Tensor, mask: Tensor | None) -> Tensor:
        import torch

        mask = torch.ones_like(ids) if mask is None else mask.long()
        hidden: Tensor = tower(input_ids=ids, attention_mask=mask).last_hidden_state
        return hidden

    project: Callable[[Tensor], Tensor] | None = module.text_projection if is_clip else None
    return TorchTextModel(
        module=module,
        forward=forward,
        token_embedding=token_embedding,
        position_embedding=positions,
        no_positions=why_not,
        context=min([limit for limit in limits if limit] or [512]),
        pooling=pooling,
        files=[WeightFile.of(file) for file in (*files, path)],
        device=device,
        dtype=dtype,
        project=project,
        notes=notes,
    )


def _load(folder: Path, kind: str, files: list[Path], dtype: str) -> Any:
    """The module with every weight that our outputs need, from the files alone."""
    with _silent():
        import torch
        import transformers

        loader = getattr(transformers, _TOWERS.get(kind, "AutoModel"))
        with refused(files[0]):
            module, report = loader.from_pretrained(
                str(folder),
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
                use_safetensors=files[0].name != TORCH,
                ignore_mismatched_sizes=True,  # so that we can name them
                dtype=getattr(torch, dtype),
            )
    wrong = report.get("mismatched_keys") or []
    for name, there, needed in sorted(map(tuple, wrong)):
        raise InputError(
            f"{shown(files[0])}: {shown(name)} has shape {list(there)}, but the encoder needs "
            f"{list(needed)}"
        )
    for name in sorted(report.get("missing_keys") or []):
        if not _UNUSED.search(name):
            raise InputError(
                f"{shown(files[0])}: {shown(name)} is missing; this is no whole checkpoint"
            )
    return module


def _text_config(config: Any) -> Any:
    return getattr(config, "text_config", config)


def _positions(tower: Any, config: Any) -> tuple[np.ndarray | None, str]:
    """The table of absolute positions from the first token's on; or why there is none."""
    import torch

    for name, part in tower.named_modules():
        if name.rpartition(".")[2] in _POSITION_NAMES and isinstance(part, torch.nn.Embedding):
            table = part.weight.detach().float().numpy()
            # RoBERTa and its kin count positions from behind the padding's.
            first = 0 if part.padding_idx is None else part.padding_idx + 1
            return table[first:], ""
    text = _text_config(config)
    if any("rotary" in name for name, _ in tower.named_modules()) or hasattr(
        text, "rope_parameters"
    ):
        return None, "its positions are rotary: they turn queries and keys and have no table"
    if hasattr(text, "relative_attention_num_buckets"):
        return None, "its positions are relative: a bias of attention and no table"
    return None, "no table of absolute positions was found in it"


def _pooling(folder: Path, is_clip: bool, module: Any) -> tuple[str, dict[str, str]]:
    """The encoder's own pooling, and what it is called where the usual words do not fit."""
    if is_clip:
        width = module.text_projection.out_features
        return "end", {"end": f"output at the end-of-text token, projected to {width:,}"}
    path = folder / "1_Pooling" / CONFIG
    if not path.is_file():
        return "mean", {}
    modes = read_json(path)
    if modes.get("pooling_mode_cls_token") is True:
        return "cls", {}
    if modes.get("pooling_mode_mean_tokens") is True:
        return "mean", {}
    if modes.get("pooling_mode_lasttoken") is True:
        return "end", {}
    raise InputError(
        f"{shown(path)}: names a pooling that is none of mean, cls and last token; give --encoder "
        "outputs:FILE with its outputs"
    )


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
