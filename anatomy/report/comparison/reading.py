"""How to read a comparison: what the verdicts mean, and where the numbers come from."""

from __future__ import annotations

from anatomy.comparison import VERDICTS, Comparison
from anatomy.report.blocks import (
    Bullets,
    Cite,
    Code,
    Definitions,
    Heading,
    Paragraph,
    Section,
    Text,
)
from anatomy.report.references import DIFFERENCE, MLE, TWO_NN

_RULE: Text = (
    "The interval of a difference is made of the two estimates' own 95 % intervals ",
    Cite(DIFFERENCE),
    (
        ": for symmetric ones, the difference is held against the root of the sum of their squared "
        "half-widths. That takes the two samples to be independent. Audits of one corpus share "
        "prompts, and samples of one seed from one corpus are nested: their errors go the same "
        "way, the interval is then too wide, and a change called within may still be one. Of many "
        "estimates that did not change, 1 in 20 is called beyond. The intervals hold chance alone, "
        "not the bias of an estimator."
    ),
)
_SCALE: Text = (
    "Intrinsic dimensions, by maximum likelihood ",
    Cite(MLE),
    " and by TwoNN ",
    Cite(TWO_NN),
    (
        ", are those of a scale: fewer points look at a larger one, and find another dimension. "
        "Where the audits have unequal numbers of points, an estimate is judged at the fewest of "
        "them, from each audit's own smaller samples, interpolated between their sizes in the "
        "logarithm of the points."
    ),
)
_UNITS = (
    "pp are percentage points. Relative changes are shares of the baseline's value, or multiples "
    "of it. Numbers that differ by no more than the last digit that the findings record are the "
    "same."
)
_DATE = (
    "The comparison has the date of its newest audit, so that the same findings give the same "
    "bytes; its sha256 is "
)


def reading_section(comparison: Comparison) -> Section:
    """The verdicts, the rule behind them, and the audits with their commands."""
    verdicts: list[tuple[Text, Text]] = [(name, f"{words}.") for name, words in VERDICTS.items()]
    audits: list[Text] = [
        (
            f"{audit.label}: ",
            Code(audit.command),
            f", by {audit.generator}, findings sha256 ",
            Code(audit.digest),
        )
        for audit in comparison.audits
    ]
    return Section(
        "reading",
        "How to read it",
        (
            Definitions(tuple(verdicts)),
            Paragraph(_RULE),
            Paragraph(_SCALE),
            Paragraph(_UNITS),
            Heading("audits-made", "The audits"),
            Bullets(tuple(audits)),
            Paragraph((_DATE, Code(comparison.digest), ".")),
        ),
    )
