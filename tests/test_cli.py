from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anatomy.locks import NAME

COMMAND = [sys.executable, "-c", "from anatomy.cli import main; main()"]


@pytest.fixture
def run(tmp_path):
    """Run the command in a folder of its own, with nothing of this machine's settings."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("ANATOMY_", "HF_", "XDG_"))
    } | {"HOME": str(tmp_path), "COLUMNS": "100"}

    def call(*arguments, encoding="utf-8"):
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            env=environment | {"PYTHONIOENCODING": encoding},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return call


@pytest.fixture
def prompts(tmp_path):
    (tmp_path / "mine.txt").write_text("a dog\na cat\nthe red car\n", encoding="utf-8")
    return tmp_path / "mine.txt"


def assert_one_line(result, *words):
    assert result.returncode == 2, result
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1, result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


def test_an_audit_writes_its_report_and_says_where(run, prompts, tmp_path):
    result = run("audit", "--sources", "mine.txt,lvis", "--out", "out", "--context", "8,12")
    assert result.returncode == 0, result.stderr
    assert "out/report.html" in result.stdout
    assert "out/report.pdf" in result.stdout
    assert result.stderr == ""  # no progress where there is no terminal
    document = json.loads((tmp_path / "out" / "findings.json").read_text())
    assert document["schema_version"] == 2
    assert document["settings"]["contexts"] == [8, 12]
    assert "--context 8,12" in document["run"]["command"]
    assert (tmp_path / "out" / "figures" / "lengths-sam3.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["audit", "--context", "0", "--sources", "lvis"], ["--context", "0"]),
        (["audit", "--context", "x"], ["--context", "8,16,32"]),
        (["audit", "--sorces", "lvis"], ["--sorces", "--sources"]),
        (["audti"], ["audti", "did you mean audit"]),
        (["audit", "--sources", "lviss"], ["lviss", "did you mean lvis"]),
        (["audit", "--sources", "nope.txt"], ["nope.txt", "no such file"]),
        (["audit", "--sources", "lvis,lvis"], ["lvis", "two sources"]),
        (["audit", "--sources", "mine.txt,other/mine.txt"], ["mine", "two sources"]),
        (["audit", "--sources", "empty.txt"], ["empty.txt"]),
        (["audit", "--sources", "blank.txt"], ["blank.txt", "3 empty"]),
        (["audit", "--sources", "latin.txt"], ["latin.txt", "UTF-8"]),
        (["audit", "--sources", "cut.json"], ["cut.json", "JSON"]),
        (["audit", "--sources", "long.txt"], ["long.txt", "100,000 characters"]),
        (["audit", "--sources", "nul.txt"], ["nul.txt", "NUL"]),
        (["audit", "--sources", "lone.json"], ["lone.json", "surrogate"]),
        (["audit", "--sources", "two.csv"], ["two.csv", "left", "right"]),
        (["audit", "--sources", "lvis", "--out", "mine.txt"], ["mine.txt", "is a file"]),
        (["audit", "--sources", "lvis", "--encoder", "sam4"], ["sam4", "sam3"]),
        (["audit", "--sources", "lvis", "--encoder", "hf:."], ["tokenizer.json"]),
        (["audit", "--sources", "lvis", "--data", "absent"], ["absent", "no such folder"]),
        (["audit", "--seed", "-1"], ["--seed"]),
        (["audit", "--sources", "combined=mine.txt"], ["combined", "another"]),
        (["audit", "--sources", "mine.txt", "--out", "taken"], ["findings.json", "folder"]),
        (["audit", "--sources", "mine.txt", "--out", "x" * 300], ["too long"]),
        (["audit", "--sources", "mine.txt", "--data", "x" * 300], ["too long"]),
        (["audit", "--sources", "bomb.txt.zst"], ["bomb.txt.zst", "200 times"]),
        (["audit", "--sources", "bomb.parquet"], ["bomb.parquet", "200 times"]),
        (["audit", "--format", "html,doc"], ["--format", "doc", "html, pdf"]),
        (["audit", "--format", ""], ["--format", "empty name"]),
        (["report", "x.json", "--format", "png"], ["--format", "png"]),
        (["report", "x.json", "--paper", "a5"], ["--paper", "a5", "letter"]),
        (["report", "absent.json"], ["absent.json", "anatomy audit"]),
        (["report", "mine.txt"], ["mine.txt", "not JSON"]),
        (["report"], ["PATH"]),
        (["a\nb"], ["a\\nb"]),
        (["audit", "a\nb\x1b[31m"], ["a\\nb\\x1b"]),
        (["fetch", "nope"], ["nope", "rf100vl"]),
        (["fetch", "lvis", "--from", "pipe"], ["pipe", "no such file"]),
        (["fetch", "lvis", "--data", "mine.txt/x"], ["mine.txt"]),
        (["fetch", "lvis", "--from", "absent"], ["absent"]),
    ],
)
def test_what_cannot_be_used_is_one_line_and_status_two(run, prompts, tmp_path, arguments, words):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("a dog\n")
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "blank.txt").write_bytes(b" \n\t\n \n")
    (tmp_path / "latin.txt").write_bytes("caf\xe9".encode("latin-1"))
    (tmp_path / "cut.json").write_bytes(b'["a dog", "a c')
    (tmp_path / "long.txt").write_bytes(b"x" * 1_000_000)
    (tmp_path / "nul.txt").write_bytes(b"a\x00dog")
    (tmp_path / "lone.json").write_bytes(b'["\\ud800"]')
    (tmp_path / "two.csv").write_bytes(b"left,right\na,b\n")
    (tmp_path / "taken" / "findings.json").mkdir(parents=True)
    os.mkfifo(tmp_path / "pipe")
    with pa.output_stream(tmp_path / "bomb.txt.zst", compression="zstd") as stream:
        for _ in range(300):
            stream.write(b"a cat\n" * 200_000)
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 5_000, pa.int32()), ["x" * 90_000])
    pq.write_table(pa.table({"prompt": texts}), tmp_path / "bomb.parquet")
    assert_one_line(run(*arguments), *words)


def test_a_failed_audit_leaves_the_earlier_report_as_it_was(run, prompts, tmp_path):
    assert run("audit", "--sources", "mine.txt", "--out", "out").returncode == 0
    before = {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    (tmp_path / "mine.txt").write_bytes(b"\xff\xfe\x00")
    assert_one_line(run("audit", "--sources", "mine.txt", "--out", "out"), "mine.txt")
    assert {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()} == before


def test_missing_sources_are_listed_once_with_how_to_get_them(run):
    result = run("audit", "--sources", "all", "--out", "out")
    assert result.returncode == 2
    lines = result.stderr.splitlines()
    for name in ("rf100vl", "refcoco", "saco-gold", "saco-silver", "saco-veval"):
        (line,) = [line for line in lines if f"anatomy fetch {name}" in line]
        assert "(" in line
    assert not any("anatomy fetch lvis" in line for line in lines)
    assert "--stand-ins" in lines[-1]


def test_a_long_prompt_among_others_changes_the_page_little(run, prompts, tmp_path):
    (tmp_path / "long.txt").write_text("a " * 30_000 + "\na dog\n")
    result = run("audit", "--sources", "long.txt", "--out", "out")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out" / "report.html").stat().st_size < 1_000_000
    assert "30,002" in (tmp_path / "out" / "report.html").read_text()


def test_sources_can_be_named_one_by_one_and_with_commas_in_their_names(run, tmp_path):
    (tmp_path / "a,b.txt").write_text("a dog\n")
    result = run("audit", "--sources", "a,b.txt", "--sources", "lvis", "--out", "out")
    assert result.returncode == 0, result.stderr
    names = [s["name"] for s in json.loads((tmp_path / "out/findings.json").read_text())["sources"]]
    assert names == ["a,b", "lvis"]


def test_paths_that_are_not_utf8_and_terminals_that_are_not_either(run, prompts, tmp_path):
    result = run(
        "audit", "--sources", "mine.txt", "--out", b"o\xff".decode(errors="surrogateescape")
    )
    assert result.returncode == 0, result.stderr
    assert run("ledger", "--full", encoding="ascii").returncode == 0


def test_output_that_cannot_be_written_is_one_line(tmp_path):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        result = subprocess.run(
            [*COMMAND, "schema"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert result.returncode == 2
    assert "the disk is full" in result.stderr
    assert "Traceback" not in result.stderr


def test_debug_shows_the_traceback(run):
    result = run("audit", "--sources", "nope.txt", "--debug")
    assert result.returncode != 0
    assert "Traceback" in result.stderr


def test_terminal_escapes_in_names_do_not_reach_the_terminal(run, tmp_path):
    (tmp_path / "x.txt").write_text("a dog\n")
    result = run("audit", "--sources", "\x1b[31mred=x.txt", "--out", "out")
    assert "\x1b[31m" not in result.stdout + result.stderr


def test_sources_ledger_and_schema_print(run):
    sources = run("sources")
    assert sources.returncode == 0
    assert "bundled" in sources.stdout
    assert sources.stdout.count("missing") >= 5
    ledger = run("ledger")
    assert ledger.returncode == 0
    assert "contradicts" in ledger.stdout
    full = run("ledger", "--full")
    assert "measured" in full.stdout
    schema = run("schema")
    assert json.loads(schema.stdout)["properties"]["schema_version"]


@pytest.mark.slow
def test_killing_the_command_leaves_a_folder_that_the_next_run_completes(run, prompts, tmp_path):
    out = tmp_path / "out"
    for delay in (1.0, 2.5, 3.2):
        process = subprocess.Popen(
            [*COMMAND, "audit", "--sources", "mine.txt,lvis", "--out", str(out)],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if (out / "findings.json").exists():
            json.loads((out / "findings.json").read_text())
    assert run("audit", "--sources", "mine.txt,lvis", "--out", "out").returncode == 0
    assert not list(out.rglob("*.anatomy-partial"))
    digest = json.loads((out / "findings.json").read_text())["digest"]
    for path in out.rglob("*"):
        if path.is_file() and path.name != NAME:
            assert digest.encode() in path.read_bytes(), path


def test_two_audits_are_compared(run, prompts, tmp_path):
    (tmp_path / "v2.txt").write_text("a dog\nthe blue car and the red one\n")
    assert run("audit", "--sources", "p=mine.txt", "--out", "before").returncode == 0
    assert run("audit", "--sources", "p=v2.txt", "--out", "after").returncode == 0
    result = run("compare", "before", "new=after/findings.json", "--out", "after")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert "after/compare.html" in result.stdout
    assert "Against before, new reads other prompts of p (other files or columns)." in " ".join(
        result.stdout.split()
    )
    assert "Distinct prompts" in result.stdout
    out = tmp_path / "after"
    document = json.loads((out / "compare.json").read_text())
    assert [audit["label"] for audit in document["audits"]] == ["before", "new"]
    assert (out / "report.html").is_file()  # the audit's own stays
    first = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert run("compare", "before", "new=after", "--out", "after").returncode == 0
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == first
    (tmp_path / "before").rename(tmp_path / "[red]x")
    assert "[red]x" in run("compare", "[red]x", "after", "--out", "names").stdout
    (tmp_path / "[red]x").rename(tmp_path / "before")
    many = run("compare", "before", "after", "again=before", "--out", "three")
    assert many.returncode == 0, many.stderr
    assert "The findings of again are those of before" in many.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compare"], ["PATH"]),
        (["compare", "one.json"], ["two findings.json or more"]),
        (["compare", "one.json", "nope.json"], ["nope.json", "cannot be read"]),
        (["compare", "one.json", "x y=one.json"], ["x y", "no label"]),
        (["compare", "one.json", "two.json"], ["two.json", "schema version 1"]),
        (["compare", "one.json", "bad\x1b.json"], ["bad\\x1b.json", "not JSON"]),
        (["compare", "one.json", "one.json", "--out", "one.json"], ["one.json", "is a file"]),
        (["compare", "one.json", "one.json", "--out", "taken"], ["compare.json", "folder"]),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_writes_nothing(run, tmp_path, arguments, words):
    from anatomy import audit

    (tmp_path / "one.json").write_bytes(audit(["lvis"], data=tmp_path).to_json())
    (tmp_path / "two.json").write_text('{"schema_version": 1}')
    (tmp_path / "bad\x1b.json").write_text("{")
    (tmp_path / "taken" / "compare.json").mkdir(parents=True)
    assert_one_line(run(*arguments), *words)
    assert not list(tmp_path.rglob("compare.html"))
