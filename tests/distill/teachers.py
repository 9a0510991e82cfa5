"""Small random teachers, opened as anatomy opens them, and batches for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from anatomy.encoders import resolve
from anatomy.encoders.places import encoder_folder
from anatomy.encoders.sam3 import load_sam3
from anatomy.encoders.transformers_models import load_transformers
from tests.encoders import tiny

VOCABULARY = len(tiny.WORDS)
LENGTHS = (7, 4, 2)
MASK = np.arange(7) < np.array(LENGTHS)[:, None]


def opened(folder: Path, module: Any) -> Any:
    """A module of transformers, saved and read back as a teacher."""
    module.eval().save_pretrained(folder)
    tiny.save_tokenizer(folder)
    return load_transformers(folder, None, "cpu", "float32")


def bert(folder: Path, **changes: Any) -> Any:
    """A BERT whose norms and biases are not the trivial ones; in 4 layers unless told."""
    torch.manual_seed(0)
    config = transformers.BertConfig(**({**tiny.BERT, "num_hidden_layers": 4} | changes))
    module = transformers.BertModel(config)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter.data, std=0.3)
    return opened(folder, module)


def clip(folder: Path) -> Any:
    """A CLIP text model with the projection of its pooled output."""
    torch.manual_seed(0)
    config = transformers.CLIPTextConfig(
        **tiny.SMALL, max_position_embeddings=16, projection_dim=20, eos_token_id=3, bos_token_id=2
    )
    return opened(folder, transformers.CLIPTextModelWithProjection(config))


def sam3(folder: Path, kind: str = "snapshot") -> Any:
    """SAM3's text path in small, from either of the formats it is published in."""
    save = tiny.save_snapshot if kind == "snapshot" else tiny.save_original
    return load_sam3(save(folder), "cpu", "float32")


def minilm() -> Any:
    """The real MiniLM; the test skips where it is not."""
    if not (encoder_folder("minilm") / "model.safetensors").is_file():
        pytest.skip("no MiniLM here: run `anatomy fetch minilm`")
    (encoder,) = resolve(["minilm"])
    assert encoder.open is not None
    return encoder.open("cpu", "float32")


def batch(vocabulary: int, seed: int = 0) -> torch.Tensor:
    """Ids int64 [3, 7] without the lowest four, which are special."""
    return torch.from_numpy(tiny.some_ids(3, 7, vocabulary, seed))


def outputs(student: Any, ids: torch.Tensor, mask: np.ndarray = MASK) -> np.ndarray:
    """A student's outputs in eval mode, float32 [valid tokens, D]."""
    valid = torch.from_numpy(mask)
    with torch.inference_mode():
        tokens = student.eval()(ids, valid)
    assert tokens.dtype == torch.float32
    found: np.ndarray = tokens[valid].numpy()
    return found
