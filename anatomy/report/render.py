"""All files of a report, from the findings alone."""

from __future__ import annotations

import json

from anatomy.findings import FILE_NAME, MARK, EncoderFinding, Findings, from_ranges
from anatomy.progress import Steps, quiet
from anatomy.report import figures, html, pdf
from anatomy.report.document import document
from anatomy.report.names import slug
from anatomy.report.write import PAGE


def render(findings: Findings, *, steps: Steps = quiet) -> dict[str, bytes]:
    """Every file of a report, by its path in the folder, in the order in which to write them."""
    steps("Drawing figures")
    drawn = figures.render(findings)
    steps("Rendering the report")
    whole = document(findings)
    files = {PAGE: html.render(whole, drawn), "report.pdf": pdf.render(whole, drawn)}
    for figure in drawn:
        files[f"figures/{figure.name}.svg"] = figure.svg
        files[f"figures/{figure.name}.png"] = figure.png
    for encoder in findings.encoders:
        files[f"kept-tokens-{slug(encoder.name)}.json"] = _kept_tokens(findings, encoder)
    files[FILE_NAME] = findings.to_json()  # last: it says that the others are there
    return files


def _kept_tokens(findings: Findings, encoder: EncoderFinding) -> bytes:
    """The ids that the corpus uses, as distill or any other tool may read them."""
    document = {
        MARK: findings.digest,
        "encoder": encoder.name,
        "tokenizer": encoder.tokenizer,
        "vocabulary_size": encoder.vocabulary_size,
        "contains_stand_ins": bool(findings.corpus.stand_ins),
        "ids": from_ranges(encoder.kept_ids),
    }
    return (json.dumps(document, ensure_ascii=False) + "\n").encode("utf-8")
