"""What stands against each encoder of the baseline, and how far the two can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from anatomy.comparison.differing import same_sources
from anatomy.comparison.document import KeptIds, Role, Standing, TokenStanding
from anatomy.comparison.roles import (
    Measured,
    Pairing,
    measured_in,
    pair,
    same_tokenizer,
    vocabulary_of,
)
from anatomy.findings import EncoderFinding, FileOutputsFinding, Findings, OutputsFinding
from anatomy.findings.runs import parse, size, spell, without


@dataclass(frozen=True)
class Cast:
    """A role with the measured encoders, or files of outputs, that fill it in each audit."""

    role: Role
    measured: list[Measured | None]


def casts(audits: Sequence[Findings]) -> list[Cast]:
    """The baseline's encoders, then its files of outputs, with what stands against each."""
    encoders = _cast(audits, [audit.encoders for audit in audits])
    return encoders + _cast(audits, [audit.outputs for audit in audits])


def unpaired(audits: Sequence[Findings], found: Sequence[Cast]) -> list[list[str]]:
    """Names of the encoders and files of each audit that stand against none."""
    return [
        [
            one.name
            for one in measured_in(audit)
            if not any(one is cast.measured[at] for cast in found)
        ]
        for at, audit in enumerate(audits)
    ]


def _cast(audits: Sequence[Findings], lists: Sequence[Sequence[Measured]]) -> list[Cast]:
    base = lists[0]
    pairs = [pair(base, there) for there in lists]
    found = []
    for at, own in enumerate(base):
        measured: list[Measured | None] = [own]
        standings: list[Standing | None] = [_standing(own, own, "baseline")]
        for audit, there, paired in zip(audits[1:], lists[1:], pairs[1:], strict=True):
            if at not in paired:
                measured.append(None)
                standings.append(None)
                continue
            place, by = paired[at]
            measured.append(there[place])
            same = same_sources(audits[0], audit)
            standings.append(_standing(own, there[place], by, same=same))
        kind = "encoder" if isinstance(own, EncoderFinding) else "outputs"
        role = Role(name=own.name, kind=kind, standings=standings)  # type: ignore[arg-type]
        found.append(Cast(role, measured))
    return found


def _standing(
    base: Measured, one: Measured, by: Pairing | Literal["baseline"], *, same: bool = True
) -> Standing:
    outputs = outputs_of(one)
    shared: dict[str, Any] = {
        "name": one.name,
        "paired_by": by,
        "same_sources": same,
        "absent": outputs.absent if outputs else {},
        "how": _how(outputs) if outputs else "",
    }
    if isinstance(one, FileOutputsFinding) or isinstance(base, FileOutputsFinding):
        hashed = one.file.sha256 if isinstance(one, FileOutputsFinding) else ""
        return Standing(**shared, weights=hashed)
    same_ids = vocabulary_of(one) == vocabulary_of(base)
    return Standing(
        **shared,
        weights=one.inside.weights if one.inside else "",
        no_weights="" if one.inside else one.weights,
        tokens=TokenStanding(
            tokenizer=one.tokenizer,
            same_tokenizer=same_tokenizer(one, base),
            bound=one.recommended_context.bound,
            recommended=one.recommended_context.length,
            histogram=one.lengths[0].histogram,
            kept=_kept(base, one) if same_ids else None,
        ),
    )


def _how(outputs: OutputsFinding) -> str:
    context = f", context {outputs.context}" if outputs.context else ""
    return f"{outputs.pooling}; {'' if outputs.normalised else 'not '}normalised{context}"


def _kept(base: EncoderFinding, other: EncoderFinding) -> KeptIds:
    here, there = parse(base.kept_ids), parse(other.kept_ids)
    gained, lost = without(there, here), without(here, there)
    return KeptIds(
        both=size(here) - size(lost),
        gained=size(gained),
        lost=size(lost),
        gained_ids=spell(gained),
        lost_ids=spell(lost),
    )


def outputs_of(one: Measured | None) -> OutputsFinding | None:
    """The outputs of an encoder or a file, where they were measured."""
    if isinstance(one, FileOutputsFinding):
        return one.outputs
    return one.inside.outputs if one and one.inside else None
