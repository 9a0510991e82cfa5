"""Faults of the machine around `distill`: disks, clocks, signals, vanished files, two at once."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from anatomy.locks import NAME
from distill.metrics import load
from distill.report.render import is_current
from distill.run import run
from tests.conftest import REPOSITORY
from tests.disks import mounted
from tests.distill.ended import QUICK, planned
from tests.holding import held_elsewhere
from tests.stopping import SIGNALS, assert_stops_in_one_line

COMMAND = [sys.executable, "-m", "distill"]
ENVIRONMENT = {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
OFTEN = "schedule.checkpoint_seconds=0"


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / "r" / "student" / "student.safetensors")


def same_weights(one: Path, other: Path) -> bool:
    ours, theirs = weights(one), weights(other)
    return ours.keys() == theirs.keys() and all(
        np.array_equal(tensor, theirs[name]) for name, tensor in ours.items()
    )


def arguments(world, out: Path, *settings: str, epochs: int = 12) -> list[str]:
    sets = [part for setting in (*QUICK, *settings) for part in ("--set", setting)]
    start = ["run", "--from-report", str(world.path), "--name", "r", "--out", str(out)]
    return [*start, "--epochs", str(epochs), "--device", "cpu", *sets]


def distill(*given) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, given)],
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def one_line(result, *words):
    assert result.returncode == 2, result
    assert result.stderr.count("\n") == 1 and result.stderr.startswith("error: "), result.stderr
    for word in words:
        assert word in result.stderr


@pytest.mark.parametrize("name", ["evaluate", "ablate", "benchmark", "export", "report"])
def test_a_run_that_another_process_holds_is_refused_before_any_work(own_run, command, name):
    before = sorted(own_run.rglob("*"))
    with held_elsewhere(own_run / NAME) as first:
        status, out, error = command(name, own_run)
    assert status == 2 and out == ""
    assert f"{own_run}: process {first.pid} has been at work since" in " ".join(error.split())
    assert sorted(own_run.rglob("*")) == before


def test_an_export_elsewhere_only_reads_the_run(own_run, command, tmp_path):
    with held_elsewhere(own_run / NAME):
        status, _, error = command(
            *("export", own_run, "--to", "transformers", "--out", tmp_path / "there")
        )
    assert status == 0, error
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["transformers"]


@pytest.mark.slow
def test_a_disk_that_is_full_again_and_again_only_delays_the_same_student(world, tmp_path):
    """Each time there is a little more room, so that another part of the run finds it full."""
    whole = distill(*arguments(world, tmp_path / "whole", OFTEN))
    assert whole.returncode == 0, whole.stderr
    size = sum(path.stat().st_size for path in (tmp_path / "whole").rglob("*") if path.is_file())
    failures = []
    with mounted(tmp_path / "disk", "8k") as disk:
        for share in (0, 0.02, 0.1, 0.3, 0.45, 0.6, 0.75, 0.9):
            disk.resize(f"{8192 + int(share * size)}")
            found = distill(*arguments(world, disk.path, OFTEN))
            if found.returncode:
                one_line(found, "o")
                assert "No space left" in found.stderr or "disk is full" in found.stderr
                failures.append(found.stderr)
                assert not list(disk.path.rglob("*anatomy-partial"))
        disk.resize(f"{4 * size}")
        found = distill(*arguments(world, disk.path, OFTEN))
        assert found.returncode == 0, found.stderr
        assert len(set(failures)) >= 3, failures
        assert same_weights(disk.path, tmp_path / "whole")
        folder = disk.path / "r"
        assert is_current(folder, load(folder).digest)


@pytest.mark.slow
def test_a_read_only_run_can_be_exported_and_nothing_else(done, tmp_path):
    with mounted(tmp_path / "disk", "50m") as disk:
        shutil.copytree(done.folder, disk.path / "r")
        disk.read_only()
        for name in ("evaluate", "report", "export"):
            one_line(distill(name, disk.path / "r"), "cannot be written (Read-only file system)")
        found = distill("export", disk.path / "r", "--to", "transformers", "--out", tmp_path / "x")
        assert found.returncode == 0, found.stderr


def test_a_read_only_place_for_runs_is_one_line(world, command, tmp_path):
    with mounted(tmp_path / "disk", "1m") as disk:
        disk.read_only()
        status, _, error = command(*arguments(world, disk.path))
    assert status == 2 and "cannot be written (Read-only file system)" in " ".join(error.split())


def test_a_source_that_vanishes_or_changes_stops_a_run_that_its_return_continues(
    own_world, command, tmp_path
):
    path = own_world.folder / "mine.txt"
    content = path.read_bytes()
    for spoil, words in (
        (path.unlink, f"{path}: a file of mine that was audited is not there"),
        (lambda: path.write_bytes(content + b"more\n"), f"{path}: has changed since mine was"),
    ):
        spoil()
        status, out, error = command(*arguments(own_world, tmp_path / "runs"))
        assert status == 2 and out == "" and words in " ".join(error.split())
        assert not (tmp_path / "runs").exists()
        path.write_bytes(content)
    status, _, error = command(*arguments(own_world, tmp_path / "runs", epochs=3))
    assert status == 0, error


@pytest.mark.slow
def test_a_source_that_vanishes_while_a_run_trains_is_not_missed(own_world, tmp_path):
    asked = planned(own_world)
    path = own_world.folder / "mine.txt"
    found = run(asked, tmp_path, watch=lambda progress: path.unlink(missing_ok=True))
    assert not path.exists() and found.metrics is not None


@pytest.mark.slow
def test_a_clock_that_jumps_moves_no_budget_and_breaks_no_document(world, tmp_path, monkeypatch):
    """Decades back or ahead at every look."""
    chance = random.Random(0)
    looks = []

    class Jumping(datetime):
        @classmethod
        def now(cls, tz=None):
            looks.append(1)
            years = chance.choice([-30, -1, 1, 30])
            return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=365 * years)

    monkeypatch.setattr(time, "time", lambda: chance.uniform(0, 4e9))
    monkeypatch.setattr(sys.modules["distill.metrics.conditions"], "datetime", Jumping)
    asked = planned(world, epochs=None, minutes=0.3)
    found = run(asked, tmp_path)
    assert looks and found.recipe.schedule.steps == found.trained.steps > 20
    assert 0 <= found.metrics.run.training.seconds < 0.3 * 60
    assert is_current(found.folder, load(found.folder).digest)
    line = json.loads((found.folder / "metrics.jsonl").read_text().splitlines()[-1])
    assert 0 < line["seconds"] < 0.3 * 60 and line["prompts_per_second"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status", "word"), SIGNALS)
def test_a_signal_is_one_line_and_the_same_command_goes_on(world, tmp_path, number, status, word):
    whole = distill(*arguments(world, tmp_path / "whole", epochs=60))
    assert whole.returncode == 0, whole.stderr
    asked = arguments(world, tmp_path / "stopped", OFTEN, epochs=60)
    assert_stops_in_one_line(
        [*COMMAND, *asked],
        lambda: any((tmp_path / "stopped").rglob("step-*.safetensors")),
        number,
        status,
        word,
        env=os.environ | ENVIRONMENT,
    )
    assert not (tmp_path / "stopped" / "r" / NAME).exists()
    again = distill(*asked)
    assert again.returncode == 0, again.stderr
    assert "Reused: " in again.stdout
    assert same_weights(tmp_path / "stopped", tmp_path / "whole")
