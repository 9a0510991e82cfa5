"""The chapters quality and robustness: the numbers of metrics.json, and what is said of them."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from anatomy.report.blocks import Bullets, Paragraph, Table, walk
from anatomy.report.figures import draw
from distill.metrics import MARK
from distill.report.chapters import quality, robustness
from distill.report.view import RunView, read


@pytest.fixture(scope="module")
def view(done) -> RunView:
    return read(done.folder)


def table(section, name: str) -> list[list[str]]:
    (found,) = [b for b in walk(section.blocks) if isinstance(b, Table) and b.id == name]
    return [[cell.text for cell in row.cells] for row in found.rows]


def said(section) -> str:
    texts = [b.text for b in walk(section.blocks) if isinstance(b, Paragraph)]
    texts += [text for b in walk(section.blocks) if isinstance(b, Bullets) for text in b.items]
    return " ".join(
        text if isinstance(text, str) else "".join(getattr(p, "text", str(p)) for p in text)
        for text in texts
    )


def altered(view: RunView, **changes) -> RunView:
    evaluation = view.metrics.evaluation.model_copy(update=changes)
    return replace(view, metrics=view.metrics.model_copy(update={"evaluation": evaluation}))


def data_of(chapter, view: RunView, name: str) -> list[dict[str, str]]:
    drawings = [d for d in chapter.drawings(view) if d.name == name]
    (drawn,) = draw(drawings, MARK, view.metrics.digest, [])
    lines = [line for line in drawn.csv.decode().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(io.StringIO("\n".join(lines))))


def test_closeness_stands_source_by_source_with_its_baseline(view):
    section = quality.section(view)
    rows = {row[0]: row for row in table(section, "closeness")}
    for group in view.metrics.evaluation.groups:
        near = group.pooled
        assert rows[group.group][1:5] == [
            f"{group.prompts:,}",
            f"{near.student.mean:.4f}",
            "" if near.student.p5 is None else f"{near.student.p5:.4f}",
            f"{near.baseline.mean:.4f}",
        ]
        assert rows[group.group][5] == f"{near.error.mean:.3f}"
    assert len(table(section, "worst")) == len(view.metrics.evaluation.worst)
    assert len(table(section, "pairs")) == len(view.metrics.evaluation.pairs)
    assert len(table(section, "shuffles")) == len(view.metrics.evaluation.shuffles)
    measured = [group for group in view.metrics.evaluation.groups if group.overlap]
    assert len(table(section, "neighbours")) == len(measured)
    assert len(table(section, "student-dimensions")) == 2 * len(measured)


def test_a_flagged_source_and_one_too_small_are_named(view):
    groups = list(view.metrics.evaluation.groups)
    groups[1] = groups[1].model_copy(update={"verdict": "flagged"})
    groups[2] = groups[2].model_copy(
        update={"verdict": "none held out", "pooled": None, "absent": {"all": "nothing there"}}
    )
    groups[3] = groups[3].model_copy(
        update={"verdict": "too few", "absent": {"gate": "3 distinct prompts; they need 20"}}
    )
    text = said(quality.section(altered(view, groups=groups)))
    assert f"Flagged: {groups[1].group} (" in text
    assert f"{groups[2].group}: nothing there" in text
    assert f"{groups[3].group}: gate: 3 distinct prompts" in text
    assert "Flagged" not in said(quality.section(view))


def test_a_gate_that_the_mean_vector_reaches_is_said_to_be_idle(view):
    least = min(g.pooled.baseline.mean for g in view.metrics.evaluation.groups[1:])
    assert "says nothing" not in said(quality.section(altered(view, gate=1.0)))
    low = altered(view, gate=least)
    assert len(low.metrics.evaluation.ungated) == len(view.metrics.evaluation.groups) - 1
    assert "raise cosine_gate" in said(quality.section(low))


def test_word_order_is_told_with_the_means_of_the_pairs(view):
    pairs = view.metrics.evaluation.pairs
    mean = sum(pair.student for pair in pairs) / len(pairs)
    text = said(quality.section(view))
    assert f"{mean:.4f} in the student" in text
    blind = [pair.model_copy(update={"teacher": 0.5, "student": 0.99}) for pair in pairs]
    assert f"in {len(pairs)} of them" in said(quality.section(altered(view, pairs=blind)))


def test_nothing_to_shuffle_and_no_dimension_leave_the_rest(view):
    bare = [
        group.model_copy(
            update={"dimension": None, "overlap": None, "ranks": None, "interval": None}
        )
        for group in view.metrics.evaluation.groups
    ]
    view = altered(view, shuffles=[], groups=bare, pairs=[])
    section = quality.section(view)
    assert "context cuts every one" in said(section)
    assert [drawing.name for drawing in quality.drawings(view)] == ["closeness"]
    ids = {b.id for b in walk(section.blocks) if isinstance(b, Table)}
    assert "shuffles" not in ids and "student-dimensions" not in ids and "closeness" in ids


def test_figures_hold_the_numbers(view):
    evaluation = view.metrics.evaluation
    rows = data_of(quality, view, "closeness")
    means = {row["label"]: float(row["y"]) for row in rows if row["series"] == "mean"}
    assert means == {g.group: g.pooled.student.mean for g in evaluation.groups if g.pooled}
    pairs = data_of(quality, view, "order")
    assert [float(r["y"]) for r in pairs if r["series"] == "student"] == [
        pair.student for pair in evaluation.pairs
    ]
    study = view.metrics.robustness
    curves = data_of(robustness, view, "robustness")
    shown = {(r["panel"], r["series"], float(r["x"])): float(r["y"]) for r in curves if r["x"]}
    for attention in study.attentions:
        for row in attention.rows:
            if row.perturbation == "noise" and row.input > 0.96:
                at = (f"{row.keys:,} keys", row.sharpness)
                panel = attention.direction.capitalize()
                assert shown[f"{panel}: factor", *at] == pytest.approx(row.factor)
                assert shown[f"{panel}: mixed ratio", *at] == pytest.approx(row.mixed)


def test_robustness_compares_the_papers_ratio_with_an_honest_one(view):
    section, study = robustness.section(view), view.metrics.robustness
    levels = table(section, "levels-text-asks")
    row = next(
        row
        for row in study.attentions[0].rows
        if row.keys == 1024 and row.sharpness == 1 and row.perturbation == "student"
    )
    assert levels[-1][0] == "the student's own"
    assert levels[-1][1] == f"{row.input:.3f}" and levels[-1][5] == f"{row.output:.3f}"
    assert len(table(section, "published-ratio")) == len(study.published)
    text = said(section)
    assert "Temperature alone makes any factor" in text and "282" in text
    assert f"{study.literal_noise:.3g} of these outputs" in text


def test_chapters_that_were_not_measured_name_the_command(view):
    bare = view.metrics.model_copy(update={"evaluation": None, "robustness": None})
    for chapter in (quality, robustness):
        section = chapter.section(replace(view, metrics=bare))
        assert "distill evaluate" in said(section)
        assert chapter.drawings(replace(view, metrics=bare)) == []
