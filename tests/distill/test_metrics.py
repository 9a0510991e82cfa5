"""metrics.json: what is read, what is refused, and how a section is replaced."""

from __future__ import annotations

import json

import pytest

from anatomy.errors import InputError
from anatomy.locks import NAME
from distill.metrics import Metrics, load, renewed, save, update
from tests.holding import held_elsewhere


def test_what_is_written_comes_back(done):
    found = load(done.folder)
    assert found == done.metrics
    assert json.loads((done.folder / "metrics.json").read_bytes())["digest"] == found.digest


def test_it_records_what_the_run_made(done):
    run, planned = done.metrics.run, done.planned
    assert run.student.total == planned.sizes.held == sum(
        p.numel() for p in done.student.parameters()
    )  # fmt: skip
    assert run.teacher.total == planned.model.parameters
    assert run.teacher.total_bytes("float32") == 4 * run.teacher.total
    *sources, everything = run.sources
    prompts = planned.prompts
    assert [source.name for source in sources] == list(prompts.names)
    assert (everything.distinct, everything.train) == (len(prompts), int(prompts.train.sum()))
    assert everything.held_out == int(prompts.held_out.sum())
    assert everything.neither == int((~prompts.train & ~prompts.held_out).sum())
    words = run.vocabulary
    assert words.train.prompts == everything.train
    assert words.held_out.prompts == everything.held_out
    assert words.kept == planned.tokenizer.vocabulary_size
    assert run.training.steps == done.trained.steps
    assert run.training.targets_seconds > 0


def spoiled(run, change) -> None:
    """Change the document as a user might: without the digest of what it was."""
    path = run / "metrics.json"
    document = json.loads(path.read_bytes())
    del document["digest"]
    change(document)
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(version=9), "version 9, but this distill reads version 1"),
        (lambda d: d.update(version="\x1b[31m"), r"version '\\x1b"),
        (lambda d: d.pop("version"), r"not a metrics.json"),
        (lambda d: d["run"].pop("name"), r"field run\.name"),
        (lambda d: d["run"].update(more=1), r"field run\.more"),
        (lambda d: d["run"]["training"].update(seconds=float("nan")), r"training\.seconds"),
        (lambda d: d["run"]["training"].update(epochs=float("inf")), r"training\.epochs"),
        (lambda d: d["evaluation"]["conditions"].update(student_sha256="0"), "another student"),
        (lambda d: d["run"].update(student_sha256="0", name="x"), "another student"),
    ],
)
def test_what_is_no_metrics_document_is_refused_in_one_line(own_run, change, message):
    spoiled(own_run, change)
    with pytest.raises(InputError, match=message) as error:
        load(own_run)
    assert "\n" not in str(error.value) and "\x1b" not in str(error.value)


def test_a_change_by_hand_is_seen(own_run):
    path = own_run / "metrics.json"
    path.write_text(path.read_text().replace('"steps": ', '"steps": 1'))
    with pytest.raises(InputError, match="changed since it was written"):
        load(own_run)


def test_a_folder_without_metrics_or_with_another_student_is_refused(own_run, tmp_path):
    with pytest.raises(InputError, match="give the folder of a run that has ended"):
        load(tmp_path)
    weights = own_run / "student" / "student.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    with pytest.raises(InputError, match=r"student\.safetensors: is not the student"):
        load(own_run)
    weights.unlink()
    with pytest.raises(InputError, match=r"student\.safetensors: is not the student"):
        load(own_run)


def other(metrics: Metrics, **conditions):
    """The evaluation, made in other conditions."""
    evaluation = metrics.evaluation
    changed = evaluation.conditions.model_copy(update=conditions)
    return evaluation.model_copy(update={"conditions": changed})


def test_a_section_is_replaced_and_the_others_stay(own_run):
    before = load(own_run)
    page = (own_run / "report.html").read_text()
    after = update(own_run, evaluation=other(before, seed=7))
    assert after == load(own_run)
    assert after.evaluation.conditions.seed == 7
    assert (after.run, after.robustness) == (before.run, before.robustness)
    again = (own_run / "report.html").read_text()
    assert before.digest in page and after.digest in again and before.digest not in again


def test_a_section_of_another_student_or_name_changes_nothing(own_run):
    before = (own_run / "metrics.json").read_bytes()
    found = load(own_run)
    with pytest.raises(InputError, match="its student was replaced while evaluation"):
        update(own_run, evaluation=other(found, student_sha256="0" * 64))
    with pytest.raises(ValueError, match="verdict"):
        update(own_run, verdict=other(found))
    assert (own_run / "metrics.json").read_bytes() == before


def test_what_was_measured_is_kept_where_the_report_cannot_be_drawn(own_run):
    found = load(own_run)
    curve = own_run / "metrics.jsonl"
    curve.write_bytes(b"no report\n")
    with pytest.raises(InputError, match=r"metrics\.jsonl: holds a line"):
        update(own_run, evaluation=other(found, seed=7))
    assert load(own_run).evaluation.conditions.seed == 7


def test_a_folder_at_work_is_left_alone(own_run):
    found = load(own_run)
    with (
        held_elsewhere(own_run / NAME),
        pytest.raises(InputError, match="at work since"),
    ):
        update(own_run, evaluation=other(found, seed=7))
    save(own_run, found)


def test_a_run_that_ends_again_keeps_what_else_was_measured_of_its_student(own_run):
    found = load(own_run)
    again = renewed(own_run, found.run, evaluation=other(found, seed=7))
    assert again.robustness == found.robustness and again.evaluation.conditions.seed == 7
    (own_run / "student" / "student.safetensors").write_bytes(b"another")
    assert renewed(own_run, found.run).sections() == {}
