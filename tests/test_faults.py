"""Faults of the machine around `anatomy`: full and read-only disks, signals, vanished files."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from anatomy.errors import InputError
from anatomy.inside import encode
from anatomy.locks import NAME
from tests.conftest import REPOSITORY
from tests.disks import mounted
from tests.encoders import tiny
from tests.holding import held_elsewhere
from tests.stopping import SIGNALS, assert_stops_in_one_line

COMMAND = [sys.executable, "-c", "from anatomy.cli import main; main()"]


@pytest.fixture
def environment(tmp_path):
    own = {"PYTHONPATH": str(REPOSITORY), "ANATOMY_CACHE": str(tmp_path / "cache")}
    return os.environ | own | {"COLUMNS": "200"}


@pytest.fixture
def run(tmp_path, environment):
    """Run the command, or a program that calls it, in a folder of its own."""

    def call(*arguments, program=None):
        start = COMMAND if program is None else [sys.executable, "-c", program]
        return subprocess.run(
            [*start, *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    return call


@pytest.fixture
def prompts(tmp_path):
    (tmp_path / "mine.txt").write_text("a dog\na cat\nthe red car\n", encoding="utf-8")
    return tmp_path / "mine.txt"


def one_line(result, *words, status=2):
    assert result.returncode == status, result
    assert result.stderr.count("\n") == 1 and result.stderr.startswith("error: "), result.stderr
    for word in words:
        assert word in result.stderr


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    "command",
    [
        ["audit", "--sources", "lvis"],
        ["report", REPOSITORY / "reports" / "example" / "findings.json"],
        ["compare", "a", "b"],
    ],
)
def test_the_second_run_into_a_folder_is_refused_at_once(run, tmp_path, command):
    with held_elsewhere(tmp_path / "out" / NAME) as first:
        one_line(run(*command, "--out", "out"), "--out out: ", f"process {first.pid} ")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.slow
def test_two_audits_into_one_folder_at_the_same_time(run, prompts, tmp_path, environment):
    """The first is not disturbed; the second is told its process, and works when that is gone."""
    audit = [*COMMAND, "audit", "--sources", "mine.txt,lvis", "--out", "out"]
    first = subprocess.Popen(audit, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
    while not (tmp_path / "out" / NAME).exists():
        time.sleep(0.01)
    second = run(*audit[len(COMMAND) :])
    assert first.poll() is None, "it had ended before the second was refused"
    one_line(second, f"process {first.pid} has been at work since", "give another folder")
    assert first.wait() == 0
    digest = json.loads((tmp_path / "out" / "findings.json").read_bytes())["digest"]
    assert all(digest.encode() in content for content in contents(tmp_path / "out").values())
    assert run(*audit[len(COMMAND) :]).returncode == 0


@pytest.mark.slow
def test_a_full_disk_keeps_the_report_that_is_there(run, prompts, tmp_path):
    with mounted(tmp_path / "disk", "20m") as disk:
        audit = ("audit", "--sources", "mine.txt", "--out", "disk/out")
        assert run(*audit).returncode == 0
        before = contents(disk.path)
        filler = disk.fill()
        prompts.write_text("another dog\n")
        one_line(run(*audit), "--out disk/out", "cannot be written (No space left on device)")
        filler.unlink()
        assert contents(disk.path) == before
        # Room for some of the files: the report is a mix then, and the next run mends it.
        disk.resize(f"{sum(map(len, before.values())) + 100_000}")
        failed = run(*audit)
        if failed.returncode:
            one_line(failed, "No space left on device")
        disk.resize("20m")
        assert run(*audit).returncode == 0
        digest = json.loads((disk.path / "out" / "findings.json").read_bytes())["digest"]
        assert all(digest.encode() in content for content in contents(disk.path).values())


@pytest.mark.slow
def test_what_is_read_only_is_said_before_any_work_and_can_be_read(run, prompts, tmp_path):
    tiny.save_bert(tmp_path / "encoder")
    with mounted(tmp_path / "disk", "20m") as disk:
        audit = ("audit", "--encoder", "hf:encoder", "--sample", "all")
        (disk.path / "mine.txt").write_bytes(prompts.read_bytes())
        assert run(*audit, "--sources", "mine.txt", "--out", "disk/out").returncode == 0
        before = contents(disk.path)
        disk.read_only()
        for command in (
            (*audit, "--sources", "lvis", "--out", "disk/out"),
            ("report", "disk/out", "--out", "disk/again"),
            ("compare", "disk/out", "disk/out", "--out", "disk/moved"),
        ):
            one_line(run(*command), "cannot be written (Read-only file system)")
        assert contents(disk.path) == before
        assert run(*audit, "--sources", "disk/mine.txt", "--out", "here").returncode == 0
        assert run("report", "disk/out", "--out", "again").returncode == 0


@pytest.mark.slow
def test_a_read_only_cache_is_one_line_and_one_with_all_outputs_serves(
    run, prompts, tmp_path, environment
):
    tiny.save_bert(tmp_path / "encoder")
    audit = ("audit", "--encoder", "hf:encoder", "--sample", "all", "--out", "out", "--sources")
    with mounted(tmp_path / "cache", "20m") as disk:
        first = run(*audit, "mine.txt")
        assert first.returncode == 0 and "Reused" not in first.stdout
        disk.read_only()
        again = run(*audit, "mine.txt")
        assert again.returncode == 0
        assert "Reused: 3 of 3 encoded prompts of hf:encoder" in again.stdout
        (tmp_path / "other.txt").write_text("the blue cup\nred dogs\n")
        one_line(run(*audit, "other.txt"), "Read-only", "ANATOMY_CACHE", "--no-cache")


def test_outputs_larger_than_the_memory_need_room_on_the_disk(tmp_path, monkeypatch):
    """An error where the disk is full, and not a crash when they are written."""
    monkeypatch.setattr(encode, "IN_MEMORY", 0)
    with mounted(tmp_path / "disk", "100k") as disk:
        monkeypatch.setattr(encode.tempfile, "tempdir", str(disk.path))
        assert encode._array((64, 8)).shape == (64, 8)
        with pytest.raises(InputError, match=r"need 33,554,432 bytes there \(No space left"):
            encode._array((1 << 20, 8))


# The audit, with its files gone or changed as soon as they were read.
GONE = """
import sys
from pathlib import Path
from anatomy.census import local
original, path, what = local.census, Path(sys.argv[1]), sys.argv[2]
del sys.argv[1:3]
def census(*arguments, **options):
    found = original(*arguments, **options)
    path.unlink() if what == "gone" else path.write_text("changed\\n")
    return found
local.census = census
from anatomy.cli import main
main()
"""


@pytest.mark.parametrize("what", ["gone", "changed"])
def test_a_source_that_goes_or_changes_after_it_was_read_changes_nothing(
    run, prompts, tmp_path, what
):
    """Its bytes are read once: what was hashed is what was counted."""
    digest = hashlib.sha256(prompts.read_bytes()).hexdigest()
    audit = ("audit", "--sources", "mine.txt", "--out", "out", "--format", "html")
    result = run(prompts, what, *audit, program=GONE)
    assert result.returncode == 0, result.stderr
    assert not prompts.exists() if what == "gone" else prompts.read_text() == "changed\n"
    found = json.loads((tmp_path / "out" / "findings.json").read_bytes())
    assert found["sources"][0]["files"][0]["sha256"] == digest
    assert found["corpus"]["unique"] == 3


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status", "word"), SIGNALS)
def test_a_signal_is_one_line_and_the_same_command_goes_on(
    run, tmp_path, environment, number, status, word
):
    tiny.save_bert(tmp_path / "encoder", hidden_size=256)
    words = np.random.default_rng(0).choice(tiny.WORDS[4:], (12_000, 5))
    (tmp_path / "many.txt").write_text("\n".join(map(" ".join, words)) + "\n")
    audit = ["audit", "--sources", "many.txt", "--encoder", "hf:encoder", "--sample", "all"]
    audit += ["--out", "out", "--neighbours", "approximate"]
    assert_stops_in_one_line(
        [*COMMAND, *audit],
        lambda: any((tmp_path / "cache").rglob("*.outputs")),
        number,
        status,
        word,
        cwd=tmp_path,
        env=environment,
    )
    assert list((tmp_path / "out").iterdir()) == []
    again = run(*audit)
    assert again.returncode == 0 and "Reused: " in again.stdout


def test_a_signal_ends_what_waits_for_another_fetch(tmp_path, environment):
    toy = tmp_path / "toy"
    toy.mkdir()
    with held_elsewhere(tmp_path / "cache" / "encoders" / f".minilm{NAME}") as first:
        process = subprocess.Popen(
            [*COMMAND, "fetch", "minilm", "--from", str(toy)],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        line = process.stderr.readline()
        assert f"process {first.pid} has been at work" in line
        assert line.endswith("; waiting until it ends\n")
        process.terminate()
        assert process.wait(20) == 143
        assert process.stderr.read().startswith("error: terminated; ")
