"""What the student costs beside its teacher and the encoders of the paper's Table 8."""

from __future__ import annotations

from functools import partial

from anatomy.amounts import millions
from anatomy.report.blocks import (
    Block,
    Bullets,
    Cell,
    Cite,
    Code,
    Column,
    FigureBlock,
    Fold,
    Paragraph,
    Row,
    Section,
    Table,
    Text,
)
from anatomy.report.cells import columns, count, text
from anatomy.report.figures import Drawing
from anatomy.report.references import PAPER
from distill.metrics.benchmark import Benchmark, Length, ModelCost, Speed
from distill.report.plots.efficiency import rates
from distill.report.view import RunView
from distill.sizes import PRECISIONS
from distill.words import counted, megabytes

_TITLE = "Speed and memory"
FIGURE = "efficiency"


def section(view: RunView) -> Section:
    """Ratios in sentences, then Table 8's counterpart, then times and memory."""
    found = view.metrics.benchmark
    if found is None:
        absent = Paragraph(("Not measured: ", Code(f"distill benchmark {view.name}")), "absent")
        return Section("efficiency", _TITLE, (absent,))
    blocks: list[Block] = [
        _how(found),
        Bullets(tuple(_sentences(found))),
        FigureBlock(FIGURE),
        _table_8(found),
        _sizes(found),
        Fold("All times, with their spread", (_times(found),)),
        *_libraries(found),
        *_absent(found),
    ]
    return Section("efficiency", _TITLE, tuple(blocks))


def drawings(view: RunView) -> list[Drawing]:
    """Prompts a second."""
    found = view.metrics.benchmark
    if found is None or not any(model.speeds for model in found.models):
        return []
    return [
        Drawing(
            name=FIGURE,
            caption=(
                "Prompts a second of each encoder, at each batch: padded to the encoder's context "
                "where its processor pads, and trimmed to the longest prompt of the batch where "
                "it may be. Logarithmic axes."
            ),
            alternative="Prompts a second by encoder and batch.",
            draw=partial(rates, found),
        )
    ]


def _how(found: Benchmark) -> Paragraph:
    conditions = found.conditions
    threads = f", {counted(conditions.threads, 'thread')}" if conditions.device == "cpu" else ""
    return Paragraph(
        (
            (
                f"All encoders compute in {found.dtype} on {conditions.device_name}{threads} "
                f"(torch {conditions.torch}), in one process and in turns, on the same held-out "
                f"prompts of {found.mean_length:.1f} tokens on average; medians over turns. "
                "Teacher and student have their own weights, the others random ones of the right "
                "shapes: what an encoder costs does not depend on what its weights are. The paper "
            ),
            Cite(PAPER),
            (
                " measured on a laptop's RTX 4070 and does not say in which precision and batch; "
                "compare its ratios, not its rates."
            ),
        )
    )


def _sentences(found: Benchmark) -> list[Text]:
    said: list[Text] = []
    student = found.student
    references = {"the run's teacher": found.teacher, "SAM3's shape": found.model("sam3")}
    for who, reference in references.items():
        if student is None or reference is None:
            continue
        parts = []
        for batch in found.batches:
            mine = student.speed(batch, "trimmed") or student.own(batch)
            for way in ("padded", "trimmed"):
                theirs = reference.speed(batch, way)
                if mine and theirs:
                    ratio = mine.rate / theirs.rate
                    parts.append(f"{ratio:.1f} times at a batch of {batch}, {way}")
        if parts:
            said.append(f"Prompts a second of the student over {who}'s: {'; '.join(parts)}.")
    paper = found.model("mobileclip-s0@16")
    sam3 = found.model("sam3")
    if paper and sam3:
        batch = max(found.batches)
        own, padded, trimmed = (
            paper.own(batch),
            sam3.speed(batch, "padded"),
            sam3.speed(batch, "trimmed"),
        )
        if own and padded and trimmed and paper.published:
            said.append(
                f"The paper's S0 at L = 16 against SAM3's encoder: {own.rate / padded.rate:.1f} "
                f"times padded to 32, {own.rate / trimmed.rate:.1f} times trimmed to the batch of "
                f"{batch}, in {found.dtype}; the paper reports {paper.published.speedup}."
            )
    if found.conditions.device == "cpu":
        said.append("Peak memory of a GPU: not measured; this was on a CPU.")
    return said


def _table_8(found: Benchmark) -> Table:
    largest = max(found.batches)
    sam3 = found.model("sam3")
    reference = sam3 or found.teacher
    rows = tuple(
        Row(
            (
                Cell(model.title),
                count(model.context),
                text(millions(model.parameters)),
                _printed(model, "parameters"),
                *(_rate(model.own(batch)) for batch in found.batches),
                *(
                    _ratio(model.own(largest), reference.speed(largest, way) if reference else None)
                    for way in _WAYS
                ),
                _printed(model, "throughput"),
                _printed(model, "speedup"),
            ),
            kind="chosen" if model.kind == "student" else "",
        )
        for model in found.models
    )
    return Table(
        id="table-8",
        label="The counterpart of Table 8",
        caption=(
            "Parameters and prompts a second, each encoder padding as its own processor does, with "
            "the paper's columns beside. Speed-ups at a batch of "
            f"{largest}, over {reference.title if reference else 'nothing'}, padded to its context "
            "and trimmed to the batch."
        ),
        columns=(
            Column("Encoder", left=True),
            Column("L"),
            Column("here", group="Parameters", opens=True),
            Column("paper", group="Parameters"),
            *(
                Column(f"at {batch}", group="Prompts/s", opens=at == 0)
                for at, batch in enumerate(found.batches)
            ),
            Column("padded", group="Speed-up", opens=True),
            Column("trimmed", group="Speed-up"),
            Column("texts/s", group="Paper", opens=True),
            Column("speed-up", group="Paper"),
        ),
        rows=rows,
    )


_WAYS: tuple[Length, Length] = ("padded", "trimmed")


def _printed(model: ModelCost, what: str) -> Cell:
    """As the paper has it; empty of an encoder that is not in its table."""
    return Cell(str(getattr(model.published, what)) if model.published else "")


def _rate(speed: Speed | None) -> Cell:
    return Cell("" if speed is None else _number(speed.rate))


def _number(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def _ratio(mine: Speed | None, theirs: Speed | None) -> Cell:
    return Cell(f"{mine.rate / theirs.rate:.1f}x" if mine and theirs else "")


def _times(found: Benchmark) -> Table:
    rows = [
        Row(
            (
                Cell(model.title),
                text(speed.length, left=True),
                count(speed.batch),
                Cell(count(speed.rows).text, "" if speed.rows == speed.batch else "cut"),
                Cell(f"{speed.milliseconds:,.2f}", f"[{speed.low:,.2f}, {speed.high:,.2f}]"),
                Cell(_number(speed.rate)),
            ),
            kind="chosen" if model.kind == "student" else "",
        )
        for model in found.models
        for speed in model.speeds
    ]
    return Table(
        id="times",
        label="Times",
        caption=(
            "Milliseconds of a call, the median over turns and its quartiles. A batch whose call "
            "would take too long here is cut: the rate is then of as many rows as were run."
        ),
        columns=columns("Encoder", "Rows", "Batch", "Run", "ms", "Prompts/s", left=("Rows",)),
        rows=tuple(rows),
    )


def _sizes(found: Benchmark) -> Table:
    on_gpu = any(model.peak_bytes for model in found.models)
    return Table(
        id="costs",
        label="Sizes and operations",
        caption=(
            "Parameters, those left without the rows of tokens that no prompt of the corpus has, "
            "megabytes of the weights in memory, and floating-point operations of one prompt: "
            "padded to the context, and of the mean length (matrix products and convolutions)."
            + (" Peak: weights and the largest batch." if on_gpu else "")
        ),
        columns=(
            Column("Encoder", left=True),
            Column("all", group="Parameters", opens=True),
            Column("used", group="Parameters"),
            *(Column(p, group="Weights, MB", opens=at == 0) for at, p in enumerate(PRECISIONS)),
            Column("File, MB", opens=True),
            Column("padded", group="GFLOP", opens=True),
            Column("trimmed", group="GFLOP"),
            *([Column("Peak, MB", opens=True)] if on_gpu else []),
        ),
        rows=tuple(
            Row(
                (
                    Cell(model.title),
                    text(millions(model.parameters)),
                    text(millions(model.used) if model.used else ""),
                    *(text(megabytes(model.bytes[precision])) for precision in PRECISIONS),
                    text(megabytes(model.file_bytes) if model.file_bytes else ""),
                    text(f"{model.flops / 1e9:.3g}" if model.flops else ""),
                    text(f"{model.flops_trimmed / 1e9:.3g}" if model.flops_trimmed else ""),
                    *([text(megabytes(model.peak_bytes or 0))] if on_gpu else []),
                ),
                kind="chosen" if model.kind == "student" else "",
            )
            for model in found.models
        ),
    )


def _libraries(found: Benchmark) -> list[Block]:
    if not found.libraries:
        return []
    table = Table(
        id="libraries",
        label="The student alone",
        caption=(
            "The student in a process of its own on the CPU, float32, prompts padded to L: "
            "milliseconds of a call, and resident memory in megabytes with the library alone, with "
            "the student, and after all calls."
        ),
        columns=columns(
            "Library",
            "Threads",
            *(f"ms at {batch}" for batch in found.batches),
            "Library",
            "Loaded",
            "In use",
        ),
        rows=tuple(
            Row(
                (
                    Cell(cost.library, cost.file),
                    count(cost.threads),
                    *(
                        Cell(
                            f"{cost.milliseconds[batch]:,.2f}" if batch in cost.milliseconds else ""
                        )
                        for batch in found.batches
                    ),
                    *(
                        text(megabytes(number))
                        for number in (cost.library_bytes, cost.loaded_bytes, cost.resident_bytes)
                    ),
                )
            )
            for cost in found.libraries
        ),
    )
    if any(cost.library == "onnxruntime" for cost in found.libraries):
        return [table]
    said = Paragraph(
        ("With onnxruntime: not measured; ", Code("distill export"), " writes the model."), "absent"
    )
    return [table, said]


def _absent(found: Benchmark) -> list[Block]:
    missing = [f"{model.title} {model.absent}" for model in found.models if model.absent]
    return [Paragraph(f"Not timed: {'; '.join(missing)}.", "absent")] if missing else []
