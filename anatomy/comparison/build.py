"""The comparison, top to bottom: findings -> facts of each -> differences -> Comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anatomy
from anatomy.comparison.differing import setting_rows, source_rows
from anatomy.comparison.document import ComparedAudit, Comparison, LedgerRow
from anatomy.comparison.inside import inside_facts, output_facts
from anatomy.comparison.measures import Known, measures
from anatomy.comparison.roles import Measured, measured_in
from anatomy.comparison.standing import casts, unpaired
from anatomy.comparison.tokens import corpus_facts, token_facts
from anatomy.corpus.model import COMBINED
from anatomy.files import shown
from anatomy.findings import FileOutputsFinding, Findings


def compare(audits: Mapping[str, Findings]) -> Comparison:
    """Compare audits with the first of them.

    Parameters
    ----------
    audits : mapping of str to Findings
        Two or more, by the labels that they are to be called by.

    Raises
    ------
    ValueError
        For fewer than two.
    """
    if len(audits) < 2:
        raise ValueError(f"{len(audits)} audits: a comparison needs two")
    found = list(audits.values())
    contexts = sorted({length for audit in found for length in audit.settings.contexts})
    numbers = measures("", [dict(corpus_facts(audit)) for audit in found], found)
    cast = casts(found)
    several = any(len(audit.sources) > 1 for audit in found)
    for one in cast:
        facts = [_facts(measured, contexts) for measured in one.measured]
        if not several:  # all prompts are then the one source's
            facts = [{k: f for k, f in known.items() if k.group == COMBINED} for known in facts]
        numbers += measures(one.role.name, facts, found, one.measured)
    return Comparison(
        generator=f"anatomy {anatomy.__version__}",
        audits=[_audit(label, audit) for label, audit in audits.items()],
        sources=source_rows(found),
        settings=setting_rows(found),
        roles=[one.role for one in cast],
        unpaired=unpaired(found, cast),
        measures=numbers,
        ledger=_ledger(found),
    )


def _audit(label: str, audit: Findings) -> ComparedAudit:
    return ComparedAudit(
        label=shown(label),
        digest=audit.digest,
        generator=audit.generator,
        started=audit.run.started,
        command=audit.run.command,
        prompts=audit.corpus.unique,
        sources=[source.name for source in audit.sources],
        encoders=[one.name for one in measured_in(audit)],
        stand_ins=audit.corpus.stand_ins,
        seed=audit.settings.seed,
        sample=audit.settings.inside.sample,
    )


def _facts(one: Measured | None, contexts: Sequence[int]) -> Known:
    if one is None:
        return {}
    if isinstance(one, FileOutputsFinding):
        return dict(output_facts(one.outputs))
    facts = dict(token_facts(one, contexts))
    return facts | dict(inside_facts(one.inside)) if one.inside else facts


def _ledger(audits: Sequence[Findings]) -> list[LedgerRow]:
    """Claims whose verdict or measured line is not the same everywhere."""
    found = [{entry.id: entry for entry in audit.ledger} for audit in audits]
    titles = {id: entry.title for entries in reversed(found) for id, entry in entries.items()}
    rows = [
        LedgerRow(
            id=id,
            title=title,
            verdicts=[e[id].verdict if id in e else "no such claim" for e in found],
            measured=[(id in e and e[id].measured) or "not measured" for e in found],
        )
        for id, title in titles.items()
    ]
    return [row for row in rows if len({*zip(row.verdicts, row.measured, strict=True)}) > 1]
