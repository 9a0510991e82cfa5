"""Run folders with small random students, as training leaves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from anatomy.encoders import resolve
from anatomy.tokens.clip import ClipTokenizer
from anatomy.tokens.huggingface import HuggingFaceTokenizer
from distill.exports.compare import PROMPTS
from distill.initialisation import initialise
from distill.recipe import (
    LossRecipe,
    PromptsRecipe,
    Recipe,
    ScheduleRecipe,
    StudentRecipe,
    TeacherRecipe,
    VocabularyRecipe,
)
from distill.shallow import teacher_shape
from distill.students import Student, build
from distill.vocabulary import PrunedTokenizer, identity, prune
from tests.distill import teachers
from tests.encoders import tiny

CONTEXT = 9
WIDTH = tiny.SAM3_WIDTH


def lite(folder: Path, **changes: Any) -> Path:
    """A run of a litetext student of a SAM3, with a pruned vocabulary of CLIP's tokens."""
    whole = ClipTokenizer()
    tokenizer = prune(whole, np.unique(whole.encode(list(PROMPTS[:8])).ids))
    fields: dict[str, Any] = {
        "name": "small",
        "kind": "litetext",
        "context": CONTEXT,
        "hidden_size": 32,
        "intermediate_size": 48,
        "attention_heads": 4,
        "hidden_layers": 3,
        "init": "random",
    }
    recipe = StudentRecipe(**(fields | changes))
    student = build(recipe, tokenizer.vocabulary_size, WIDTH, tokenizer.pad_id, 1, None)
    _shake(student)
    return save(folder, student, tokenizer, "sam3", "mean")


def shallow(folder: Path, kind: str = "bert", context: int = 6) -> Path:
    """A run of two layers of a small random BERT, CLIP or SAM3."""
    place = folder.with_name(f"{folder.name}-{kind}")
    if kind in tiny.MODELS:
        torch.manual_seed(0)
        teacher = teachers.opened(place, tiny.MODELS[kind]())
    else:
        teacher = getattr(teachers, kind)(place)
    if kind == "sam3":
        whole = ClipTokenizer()
        tokenizer = prune(whole, np.unique(whole.encode(list(PROMPTS[:8])).ids))
    else:
        (encoder,) = resolve([f"hf:{place}"])
        assert isinstance(encoder.tokenizer, HuggingFaceTokenizer)
        tokenizer = identity(encoder.tokenizer)
    shape = teacher_shape(teacher)
    recipe = StudentRecipe(
        name="shallow:2",
        kind="shallow",
        context=context,
        hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size,
        attention_heads=shape.attention_heads,
        hidden_layers=2,
        kept_layers=[0, shape.layers - 1],
    )
    student = build(recipe, tokenizer.vocabulary_size, shape.width, tokenizer.pad_id, 0, teacher)
    initialise(student, teacher, tokenizer.kept, "teacher")
    return save(folder, student, tokenizer, f"hf:{kind}", teacher.pooling)


def save(
    folder: Path, student: Student, tokenizer: PrunedTokenizer, encoder: str, pooling: Any
) -> Path:
    """The files that a run leaves of these."""
    prompts: dict[str, Any] = {
        "findings": "findings.json",
        "findings_sha256": "0" * 64,
        "sources": ["refcoco"],
        "data": None,
        "stand_ins": False,
        "train_sources": ["refcoco"],
        "origins": [{"name": "refcoco", "kind": "official", "prompts": 3, "files": {}}],
    }
    recipe = Recipe(
        generator="prompt-anatomy test",
        name="r",
        teacher=TeacherRecipe(
            encoder=encoder,
            weights_sha256="0" * 64,
            tokenizer=tokenizer.description,
            width=student.width,
            context=32,
            pooling=pooling,
            parameters=1000,
        ),
        prompts=PromptsRecipe.model_validate(prompts),
        vocabulary=VocabularyRecipe(),
        student=student.recipe,
        loss=LossRecipe(),
        schedule=ScheduleRecipe(),
    )
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text(recipe.to_yaml())
    student.eval().save(folder / "student")
    tokenizer.save(folder / "student" / "tokenizer")
    return folder


def sam3_model(folder: Path, *, video: bool = False, width: int = WIDTH) -> Any:
    """A small random SAM3 detector, saved as a snapshot; returns it."""
    torch.manual_seed(0)
    vit = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 56,
        "patch_size": 14,
        "window_size": 2,
        "global_attn_indexes": [1],
        "pretrain_image_size": 56,
    }
    small = {"hidden_size": width, "num_layers": 1, "num_attention_heads": 2}
    config = transformers.Sam3Config(
        vision_config={
            "backbone_config": {"model_type": "sam3_vit_model", **vit},
            "fpn_hidden_size": width,
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
        },
        text_config={**tiny.SAM3, "model_type": "clip_text_model"},
        geometry_encoder_config={**small, "intermediate_size": 32},
        detr_encoder_config={**small, "intermediate_size": 32},
        detr_decoder_config={**small, "intermediate_size": 32, "num_queries": 5},
        mask_decoder_config={"hidden_size": width, "num_attention_heads": 2},
    )
    model = transformers.Sam3Model(config).eval()
    model.save_pretrained(folder, max_shard_size="1MB")
    return model


def _shake(student: Student) -> None:
    """Weights large enough for every part to matter, and norms that have run."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.normal_(std=0.3, generator=generator)
        for name, buffer in student.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(generator=generator)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 2, generator=generator)
