from __future__ import annotations

import os
from pathlib import Path

import pytest

from anatomy import audit
from anatomy.comparison import load
from anatomy.errors import InputError


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to work in, and a way to put an audit of LVIS's names into it."""
    data = audit(["lvis"], data=tmp_path).to_json()
    monkeypatch.chdir(tmp_path)

    def put(name: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return name

    return put


def test_audits_are_called_by_their_folder_or_file_and_a_label_comes_first(place):
    names = [place("before/findings.json"), place("after/findings.json"), place("v1.2.json")]
    assert list(load([*names, f"mine={names[0]}"])) == ["before", "after", "v1.2", "mine"]
    assert list(load(["before", "other=after"])) == ["before", "other"]


def test_parents_tell_folders_of_one_name_apart(place):
    a, b = place("one/reports/findings.json"), place("two/reports/findings.json")
    assert list(load([a, b])) == ["one/reports", "two/reports"]


def test_the_same_file_again_gets_a_number(place):
    a = place("x/findings.json")
    labels = list(load([a, a, "x", f"x={a}"]))
    assert len(set(labels)) == 4
    assert labels[3] == "x"
    assert labels[0].endswith(" (2)")


def test_a_path_with_an_equals_sign_is_a_path(place):
    a = place("a=b/findings.json")
    assert list(load([a, "c=a=b/findings.json"])) == ["a=b", "c"]


def test_names_that_no_terminal_can_show_are_escaped_and_shortened(place):
    long, hostile = place(f"{'x' * 80}/findings.json"), place("<b>\x1b[31m\n/findings.json")
    labels = list(load([long, hostile]))
    assert labels[0] == "…" + "x" * 31
    assert labels[1] == "<b>\\x1b[31m\\n"
    raw = os.fsencode("bad") + b"\xff"
    place("ok/findings.json")
    Path("ok").rename(os.fsdecode(raw))
    assert next(iter(load([os.fsdecode(raw), long]))) == "bad\\udcff"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.json"], "two findings.json or more"),
        ([], "two findings.json or more"),
        (["a.json", "b.json"], "b.json: cannot be read"),
        (["x=a.json", "x=a.json"], "x: two audits have this label"),
        (["=a.json", "a.json"], "nothing is no label"),
        (["a b=a.json", "a.json"], "a b is no label"),
        (["\x1b=a.json", "a.json"], r"\\x1b is no label"),
        ([f"{'l' * 33}=a.json", "a.json"], "is no label; use up to 32"),
        (["a.json", "old.json"], "schema version 1"),
        (["a.json", "new\n.json"], r"new\\n.json: not JSON"),
        (["a.json", "empty"], "empty/findings.json: cannot be read"),
    ],
)
def test_what_cannot_be_compared_is_one_line(place, tmp_path, arguments, message):
    place("a.json")
    (tmp_path / "old.json").write_text('{"schema_version": 1}')
    (tmp_path / "new\n.json").write_text("{")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=message) as error:
        load(arguments)
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)
