"""Held-out prompts by what the student's tokenizer makes of them, and the worst one by one."""

from __future__ import annotations

import numpy as np

from distill.evaluation.groups import cosines_of
from distill.evaluation.held_out import HeldOut
from distill.metrics.evaluation import Segmented, WorstPrompt

WORST = 20
LETTERS = 200  # of a prompt that is shown


def segmented(held: HeldOut) -> list[Segmented]:
    """Cosines of the prompts that the smaller vocabulary leaves alone, and of the others."""
    kinds = {
        "all tokens kept": ~held.split,
        "some token split": held.split,
        "cut to the context": held.cut,
    }
    return [
        Segmented(
            kind=kind,  # type: ignore[arg-type]
            prompts=int(chosen.sum()),
            pooled=cosines_of(held.cosine[chosen]) if chosen.any() else None,
            baseline=cosines_of(held.baseline[chosen]) if chosen.any() else None,
        )
        for kind, chosen in kinds.items()
    ]


def worst_prompts(held: HeldOut) -> list[WorstPrompt]:
    """Those of the lowest pooled cosines, the lowest first."""
    counts = np.bincount(held.owner, minlength=len(held))
    sums = np.bincount(held.owner, weights=held.token_cosine, minlength=len(held))
    return [
        WorstPrompt(
            text=held.texts[at].as_py()[:LETTERS],
            sources=[held.names[source] for source in np.flatnonzero(held.member[at])],
            cosine=float(held.cosine[at]),
            baseline=float(held.baseline[at]),
            token_cosine=float(sums[at] / counts[at]) if counts[at] else None,
            tokens=int(held.lengths[at]),
            split=bool(held.split[at]),
            cut=bool(held.cut[at]),
        )
        for at in np.argsort(held.cosine, kind="stable")[:WORST].tolist()
    ]
