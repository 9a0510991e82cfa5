"""The recipe of a student: everything that a run depends on, validated, printable, editable.

A recipe is planned from an audit's findings (`distill.plan`), written as YAML at the start of a run
and read by every later step; nothing else decides anything.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from anatomy.errors import InputError
from anatomy.files import shown
from distill import commented

RECIPE_VERSION: Literal[1] = 1
FILE_NAME = "recipe.yaml"
_TITLE = (
    "A recipe of `distill`. Change what you like and start it with `distill run --recipe FILE`; "
    "the comment above a field says why it is what it is."
)
Pooling = Literal["mean", "end", "cls"]
Precision = Literal["auto", "float32", "bfloat16"]


class Part(BaseModel):
    """A part of a document: nothing unknown in it, no number that is none, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class TeacherRecipe(Part):
    """The encoder whose outputs are learnt."""

    encoder: str = Field(description="As anatomy's --encoder names it: minilm, sam3=PATH, hf:ID")
    weights_sha256: str = Field(description="TextModel.weights_hash, as in the findings")
    tokenizer: str = Field(description="The tokenizer's description, as in the findings")
    width: int = Field(description="Of its per-token outputs")
    context: int = Field(description="Positions that it reads")
    pooling: Pooling
    parameters: int
    precision: Precision = Field(
        "auto", description="It computes in; auto: bfloat16 on CUDA, else float32"
    )
    stored: Literal["float16", "float32"] = Field(
        "float16", description="In which its token outputs are kept"
    )

    @property
    def name(self) -> str:
        """The encoder's name, without the folders of the machine that trained."""
        return Path(self.encoder.partition("=")[0]).name


class OriginRecipe(Part):
    """Where a source's prompts come from: what is read has to be what was audited."""

    name: str
    kind: Literal["official", "bundled", "user", "stand-in"]
    prompts: int = Field(description="Distinct ones")
    files: dict[str, str] = Field(
        description="Path (in the data folder, or as the user gave it) -> SHA-256"
    )


class PromptsRecipe(Part):
    """Which prompts train, and which are held out."""

    findings: str = Field(description="The findings.json that was planned from")
    findings_sha256: str = Field(description="Findings.digest")
    sources: list[str] = Field(description="As anatomy's --sources names them")
    data: str | None = Field(description="The data folder; None: the default one")
    stand_ins: bool = Field(description="Whether generated prompts may stand in for sources")
    train_sources: list[str] = Field(
        min_length=1, description="Names of the sources that train; the others only evaluate"
    )
    held_out_share: float = Field(
        0.05, gt=0, lt=1, description="Of each training source's prompts, by bag of words"
    )
    held_out_least: int = Field(
        100, ge=0, description="More than the share, up to a tenth, until a source has so many"
    )
    held_out_most: int = Field(
        2000, ge=1, description="About so many are held out of a source, or evaluated, at most"
    )
    split_seed: int = Field(0, ge=0, description="Of the split; the run's own does not move it")
    seed: int = Field(0, ge=0, description="Of the stand-ins, as in the findings")
    limit: int | None = Field(None, ge=1, description="At most so many training prompts")
    origins: list[OriginRecipe] = Field(min_length=1, description="In the findings' order")

    @model_validator(mode="after")
    def _names_are_known(self) -> PromptsRecipe:
        known = [origin.name for origin in self.origins]
        for name in self.train_sources:
            if name not in known:
                raise ValueError(
                    f"train_sources names {name}, which is no source of the findings; there are "
                    + ", ".join(known)
                )
        return self


class VocabularyRecipe(Part):
    """Which tokens are kept. Chosen from training prompts only."""

    keep: Literal["all", "used", "coverage", "size"] = "used"
    minimum_count: int = Field(1, ge=1, description="With keep = used: occurrences that count")
    coverage: float | None = Field(None, gt=0, le=1, description="Share of the tokens to cover")
    size: int | None = Field(
        None,
        ge=1,
        description="So many tokens: the most frequent, then unused ones, those of low ids first",
    )

    @model_validator(mode="after")
    def _keep_has_its_number(self) -> VocabularyRecipe:
        if (self.keep == "coverage") != (self.coverage is not None):
            raise ValueError("keep is coverage if and only if coverage is a share, such as 0.99")
        if (self.keep == "size") != (self.size is not None):
            raise ValueError("keep is size if and only if size is a number of tokens")
        return self


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
    consistency_share: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Of a step's prompts whose permuted version is read, drawn at random; their "
        "term stands for all",
    )
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
    accumulation: int = Field(2, ge=1, description="Batches of a step; one GPU reads them at once")
    clip: float | None = Field(1.0, gt=0, description="Of the gradient's norm")
    precision: Precision = Field(
        "auto", description="Of matrix products; auto: bfloat16 where the machine multiplies it"
    )
    minutes: float | None = Field(
        None, gt=0, description="Time for targets, training and evaluation; None: as many as needed"
    )
    steps: int | None = Field(
        None, ge=1, description="Optimiser steps, where a calibration has fixed them"
    )
    compile: bool = Field(
        False,
        description="torch.compile: batches of one shape, padded, with all permuted prompts; on "
        "one GPU of a few lengths",
    )
    checkpoint_seconds: float = Field(
        30, ge=0, description="Between two checkpoints, or longer if one takes long; 0: each report"
    )


class CalibrationRecipe(Part):
    """What a run decided by measuring, when and where it began; see `distill.budget`."""

    asked_sha256: str = Field(description="Recipe.digest before anything was decided")
    device: Literal["cpu", "cuda"]
    threads: int
    processes: int
    teacher_seconds: float | None = Field(default=None, description="For all prompts, estimated")
    step_seconds: float | None = Field(default=None, description="Of an optimiser step")
    spent_seconds: float = Field(default=0.0, description="Of the minutes, when last measured")


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
    calibration: CalibrationRecipe | None = Field(
        None, description="In a run's folder only: what was decided there by measuring"
    )
    reasons: dict[str, str] = Field(
        default_factory=dict, description="Field -> the finding and the rule that chose it"
    )

    @property
    def digest(self) -> str:
        """Hex SHA-256 of all that a student depends on: not of names, places or reasons."""
        content = self.model_dump(
            mode="json",
            exclude={
                "name": True,
                "generator": True,
                "reasons": True,
                "calibration": True,
                "prompts": {"findings", "data"},
                "schedule": {"checkpoint_seconds"},
            },
        )
        canonical = json.dumps(content, sort_keys=True)
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()

    def to_yaml(self) -> str:
        """The recipe as YAML text, each reason as a comment above what it explains."""
        content = self.model_dump(mode="json", exclude={"reasons"})
        return commented.dump(content, self.reasons, _TITLE)

    @classmethod
    def load(cls, path: Path) -> Recipe:
        """Read and validate a recipe.

        Raises
        ------
        InputError
            If the file is missing, no YAML, or no recipe of this version.
        """
        try:
            text = path.read_text("utf-8")
            content = commented.load(text)
        except OSError as error:
            raise InputError(f"{shown(path)}: cannot be read ({error.strerror})") from error
        except ValueError as error:  # UnicodeDecodeError among them
            raise InputError(f"{shown(path)}: no YAML ({shown(error)[:200]})") from error
        if not isinstance(content, dict):
            raise InputError(f"{shown(path)}: no recipe; `distill plan --out` makes one")
        if content.get("version") != RECIPE_VERSION:
            raise InputError(
                f"{shown(path)}: recipe version {shown(content.get('version'))[:40]}, but this "
                f"distill reads version {RECIPE_VERSION}; plan again"
            )
        try:
            recipe = cls.model_validate(content)
        except ValidationError as error:
            raise InputError(f"{shown(path)}: {told(error)}") from error
        fields = set(recipe.fields())
        reasons = {k: v for k, v in commented.comments_of(text).items() if k in fields}
        return recipe.model_copy(update={"reasons": reasons})

    def fields(self) -> dict[str, object]:
        """Every field by its dotted path, sections before what is in them; without `reasons`."""
        return _flat(self.model_dump(exclude={"reasons"}), "")


def _flat(content: dict[str, object], before: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in content.items():
        found[before + key] = value
        if isinstance(value, dict):
            found |= _flat(value, f"{before}{key}.")
    return found


def told(error: ValidationError, section: str = "") -> str:
    """The first of pydantic's complaints in one line: the field's dotted path and what is wrong."""
    first = error.errors()[0]
    place = ".".join([*([section] if section else []), *map(str, first["loc"])])
    message = first["msg"].removeprefix("Value error, ")
    return shown(f"{place}: {message}".removeprefix(": "))
