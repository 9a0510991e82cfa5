"""The recipe of a student: everything that a run depends on, validated, printable, editable.

A recipe is planned from an audit's findings (`distill.plan`), written as YAML at the start of a run
and read by every later step; nothing else decides anything.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from anatomy.errors import InputError
from anatomy.files import shown

RECIPE_VERSION: Literal[1] = 1
FILE_NAME = "recipe.yaml"
Pooling = Literal["mean", "end", "cls"]
Precision = Literal["float32", "bfloat16"]


class Part(BaseModel):
    """A part of the recipe: nothing unknown in it, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TeacherRecipe(Part):
    """The encoder whose outputs are learnt."""

    encoder: str = Field(description="As anatomy's --encoder names it: minilm, sam3=PATH, hf:ID")
    weights_sha256: str = Field(description="TextModel.weights_hash, as in the findings")
    tokenizer: str = Field(description="The tokenizer's description, as in the findings")
    width: int = Field(description="Of its per-token outputs")
    context: int = Field(description="Positions that it reads")
    pooling: Pooling
    parameters: int
    precision: Precision = "float32"


class PromptsRecipe(Part):
    """Which prompts train, and which are held out."""

    findings: str = Field(description="The findings.json that was planned from")
    findings_sha256: str = Field(description="Findings.digest")
    sources: list[str] = Field(description="As anatomy's --sources names them")
    data: str | None = Field(description="The data folder; None: the default one")
    stand_ins: bool = Field(description="Whether generated prompts may stand in for sources")
    train_sources: list[str] = Field(description="Names of the sources that train")
    held_out_share: float = Field(0.05, gt=0, lt=1, description="Of the training sources' prompts")
    seed: int = Field(0, description="Of the stand-ins, as in the findings")
    limit: int | None = Field(None, ge=1, description="At most so many training prompts")


class VocabularyRecipe(Part):
    """Which tokens are kept. Chosen from training prompts only."""

    keep: Literal["all", "used", "coverage"] = "used"
    minimum_count: int = Field(1, ge=1, description="With keep = used: occurrences that count")
    coverage: float | None = Field(None, gt=0, le=1, description="Share of the tokens to cover")


class StudentRecipe(Part):
    """The student's architecture."""

    name: str = Field(description="mobileclip-s0, nano, shallow:2, ...")
    kind: Literal["litetext", "shallow"]
    context: int = Field(ge=1, description="L: length of its position table, end token included")
    hidden_size: int
    intermediate_size: int
    attention_heads: int
    hidden_layers: int
    repmixer: bool = Field(False, description="RepMixer blocks first and last (litetext)")
    kept_layers: list[int] = Field(
        default_factory=list, description="The teacher's layers that it keeps (shallow)"
    )
    bottleneck: int | None = Field(None, ge=1, description="Width before the projector's last part")
    init: str = Field("teacher", description="teacher, svd, random or mobileclip=FILE")


class LossRecipe(Part):
    """Weights of the parts of the loss (paper, equations 3 to 6)."""

    mse: float = Field(1.0, ge=0)
    cosine: float = Field(2.0, ge=0)
    consistency: float = Field(0.1, ge=0)
    reduction: Literal["mean", "sum"] = Field(
        "mean", description="Of squared differences over the outputs' width"
    )


class ScheduleRecipe(Part):
    """Optimiser and schedule (paper, section 5.1)."""

    learning_rate: float = Field(5e-3, gt=0)
    weight_decay: float = Field(0.05, ge=0)
    epochs: float = Field(100, gt=0)
    warmup_epochs: float = Field(10, ge=0)
    batch: int = Field(64, ge=1)
    accumulation: int = Field(2, ge=1)
    clip: float | None = Field(1.0, gt=0, description="Of the gradient's norm")
    precision: Precision = "float32"
    minutes: float | None = Field(
        None, gt=0, description="Time for targets, training and evaluation; None: as many as needed"
    )
    steps: int | None = Field(
        None, ge=1, description="Optimiser steps, where a calibration has fixed them"
    )


class Recipe(Part):
    """Everything that a run depends on."""

    version: Literal[1] = RECIPE_VERSION
    generator: str
    name: str = Field(description="Of the run's folder")
    teacher: TeacherRecipe
    prompts: PromptsRecipe
    vocabulary: VocabularyRecipe
    student: StudentRecipe
    loss: LossRecipe
    schedule: ScheduleRecipe
    budget_bytes: int | None = Field(None, description="The one dial: bytes at export_precision")
    export_precision: Literal["float32", "bfloat16", "int8"] = "float32"
    seed: int = 0
    cosine_gate: float = Field(
        0.9, description="A source whose held-out mean pooled cosine is lower is flagged"
    )
    reasons: dict[str, str] = Field(
        default_factory=dict, description="Field -> the finding and the rule that chose it"
    )

    def to_yaml(self) -> str:
        """The recipe as YAML text."""
        return str(yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, width=100))

    @classmethod
    def load(cls, path: Path) -> Recipe:
        """Read and validate a recipe.

        Raises
        ------
        InputError
            If the file is missing, no YAML, or no recipe of this version.
        """
        try:
            content = yaml.safe_load(path.read_text("utf-8"))
        except OSError as error:
            raise InputError(f"{shown(path)}: cannot be read ({error.strerror})") from error
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            reason = shown(" ".join(str(error).split()))[:200]
            raise InputError(f"{shown(path)}: no YAML ({reason})") from error
        if not isinstance(content, dict):
            raise InputError(f"{shown(path)}: no recipe; `distill plan` makes one")
        if content.get("version") != RECIPE_VERSION:
            raise InputError(
                f"{shown(path)}: recipe version {shown(content.get('version'))}, but this distill "
                f"reads version {RECIPE_VERSION}; plan again"
            )
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise InputError(f"{shown(path)}: {place}: {first['msg']}") from error
