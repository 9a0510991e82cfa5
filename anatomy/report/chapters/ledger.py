"""The ledger: what the paper says, and what its own figures allow."""

from __future__ import annotations

from itertools import groupby

from anatomy.findings import Findings, LedgerFinding
from anatomy.report.blocks import (
    Block,
    Cite,
    Definitions,
    Entry,
    Heading,
    Inline,
    Link,
    Paragraph,
    Section,
    Text,
)
from anatomy.report.references import PAPER

_GROUPS = {
    "corpus": "Corpus",
    "context": "Context window",
    "vocabulary": "Vocabulary",
    "embeddings": "Embeddings",
    "architecture": "Architecture",
    "results": "Results",
    "efficiency": "Efficiency",
}
_VERDICTS = ("contradicts", "undecided", "holds")


def ledger_section(findings: Findings) -> Section:
    """Every claim, by verdict and then one by one."""
    order = list(_GROUPS)
    entries = sorted(findings.ledger, key=lambda entry: order.index(entry.group))
    blocks: list[Block] = [
        Paragraph(
            (
                "Each claim of SAM3-LiteText ",
                Cite(PAPER),
                (
                    " is set against an identity that its printed figures must satisfy. A printed "
                    "5.6 is any value from 5.55 to 5.65; a claim is called contradicted only when "
                    "no rounding and no reasonable reading can save it. The measured line comes "
                    "from official files alone, never from stand-ins."
                ),
            )
        ),
        Definitions(tuple(_verdict(findings.ledger, v) for v in _VERDICTS)),
    ]
    for group, part in groupby(entries, lambda entry: entry.group):
        blocks.append(Heading(f"ledger-of-{group}", _GROUPS[group]))
        blocks += [_entry(entry) for entry in part]
    return Section(
        "ledger",
        "Ledger: what the paper says, and what its own figures allow",
        tuple(blocks),
        columns=2,
    )


def _verdict(entries: list[LedgerFinding], verdict: str) -> tuple[Text, Text]:
    found = [entry for entry in entries if entry.verdict == verdict]
    links: list[Inline] = []
    for entry in found:
        links += [Link(entry.title, f"ledger-{entry.id}"), "; "]
    return f"{verdict} {len(found)}", tuple(links[:-1]) or "none"


def _entry(entry: LedgerFinding) -> Entry:
    facts = [
        ("Published", entry.published),
        ("Implied", entry.implied),
        ("Margin", entry.margin),
        ("Measured here", entry.measured),
        ("Not measured", entry.not_measured),
    ]
    return Entry(
        id=f"ledger-{entry.id}",
        verdict=entry.verdict,
        title=entry.title,
        where=entry.where,
        claim=entry.claim,
        facts=tuple((name, value) for name, value in facts if value),
        explanation=entry.explanation,
    )
