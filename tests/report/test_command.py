"""`anatomy report`: the report again, from findings.json alone."""

from __future__ import annotations

import json

import pytest

from anatomy.cli import app
from anatomy.errors import InputError
from anatomy.report.document import document
from tests.inside.samples import save
from tests.report.papers import MM, Print, blanks


def anatomy(*arguments) -> None:
    app.main([str(argument) for argument in arguments], standalone_mode=False)


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """A folder with a report on letter paper, made by the command."""
    folder = save(tmp_path_factory.mktemp("audited"))
    encoders = f"sam3,minilm={folder / 'bert'}"
    options = ["--sample", 60, "--no-cache", "--data", folder, "--paper", "letter"]
    sources = f"{folder / 'one.txt'},{folder / 'two.txt'}"
    anatomy("audit", "--sources", sources, "--encoder", encoders, *options, "--out", folder / "out")
    return folder / "out"


def test_the_bytes_are_those_that_the_audit_wrote(audited, tmp_path, capsys):
    anatomy("report", audited / "findings.json", "--paper", "letter", "--out", tmp_path / "again")
    again = contents(tmp_path / "again")
    assert again == contents(audited)
    assert {"findings.json", "report.html", "report.pdf", "kept-tokens-sam3.json"} <= set(again)
    assert len([name for name in again if name.startswith("figures/")]) >= 20
    printed = capsys.readouterr().out
    for name in ("report.html", "report.pdf"):
        assert f"Report: {tmp_path / 'again' / name}" in printed


@pytest.fixture
def undrawn(monkeypatch):
    """Blank figures, which take no time."""
    monkeypatch.setattr("anatomy.report.figures.render", lambda found: blanks(document(found)))


def test_formats_and_paper_are_what_was_asked_for(audited, tmp_path, undrawn):
    anatomy("report", audited, "--out", tmp_path)  # the folder will do as well
    both = contents(tmp_path)
    assert Print(both["report.pdf"]).reader.pages[0].mediabox.width == pytest.approx(210 * MM, 0.01)
    anatomy("report", audited, "--format", "html", "--out", tmp_path)
    assert contents(tmp_path) == {n: data for n, data in both.items() if n != "report.pdf"}
    anatomy("report", tmp_path, "--format", "pdf", "--out", tmp_path)  # in its own place
    assert contents(tmp_path) == {n: data for n, data in both.items() if n != "report.html"}


@pytest.fixture
def changed(audited, tmp_path):
    """Writes a findings.json with a change in it, with the digest or without."""

    def write(change, *, digest):
        content = json.loads((audited / "findings.json").read_bytes())
        if not digest:
            del content["digest"]
        change(content)
        path = tmp_path / "changed.json"
        path.write_text(json.dumps(content))
        return path

    return write


def refused(path, out) -> str:
    with pytest.raises(InputError) as caught:
        anatomy("report", path, "--out", out)
    assert not (out / "report.html").exists()
    message = str(caught.value)
    assert "\n" not in message and "\x1b" not in message
    return message


def test_findings_that_were_changed_are_refused_unless_their_digest_is_gone(
    changed, tmp_path, undrawn
):
    def change(content):
        content["corpus"]["unique"] = 7_654_321

    assert "its digest does not fit" in refused(changed(change, digest=True), tmp_path / "out")
    anatomy("report", changed(change, digest=False), "--format", "html", "--out", tmp_path / "out")
    assert "7,654,321" in (tmp_path / "out" / "report.html").read_text()
    taken = json.loads((tmp_path / "out" / "findings.json").read_bytes())
    assert taken["corpus"]["unique"] == 7_654_321 and len(taken["digest"]) == 64


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda d: d["encoders"][0].update(lengths=[]),
            "lengths and vocabulary are not of all prompts first",
        ),
        (lambda d: d["corpus"].update(shared=[[1]]), "does not have a row and a column for each"),
        (lambda d: d["ledger"][0].update(group="other"), "cannot be rendered"),
        (lambda d: d["run"].update(started="yesterday"), "field run.started"),
        (lambda d: d["sources"][0].update(title="\ud800"), "surrogate"),
        (lambda d: d["sources"][0].update({"\x1b[31m\n": 1}), r"\x1b[31m\n: Extra inputs"),
        (lambda d: d.update(schema_version=1), "schema version 1"),
        (lambda d: d.clear() or d.update(digest=1), "not a findings.json"),
    ],
)
def test_findings_whose_parts_do_not_fit_are_one_line(changed, tmp_path, undrawn, change, words):
    assert words in refused(changed(change, digest=False), tmp_path / "out")


@pytest.mark.parametrize("data", [b"", b"[1, 2", b"\xff\xfe", b"[]", b"[" * 100_000])
def test_what_is_no_findings_json_is_one_line(tmp_path, data):
    (tmp_path / "x.json").write_bytes(data)
    assert "x.json: not " in refused(tmp_path / "x.json", tmp_path / "out")
    assert "no such file" in refused(tmp_path / "y.json", tmp_path / "out").lower()
    assert "no such file" in refused(tmp_path, tmp_path / "out").lower()  # nothing in the folder
