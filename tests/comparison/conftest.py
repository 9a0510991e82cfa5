"""Audits of two small prompt files with small encoders, and what can be made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from anatomy import audit
from anatomy.findings import Findings
from anatomy.inside import InsideOptions
from tests.encoders import tiny
from tests.inside.samples import PROMPTS


@pytest.fixture(scope="session")
def place(tmp_path_factory) -> Path:
    """Prompts before and after a change, and two tiny encoders."""
    folder = tmp_path_factory.mktemp("compared")
    (folder / "before.txt").write_text("\n".join(PROMPTS[:160]), encoding="utf-8")
    after = [*PROMPTS[40:], "a photo of the red dog and the blue cat"]
    (folder / "after.txt").write_text("\n".join(after), encoding="utf-8")
    (folder / "more.txt").write_text("one more prompt\na red dog\n", encoding="utf-8")
    tiny.save_bert(folder / "bert")
    tiny.save_bert(folder / "wider", hidden_size=48, num_attention_heads=4)
    return folder


@pytest.fixture(scope="session")
def run(place):
    """An audit of files, each under its label; "DIR" in an encoder's name is the folder."""

    def call(*sources: str, encoders=("minilm=DIR/bert",), **options) -> Findings:
        inside = InsideOptions(sample=options.pop("sample", None))
        return audit(
            [f"{label}={place / name}" for label, name in (s.split("=") for s in sources)],
            data=place,
            encoders=[name.replace("DIR", str(place)) for name in encoders],
            inside=inside,
            **options,
        )

    return call


@pytest.fixture(scope="session")
def before(run) -> Findings:
    return run("mine=before.txt")


@pytest.fixture(scope="session")
def after(run) -> Findings:
    return run("mine=after.txt")
