"""Held-out prompts one by one, and by what the student's tokenizer makes of them."""

from __future__ import annotations

import numpy as np

from anatomy.tokens.ragged import rows
from anatomy.tokens.table import TokenTable
from distill.evaluation.asked import Both
from distill.evaluation.groups import cosines_of
from distill.evaluation.held_out import HeldOut
from distill.metrics.evaluation import Segmented, VocabularyEffect, WorstPrompt
from distill.vocabulary import align
from distill.vocabulary.effect import effect

WORST = 20
LETTERS = 200  # of a prompt that is shown


def one_by_one(
    held: HeldOut, both: Both, tokens: TokenTable
) -> tuple[VocabularyEffect, list[WorstPrompt]]:
    """What the vocabulary and the context do to held-out prompts, and the worst of all.

    Parameters
    ----------
    held : HeldOut of N prompts
    both : Both
    tokens : TokenTable
        The teacher's ids of all prompts, uncut, by the rows of `Prompts`.
    """
    whole = rows(tokens, held.rows)
    aligned = align(both.teacher.encoder.tokenizer, whole, both.tokenizer, held.texts)
    context = both.student.recipe.context
    found = effect(whole, aligned.table, aligned.same, context)
    cut = aligned.table.lengths > context
    kinds = {"all tokens kept": aligned.same, "some token split": ~aligned.same}
    kinds["cut to the context"] = cut
    vocabulary = VocabularyEffect(
        tokens=both.tokenizer.vocabulary_size,
        teacher_tokens=both.teacher.encoder.tokenizer.vocabulary_size,
        prompts=found.prompts,
        unchanged=found.unchanged,
        split=found.split,
        growth=found.growth,
        context=context,
        truncated_before=found.truncated_before,
        truncated_after=found.truncated_after,
        groups=[
            Segmented.model_validate(
                {
                    "kind": kind,
                    "prompts": int(chosen.sum()),
                    "pooled": cosines_of(held.cosine[chosen]) if chosen.any() else None,
                }
            )
            for kind, chosen in kinds.items()
        ],
    )
    return vocabulary, _worst(held, ~aligned.same, cut)


def _worst(held: HeldOut, split: np.ndarray, cut: np.ndarray) -> list[WorstPrompt]:
    counts = np.bincount(held.owner, minlength=len(held))
    sums = np.bincount(held.owner, weights=held.token_cosine, minlength=len(held))
    worst: list[WorstPrompt] = []
    for at in np.argsort(held.cosine, kind="stable")[:WORST].tolist():
        text = held.texts[at].as_py()
        worst.append(
            WorstPrompt(
                text=text[:LETTERS],
                sources=[name for name, there in zip(held.names, held.member[at], strict=True) if there],
                cosine=float(held.cosine[at]),
                token_cosine=float(sums[at] / counts[at]) if counts[at] else None,
                tokens=int(held.lengths[at]),
                split=bool(split[at]),
                cut=bool(cut[at]),
            )
        )
    return worst
