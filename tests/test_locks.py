from __future__ import annotations

import json
import os
import threading
import time

import pytest

from anatomy.errors import InputError
from anatomy.locks import NAME, held
from tests.holding import held_elsewhere


def test_the_second_is_told_who_the_first_is_and_what_to_do(tmp_path):
    path = tmp_path / "below" / NAME
    with held_elsewhere(path) as other:
        moment = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d"
        line = f"^out: process {other.pid} has been at work since {moment} there; wait until"
        with (
            pytest.raises(InputError, match=f"{line} it ends, or go away$"),
            held(path, "out", ", or go away"),
        ):
            pass
    with held(path, "out"):
        assert json.loads(path.read_bytes())["process"] == os.getpid()
    assert not path.exists()


def test_a_killed_holder_holds_nothing(tmp_path):
    with held_elsewhere(tmp_path / NAME) as other:
        other.kill()
        other.wait()
        assert (tmp_path / NAME).exists()
        with held(tmp_path / NAME, "out"):
            pass
    assert not (tmp_path / NAME).exists()


def test_who_holds_may_hold_again_within_and_nobody_else(tmp_path):
    refused = []

    def other() -> None:
        with pytest.raises(InputError, match=f"process {os.getpid()}"), held(tmp_path / NAME, "x"):
            pass
        refused.append(True)

    with held(tmp_path / NAME, "out"):
        with held(tmp_path / NAME, "out"):
            pass
        assert (tmp_path / NAME).exists()
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert refused == [True] and not (tmp_path / NAME).exists()


def test_waiting_says_so_once_and_ends_with_the_holder(tmp_path):
    lines = []

    def told(line: str) -> None:
        lines.append(line)
        threading.Timer(0.3, other.stdin.close).start()

    with held_elsewhere(tmp_path / NAME) as other:
        begun = time.monotonic()
        with held(tmp_path / NAME, "toy", waiting=told):
            assert time.monotonic() - begun > 0.25
    (line,) = lines
    assert f"process {other.pid}" in line and line.endswith("; waiting until it ends")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"process": "x", "since": 1}', b"\xff" * 99]
)
def test_a_holder_that_says_nothing_of_use_is_another_process(tmp_path, content):
    with held_elsewhere(tmp_path / NAME):
        (tmp_path / NAME).write_bytes(content)
        message = "out: another process is at work there; wait until it ends"
        with pytest.raises(InputError, match=message), held(tmp_path / NAME, "out"):
            pass


def test_a_lock_is_taken_neither_through_a_link_nor_in_a_pipe(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic links"), held(tmp_path / "link", "out"):
        pass
    assert not (tmp_path / "victim").exists()
    os.mkfifo(tmp_path / "pipe")
    with held(tmp_path / "pipe", "out"):  # does not wait for a reader
        pass


def test_another_file_under_the_name_of_a_lock_is_not_written_to(tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / NAME).hardlink_to(tmp_path / "mine")
    with held(tmp_path / NAME, "out"):
        pass
    assert (tmp_path / "mine").read_text() == "mine"
