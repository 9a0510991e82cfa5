"""The chapters ablation and efficiency: the numbers of metrics.json, and what is said of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anatomy.report.blocks import Bullets, Code, Paragraph, Table, walk
from anatomy.report.figures import draw
from distill.metrics import MARK
from distill.metrics.ablation import AblatedStudent, Ablation, AblationRow, Span
from distill.metrics.benchmark import Benchmark, ModelCost, Published, Speed
from distill.metrics.conditions import conditions
from distill.report.chapters import ablation, efficiency
from distill.report.view import RunView, read


@pytest.fixture(scope="module")
def bare(done) -> RunView:
    return read(done.folder)


def view_with(bare: RunView, **sections) -> RunView:
    return replace(bare, metrics=bare.metrics.model_copy(update=sections))


def conditions_of(bare: RunView):
    return conditions(bare.metrics.run.student_sha256, "cpu", prompts=50, seed=0, seconds=1)


def student(key: str, mean: float, against: Span | None, **changes) -> AblatedStudent:
    fields = {
        "key": key,
        "seed": 0,
        "context": 16,
        "tokens": 30,
        "bottleneck": None,
        "parameters": 12_345_678,
        "bytes": 4,
        "seconds": 1,
        "pooled": Span(mean=mean, low=mean - 0.01, high=mean + 0.01),
        "pooled_p5": 0.8,
        "token_cosine": 0.85,
        "cut": 0.125,
        "split": 0.0,
        "shuffled": 0.97,
        "against": against,
    }
    return AblatedStudent(**(fields | changes))


@pytest.fixture
def ablated(bare) -> RunView:
    found = Ablation(
        steps=40,
        step_prompts=128,
        run_steps=900,
        shuffled_prompts=20,
        teacher_shuffled=0.95,
        students=[
            student("a", 0.9, None),
            student("b", 0.904, Span(mean=0.004, low=0.001, high=0.007), seed=1),
            student("c", 0.87, Span(mean=-0.03, low=-0.04, high=-0.02), context=8),
            student("d", 0.902, Span(mean=0.002, low=0.001, high=0.003), context=32),
        ],
        rows=[
            AblationRow(grid="seed", value="0", key="a", own=True),
            AblationRow(grid="seed", value="1", key="b", own=False),
            AblationRow(grid="context", value="8", key="c", own=False),
            AblationRow(grid="context", value="16", key="a", own=True),
            AblationRow(grid="context", value="32", key="d", own=False),
        ],
        conditions=conditions_of(bare),
    )
    return view_with(bare, ablation=found)


def cost(name: str, kind: str, milliseconds: dict[str, float], **changes) -> ModelCost:
    fields = {
        "name": name,
        "title": name.upper(),
        "kind": kind,
        "note": "",
        "context": 16,
        "parameters": 42_541_312,
        "used": None,
        "bytes": {"float32": 40e6, "bfloat16": 20e6, "int8": 10e6},
        "file_bytes": None,
        "flops": 2_000_000_000,
        "flops_trimmed": None,
        "peak_bytes": None,
        "speeds": [
            Speed(batch=64, rows=32, length=way, milliseconds=ms, low=ms, high=ms, turns=3)
            for way, ms in milliseconds.items()
        ],
        "published": None,
    }
    return ModelCost(**(fields | changes))


@pytest.fixture
def benchmarked(bare) -> RunView:
    printed = Published(parameters="42.54M", throughput="495.3", speedup="3.7x")
    found = Benchmark(
        dtype="float32",
        batches=[64],
        mean_length=7.5,
        models=[
            cost("teacher", "teacher", {"trimmed": 40}),
            cost("student", "student", {"padded": 16, "trimmed": 10}),
            cost("sam3", "shape", {"padded": 160, "trimmed": 80}),
            cost("mobileclip-s0@16", "shape", {"padded": 20}, published=printed),
            cost("eva", "shape", {}, absent="needs 9.0 GB, and 2.0 GB are free"),
        ],
        libraries=[],
        conditions=conditions_of(bare),
    )
    return view_with(bare, benchmark=found)


def said(section) -> str:
    texts = [b.text for b in walk(section.blocks) if isinstance(b, Paragraph)]
    texts += [item for b in walk(section.blocks) if isinstance(b, Bullets) for item in b.items]
    return " ".join(
        text if isinstance(text, str) else "".join(getattr(p, "text", str(p)) for p in text)
        for text in texts
    )


def table(section, name: str) -> dict[str, list[str]]:
    (found,) = [b for b in walk(section.blocks) if isinstance(b, Table) and b.id == name]
    return {row.cells[0].text: [cell.text for cell in row.cells[1:]] for row in found.rows}


@pytest.mark.parametrize(("chapter", "command"), [(ablation, "ablate"), (efficiency, "benchmark")])
def test_what_was_not_measured_names_its_command(bare, chapter, command):
    found = chapter.section(bare)
    (absent,) = found.blocks
    assert absent.tone == "absent" and Code(f"distill {command} {bare.name}") in absent.text
    assert chapter.drawings(bare) == []


def test_a_difference_that_a_seed_makes_as_well_is_called_noise(ablated):
    text = said(ablation.section(ablated))
    assert "differs by up to 0.0040" in text
    assert (
        "Context length (the recipe's: 16): 8 gives \N{MINUS SIGN}0.0300; within the noise: 32."
        in text
    )


def test_cells_stand_with_their_differences_and_the_papers_beside(ablated):
    section = ablation.section(ablated)
    rows = table(section, "ablation")
    assert rows["context length 8"][:3] == ["0.8700", "0.8000", "\N{MINUS SIGN}0.0300"]
    assert rows["context length 16"] == rows["seed 0"]
    assert rows["context length 8"][5] == "12.5 %"
    assert table(section, "paper-5")["MC-S0"][1] == "51.9 / 0.79 / 63.6"
    tables = {b.id for b in walk(section.blocks) if isinstance(b, Table)}
    assert tables == {"ablation", "paper-5"}  # of a grid that was not asked for, none


def test_table_8_has_ratios_over_sam3_and_the_published_columns(benchmarked):
    section = efficiency.section(benchmarked)
    rows = table(section, "table-8")
    assert rows["MOBILECLIP-S0@16"] == [
        "16", "42.54 M", "42.54M", "1,600", "8.0x", "4.0x", "495.3", "3.7x"
    ]  # fmt: skip
    assert rows["STUDENT"][3:6] == ["2,000", "10.0x", "5.0x"]
    assert rows["EVA"][3:6] == ["", "", ""]
    text = said(section)
    ratio = "4.0 times at a batch of 64, trimmed"
    assert f"Prompts a second of the student over the run's teacher's: {ratio}" in text
    assert "8.0 times padded to 32, 4.0 times trimmed to the batch of 64" in text
    assert "Not timed: EVA needs 9.0 GB" in text


def test_figures_hold_what_is_in_the_metrics(ablated, benchmarked):
    for chapter, view in ((ablation, ablated), (efficiency, benchmarked)):
        (drawn,) = draw(chapter.drawings(view), MARK, view.metrics.digest, [])
        text = drawn.csv.decode()
        assert ("-0.03" in text) if chapter is ablation else ("1600" in text)
