from __future__ import annotations

import os

import pytest

from anatomy.files import remove_partial_files, shown, write_whole


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    write_whole(path, b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space") as raised:
        write_whole(path, b"new")
    assert raised.value.filename == str(path)  # the system does not say where
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_write_leaves_is_removed(tmp_path):
    (tmp_path / ".report.html.x1.anatomy-partial").write_bytes(b"half")
    (tmp_path / "mine.txt").write_bytes(b"kept")
    assert remove_partial_files(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert remove_partial_files(tmp_path / "absent") == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain é 猫", "plain é 猫"), ("\x1b[31mred", "\\x1b[31mred"), ("a\nb", "a\\nb"),
     ("\u202eabc", "\\u202eabc"), ("\ud800", "\\ud800"), ("\u200b", "\\u200b")],
)  # fmt: skip
def test_shown_text_cannot_move_a_terminal(text, expected):
    assert shown(text) == expected


def test_what_is_nested_too_deeply_is_shown_as_such():
    nested = []
    for _ in range(5000):
        nested = [nested]
    assert shown(nested) == "a list nested too deeply"
