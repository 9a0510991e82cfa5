"""Prompts that say the same thing in other words' clothes: "a cat", "Cats", "the cat".

Two prompts are variants of one another if they differ only by article (a, an, the), case, plural,
word order, repeated spaces or punctuation at the edges of words. The plural is undone by rules of
thumb for English: each word is led to one form that its singular and its plural share. The form
need not be a word ("movie" and "movies" meet at "movy"), and unrelated words rarely meet there
("glass" and "glasses" do).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from anatomy.corpus.words import EDGES, Words
from anatomy.tokens.ragged import distinct
from anatomy.tokens.table import TokenTable, offsets_of

_ARTICLES = frozenset(("a", "an", "the"))

# Where the rules below would go wrong.
_IRREGULAR = {
    "cacti": "cactus",
    "dice": "die",
    "emus": "emu",
    "fungi": "fungus",
    "geese": "goose",
    "lives": "life",
    "menus": "menu",
    "mice": "mouse",
    "oxen": "ox",
    "quizzes": "quiz",
}
# The same at the end of longer words: firemen, bookshelves, grandchildren, salespeople.
_IRREGULAR_ENDS = {
    "calves": "calf",
    "children": "child",
    "elves": "elf",
    "feet": "foot",
    "halves": "half",
    "hooves": "hoof",
    "knives": "knife",
    "leaves": "leaf",
    "loaves": "loaf",
    "men": "man",
    "people": "person",
    "scarves": "scarf",
    "teeth": "tooth",
    "thieves": "thief",
    "wives": "wife",
    "wolves": "wolf",
}
_IRREGULAR_ENDINGS = tuple(_IRREGULAR_ENDS)
# Singulars that end in a single s, beside those in -us and -is; and plurals that look like these.
_SINGULAR_IN_S = frozenset(("atlas", "canvas", "christmas", "gas", "lens", "pancreas", "thermos"))
_PLURAL_IN_US_OR_IS = frozenset(
    ("bikinis", "emus", "khakis", "kiwis", "menus", "paninis", "skis", "taxis", "zucchinis")
)


def variant_keys(prompts: pa.LargeStringArray | Sequence[str]) -> np.ndarray:
    """Number prompts so that variants of one another have the same number.

    A prompt of nothing but articles and punctuation is compared by its case-folded words, in
    any order, as they stand.

    Parameters
    ----------
    prompts : pa.LargeStringArray or sequence of str, length N

    Returns
    -------
    ndarray of int64, shape [N]
        In order of first appearance, from 0.
    """
    words = Words.of(pa.array(prompts, pa.large_string()))
    # The rules look at each distinct word once, whatever the number of prompts.
    rows, codes = words.rows, words.codes
    known = [word.casefold() for word in words.known]
    stems: dict[str, int] = {"": 0}  # 0 stands for what is left out
    stem = _numbers((stems.setdefault(_stem(word), len(stems)) for word in known), codes)
    folded: dict[str, int] = {"": 0}
    plain = _numbers((folded.setdefault(word, len(stems) + len(folded)) for word in known), codes)
    has_stem = np.bincount(rows[stem > 0], minlength=words.texts) > 0
    ids = np.where(has_stem[rows], stem, plain)
    rows, ids = rows[ids > 0], ids[ids > 0]
    # Word order: sorted within each row, the rows staying where they are.
    ids = ids[np.lexsort((ids, rows))]
    lengths = np.bincount(rows, minlength=words.texts).astype(np.int64)
    return distinct(TokenTable(ids, offsets_of(lengths)))[0]


def _numbers(of_known: Iterable[int], codes: np.ndarray) -> np.ndarray:
    """The number of each word, int32, from the numbers of the distinct words."""
    return np.take(np.array([*of_known, 0], dtype=np.int32), codes)


def _stem(word: str) -> str:
    """What a case-folded word is compared by; "" for an article or nothing but punctuation."""
    word = EDGES.sub("", word)
    if word in _ARTICLES:
        return ""
    while (form := _singular(word)) != word:
        word = form
    return word


def _singular(word: str) -> str:
    """The word one step nearer to the form that its singular and its plural share.

    Each step makes the word shorter or is the last one, so `_stem` comes to an end.
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith(_IRREGULAR_ENDINGS):
        end = next(end for end in _IRREGULAR_ENDINGS if word.endswith(end))
        return word.removesuffix(end) + _IRREGULAR_ENDS[end]
    # berries, movies -> berry, movy; and movie -> movy
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("ie"):
        return word[:-2] + "y"
    # glasses, boxes, benches -> glass, box, bench; and axe -> ax
    if word.endswith(("sses", "xes", "zes", "ches", "shes")):
        return word[:-2]
    if len(word) > 2 and word.endswith(("xe", "ze", "che", "she")):
        return word[:-1]
    # potatoes -> potato; and canoe -> cano
    if len(word) > 5 and word.endswith("oes"):
        return word[:-2]
    if len(word) > 4 and word.endswith("oe"):
        return word[:-1]
    if not word.endswith("s") or word.endswith("ss") or not word[-2:].isalpha():
        return word
    # buses, horses -> buse, horse by the last rule; and bus -> buse, oasis -> oase
    if word not in _PLURAL_IN_US_OR_IS:
        if len(word) > 4 and word.endswith("sis"):
            return word[:-2] + "e"
        if len(word) > 2 and (word in _SINGULAR_IN_S or word.endswith(("us", "is"))):
            return word + "e"
    return word[:-1] if len(word) > 2 else word
