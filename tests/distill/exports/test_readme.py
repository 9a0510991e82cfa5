"""What the README says of running an export is so."""

from __future__ import annotations

import re

import numpy as np

from tests.conftest import REPOSITORY


def test_both_snippets_run_and_give_the_same(bert):
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    snippets = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    found = []
    for kind in ("transformers", "onnx"):
        own, named = bert[1][kind].folder, f"runs/minilm-shallow-2/exports/{kind}"
        (snippet,) = [snippet for snippet in snippets if f'"{named}"' in snippet]
        names: dict[str, object] = {}
        exec(snippet.replace(named, str(own)), names)  # noqa: S102 - our own README
        found.append((np.asarray(names["tokens"]), np.asarray(names["pooled"])))
    (tokens, pooled), (others, other) = found
    assert tokens.shape == others.shape and pooled.shape == (2, tokens.shape[2])
    assert np.allclose(pooled, other, atol=1e-4)
    assert not np.allclose(pooled[0], pooled[1], atol=1e-3)
