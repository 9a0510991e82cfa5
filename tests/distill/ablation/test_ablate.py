"""An ablation of a small run: what it compares, and that a stopped one goes on."""

from __future__ import annotations

import numpy as np
import pytest

from anatomy.errors import InputError
from distill.ablation import ablate
from distill.ablation import ablate as package
from distill.metrics import load
from distill.metrics.ablation import Ablation

GRIDS = ("seed", "loss", "width")


class StoppedError(Exception):
    pass


@pytest.fixture(scope="module")
def ablated(done, tmp_path_factory) -> tuple[Ablation, object]:
    import shutil

    folder = shutil.copytree(done.folder, tmp_path_factory.mktemp("ablated") / "r")
    told = []
    found = ablate(folder, grids=GRIDS, steps_each=25, device="cpu", told=told.append)
    (schedule,) = told
    assert (schedule.steps, schedule.done) == (25, 0)
    assert schedule.students == len(found.students) < schedule.cells == len(found.rows)
    return found, folder


def test_each_cell_is_a_student_that_is_held_against_the_recipes(ablated):
    found, _ = ablated
    own = [row for row in found.rows if row.own]
    assert len(own) == len(GRIDS) and len({row.key for row in own}) == 1
    for row in found.rows:
        student = found.student(row)
        assert (student.against is None) == row.own
        if student.against:
            base = found.student(own[0])
            difference = student.pooled.mean - base.pooled.mean
            assert student.against.mean == pytest.approx(difference, abs=2e-4)
            assert student.against.low <= student.against.mean <= student.against.high
    assert found.seed_spread is not None and found.seed_spread > 0
    assert len({student.pooled.mean for student in found.seeds}) == 3
    for row in found.grid("width"):
        assert row.own or found.student(row).bottleneck == int(row.value)


@pytest.mark.slow
def test_a_student_of_the_run_s_own_training_is_measured_as_its_evaluation_does(done, own_run):
    """As many steps as the run had: the base is the run's student, and so are its numbers."""
    found = ablate(own_run, grids=["consistency"], steps_each=done.trained.steps, device="cpu")
    (base,) = [student for student in found.students if student.against is None]
    combined = done.evaluation.combined
    assert base.pooled.mean == pytest.approx(combined.pooled.student.mean, abs=1e-3)
    assert base.parameters == done.planned.sizes.held
    assert base.cut == pytest.approx(_cut(done), abs=1e-3)


def _cut(done) -> float:
    (rows,) = np.nonzero(done.planned.prompts.held_out)
    texts = [done.planned.prompts.texts[int(row)].as_py() for row in rows]
    lengths = done.planned.tokenizer.encode(texts).lengths
    return float((lengths > done.recipe.student.context).mean())


def test_a_stopped_ablation_goes_on_and_ends_in_the_same(ablated, own_run, monkeypatch):
    whole, _ = ablated
    real, trained = package.__globals__["_train"], []

    def stopping(own, cell, *rest):
        if len(trained) == 2:
            raise StoppedError
        trained.append(cell.key)
        real(own, cell, *rest)

    monkeypatch.setitem(package.__globals__, "_train", stopping)
    with pytest.raises(StoppedError):
        ablate(own_run, grids=GRIDS, steps_each=25, device="cpu")
    monkeypatch.setitem(package.__globals__, "_train", real)
    told = []
    found = ablate(own_run, grids=GRIDS, steps_each=25, device="cpu", told=told.append)
    assert told[0].done == 2 and told[0].students == len(whole.students)

    def numbers(ablation: Ablation) -> list[dict]:
        return [student.model_dump(exclude={"seconds"}) for student in ablation.students]

    assert numbers(found) == numbers(whole)
    again = ablate(own_run, grids=GRIDS, steps_each=25, device="cpu", told=told.append)
    assert told[-1].done == told[-1].students and again.students == found.students


def test_a_damaged_student_is_trained_again(ablated, own_run):
    import shutil

    whole, folder = ablated
    shutil.copytree(folder / "ablation", own_run / "ablation")
    key = whole.students[0].key
    (own_run / "ablation" / f"{key}.json").write_bytes(b'{"key": 1}')
    (own_run / "ablation" / f"{whole.students[1].key}.npy").write_bytes(b"\x80\x04.")
    told = []
    found = ablate(own_run, grids=GRIDS, steps_each=25, device="cpu", told=told.append)
    assert told[0].students - told[0].done == 2
    assert [s.pooled for s in found.students] == [s.pooled for s in whole.students]


@pytest.mark.slow
def test_the_same_number_of_steps_is_taken_when_it_goes_on(own_run, monkeypatch):
    told = []
    options = {"grids": ["seed"], "minutes": 0.5, "device": "cpu", "told": told.append}
    ablate(own_run, **options)
    assert told[0].steps >= 20 and told[0].seconds < 30
    monkeypatch.setitem(package.__globals__, "step_seconds", None)  # not asked again
    ablate(own_run, **options)
    assert told[1].steps == told[0].steps and told[1].done == told[1].students


def test_the_command_writes_metrics_and_report(command, own_run):
    status, out, errors = command("ablate", own_run, "--steps", 20, "--grid", "loss")
    assert (status, errors) == (0, "")
    out = " ".join(out.split())
    assert "3 cells of the grids are 3 students; 3 to train, 20 steps each" in out
    assert "Table 6" in out and "51.9 with MSE + Cosine + Consistency" in out
    found = load(own_run).ablation
    assert [row.grid for row in found.rows] == ["loss"] * 3
    assert "Other recipes" in (own_run / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--grid", "depth"], "--grid depth: is none; there are seed, context"),
        (["--steps", "3", "--minutes", "2"], "leave --minutes out"),
        (["--minutes", "0.001"], "--minutes: too few"),
    ],
)
def test_what_cannot_be_done_is_one_line(command, own_run, arguments, words):
    status, _, errors = command("ablate", own_run, *arguments)
    assert status == 2 and errors.startswith("error: ") and errors.count("\n") == 1
    assert words in errors


def test_a_folder_without_a_run_is_one_line(command, tmp_path):
    status, _, errors = command("ablate", tmp_path)
    assert status == 2 and errors.count("\n") == 1
    with pytest.raises(InputError):
        ablate(tmp_path)
