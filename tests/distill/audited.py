"""A small audited world: files, a tiny encoder with weights, and the findings of both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from anatomy.findings import EncoderFinding, Findings
from anatomy.inside import InsideOptions
from anatomy.pipeline import audit
from tests.corpus import layouts
from tests.encoders import tiny

WORDS = ("a", "the", "red", "blue", "dog", "cat", "dogs", "cup")
SHARED = ["red dog", "blue cat"]  # stand in two sources


@dataclass(frozen=True)
class World:
    """Where everything lies, and what was found.

    Attributes
    ----------
    folder : Path
        With `data`, `encoder` and `mine.txt`.
    findings : Findings
        Of the sources refcoco, saco-veval and mine, seen by the tokenizer alone and by the tiny
        encoder with its weights.
    """

    folder: Path
    findings: Findings

    @property
    def path(self) -> Path:
        """Where the findings lie."""
        return self.folder / "findings.json"

    @property
    def encoder(self) -> str:
        """Name of the tiny encoder."""
        return f"hf:{self.folder / 'encoder'}"

    @property
    def found(self) -> EncoderFinding:
        """What was found of it."""
        return next(e for e in self.findings.encoders if e.inside is not None)

    def altered(self, **changes: Any) -> World:
        """The same with other findings."""
        return replace(self, findings=self.findings.model_copy(update=changes))

    def with_encoder(self, **changes: Any) -> World:
        """The same, something else having been found of the tiny encoder."""
        encoders = [
            e.model_copy(update=changes) if e.name == self.found.name else e
            for e in self.findings.encoders
        ]
        return self.altered(encoders=encoders)


def make(folder: Path) -> World:
    """Write the files and audit them."""
    tiny.save_bert(folder / "encoder", max_position_embeddings=12, num_hidden_layers=8)
    data = folder / "data"
    two = [" ".join(words) for words in product(WORDS, repeat=2)]
    three = [" ".join(words) for words in product(WORDS[2:], repeat=3)]
    layouts.put_refs(data / "refcoco" / "refcoco" / "refs(unc).p", [three, SHARED])
    layouts.put_veval(
        data / "saco-veval" / "saco_veval_sav_val.json", [*two, "a red cup on the blue cup"], []
    )
    mine = [f"the {text} of a {text}" for text in two] + SHARED
    (folder / "mine.txt").write_text("\n".join(mine) + "\n")
    sources = ["refcoco,saco-veval", str(folder / "mine.txt")]
    findings = audit(
        sources,
        data=data,
        encoders=["sam3", f"hf:{folder / 'encoder'}"],
        token_loss_bound=0.05,
        inside=InsideOptions(device="cpu", sample=30, cache=None),
    )
    (folder / "findings.json").write_bytes(findings.to_json())
    return World(folder, findings)
