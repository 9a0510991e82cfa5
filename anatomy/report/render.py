"""All files of a report, from the findings alone."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from anatomy.files import shown
from anatomy.findings import FILE_NAME, MARK, EncoderFinding, Findings, from_ranges
from anatomy.progress import Steps, quiet
from anatomy.report import figures
from anatomy.report.document import document
from anatomy.report.files import refusing, rendered
from anatomy.report.formats import FORMATS, Format, Paper
from anatomy.report.names import slug
from anatomy.report.write import REPORT, alone, write


def render(
    findings: Findings,
    *,
    formats: Collection[Format] = FORMATS,
    paper: Paper = "a4",
    steps: Steps = quiet,
) -> dict[str, bytes]:
    """Every file of a report, by its path in the folder, in the order in which to write them.

    The same findings, formats and paper give the same bytes; a format left out has no file.
    """
    steps("Drawing figures")
    drawn = figures.render(findings)
    steps("Rendering the report")
    files = rendered(document(findings), drawn, REPORT, formats=formats, paper=paper)
    for encoder in findings.encoders:
        files[f"kept-tokens-{slug(encoder.name)}.json"] = _kept_tokens(findings, encoder)
    files[FILE_NAME] = findings.to_json()  # last: it says that the others are there
    return files


def write_report(
    findings: Findings,
    out: Path | str,
    *,
    formats: Collection[Format] = FORMATS,
    paper: Paper = "a4",
    steps: Steps = quiet,
) -> Path:
    """Write the whole report of some findings into a folder, as `anatomy audit` does.

    Parameters
    ----------
    findings : Findings
    out : path
        The folder; made where there is none. A report that is there is replaced.
    formats : collection of {"html", "pdf"}
    paper : {"a4", "letter"}
        Of the PDF.
    steps : Steps
        Told about each step as it begins.

    Returns
    -------
    Path
        Of the page, or of the PDF where there is no page.

    Raises
    ------
    InputError
        If the folder cannot be written, or another run is writing there.
    """
    out = Path(out)
    with alone(out):
        return write(render(findings, formats=formats, paper=paper, steps=steps), out).page


def render_file(
    path: Path,
    *,
    formats: Collection[Format] = FORMATS,
    paper: Paper = "a4",
    steps: Steps = quiet,
) -> dict[str, bytes]:
    """Every file of a report, from a findings.json: what the audit that made it wrote.

    Raises
    ------
    InputError
        If the file is not one that `Findings.load` reads, or its parts do not fit together.
    """
    findings = Findings.load(path)
    with refusing(f"{shown(path)}:", "run the audit again, or, if nobody changed the file"):
        return render(findings, formats=formats, paper=paper, steps=steps)


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
