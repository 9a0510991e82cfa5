"""The report of a run: from its folder alone, the same bytes, every number that of metrics.json."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest

from anatomy.amounts import millions
from anatomy.errors import InputError
from anatomy.report import html
from anatomy.report.blocks import Card, Cards, Paragraph, Table
from anatomy.report.figures import draw
from distill.metrics import MARK
from distill.metrics.benchmark import Benchmark, ModelCost, Speed
from distill.metrics.run import EffectMetrics
from distill.recipe import Recipe
from distill.report.document import document, drawings
from distill.report.render import RUN, is_current, render, write_report
from distill.report.view import RunView, read
from distill.sizes import PRECISIONS
from tests.distill.report.hostile import hostile
from tests.report.papers import Print, dense

HOSTILE = '"><img src=x onerror=alert(1)>{{7*7}}#panic()\x1b[31m'


@pytest.fixture(scope="module")
def view(done) -> RunView:
    return read(done.folder)


@pytest.fixture(scope="module")
def files(view) -> dict[str, bytes]:
    return render(view)


def table(view: RunView, name: str) -> Table:
    return next(table for table in document(view).tables if table.id == name)


def cards(view: RunView) -> dict[str, Card]:
    (found,) = [block for block in document(view).walk() if isinstance(block, Cards)]
    return {card.name: card for card in found.cards}


def test_the_same_folder_gives_the_same_bytes_as_the_run_wrote(done, files):
    assert {name: (done.folder / name).read_bytes() for name in files} == files
    assert list(files)[-1] == "metrics.json"


def test_every_file_carries_the_digest(view, files):
    digest = view.metrics.digest.encode()
    for name, data in files.items():
        assert digest in data[: 1 << 16] + data[-1024:], name


def test_the_cards_say_what_was_measured(view):
    metrics, found = view.metrics, cards(view)
    assert found["Parameters"].value == millions(metrics.run.student.total)
    near = metrics.evaluation.combined.pooled.student
    assert found["Held-out cosine"].value == f"{near.mean:.4f}"
    stored = metrics.run.student.total_bytes("int8")
    assert found["Size in int8"].value == f"{stored / 1e6:.2f} MB"
    judged = judging(view)
    worst = min(judged.metrics.evaluation.groups[1:], key=lambda g: g.pooled.student.mean)
    card = cards(judged)["Weakest source"]
    assert card.value == f"{worst.pooled.student.mean:.4f}"
    assert card.note.startswith(worst.group)


def cost(kind: str, milliseconds: float) -> ModelCost:
    speed = Speed(
        batch=64, rows=64, length="padded", milliseconds=milliseconds, low=1, high=99, turns=3
    )
    nothing = dict.fromkeys(("used", "file_bytes", "flops", "flops_trimmed", "peak_bytes"))
    return ModelCost(
        name=kind,
        title=kind,
        kind=kind,
        note="",
        context=8,
        parameters=1,
        bytes=dict.fromkeys(PRECISIONS, 1),
        speeds=[speed],
        published=None,
        **nothing,
    )


def test_a_speed_that_was_measured_has_a_card(view):
    found = Benchmark(
        conditions=view.metrics.evaluation.conditions,
        dtype="float32",
        batches=[1, 64],
        mean_length=5,
        models=[cost("teacher", 64), cost("student", 16)],
        libraries=[],
    )
    measured = replace(view, metrics=view.metrics.model_copy(update={"benchmark": found}))
    card = cards(measured)["Prompts a second"]
    assert card.value == "4,000" and card.note.startswith("4.0 times the teacher's; batches of 64")
    assert "Prompts a second" not in cards(view)


def judging(view: RunView, **verdicts: str) -> RunView:
    """The run, its sources having these verdicts; all others pass."""
    evaluation = view.metrics.evaluation
    groups = [
        group.model_copy(update={"verdict": verdicts.get(group.group.partition(".")[0], "passes")})
        for group in evaluation.groups
    ]
    found = evaluation.model_copy(update={"groups": groups})
    return replace(view, metrics=view.metrics.model_copy(update={"evaluation": found}))


def gated(view: RunView, **verdicts: str) -> Paragraph:
    """What the summary says of the gate where the sources have these verdicts."""
    summary = document(judging(view, **verdicts)).sections[0]
    return next(block for block in summary.blocks if isinstance(block, Paragraph))


def test_the_gate_has_a_verdict(view):
    assert gated(view).tone == "advice"
    flagged = gated(view, refcoco="flagged")
    assert flagged.tone == "notice" and "refcoco (" in flagged.text[1]
    names = [source.name.partition(".")[0] for source in view.metrics.run.sources]
    unjudged = gated(view, **dict.fromkeys(names, "too few"))
    assert unjudged.tone == "absent" and "No source has enough" in unjudged.text


def test_what_is_not_measured_says_so_and_how(view):
    bare = view.metrics.model_copy(
        update=dict.fromkeys(("evaluation", "robustness", "ablation", "benchmark"))
    )
    page = html.render(document(RunView(view.recipe, bare, (), "r")), _drawn(bare, view)).decode()
    assert "not measured yet" in page and "<code>distill evaluate r</code>" in page


def _drawn(metrics, view):
    bare = RunView(view.recipe, metrics, (), "r")
    return draw(drawings(bare), MARK, metrics.digest, [])


def test_the_pdf_holds_the_numbers_of_metrics_json(view, files):
    printed = Print(files["report.pdf"])
    run = view.metrics.run
    for source in run.sources:
        row = f"{source.name}{source.kind}{source.distinct:,}{source.train:,}{source.held_out:,}"
        assert dense(row) in printed.dense
    for part in run.student.parameters:
        before, after = run.teacher.parameters.get(part, 0), run.student.parameters[part]
        assert dense(f"{part}{millions(before)}{millions(after)}") in printed.dense
        stored = [
            f"{model.bytes[precision].get(part, 0) / 1e6:,.2f}"
            for precision in ("float32", "bfloat16", "int8")
            for model in (run.teacher, run.student)
        ]
        assert "".join(stored) in printed.dense
    for report in view.curve:
        if report.held_out:
            numbers = f"{report.step:,}{report.epoch:.2f}{report.loss:.4f}"
            assert numbers + f"{report.held_out['cosine']:.4f}" in printed.dense
    for digest in (view.metrics.digest, run.student_sha256, run.recipe_digest):
        assert digest in printed.dense


def test_a_smaller_vocabulary_is_counted_on_both_sides(view):
    whole = table_names(view)
    assert "vocabulary" not in whole
    found = EffectMetrics(
        prompts=200,
        unchanged=150,
        tokens_before=400,
        tokens_after=500,
        truncated_before=3,
        truncated_after=4,
    )
    words = view.metrics.run.vocabulary.model_copy(update={"kept": 5, "held_out": found})
    run = view.metrics.run.model_copy(update={"vocabulary": words})
    pruned = replace(view, metrics=view.metrics.model_copy(update={"run": run}))
    cells = [cell.text for cell in table(pruned, "vocabulary").rows[1].cells]
    assert cells == ["held out", "200", "75.0 %", "50", "1.25", "3", "4"]


def table_names(view: RunView) -> set[str]:
    return {found.id for found in document(view).tables}


def test_every_reason_of_the_recipe_is_told(view):
    rows = {row.cells[0].text: row.cells for row in table(view, "recipe").rows}
    for path, why in view.recipe.reasons.items():
        if path != "prompts.origins":
            assert rows[path][2].text == why
    assert rows["student.context"][1].text == str(view.recipe.student.context)


def test_the_curves_are_those_of_the_training(view, files):
    lines = files["figures/training.csv"].decode().splitlines()
    assert lines[0] == f"# {MARK} {view.metrics.digest}"
    rows = list(csv.DictReader(lines[1:]))
    loss = [float(row["y"]) for row in rows if row["series"] == "loss"]
    assert loss == [report.loss for report in view.curve]
    terms = [row for row in rows if row["panel"] == "Loss" and row["series"] != "loss"]
    at = view.curve[-1].step
    total = sum(float(row["y"]) for row in terms if float(row["x"]) == at)
    assert total == pytest.approx(view.curve[-1].loss, rel=1e-4)
    cosines = [float(row["y"]) for row in rows if row["series"] == "pooled, mean"]
    assert cosines == [report.held_out["cosine"] for report in view.curve if report.held_out]


def test_what_a_prompt_or_a_name_says_is_never_markup(view):
    files = render(hostile(view, HOSTILE))
    page = files["report.html"].decode()
    assert "<img" not in page and "&lt;img src=x" in page and "{{7*7}}" in page
    assert "#panic()" in Print(files["report.pdf"]).text


def test_stand_ins_are_said_aloud(view):
    sources = view.metrics.run.sources
    made = [sources[0].model_copy(update={"kind": "stand-in"}), *sources[1:]]
    run = view.metrics.run.model_copy(update={"sources": made})
    changed = view.metrics.model_copy(update={"run": run})
    files = render(RunView(view.recipe, changed, view.curve, view.name))
    assert f"The prompts of {sources[0].name} are generated" in files["report.html"].decode()
    assert "Trained on stand-in prompts" in Print(files["report.pdf"]).text
    assert b"Contains stand-in prompts" in files["figures/training.csv"]


def test_a_format_left_out_goes_and_comes_back(own_run, files):
    digest = read(own_run).metrics.digest
    assert is_current(own_run, digest)
    write_report(own_run, formats=["html"])
    assert not (own_run / "report.pdf").exists() and not is_current(own_run, digest)
    write_report(own_run)
    assert {name: (own_run / name).read_bytes() for name in files} == files
    assert (own_run / "metrics.jsonl").exists() and (own_run / "student").is_dir()
    assert set(RUN.digests(own_run).values()) == {digest.encode()}


def test_metrics_whose_parts_do_not_fit_together_are_one_line(own_run):
    path = own_run / "metrics.json"
    document = json.loads(path.read_bytes())
    del document["digest"]
    document["run"]["vocabulary"]["kept"] = 5  # so that the table of tokens is spoken of
    document["run"]["student"]["parameters"] = {}
    path.write_text(json.dumps(document))
    before = (own_run / "report.html").read_bytes()
    with pytest.raises(InputError, match=r"its report cannot be rendered \(KeyError") as error:
        write_report(own_run)
    assert "\n" not in str(error.value)
    assert (own_run / "report.html").read_bytes() == before


def test_a_recipe_changed_since_is_refused(own_run):
    recipe = Recipe.load(own_run / "recipe.yaml")
    changed = recipe.model_copy(update={"seed": 5})
    (own_run / "recipe.yaml").write_text(changed.to_yaml())
    before = (own_run / "report.html").read_bytes()
    with pytest.raises(InputError, match=r"recipe\.yaml: is not the recipe that the student"):
        write_report(own_run)
    assert (own_run / "report.html").read_bytes() == before
