"""Small random encoders, saved as their libraries save them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "the", "red", "blue", "dog", "cat", "##s", "cup"]
BERT = {
    "vocab_size": len(WORDS),
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 24,
}
SMALL = {
    "vocab_size": len(WORDS),
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
}
SAM3 = {
    "vocab_size": 49_408,
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 192,
    "max_position_embeddings": 32,
    "projection_dim": 48,
    "hidden_act": "gelu",
}
SAM3_WIDTH = 24

# Random text encoders of many makes, none saved.
MODELS = {
    "roberta": lambda: transformers.RobertaModel(
        transformers.RobertaConfig(**SMALL, max_position_embeddings=26, pad_token_id=1)
    ),
    "gpt2": lambda: transformers.GPT2Model(
        transformers.GPT2Config(
            vocab_size=len(WORDS), n_embd=32, n_layer=2, n_head=4, n_positions=24
        )
    ),
    "t5": lambda: transformers.T5EncoderModel(
        transformers.T5Config(
            vocab_size=len(WORDS), d_model=32, num_layers=2, num_heads=4, d_kv=8, d_ff=48
        )
    ),
    "llama": lambda: transformers.LlamaModel(
        transformers.LlamaConfig(**SMALL, max_position_embeddings=24)
    ),
    "mpnet": lambda: transformers.MPNetModel(
        transformers.MPNetConfig(**SMALL, max_position_embeddings=26, pad_token_id=1)
    ),
    "distilbert": lambda: transformers.DistilBertModel(
        transformers.DistilBertConfig(
            vocab_size=len(WORDS),
            dim=32,
            n_layers=2,
            n_heads=4,
            hidden_dim=48,
            max_position_embeddings=24,
        )
    ),
    "opt": lambda: transformers.OPTModel(
        transformers.OPTConfig(
            vocab_size=len(WORDS),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            ffn_dim=48,
            max_position_embeddings=24,
            word_embed_proj_dim=32,
        )
    ),
    "roformer": lambda: transformers.RoFormerModel(
        transformers.RoFormerConfig(**SMALL, max_position_embeddings=24, embedding_size=32)
    ),
    "siglip": lambda: transformers.SiglipTextModel(
        transformers.SiglipTextConfig(**SMALL, max_position_embeddings=24)
    ),
}


def save_tokenizer(folder: Path, context: int | None = None) -> None:
    """A WordPiece tokenizer of a dozen words."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(
        models.WordPiece({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    if context:
        (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": context}))


def save_bert(folder: Path, **changes: Any) -> Any:
    """A BERT with a tokenizer; returns the module that was saved."""
    torch.manual_seed(0)
    module = transformers.BertModel(transformers.BertConfig(**(BERT | changes))).eval()
    save_tokenizer(folder)
    module.save_pretrained(folder)
    return module


def sam3_parts() -> tuple[Any, Any]:
    """SAM3's text path in small: a CLIP text model and the projection of its tokens."""
    torch.manual_seed(0)
    encoder = transformers.CLIPTextModelWithProjection(transformers.CLIPTextConfig(**SAM3)).eval()
    resizer = torch.nn.Linear(SAM3["hidden_size"], SAM3_WIDTH)
    for parameter in [*encoder.parameters(), *resizer.parameters()]:
        torch.nn.init.normal_(parameter.data, std=0.3)
    return encoder, resizer


def snapshot_tensors(prefix: str = "") -> dict[str, torch.Tensor]:
    """The tensors of a facebook/sam3 snapshot, text path and something else."""
    encoder, resizer = sam3_parts()
    tensors = {f"text_encoder.{name}": p for name, p in encoder.state_dict().items()}
    tensors |= {f"text_projection.{name}": p for name, p in resizer.state_dict().items()}
    tensors["vision_encoder.weight"] = torch.zeros(3)
    return {prefix + name: tensor.contiguous() for name, tensor in tensors.items()}


def save_snapshot(
    folder: Path,
    tensors: dict[str, torch.Tensor] | None = None,
    *,
    video: bool = False,
    shards: int = 1,
    text: dict[str, Any] | None = None,
) -> Path:
    """A folder laid out as facebook/sam3."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = snapshot_tensors("detector_model." if video else "") if tensors is None else tensors
    detector = {
        "model_type": "sam3",
        "text_config": {"model_type": "clip_text_model", **(text or SAM3)},
        "detr_encoder_config": {"hidden_size": SAM3_WIDTH},
    }
    config = {"model_type": "sam3_video", "detector_config": detector} if video else detector
    (folder / "config.json").write_text(json.dumps(config))
    if shards == 1:
        save_file(tensors, folder / "model.safetensors")
        return folder
    names = list(tensors)
    where = {
        name: f"model-{at % shards + 1:05d}-of-{shards:05d}.safetensors"
        for at, name in enumerate(names)
    }
    for file in set(where.values()):
        save_file({n: tensors[n] for n in names if where[n] == file}, folder / file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))
    return folder


def original_tensors() -> dict[str, torch.Tensor]:
    """The same weights under the names of the original sam3.pt."""
    encoder, resizer = sam3_parts()
    state = {n.removeprefix("text_model."): p for n, p in encoder.state_dict().items()}
    start = "detector.backbone.language_backbone."
    found = {
        f"{start}encoder.token_embedding.weight": state["embeddings.token_embedding.weight"],
        f"{start}encoder.positional_embedding": state["embeddings.position_embedding.weight"],
        f"{start}encoder.text_projection": state["text_projection.weight"].T.contiguous(),
        f"{start}resizer.weight": resizer.weight.data,
        f"{start}resizer.bias": resizer.bias.data,
        "detector.backbone.vision_backbone.weight": torch.zeros(3),
    }
    for kind in ("weight", "bias"):
        found[f"{start}encoder.ln_final.{kind}"] = state[f"final_layer_norm.{kind}"]
        for layer in range(SAM3["num_hidden_layers"]):
            there = f"{start}encoder.transformer.resblocks.{layer}."
            here = f"encoder.layers.{layer}."
            found[f"{there}attn.in_proj_{kind}"] = torch.cat(
                [state[f"{here}self_attn.{part}_proj.{kind}"] for part in "qkv"]
            )
            for theirs, ours in (
                ("attn.out_proj", "self_attn.out_proj"),
                ("ln_1", "layer_norm1"),
                ("ln_2", "layer_norm2"),
                ("mlp.c_fc", "mlp.fc1"),
                ("mlp.c_proj", "mlp.fc2"),
            ):
                found[f"{there}{theirs}.{kind}"] = state[f"{here}{ours}.{kind}"]
    return found


def save_original(folder: Path, tensors: dict[str, torch.Tensor] | None = None) -> Path:
    """sam3.pt as SAM3's own package publishes it."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"model": original_tensors() if tensors is None else tensors}, folder / "sam3.pt")
    return folder / "sam3.pt"


class Bomb:
    """What a pickle runs when it is opened without care."""

    def __reduce__(self) -> Any:
        return print, ("this code must never run",)


def some_ids(rows: int, length: int, vocabulary: int, seed: int = 0) -> np.ndarray:
    """Random token ids, int64 [rows, length]."""
    return np.random.default_rng(seed).integers(4, vocabulary, (rows, length))
