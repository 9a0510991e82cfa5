"""The dimensions of an encoder's outputs, or of a file's."""

from __future__ import annotations

from anatomy.findings import CloudFinding, Estimated, Findings, OutputsFinding
from anatomy.report.blocks import (
    Block,
    Cell,
    Cite,
    Code,
    FigureBlock,
    Inline,
    Paragraph,
    Ref,
    Row,
    Table,
)
from anatomy.report.cells import NOTHING, columns, count, dimension, estimated, fixed, share, text
from anatomy.report.names import mix, slug
from anatomy.report.references import GRIDE, HARMONIC, MLE, TWO_NN
from anatomy.report.sentences import percent


def outputs_blocks(findings: Findings, name: str, outputs: OutputsFinding) -> list[Block]:
    """All of the outputs of `name`: estimates, scale, sources, near-duplicates."""
    main, tag = outputs.main, slug(name)
    cut = _cut(outputs)
    absent = [f"{what}: {why}" for what, why in outputs.absent.items()]
    if main is None:
        return [Paragraph(f"Not measured: {'; '.join(absent)}. {cut}".strip(), "absent")]
    near = [cloud for cloud in outputs.clouds if cloud.near_duplicates]
    blocks: list[Block] = [
        Paragraph(outputs.advice, "advice"),
        Paragraph(_how(outputs, cut)),
        Paragraph(_where(tag, near=bool(near))),
        FigureBlock(f"dimension-{tag}"),
        _estimates(findings, name, outputs, main),
    ]
    if main.neighbours.method == "approximate":
        blocks.append(_approximate(main))
    blocks += [FigureBlock(f"scale-{tag}"), _by_source(findings, name, outputs)]
    if absent:
        blocks.append(Paragraph(f"Not measured: {'; '.join(absent)}.", "absent"))
    if near:
        blocks.append(_near_duplicates(findings, name, near))
    return blocks


def _cut(outputs: OutputsFinding) -> str:
    if not outputs.truncated:
        return ""
    return (
        f"{outputs.truncated:,} of the encoded prompts were cut to the encoder's "
        f"{outputs.context} position{'s' * (outputs.context != 1)}. "
    )


def _how(outputs: OutputsFinding, cut: str) -> str:
    pooling = outputs.pooling[:1].upper() + outputs.pooling[1:]
    copies = (
        "Exact copies are left out: prompts with the same tokens are one point, and per-token "
        "outputs with the same tokens before them too where the encoder is causal."
        if outputs.context
        else "Rows that equal another are left out."
    )
    return (
        f"{pooling}; {'normalised' if outputs.normalised else 'not normalised'}. {cut}{copies} "
        "The intervals hold chance alone: neither the bias of an estimator nor the choice of k, "
        "which moves it more."
    )


def _where(tag: str, *, near: bool) -> tuple[Inline, ...]:
    without: list[Inline] = [
        ", and without near-duplicates in ",
        Ref(f"table-near-duplicates-{tag}"),
    ]
    return (
        "Dimensions are estimated by TwoNN ",
        Cite(TWO_NN),
        " and by maximum likelihood ",
        Cite(MLE),
        ", averaged as in ",
        Cite(HARMONIC),
        " (",
        Ref(f"figure-dimension-{tag}"),
        ", ",
        Ref(f"table-estimates-{tag}"),
        "); by neighbour order ",
        Cite(GRIDE),
        " and sample size in ",
        Ref(f"figure-scale-{tag}"),
        "; by source in ",
        Ref(f"table-dimensions-{tag}"),
        *(without if near else []),
        ".",
    )


def _estimates(findings: Findings, name: str, outputs: OutputsFinding, main: CloudFinding) -> Table:
    """Every estimator, beside scikit-dimension's word on the same rows where it was asked."""
    asked = main.two_nn_reference is not None

    def row(title: str, estimate: Cell, reference: Cell, last: Cell, kind: str = "") -> Row:
        cells = (Cell(title), estimate, *([reference] if asked else []), last)
        return Row(cells, kind=kind)  # type: ignore[arg-type]

    rows = [row("TwoNN", estimated(main.two_nn), _reference(main.two_nn_reference), NOTHING)]
    rows += [
        row(
            f"MLE, k = {part.k}",
            estimated(part.harmonic),
            _reference(part.reference),
            estimated(part.arithmetic),
        )
        for part in main.mle
    ]
    references = [part.reference for part in main.mle if part.reference is not None]
    mean = sum(references) / len(references) if references else None
    rows.append(
        row(
            "MLE, mean over k",
            estimated(main.harmonic),
            _reference(mean),
            estimated(main.arithmetic),
            "all",
        )
    )
    for other in main.others:
        if other.value is None:
            failed = Cell(f"failed: {other.failure}", style="left", columns=2 + asked)
            rows.append(Row((Cell(other.name), failed)))
        else:
            value = fixed(other.value, 3)
            rows.append(row(other.name, NOTHING if asked else value, value, NOTHING))
    if outputs.published:
        published = text(outputs.published["dimension"])
        rows.append(row("the paper's, both estimators", published, NOTHING, NOTHING, "paper"))
    beside = ", and what scikit-dimension says of the same rows" if asked else ""
    names = ["Estimator", "Estimate", *(["scikit-dimension"] if asked else []), "Arithmetic, k-2"]
    return Table(
        id=f"estimates-{slug(name)}",
        label="Estimates by neighbours",
        caption=(
            f"{name}: intrinsic dimension of the {main.kind} outputs of {main.points:,} prompts"
            f"{mix(findings)}, with 95 % intervals{beside}. The harmonic MLE is the headline."
        ),
        columns=columns(*names),
        rows=tuple(rows),
    )


def _reference(value: float | None) -> Cell:
    return NOTHING if value is None else fixed(value, 3)


def _approximate(main: CloudFinding) -> Paragraph:
    found = main.neighbours
    effects = ", ".join(f"{name} by {100 * by:+.2f} %" for name, by in found.effect.items())
    return Paragraph(
        (
            (
                f"Neighbours were found approximately: {percent(found.recall or 0.0)} of the "
                f"true ones, measured on {found.rows or 0:,} rows. On these rows that changes "
                f"{effects}. "
            ),
            Code("--neighbours exact"),
            " finds them all.",
        )
    )


def _by_source(findings: Findings, name: str, outputs: OutputsFinding) -> Table:
    rows = [
        Row(
            (
                Cell(cloud.group),
                text(cloud.kind, left=True),
                count(cloud.points),
                count(cloud.copies),
                count(cloud.ambient),
                count(cloud.linear.dims[99]),
                dimension(cloud.linear.effective_rank),
                estimated(cloud.harmonic),
                estimated(cloud.two_nn),
            ),
            kind="all" if cloud.group == "combined" else "",
        )
        for cloud in outputs.clouds
    ]
    if outputs.published:
        shown = outputs.published
        rows.append(
            Row(
                (
                    Cell("the paper's"),
                    text("pooled", left=True),
                    NOTHING,
                    NOTHING,
                    text(shown["ambient"]),
                    NOTHING,
                    text(shown["effective_rank"]),
                    text(shown["dimension"]),
                    text(shown["dimension"]),
                ),
                kind="paper",
            )
        )
    return Table(
        id=f"dimensions-{slug(name)}",
        label="Dimension by source",
        caption=(
            f"{name}: dimensions of the outputs by source{mix(findings)}. Linear is the effective "
            "rank of the outputs; 99 % the dimensions that keep as much of their variance. "
            "Per-token copies are counted over all tokens of the drawn prompts, of which as many "
            "are measured as there are prompts."
        ),
        columns=columns(
            "Source",
            "Outputs",
            "Points",
            "Copies",
            "Ambient",
            "99 %",
            "Linear",
            "MLE",
            "TwoNN",
            left=["Outputs"],
        ),
        rows=tuple(rows),
    )


def _near_duplicates(findings: Findings, name: str, near: list[CloudFinding]) -> Table:
    rows = []
    for cloud in near:
        part = cloud.near_duplicates
        if part is None:
            continue
        without = "the same" if part.points == cloud.points else "too few"

        def after(estimate: Estimated | None, otherwise: str = without) -> Cell:
            return estimated(estimate) if estimate else Cell(otherwise)

        rows.append(
            Row(
                (
                    Cell(cloud.group),
                    share(part.share),
                    count(part.points),
                    estimated(cloud.harmonic),
                    after(part.mle),
                    estimated(cloud.two_nn),
                    after(part.two_nn),
                ),
                kind="all" if cloud.group == "combined" else "",
            )
        )
    return Table(
        id=f"near-duplicates-{slug(name)}",
        label="Near-duplicates",
        caption=(
            f"{name}: prompts whose nearest neighbour differs only by article, case, plural or "
            f"word order{mix(findings)}, and the estimates with one prompt of each kind beside the "
            "plain ones. Such pairs are close without saying anything about the manifold, and pull "
            "the estimates at small scales."
        ),
        columns=columns(
            "Source",
            "Near-duplicates",
            "Points left",
            "MLE",
            "without them",
            "TwoNN",
            "without them",
        ),
        rows=tuple(rows),
    )
