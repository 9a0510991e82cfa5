"""The rules: what the findings decide of a recipe, field by field, and the reason in words.

Each function gives the fields of one section as ``{field: (value, why)}``. They read findings and
what was counted, and touch neither files nor weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from anatomy.errors import InputError
from anatomy.files import shown
from anatomy.findings import EncoderFinding, Findings
from anatomy.measures.context import LengthHistogram, choose_context
from distill.overrides import Choices
from distill.recipe import LossRecipe, PromptsRecipe, ScheduleRecipe, StudentRecipe

PAPERS_TEACHER = "sam3"
PAPERS_TRAINING = ("refcoco", "rf100vl")  # SAM3-LiteText, section 5.1
DEFAULT_MINUTES = 10.0
# Learning rate of a student that starts as layers of its teacher. Measured on MiniLM's layers 1 and
# 6, 30,000 prompts of VEval, LVIS and RefCOCO val, 300 steps of 64, bfloat16: held-out mean pooled
# cosine .922 at 2e-4, .938 at 5e-4, .943 at 1e-3, .944 at 2e-3. The lower of the two that are
# equal is taken, since a whole run takes many more steps.
TEACHER_LAYERS_RATE = 1e-3

_PAPER = "SAM3-LiteText, section 5.1"
# MiniLM's layers 1 and 6 on VEval and RefCOCO val: in 300 equal steps weights of 0, .05 and .1 give
# the same held-out mean pooled cosine (.9468), and in 2.3 equal minutes .948 with it (207 steps),
# .959 without (455 steps).
_NO_CONSISTENCY = (
    "the paper measured that equation 6 helps SAM3's masks; a student of another teacher was "
    "measured to come no nearer to it in as many steps, and takes twice as long for each; "
    "--set loss.consistency=0.1 is the paper's"
)
_PAPERS = f"the paper's ({_PAPER})"
_HELD_OUT = (
    "of each training source's prompts, but at least 100 (up to a tenth of it) and at most about "
    "2,000: enough to measure with, and soon measured"
)


def teacher(findings: Findings, path: Path, asked: str | None) -> tuple[str, str, str]:
    """The encoder to learn from: its name in the findings, as ``--encoder`` names it, and why.

    `asked` is what the user wants: a name of the findings, or NAME=PATH where its weights lie
    elsewhere now. Without, it is the first encoder of the findings with weights.

    Raises
    ------
    InputError
        If the findings have no such encoder, or none with weights.
    """
    where = shown(path)
    specs = {encoder.name: _spec(findings, encoder.name) for encoder in findings.encoders}
    if asked is None:
        for encoder in findings.encoders:
            if encoder.inside is not None:
                before = [e.name for e in findings.encoders[: findings.encoders.index(encoder)]]
                others = f" ({shown(', '.join(before))} had none)" if before else ""
                why = f"the first encoder of the findings whose weights were measured{others}"
                return encoder.name, specs[encoder.name], f"{why}; --teacher takes another"
        missing = "; ".join(f"{shown(e.name)}: {shown(e.weights)}" for e in findings.encoders)
        raise InputError(
            f"{where}: has no encoder with weights to learn from ({missing or 'no encoder'}); "
            "audit again with one that has, for example --encoder minilm after "
            "`anatomy fetch minilm`"
        )
    name = asked if asked in specs else asked.partition("=")[0]
    if name not in specs:
        name = next((known for known, spec in specs.items() if spec == asked), name)
    if name not in specs:
        there = shown(", ".join(specs)) or "none"
        raise InputError(
            f"--teacher {shown(asked)}: is no encoder of {where}, which has {there}; audit again "
            f"with --encoder {shown(asked)}"
        )
    finding = finding_of(findings, name)
    if finding.inside is None:
        raise InputError(
            f"--teacher {shown(asked)}: its weights were not there for {where} "
            f"({shown(finding.weights)}); audit again with them"
        )
    return name, asked if "=" in asked else specs[name], "named with --teacher"


def finding_of(findings: Findings, name: str) -> EncoderFinding:
    """What was found of an encoder."""
    return next(encoder for encoder in findings.encoders if encoder.name == name)


def _spec(findings: Findings, name: str) -> str:
    """How the audit was told of an encoder: sam3=PATH for sam3."""
    specs = findings.settings.encoders
    return next((spec for spec in specs if spec == name or spec.startswith(f"{name}=")), name)


def pooling(findings: Findings, own: str) -> tuple[str, str]:
    """How the teacher's outputs become one a prompt: as the audit measured them."""
    asked = findings.settings.inside.pooling
    if asked == "own":
        return own, "the encoder's own way to one output a prompt, as in the audit"
    return asked, f"as in the audit, which was asked for {asked}"


def prompts(
    findings: Findings, path: Path, teacher: str, data: Path | None, *, stand_ins: bool
) -> Choices:
    """Which prompts are read, and which of them train.

    Parameters
    ----------
    findings : Findings
    path : Path
        Where they lie.
    teacher : str
        Its name in the findings.
    data : Path or None
        ``--data``; None: the folder of the audit.
    stand_ins : bool
        ``--allow-stand-ins``.
    """
    origins = [
        {
            "name": source.name,
            "kind": source.kind,
            "prompts": source.unique,
            "files": {file.path: file.sha256 for file in source.files},
        }
        for source in findings.sources
    ]
    folder: tuple[str | None, str] = (None, "")
    if any(source.kind == "official" for source in findings.sources):
        folder = (str(data), "given with --data") if data else (findings.run.data, "the audit's")
    return {
        "findings": (str(path), ""),
        "findings_sha256": (findings.digest, ""),
        "sources": (findings.settings.sources, ""),
        "data": folder,
        "stand_ins": (stand_ins, "allowed with --allow-stand-ins" if stand_ins else ""),
        "seed": (findings.settings.seed, ""),
        "origins": (origins, "read again only if they are what was audited"),
        "train_sources": _training(findings, teacher),
        "held_out_share": (_usual(PromptsRecipe, "held_out_share"), _HELD_OUT),
    }


def _training(findings: Findings, teacher: str) -> tuple[list[str], str]:
    """Which sources train.

    All do, but for the paper's teacher on the paper's sources: there its own split is taken, so
    that results can be held against it. What the user brought always trains.
    """
    names = [source.name for source in findings.sources]
    if teacher != PAPERS_TEACHER or not set(PAPERS_TRAINING) & set(names):
        why = "every source trains, each with a share of its prompts held out"
        if set(PAPERS_TRAINING) & set(names):
            why += f"; the paper's split (training on {' and '.join(PAPERS_TRAINING)} alone) is "
            why += f"for its own teacher, {PAPERS_TEACHER}"
        return names, why
    own = [source.name for source in findings.sources if source.kind == "user"]
    training = [name for name in names if name in PAPERS_TRAINING or name in own]
    held = [name for name in names if name not in training]
    why = f"the paper's split ({_PAPER}): {' and '.join(PAPERS_TRAINING)} train"
    why += f", and what you brought ({', '.join(own)})" if own else ""
    why += f"; held out whole: {', '.join(held)}" if held else ""
    return training, why


def context(finding: EncoderFinding, sources: Sequence[str], most: int) -> tuple[int, str]:
    """L: what the audit recommends for the sources that train, `most` being the teacher's own."""
    recommended = finding.recommended_context
    length, why = recommended.length, recommended.reason
    own: Mapping[str, LengthHistogram] = {
        group.group: group.measure for group in finding.lengths if group.group in sources
    }
    if len(own) < len(finding.lengths) - 1:  # the first is of all together
        choice = choose_context(_together(own), own, recommended.bound)
        length = choice.length
        why = (
            f"the smallest that cuts at most {100 * recommended.bound:g} % of the tokens, overall "
            f"and in each source that trains; {choice.worst} decides"
        )
    if length > most:
        return most, f"all that the teacher reads; the audit would take {length}"
    return length, f"the audit's recommendation: {why}" if why == recommended.reason else why


def _together(groups: Mapping[str, LengthHistogram]) -> LengthHistogram:
    found = list(groups.values())
    total = found[0]
    for other in found[1:]:
        total = total + other
    return total


def loss(student: StudentRecipe, teacher: str) -> Choices:
    """Weights of the losses: the paper's, but for equation 6 where the paper did not measure it."""
    large = student.kind == "litetext" and student.hidden_size >= 768
    chosen: Choices = {name: (_usual(LossRecipe, name), _PAPERS) for name in ("mse", "cosine")}
    if teacher != PAPERS_TEACHER:
        chosen["consistency"] = 0.0, _NO_CONSISTENCY
    elif large:
        chosen["consistency"] = 0.05, "the paper's for its largest student (Table 7)"
    else:
        chosen["consistency"] = 0.1, "the paper's for its smaller students (Table 7)"
    return chosen


def schedule(student: StudentRecipe, minutes: float | None, epochs: float | None) -> Choices:
    """Optimiser and length: the paper's, but for the rate of copied layers and the time."""
    papers = ("learning_rate", "weight_decay", "batch", "accumulation", "epochs", "warmup_epochs")
    chosen: Choices = {name: (_usual(ScheduleRecipe, name), _PAPERS) for name in papers}
    chosen["clip"] = _usual(ScheduleRecipe, "clip"), "the usual bound of the gradient's norm"
    if student.kind == "shallow" and student.init == "teacher":
        why = "measured for layers that start as the teacher's; the paper's 0.005 is for new ones"
        chosen["learning_rate"] = TEACHER_LAYERS_RATE, why
        if epochs is None:
            why = "twice the steps in the same time; the paper's 2 is for its many epochs"
            chosen["accumulation"] = 1, why
    if epochs is not None:
        chosen["epochs"] = epochs, "asked for with --epochs"
        chosen["warmup_epochs"] = epochs / 10, "a tenth of the epochs, as in the paper"
    if minutes is not None:
        chosen["minutes"] = minutes, "asked for with --minutes"
    elif epochs is None:
        why = "the default, for everything together; --minutes or --epochs changes it"
        chosen["minutes"] = DEFAULT_MINUTES, why
        chosen["epochs"] = _usual(ScheduleRecipe, "epochs"), f"{_PAPERS}, as far as the time allows"
    return chosen


def _usual(section: type[BaseModel], field: str) -> Any:
    """What the recipe has where no rule speaks: the paper's, where there is one."""
    return section.model_fields[field].default
