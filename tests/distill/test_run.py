"""Whole runs on a small audited world: to the end, killed, continued, in several processes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from anatomy.errors import InputError
from anatomy.locks import NAME
from distill.metrics import load as load_metrics
from distill.plan import revisit
from distill.recipe import Recipe
from distill.report.render import is_current
from distill.run import run
from distill.students import Student
from distill.vocabulary import load
from tests.conftest import REPOSITORY
from tests.distill.ended import QUICK, planned
from tests.holding import held_elsewhere


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / "r" / "student" / "student.safetensors")


def equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[n], other[n]) for n in one)


def test_a_run_leaves_a_student_that_is_near_its_teacher(done):
    combined, *sources = done.evaluation.groups
    cosine = combined.pooled.student
    assert cosine.mean > 0.9 and cosine.mean > combined.pooled.baseline.mean
    assert cosine.p5 < cosine.mean
    assert [found.group for found in sources] == list(done.planned.prompts.names)
    student = Student.load(done.folder / "student")
    tokenizer = load(done.folder / "student" / "tokenizer")
    assert student.vocabulary_size == tokenizer.vocabulary_size
    assert Recipe.load(done.folder / "recipe.yaml").digest == done.recipe.digest
    files = {path.name for path in done.folder.iterdir()}
    left = {"recipe.yaml", "targets", "checkpoints", "metrics.jsonl", "student"}
    assert files == left | {"metrics.json", "report.html", "report.pdf", "figures"}


def test_what_is_measured_is_measured_on_held_out_prompts_alone(done):
    """Against the saved student and the teacher itself, prompt by prompt."""
    import torch

    prompts = done.planned.prompts
    student = Student.load(done.folder / "student")
    tokenizer = load(done.folder / "student" / "tokenizer")
    found = []
    for row in np.flatnonzero(prompts.held_out):
        text = [prompts.texts[int(row)].as_py()]
        ids = tokenizer.encode(text).ids.astype(np.int64)[None]
        if ids.shape[1] > student.recipe.context:
            ids = np.concatenate([ids[:, : student.recipe.context - 1], ids[:, -1:]], axis=1)
        with torch.inference_mode():
            ours = student(torch.from_numpy(ids)).mean(dim=1)[0].numpy()
        whole = done.planned.encoder.tokenizer.encode(text).ids.astype(np.int64)[None]
        if whole.shape[1] > done.planned.model.context:
            continue
        theirs = done.teacher.model.encode(whole).tokens.mean(axis=1)[0]
        found.append(ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs))
    assert np.mean(found) == pytest.approx(done.evaluation.combined.pooled.student.mean, abs=2e-3)


def test_the_same_run_again_only_reads(done, own_run):
    again = run(done.planned, own_run.parent)
    assert again.trained.resumed == again.trained.steps == done.trained.steps
    assert again.data.targets.reused == len(again.data.targets.pooled)
    assert again.evaluation.groups == done.evaluation.groups


def test_another_recipe_does_not_take_over_a_folder(world, tmp_path):
    run(planned(world), tmp_path)
    with pytest.raises(InputError, match=r"another recipe \(loss.cosine was 2.0 and is 1.0\)"):
        run(planned(world, "loss.cosine=1"), tmp_path)
    before = weights(tmp_path)
    other = run(planned(world, "loss.cosine=1"), tmp_path, resume=False)
    assert other.trained.resumed == 0 and not equal(before, weights(tmp_path))
    assert other.data.targets.reused  # the teacher says the same


@pytest.mark.slow
def test_beginning_again_leaves_nothing_of_before_and_gives_the_same(world, tmp_path):
    run(planned(world), tmp_path)
    before = weights(tmp_path)
    (tmp_path / "r" / "exports" / "onnx").mkdir(parents=True)
    again = run(planned(world), tmp_path, resume=False)
    assert not (tmp_path / "r" / "exports").exists()
    assert again.trained.resumed == 0 and equal(before, weights(tmp_path))


@pytest.mark.parametrize("resume", [True, False])
def test_a_folder_that_is_no_runs_is_left_as_it_is(world, tmp_path, resume):
    mine = tmp_path / "r" / "figures" / "mine.png"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(InputError, match=r"holds figures and no recipe\.yaml"):
        run(planned(world), tmp_path, resume=resume)
    assert mine.read_bytes() == b"mine"
    assert [path.name for path in (tmp_path / "r").iterdir()] == ["figures"]


def test_a_folder_at_work_is_left_alone(world, tmp_path):
    with (
        held_elsewhere(tmp_path / "r" / NAME),
        pytest.raises(InputError, match=r"at work since .* give another --name or --out"),
    ):
        run(planned(world), tmp_path)
    assert not any((tmp_path / "r").iterdir())


@pytest.mark.slow
def test_minutes_become_numbers_that_a_continued_run_takes(world, tmp_path, monkeypatch):
    asked = planned(world, epochs=None, minutes=0.2)
    # The report takes the same seconds after a run of any length.
    monkeypatch.setattr("distill.run.write_report", lambda *_, **__: None)
    began = time.perf_counter()
    found = run(asked, tmp_path)
    assert time.perf_counter() - began < 0.2 * 60 * 1.5
    recipe = Recipe.load(tmp_path / "r" / "recipe.yaml")
    assert recipe.schedule.steps == found.trained.steps and recipe.calibration
    assert "0.2 minutes" in recipe.reasons["schedule.steps"]
    for again in (asked, revisit(recipe)):
        monkeypatch.setattr("distill.calibrate.steps_within", lambda *_: 1)
        assert run(again, tmp_path).trained.steps == recipe.schedule.steps


def test_minutes_that_do_not_suffice_are_one_line(world, tmp_path):
    with pytest.raises(InputError, match=r"--minutes: too few"):
        run(planned(world, epochs=None, minutes=0.001), tmp_path)
    # It was to train nothing yet: others need no --no-resume.
    with pytest.raises(InputError, match=r"--minutes: too few"):
        run(planned(world, epochs=None, minutes=0.002), tmp_path)
    assert run(planned(world, epochs=1), tmp_path).trained.steps
    with pytest.raises(InputError, match="holds a run of another recipe"):
        run(planned(world, epochs=None, minutes=0.001), tmp_path)


@pytest.mark.slow
def test_a_slow_teacher_is_asked_for_fewer_prompts(world, tmp_path, monkeypatch):
    monkeypatch.setattr("distill.calibrate.teacher_seconds", lambda *_: 40.0)
    found = run(planned(world, epochs=None, minutes=0.5), tmp_path)
    limit = found.recipe.prompts.limit
    assert limit and len(found.data.training) == limit
    assert found.planned.prompts.available.sum() > limit
    assert "takes about 40 s" in found.recipe.reasons["prompts.limit"]


def command(world, out: Path, *settings: str) -> list[str]:
    sets = [part for setting in (*QUICK, *settings) for part in ("--set", setting)]
    return [
        *("run", "--from-report", str(world.path), "--name", "r", "--out", str(out)),
        *("--epochs", "12", "--device", "cpu", *sets),
    ]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}


@pytest.mark.slow
def test_a_killed_process_is_continued_to_the_same_weights(world, tmp_path):
    """SIGKILL at random moments after each of these."""
    often = "schedule.checkpoint_seconds=0"
    arguments = [sys.executable, "-m", "distill", *command(world, tmp_path / "killed", often)]
    whole = [sys.executable, "-m", "distill", *command(world, tmp_path / "whole")]
    subprocess.run(whole, env=environment(), check=True, capture_output=True)
    folder = tmp_path / "killed" / "r"
    chance = random.Random(0)

    def reports() -> int:
        path = folder / "metrics.jsonl"
        return len(path.read_bytes().splitlines()) if path.exists() else 0

    moments = [
        (folder / "recipe.yaml").exists,
        lambda: any(folder.glob("targets/*/tokens.bin")),
        *(lambda least=least: reports() >= least for least in (1, 20, 21, 70, 110)),
    ]
    for moment in moments:
        process = subprocess.Popen(arguments, env=environment(), stdout=subprocess.DEVNULL)
        while not moment():
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    last = subprocess.run(arguments, env=environment(), check=True, capture_output=True, text=True)
    assert "Reused: " in last.stdout and "outputs of the teacher" in " ".join(last.stdout.split())
    assert equal(weights(tmp_path / "killed"), weights(tmp_path / "whole"))
    lines = (tmp_path / "killed" / "r" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == sorted(
        {json.loads(line)["step"] for line in lines}
    )
    assert not list((tmp_path / "killed").rglob("*anatomy-partial"))


# The command, which kills itself before a call of a function: module, name, which call.
KILLED = """
import importlib, os, signal, sys
module, name, which = sys.argv[1], sys.argv[2], int(sys.argv[3])
del sys.argv[1:4]
place, calls = importlib.import_module(module), []
original = getattr(place, name)
def killing(*arguments, **options):
    calls.append(1)
    if len(calls) == which:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **options)
setattr(place, name, killing)
from distill.cli import main
main()
"""


@pytest.mark.slow
def test_a_run_killed_in_each_of_its_phases_ends_whole(world, tmp_path):
    """One after the other on the same folder, each where the one before had stopped."""
    moments = [
        ("distill.budget", "_write", "2"),  # the recipe is there, nothing is decided
        ("distill.targets", "write_whole", "1"),  # outputs of the teacher are, their journal is not
        ("distill.calibrate", "step_seconds", "1"),
        ("distill.checkpoints", "save", "2"),
        ("distill.student_files", "write_whole", "2"),  # weights without what they are of
        ("distill.run", "evaluate", "1"),
        ("distill.report.render", "draw", "1"),  # measured, without a report
        ("anatomy.report.write", "write_whole", "4"),  # some of the figures
    ]
    arguments = ["run", "--from-report", str(world.path), "--name", "r", "--minutes", "0.2"]
    arguments += ["--device", "cpu", "--out", str(tmp_path / "killed")]
    arguments += [part for setting in QUICK for part in ("--set", setting)]
    often = ["--set", "schedule.checkpoint_seconds=0"]
    for moment in moments:
        done = subprocess.run(
            [sys.executable, "-c", KILLED, *moment, *arguments, *often],
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == -signal.SIGKILL, (moment, done.stderr)
    folder = tmp_path / "killed" / "r"
    command = [sys.executable, "-m", "distill"]
    last = subprocess.run(
        [*command, *arguments], env=environment(), check=True, capture_output=True, text=True
    )
    said = " ".join(last.stdout.split())
    assert "had ended before" in said and "is made again" in said
    assert is_current(folder, load_metrics(folder).digest)
    assert not list(folder.rglob("*anatomy-partial"))
    # What was decided on the way stands in the recipe: run in one piece, it gives the same.
    whole = ["run", "--recipe", str(folder / "recipe.yaml"), "--out", str(tmp_path / "whole")]
    subprocess.run([*command, *whole], env=environment(), check=True, capture_output=True)
    assert equal(weights(tmp_path / "killed"), weights(tmp_path / "whole"))
    ours, theirs = load_metrics(folder), load_metrics(tmp_path / "whole" / "r")
    assert ours.evaluation.groups == theirs.evaluation.groups


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["torchrun", "accelerate"])
def test_two_processes_train_the_same_student(world, tmp_path, launcher):
    """Up to the order in which floats are added."""
    starts = {
        "torchrun": ["torch.distributed.run", "--nproc-per-node=2", "--standalone"],
        # Its --cpu starts processes through MPI alone; this is the way that several GPUs take.
        "accelerate": [
            *("accelerate.commands.launch", "--multi_gpu", "--num_processes=2"),
            *("--num_machines=1", "--mixed_precision=no", "--dynamo_backend=no"),
            "--main_process_port=0",
        ],
    }
    start = [sys.executable, "-m", *starts[launcher], "-m", "distill"]
    one = [sys.executable, "-m", "distill", *command(world, tmp_path / "one")]
    subprocess.run(one, env=environment(), check=True, capture_output=True)
    two = subprocess.run(
        [*start, *command(world, tmp_path / "two")],
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert two.returncode == 0, two.stderr
    assert two.stdout.count("Student:") == 1
    assert Recipe.load(tmp_path / "two" / "r" / "recipe.yaml").calibration.processes == 2
    expected, found = weights(tmp_path / "one"), weights(tmp_path / "two")
    for name, tensor in expected.items():
        assert np.allclose(found[name], tensor, atol=1e-3), name
