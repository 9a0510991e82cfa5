"""Two small sources and two small encoders, and audits of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from anatomy.findings import Findings
from anatomy.inside import InsideOptions
from anatomy.pipeline import audit
from tests.encoders import tiny

PROMPTS = [" ".join(words) for n in (1, 2, 3) for words in product(tiny.WORDS[4:10], repeat=n)]


def save(folder: Path) -> Path:
    """Two sources that share prompts, a tiny BERT and a tiny SAM3."""
    (folder / "one.txt").write_text("\n".join(PROMPTS[:160]), encoding="utf-8")
    (folder / "two.txt").write_text("\n".join(PROMPTS[100:]), encoding="utf-8")
    tiny.save_bert(folder / "bert")
    tiny.save_snapshot(folder / "sam3")
    return folder


def run(
    folder: Path,
    encoders: Sequence[str],
    sources: Sequence[str] = ("one.txt", "two.txt"),
    **options: Any,
) -> Findings:
    """An audit; "DIR" in an encoder's name is the folder."""
    return audit(
        [str(folder / name) for name in sources],
        data=folder,
        encoders=[name.replace("DIR", str(folder)) for name in encoders],
        inside=InsideOptions(**options),
    )
