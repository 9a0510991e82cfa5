"""What differs in what the audits were given: sources, settings, versions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from anatomy.comparison.document import SettingRow, SourceRow, SourceState
from anatomy.findings import Findings, SourceFinding


def source_rows(audits: Sequence[Findings]) -> list[SourceRow]:
    """Every source that any audit has, the baseline's first."""
    names = dict.fromkeys(source.name for audit in audits for source in audit.sources)
    return [_row(name, audits) for name in names]


def _row(name: str, audits: Sequence[Findings]) -> SourceRow:
    states = [_state(name, audit) for audit in audits]
    return SourceRow(
        name=name, states=states, against=["", *(_against(states[0], s) for s in states[1:])]
    )


def _state(name: str, audit: Findings) -> SourceState | None:
    source = next((source for source in audit.sources if source.name == name), None)
    if source is None:
        return None
    return SourceState(
        kind=source.kind,
        rows=source.rows,
        unique=source.unique,
        files=len(source.files),
        content=_content(source, audit),
    )


def _content(source: SourceFinding, audit: Findings) -> str:
    """Equal where the same prompts were read.

    A file is known by its hash, and by the column that its title names after its path; prompts from
    memory by their own hash. What has neither is known by who made it: stand-ins by their seed.
    """
    parts = [file.sha256 for file in source.files]
    if source.sha256:
        parts.append(source.sha256)
    elif source.files:
        path = source.files[0].path
        parts.append(source.title.removeprefix(path) if source.title.startswith(path) else "")
    else:
        parts += [source.kind, audit.generator]
        parts += [str(audit.settings.seed)] if source.kind == "stand-in" else []
    return hashlib.sha256("\n".join(parts).encode("utf-8", "backslashreplace")).hexdigest()


def _against(base: SourceState | None, other: SourceState | None) -> str:
    if base is None or other is None:
        return "absent" if base is other else "added" if base is None else "removed"
    if base == other:
        return "same"
    if base.kind != other.kind:
        return f"{other.kind} instead of {base.kind}"
    if base.content != other.content:
        return "other files or columns" if base.files else "other prompts"
    if base.model_copy(update={"unique": other.unique}) == other:
        return "the same, counted otherwise"  # one count is an estimate, or of another version
    return "the same files, other rows used"


def same_sources(base: Findings, other: Findings) -> bool:
    """Whether two audits read the same prompts, as far as the findings say."""
    ways = {"same", "the same, counted otherwise"}
    return all(row.against[1] in ways for row in source_rows([base, other]))


def setting_rows(audits: Sequence[Findings]) -> list[SettingRow]:
    """Settings, versions and devices that are not the same in all audits."""
    known = [_settings(audit) for audit in audits]
    names = dict.fromkeys(name for settings in known for name in settings)
    rows = [
        SettingRow(name=name, values=[settings.get(name, "none") for settings in known])
        for name in names
    ]
    return [row for row in rows if len(set(row.values)) > 1]


def _settings(audit: Findings) -> Mapping[str, str]:
    settings, inside = audit.settings, audit.settings.inside
    chosen = {
        "seed": str(settings.seed),
        "context lengths": ", ".join(map(str, settings.contexts)),
        "bound on tokens cut": f"{settings.token_loss_bound:g}",
        "stand-ins allowed": "yes" if settings.stand_ins else "no",
        "sample": f"{inside.sample:,} prompts" if inside.sample is not None else "all prompts",
        "pooling asked for": inside.pooling,
        "type of floats": inside.dtype,
        "device asked for": inside.device,
        "neighbours": inside.neighbours,
        "distinct prompts": _counted(audit),
        "other estimators": ", ".join(inside.id_estimators) or "none",
        "anatomy": audit.generator.removeprefix("anatomy "),
        "Python": audit.run.python,
        "host": audit.run.host,
    }
    return chosen | audit.run.versions


def _counted(audit: Findings) -> str:
    found = audit.corpus.approximation
    return f"estimated beyond {found.hashes:,}" if found else "counted"
