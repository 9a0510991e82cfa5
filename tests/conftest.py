"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Machines are shared: how long one example takes says nothing.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of real corpora that this repository does not hold; the test skips without it."""
    named = os.environ.get("ANATOMY_TEST_CORPORA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "corpora"
    if not folder.is_dir():
        pytest.skip(f"no real corpora at {folder}; set ANATOMY_TEST_CORPORA to their folder")
    return folder
