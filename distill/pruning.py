"""The student's tokenizer, by the recipe and the training prompts.

A prompt with a token that was not kept is read in smaller pieces, and is what a student does worst.
Tried on MiniLM's layers 1 and 6 (VEval and RefCOCO val, 2 epochs; held-out mean pooled cosine .966
of all prompts, .749 of those with such a token): reading a tenth of the training prompts, those
with the rarest tokens, a second time with these in pieces gives .767 and still .966 of all;
teaching the pieces inside a word that word's output gives .759 and .966. Neither is worth its time;
more tokens are.
"""

from __future__ import annotations

import re
from bisect import bisect_right

import numpy as np

from anatomy.encoders.registry import Tokenizer
from anatomy.errors import InputError
from distill.prompts import Prompts
from distill.recipe import VocabularyRecipe
from distill.vocabulary import PrunedTokenizer, choose, identity, needed_with, prune

# Places that BERT and Gemma keep free in their vocabularies: no prompt can hold them.
_FREE = re.compile(r"[\[<]unused\d+[\]>]")


def token_counts(prompts: Prompts, vocabulary_size: int) -> np.ndarray:
    """Occurrences of each token in the prompts that may train, int64 [V]."""
    chosen = prompts.tokens.select(prompts.available)
    return np.bincount(chosen.ids, minlength=vocabulary_size)


def student_tokenizer(
    recipe: VocabularyRecipe, tokenizer: Tokenizer, counts: np.ndarray
) -> PrunedTokenizer:
    """The teacher's tokenizer with the tokens that the recipe keeps, and those it needs besides.

    Parameters
    ----------
    recipe : VocabularyRecipe
    tokenizer : Tokenizer
        The teacher's.
    counts : ndarray of int64, shape [V]
        See `token_counts`.

    Raises
    ------
    InputError
        If this tokenizer's vocabulary cannot be pruned.
    """
    if recipe.keep == "all":
        return identity(tokenizer)
    if recipe.size is not None:
        kept = _of_size(recipe.size, tokenizer, counts)
    else:
        kept = choose(counts, minimum_count=recipe.minimum_count, coverage=recipe.coverage)
    return prune(tokenizer, kept.tolist())


def _of_size(size: int, tokenizer: Tokenizer, counts: np.ndarray) -> np.ndarray:
    """As many tokens as a vocabulary of that size has room for.

    The most frequent ones first, and of equally frequent ones those of low ids: tokenizers number
    their tokens by how frequent they are in general. So tokens that no training prompt has come
    last, and are what other prompts will have most.
    """
    frequent = np.argsort(-counts, kind="stable").tolist()
    order = [n for n in frequent if counts[n] or not _FREE.fullmatch(tokenizer.text_of(n))]
    complete = needed_with(tokenizer)
    # What the tokenizer needs besides grows with what is kept.
    fits = bisect_right(
        range(1, len(order) + 1), size, key=lambda number: len(complete(order[:number]))
    )
    if not fits:
        raise InputError(
            f"vocabulary.size={size:,}: the tokenizer needs more to spell everything; give a "
            "larger number"
        )
    return np.array(order[:fits])
