from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import random
import time

import pytest

from anatomy.errors import InputError
from anatomy.findings import Findings, from_ranges
from anatomy.locks import NAME
from anatomy.report.render import render
from anatomy.report.write import alone, is_mix, write
from tests.holding import held_elsewhere


@pytest.fixture(scope="module")
def two(findings, stand_in_findings):
    """The files of two different reports."""
    return render(findings), render(stand_in_findings)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != NAME
    }


def test_what_is_written_is_what_was_rendered(two, tmp_path, findings):
    written = write(two[0], tmp_path)
    assert contents(tmp_path) == two[0]
    assert written.page.read_bytes() == two[0]["report.html"]
    assert not written.mended
    assert Findings.load(tmp_path / "findings.json") == findings
    kept = json.loads(two[0]["kept-tokens-sam3.json"])
    assert kept["ids"] == from_ranges(findings.encoders[0].kept_ids)


def test_every_file_carries_the_digest(two, findings):
    for name, data in two[0].items():
        assert findings.digest.encode() in data, name


def test_a_second_report_replaces_the_first_and_what_only_that_had(two, tmp_path):
    first = dict(two[0])
    first["figures/lengths-other.svg"] = first["figures/lengths-sam3.svg"]
    write(first, tmp_path)
    (tmp_path / "mine.txt").write_text("kept")
    written = write(two[1], tmp_path)
    assert not written.mended
    assert contents(tmp_path) == {**two[1], "mine.txt": b"kept"}


def test_a_format_that_is_left_out_goes_and_a_file_of_the_user_stays(two, tmp_path):
    write(two[0], tmp_path)
    page_only = {name: data for name, data in two[0].items() if name != "report.pdf"}
    written = write(page_only, tmp_path)
    assert contents(tmp_path) == page_only
    assert written.documents == (tmp_path / "report.html",)
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7 mine %%EOF")
    write(page_only, tmp_path)
    assert (tmp_path / "report.pdf").read_bytes() == b"%PDF-1.7 mine %%EOF"


def test_a_pdf_of_other_findings_is_a_mix(two, tmp_path):
    write(two[0], tmp_path)
    assert not is_mix(tmp_path)
    (tmp_path / "report.pdf").write_bytes(two[1]["report.pdf"])
    assert is_mix(tmp_path)
    assert write(two[0], tmp_path).mended


def write_for_ever(two, out, started):
    for files in itertools.cycle(two):
        started.set()
        write(files, out)


def test_a_kill_at_any_moment_leaves_whole_files_and_the_next_run_mends(two, tmp_path):
    fork = multiprocessing.get_context("fork")  # the child has everything loaded: it only writes
    moments, mixes = random.Random(0), 0
    for _ in range(25):
        started = fork.Event()
        process = fork.Process(target=write_for_ever, args=(two, tmp_path, started))
        process.start()
        assert started.wait(timeout=30)
        time.sleep(moments.uniform(0, 0.1))
        process.kill()
        process.join()
        for name, data in contents(tmp_path).items():
            if not name.endswith(".anatomy-partial"):
                assert data in (two[0].get(name), two[1].get(name)), name
        mix = is_mix(tmp_path)
        mixes += mix
        written = write(two[1], tmp_path)
        assert written.mended == mix
        assert contents(tmp_path) == two[1]
        assert not is_mix(tmp_path)
    assert mixes, "no kill fell between two files: the test tried nothing"


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is a file"), alone(tmp_path / "file"):
        pass
    with pytest.raises(InputError, match="cannot be written"), alone(tmp_path / "file" / "below"):
        pass
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_another_run_holds_is_refused(two, tmp_path):
    message = rf"--out {tmp_path}: process \d+ has been at work since .*, or give another folder"
    with held_elsewhere(tmp_path / NAME):
        with pytest.raises(InputError, match=message):
            write(two[0], tmp_path)
        with pytest.raises(InputError, match=message), alone(tmp_path):
            pass
    assert contents(tmp_path) == {}


def test_a_full_disk_leaves_the_old_report(two, tmp_path, monkeypatch):
    write(two[0], tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        write(two[1], tmp_path)
    assert contents(tmp_path) == two[0]
