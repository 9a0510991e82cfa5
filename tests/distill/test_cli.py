from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from distill import cli
from distill.parameters import Size
from distill.recipe import Recipe

HEAVY = ("torch", "transformers", "numpy", "pyarrow", "pydantic", "matplotlib")


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run the command here, in a folder of its own: its exit status, output and errors."""
    monkeypatch.setattr("distill.console._out.width", 100, raising=False)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["distill", *map(str, arguments)])
        monkeypatch.chdir(tmp_path)
        with pytest.raises(SystemExit) as left:
            cli.main()
        shown = capsys.readouterr()
        return left.value.code, shown.out, shown.err

    return call


def assert_one_line(result, *words):
    status, _, errors = result
    assert status == 2
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1, errors
    for word in words:
        assert word in errors


@pytest.mark.parametrize("arguments", [["--help"], ["plan", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments):
    code = (
        "import sys; from distill.cli import app\n"
        f"app.main({arguments!r}, prog_name='distill', standalone_mode=False)\n"
        f"sys.exit(', '.join(name for name in {HEAVY!r} if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == "\n"
    assert "distill" in done.stdout


def test_a_plan_is_shown_and_written(run, world, tmp_path):
    status, out, errors = run("plan", "--from-report", world.path, "--out", "recipe.yaml")
    assert (status, errors) == (0, "")
    recipe = Recipe.load(tmp_path / "recipe.yaml")
    for text in (
        recipe.name,
        "student.context",
        "token embedding",
        "refcoco",
        "weigh in MB",
        "Nothing is trained yet",
        "distill run --recipe recipe.yaml",
    ):
        assert text in out
    again = run("plan", "--recipe", "recipe.yaml")
    assert again[0] == 0
    assert recipe.name in again[1]


def test_a_folder_stands_for_the_findings_in_it_and_the_command_to_run_is_said(run, world):
    status, out, _ = run(
        "plan", "--from-report", world.folder, "--student", "shallow:1", "--set", "loss.mse=2"
    )
    assert status == 0
    unwrapped = " ".join(out.split())
    assert f"distill run --from-report {world.folder} --student shallow:1" in unwrapped
    assert "loss.mse" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plan"], ["--from-report", "anatomy audit"]),
        (["plan", "--from-report", "nope.json"], ["nope.json", "anatomy audit"]),
        (["plan", "--from-report", "WORLD", "--budget", "much"], ["--budget", "30MB"]),
        (["plan", "--from-report", "WORLD", "--minutes", "0"], ["--minutes", "above zero"]),
        (["plan", "--from-report", "WORLD", "--teacher", "sam3"], ["--teacher sam3"]),
        (["plan", "--from-report", "WORLD", "--data", "nope"], ["nope", "--data"]),
        (["plan", "--from-report", "WORLD", "--out", "."], ["--out", "folder"]),
        (["plan", "--from-report", "WORLD", "--recipe", "x"], ["--recipe", "leave them out"]),
        (["plan", "--recipe", "x", "--minutes", "3"], ["--recipe", "leave them out"]),
        (["plan", "--recipe", "x.yaml"], ["x.yaml", "cannot be read"]),
        (["report", "nope"], ["nope", "folder of a run"]),
        (["report", "."], ["metrics.json", "folder of a run"]),
        (["plna"], ["did you mean plan"]),
        (["x\x1b[31m"], ["distill --help", "\\x1b"]),
    ],
)
def test_what_cannot_be_used_is_one_line_and_nothing_is_written(
    run, world, tmp_path, arguments, words
):
    before = set(tmp_path.iterdir())
    arguments = [str(world.path) if a == "WORLD" else a for a in arguments]
    assert_one_line(run(*arguments), *words)
    assert set(tmp_path.iterdir()) == before


def changed(world, change) -> None:
    """Change the findings, and leave out the digest of what they were."""
    document = json.loads(world.path.read_bytes())
    document.pop("digest", None)
    change(document)
    world.path.write_text(json.dumps(document))


def without_weights(document) -> None:
    for encoder in document["encoders"]:
        encoder.update(inside=None, weights="not measured: no weights here")


def of_another_tokenizer(document) -> None:
    for encoder in document["encoders"]:
        encoder["tokenizer"] = "WordPiece of another"


def of_stand_ins(document) -> None:
    document["sources"][0].update(kind="stand-in", files=[])


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(schema_version=1), ["schema version 1", "run the audit again"]),
        (lambda d: d.pop("ledger"), ["field ledger", "run the audit again"]),
        (without_weights, ["no encoder with weights", "--encoder minilm"]),
        (of_another_tokenizer, ["another tokenizer", "`anatomy audit`"]),
        (of_stand_ins, ["refcoco", "stand-ins", "--allow-stand-ins"]),
    ],
)
def test_findings_that_cannot_be_used_are_one_line(
    run, own_world, tmp_path, command, change, words
):
    changed(own_world, change)
    assert_one_line(run(command, "--from-report", own_world.path), *words)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("command", ["plan", "run"])
def test_findings_that_are_none_are_one_line(run, world, tmp_path, command):
    document = json.loads(world.path.read_bytes()) | {"digest": "0" * 64}
    (tmp_path / "edited.json").write_text(json.dumps(document))
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.json").write_text("hello")
    for given, *words in (
        ("edited.json", "changed since it was written"),
        ("empty", "empty/findings.json", "cannot be read", "`anatomy audit`"),
        ("text.json", "not JSON"),
        ("nope.json", "cannot be read"),
    ):
        assert_one_line(run(command, "--from-report", given), *words)


def test_debug_shows_the_traceback(world):
    done = subprocess.run(
        [sys.executable, "-c", "from distill.cli import main; main()", "plan", "--debug"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"COLUMNS": "100"},
    )
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("30MB", 30_000_000),
        ("30 mb", 30_000_000),
        ("1.5GB", 1_500_000_000),
        ("28MiB", 28 * 1024**2),
        ("4k", 4_000),
        ("250_000", 250_000),
        ("512", 512),
        ("2KiB", 2048),
    ],
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert Size().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "MB", "-3MB", "0", "3 bananas", "1.2.3MB", "nan", "1e400GB"])
def test_what_is_no_size_is_refused(text):
    import click

    with pytest.raises(click.BadParameter, match="30MB"):
        Size().convert(text, None, None)


def test_a_run_says_how_near_the_student_is_and_goes_on_with_itself(run, world, tmp_path):
    """By default it continues; what it found there it says."""
    arguments = ("run", "--from-report", world.path, "--epochs", 1, "--name", "quick")
    status, first, errors = run(*arguments)
    assert (status, errors) == (0, "")
    for text in (
        *("combined", "refcoco", "prompts seen", "Student: runs/quick/student"),
        *("runs/quick/report.html", "distill export quick"),
    ):
        assert text in first
    page = tmp_path / "runs" / "quick" / "report.html"
    before = page.stat().st_mtime_ns
    status, again, _ = run(*arguments)
    assert status == 0 and "had ended before, nothing was trained" in again
    assert again.splitlines()[:8] == first.splitlines()[:8]  # the table
    assert page.stat().st_mtime_ns == before
    page.unlink()
    status, again, _ = run("run", "--recipe", "runs/quick/recipe.yaml")
    assert status == 0 and "is made again" in again and page.is_file()
    (tmp_path / "runs" / "quick" / "metrics.json").unlink()  # as a kill may leave it
    status, again, _ = run(*arguments)
    assert status == 0 and re.search(r"Reused: (\d+) of \1 steps, (\d+) of \2 outputs", again)
    assert_one_line(run(*arguments, "--set", "loss.mse=2"), "runs/quick", "--no-resume")
    status, fresh, _ = run(*arguments, "--set", "loss.mse=2", "--no-resume")
    assert status == 0 and re.search(r"Reused: (\d+) of \1 outputs of", fresh)


def test_divergence_is_one_line(run, world):
    settings = ("schedule.learning_rate=1e4", "schedule.warmup_epochs=0", "schedule.batch=8")
    sets = [part for setting in settings for part in ("--set", setting)]
    status, _, errors = run("run", "--from-report", world.path, "--epochs", 20, *sets)
    assert status == 2 and errors.startswith("error: training diverged")
    assert errors.count("\n") == 1 and "schedule.learning_rate" in errors


def test_a_report_is_made_again_from_the_folder_alone(run, own_run, tmp_path):
    page = own_run / "report.html"
    before = page.read_bytes()
    page.unlink()
    status, out, errors = run("report", "r")  # by its name in runs/
    assert (status, errors) == (0, "")
    assert "Report: runs/r/report.html" in out and page.read_bytes() == before
    status, out, _ = run("report", own_run, "--format", "pdf")
    assert status == 0 and not page.exists() and "report.pdf" in out
    (own_run / "metrics.jsonl").write_text("{}")
    assert_one_line(run("report", "r"), "metrics.jsonl", "distill run")
