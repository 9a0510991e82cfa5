"""What the tests of distill share."""

from __future__ import annotations

import re
import shutil
import sys

import pytest

from distill import cli
from tests.distill import audited
from tests.distill.ended import ended


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A small audited world, to be left as it is."""
    return audited.make(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def done(world, tmp_path_factory):
    """A run of it that has ended, to be left as it is."""
    return ended(world, tmp_path_factory.mktemp("runs"), epochs=30)


@pytest.fixture
def own_run(done, tmp_path):
    """A copy of its folder, to be changed."""
    return shutil.copytree(done.folder, tmp_path / "runs" / "r")


@pytest.fixture
def own_world(world, tmp_path):
    """A copy of it, to be changed; the findings name the files of the copy."""
    shutil.copytree(world.folder, tmp_path / "world")
    there, here = str(world.folder), str(tmp_path / "world")
    text = world.path.read_text().replace(there, here)
    # Changed on purpose, so without the digest of what it was.
    text = re.sub(r' "digest": "[0-9a-f]{64}",\n', "", text)
    (tmp_path / "world" / "findings.json").write_text(text)
    findings = type(world.findings).load(tmp_path / "world" / "findings.json")
    return audited.World(tmp_path / "world", findings)


@pytest.fixture
def command(monkeypatch, capsys):
    """Run `distill`: its exit status, output and errors."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["distill", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        shown = capsys.readouterr()
        return left.value.code, shown.out, shown.err

    return call
