from __future__ import annotations

import pytest

from anatomy.pipeline import audit
from tests.inside.samples import run, save

HOSTILE_PROMPTS = [
    "<script>alert(1)</script>",
    "{{7*7}}",
    "{% raw %}",
    "\x1b[31mred\x1b[0m",
    "=cmd|' /C calc'!A0",
    "</style><img src=x onerror=alert(1)>",
    "$\\frac{1}{0}$",
    "]]>",
    "a \u202edog",
    "猫 &amp; <b>dog</b>",
]


@pytest.fixture(scope="session")
def findings(tmp_path_factory):
    """Findings over hostile prompts in a source with a hostile name."""
    folder = tmp_path_factory.mktemp("hostile")
    path = folder / "<b>{{7*7}}$x$.txt"  # its stem names the source
    path.write_text("\n".join(HOSTILE_PROMPTS), encoding="utf-8")
    return audit([str(path), "lvis"], data=folder)


@pytest.fixture(scope="session")
def stand_in_findings(tmp_path_factory):
    return audit(["rf100vl", "lvis"], data=tmp_path_factory.mktemp("empty"), stand_ins=True)


@pytest.fixture(scope="session")
def inside_findings(tmp_path_factory):
    """Findings of two small encoders, with all that their weights show."""
    folder = save(tmp_path_factory.mktemp("inside"))
    encoders = ["minilm=DIR/bert", "sam3=DIR/sam3"]
    return run(folder, encoders, sample=120, id_estimators=("lPCA", "MOM"))
