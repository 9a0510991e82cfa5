"""Inside an encoder: what its weights, and its outputs on a corpus, show."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from anatomy.engines import Engine
from anatomy.findings import FileFinding, InsideFinding
from anatomy.inside.options import InsideOptions, checked, found_device
from anatomy.inside.outputs import outputs_finding
from anatomy.inside.published import Published, comparable
from anatomy.inside.weights import embedding_finding, position_finding
from anatomy.progress import Steps, quiet
from anatomy.view import TokenView

if TYPE_CHECKING:
    from anatomy.encoders.model import TextModel

__all__ = ["InsideOptions", "checked", "comparable", "found_device", "inside_finding"]


def inside_finding(
    view: TokenView,
    model: TextModel,
    options: InsideOptions,
    seed: int,
    published: Published,
    engine: Engine,
    steps: Steps = quiet,
) -> InsideFinding:
    """Measure an encoder's weights, and its outputs on samples of the corpus.

    Parameters
    ----------
    view : TokenView
    model : TextModel
        Open in this process.
    options : InsideOptions
    seed : int
    published : Published
    engine : Engine
        Where prompts are encoded and neighbours found.
    steps : Steps
    """
    steps(f"Measuring the embeddings of {view.encoder.name}")
    positions = model.position_embedding
    return InsideFinding(
        # The folder they lie in is this machine's: its last part says enough.
        files=[
            FileFinding(path="/".join(PurePath(f.path).parts[-2:]), bytes=f.bytes, sha256=f.sha256)
            for f in model.files
        ],
        weights=model.weights_hash,
        parameters=model.parameters,
        causal=model.causal,
        embedding=embedding_finding(model.token_embedding, view.combined_counts.used, published),
        positions=None
        if positions is None
        else position_finding(positions, view.combined_lengths, published),
        no_positions=model.no_positions,
        outputs=outputs_finding(view, model, options, seed, published, engine, steps),
    )
