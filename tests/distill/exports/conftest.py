"""Exports that several tests look at, made once."""

from __future__ import annotations

import pytest

from distill.exports import export
from tests.distill.exports import runs


@pytest.fixture(scope="package")
def lite(tmp_path_factory):
    """Run and exports of a litetext student with RepMixer blocks, to be left as they are."""
    run = runs.lite(tmp_path_factory.mktemp("exports") / "lite", repmixer=True)
    done = export(run, ["transformers", "efficientsam3", "onnx"])
    return run, {exported.record.format: exported for exported in done}


@pytest.fixture(scope="package")
def bert(tmp_path_factory):
    """Run and exports of two layers of a BERT, to be left as they are."""
    run = runs.shallow(tmp_path_factory.mktemp("exports") / "bert")
    done = export(run, ["transformers", "onnx"])
    return run, {exported.record.format: exported for exported in done}


@pytest.fixture(scope="package")
def sam3(tmp_path_factory):
    """A small random SAM3 as a snapshot in several files, and the model that was saved."""
    folder = tmp_path_factory.mktemp("exports") / "sam3"
    return folder, runs.sam3_model(folder)
