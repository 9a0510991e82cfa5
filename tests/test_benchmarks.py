"""The harnesses of the README's reliability section, in small."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=REPOSITORY,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_killed_pipelines_end_as_an_unbroken_one():
    found = run("benchmarks.kills", "--kills", "3", "--seed", "1", "--prompts", "600")
    assert found.returncode == 0, found.stdout + found.stderr
    assert found.stdout.count("| equal |") == 3
    assert "3 kills in " in found.stdout and ", 0 otherwise" in found.stdout


@pytest.mark.slow
def test_audits_and_fetches_at_once_share_what_they_share():
    found = run("benchmarks.load", "--audits", "4", "--fetches", "4", "--prompts", "300")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "| 4 of 4 |" in found.stdout and "| 4 | 1 | 3 |" in found.stdout
