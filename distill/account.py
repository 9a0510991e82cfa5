"""What a run made, as its metrics.json records it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from anatomy.corpus.model import COMBINED
from anatomy.files import sha256_of
from anatomy.tokens.ragged import rows
from anatomy.tokens.table import TokenTable
from distill.data import Data
from distill.folder import STUDENT
from distill.metrics.conditions import device_name
from distill.metrics.run import (
    EffectMetrics,
    ModelMetrics,
    RunMetrics,
    SourceMetrics,
    TrainingMetrics,
    VocabularyMetrics,
)
from distill.plan import Planned
from distill.prompts import Prompts
from distill.sizes import UNUSED, Sizes
from distill.student_files import WEIGHTS
from distill.teacher import Teacher, sizes_of
from distill.train import Trained
from distill.vocabulary import effect

if TYPE_CHECKING:
    from accelerate import Accelerator


def run_metrics(
    folder: Path,
    planned: Planned,
    teacher: Teacher,
    data: Data,
    trained: Trained,
    accelerator: Accelerator,
) -> RunMetrics:
    """What a run made, its student being saved in the run's folder."""
    import torch

    recipe = planned.recipe
    device = accelerator.device.type
    return RunMetrics(
        name=recipe.name,
        recipe_digest=recipe.digest,
        student_sha256=sha256_of(folder / STUDENT / WEIGHTS),
        teacher=_model(recipe.teacher.name, sizes_of(planned.model)),
        student=_model(recipe.student.name, planned.sizes),
        sources=_sources(planned),
        vocabulary=VocabularyMetrics(
            teacher=planned.encoder.tokenizer.vocabulary_size,
            kept=planned.tokenizer.vocabulary_size,
            train=_effect(planned, data, ~data.held_out),
            held_out=_effect(planned, data, data.held_out),
        ),
        training=TrainingMetrics(
            steps=trained.steps,
            prompts=trained.prompts,
            epochs=round(trained.prompts / len(data.training), 4),
            targets_seconds=round(data.targets.seconds, 2),
            seconds=round(trained.seconds, 2),
        ),
        device=device,
        device_name=device_name(device),
        threads=torch.get_num_threads(),
        processes=accelerator.num_processes,
        torch=torch.__version__,
    )


def _model(name: str, sizes: Sizes) -> ModelMetrics:
    used = {part: number for part, number in sizes.parameters.items() if part != UNUSED}
    stored = {precision: dict(parts) for precision, parts in sizes.bytes.items()}
    unused = sizes.parameters.get(UNUSED, 0)
    return ModelMetrics(name=name, parameters=used, bytes=stored, unused=unused)


def _sources(planned: Planned) -> list[SourceMetrics]:
    prompts = planned.prompts
    training = planned.recipe.prompts.train_sources
    found = [
        SourceMetrics(
            name=name,
            kind=kind,  # type: ignore[arg-type]
            trains=name in training,
            **_counts(prompts, prompts.member[:, at]),
        )
        for at, (name, kind) in enumerate(zip(prompts.names, prompts.kinds, strict=True))
    ]
    everything = _counts(prompts, np.ones(len(prompts), dtype=bool))
    return [*found, SourceMetrics(name=COMBINED, kind="", trains=True, **everything)]


def _counts(prompts: Prompts, chosen: np.ndarray) -> dict[str, int]:
    return {
        "distinct": int(chosen.sum()),
        "train": int(prompts.train[chosen].sum()),
        "held_out": int(prompts.held_out[chosen].sum()),
    }


def _effect(planned: Planned, data: Data, side: np.ndarray) -> EffectMetrics:
    """What the vocabulary does to the prompts of one side."""
    chosen = np.flatnonzero(side)
    whole: TokenTable = rows(planned.prompts.tokens, data.rows[chosen])
    found = effect(
        whole,
        rows(data.aligned.table, chosen),
        data.aligned.same[chosen],
        planned.recipe.student.context,
    )
    return EffectMetrics(
        prompts=found.prompts,
        unchanged=found.unchanged,
        tokens_before=found.tokens_before,
        tokens_after=found.tokens_after,
        truncated_before=found.truncated_before,
        truncated_after=found.truncated_after,
    )
