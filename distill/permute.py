"""Prompts with the words of their noun phrases in another order: T' of the paper's equation 6.

The paper says "attribute-noun order is shuffled (e.g., white shirt man -> man white shirt)" and no
more. What is shuffled here are runs of neighbouring content words. What relates one thing to
another stays where it is and ends a run, so that "dog on cat" does not become "cat on dog": that
would teach the student to forget what the teacher knows. What stays:

* function words: articles, prepositions, pronouns, conjunctions, auxiliaries;
* words in -ing, which mostly relate ("man holding cup"), but for some common nouns;
* a place word before "of", "to" or "from", which belongs to it: "left of", "next to";
* the ends of a clause: nothing moves across a comma.

Words are whole and are what white space separates. The rules are for English; words of other
languages are all content, and are shuffled.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import regex

from anatomy.corpus.words import EDGES, Words
from anatomy.tokens.table import offsets_of
from distill import hashing

_FUNCTION_WORDS = """
    a an the this that these those my your his her its our their some any each every no

    aboard about above across after against along alongside amid among around as at atop before
    behind below beneath beside besides between beyond by down during except for from in inside
    into like near of off on onto opposite out outside over past per through throughout to toward
    towards under underneath until up upon via with within without

    and because but he him i if it nor not or she so than them then they us we what when where
    which while who whom whose you

    am are be been being can could did do does had has have is may might must shall should was were
    will would
"""
_PLACE_WORDS = """
    adjacent back bottom center centre close closer closest edge end front left middle nearest next
    rear right side top
"""
_NOUNS_IN_ING = """
    awning building ceiling clothing earring evening flooring frosting icing lettering marking
    morning painting pudding railing siding string wedding wing
"""
_STAY = frozenset(_FUNCTION_WORDS.split())
_PLACES = frozenset(_PLACE_WORDS.split())
_NOUNS = frozenset(_NOUNS_IN_ING.split())
_OF = frozenset(("of", "to", "from"))
_OPENS = regex.compile(r"^[\p{Ps}\p{Pi}\"']")
_CLOSES = regex.compile(r"[\p{Pe}\p{Pf}\"',;:.!?]$")


def permuted(texts: pa.LargeStringArray, seed: int) -> pa.LargeStringArray:
    """The same prompts, each run of content words in another order.

    Parameters
    ----------
    texts : pa.LargeStringArray, length N
    seed : int
        Another one gives other orders.

    Returns
    -------
    pa.LargeStringArray, length N
        Each prompt depends on its own text and the seed alone, not on those beside it. A run in
        which another order exists has another order; a prompt without such a run comes back as it
        is, white space and all; the others have single spaces. All words of a prompt are in its
        permutation, as often.
    """
    words = Words.of(texts)
    return _reordered(texts, words, _runs(words), seed) if len(words.rows) else texts


def shuffled(texts: pa.LargeStringArray, seed: int) -> pa.LargeStringArray:
    """The same prompts, all words of each in another order, what relates them as well.

    Nothing is trained on these: they show what an encoder makes of word order as such. The rest is
    as for `permuted`.
    """
    words = Words.of(texts)
    return _reordered(texts, words, words.rows, seed) if len(words.rows) else texts


def _reordered(
    texts: pa.LargeStringArray, words: Words, runs: np.ndarray, seed: int
) -> pa.LargeStringArray:
    """The texts, the words of each run (number of each word's, int64 [W], ascending) reordered."""
    # Each word's key hangs on the prompt as it stands, so that equal words of two prompts go
    # different ways and a prompt goes the same way in any company.
    numbers = hashing.of_words(words.known)[words.codes]
    ends = np.searchsorted(words.rows, np.arange(words.texts + 1))
    places = np.arange(len(words.rows), dtype=np.uint64) - ends[words.rows].astype(np.uint64)
    numbers = hashing.mixed(numbers ^ hashing.mixed(places))
    prompts = hashing.sums(numbers, words.rows, words.texts)[words.rows]
    keys = hashing.seeded(numbers ^ hashing.mixed(prompts), seed)
    order = np.lexsort((keys, runs))
    codes = words.codes[order]
    # Where a run came out as it was, one step round makes it another, unless all its words are one.
    starts = np.flatnonzero(np.diff(runs, prepend=-1))
    lengths = np.diff(starts, append=len(runs))
    same = np.add.reduceat(codes != words.codes, starts) == 0
    turned = np.repeat(same & (lengths > 1), lengths)
    step = np.arange(len(runs)) + 1
    last = np.repeat(starts + lengths, lengths)
    step[step == last] = starts
    codes = np.where(turned, codes[step], codes)
    moved = np.bincount(words.rows[codes != words.codes], minlength=words.texts) > 0
    return _joined(texts, words, codes, moved)


def _runs(words: Words) -> np.ndarray:
    """The number of each word's run, int64 [W], ascending; a word that stays is one of its own."""
    bare = [EDGES.sub("", word).lower() for word in words.known]
    codes = words.codes

    def asked(answers: list[bool]) -> np.ndarray:
        of_word: np.ndarray = np.array(answers)[codes]
        return of_word

    stays = asked([word in _STAY or _relates(word) for word in bare])
    before = np.append(asked([word in _OF for word in bare])[1:], False)
    same_row = np.append(words.rows[1:] == words.rows[:-1], False)
    stays |= asked([word in _PLACES for word in bare]) & before & same_row
    opens = asked([bool(_OPENS.search(word)) for word in words.known])
    closes = asked([bool(_CLOSES.search(word)) for word in words.known])
    begins = np.ones(len(codes), dtype=bool)
    begins[1:] = (
        (words.rows[1:] != words.rows[:-1]) | stays[1:] | stays[:-1] | opens[1:] | closes[:-1]
    )
    runs: np.ndarray = np.cumsum(begins) - 1
    return runs


def _relates(word: str) -> bool:
    return len(word) > 4 and word.endswith("ing") and word not in _NOUNS


def _joined(
    texts: pa.LargeStringArray, words: Words, codes: np.ndarray, moved: np.ndarray
) -> pa.LargeStringArray:
    """The texts, those that `moved` from their words' new codes."""
    chosen = moved[words.rows]
    lengths = np.bincount(words.rows[chosen], minlength=words.texts)[moved]
    flat = pa.array(words.known, pa.large_string()).take(pa.array(codes[chosen]))
    lists = pa.ListArray.from_arrays(pa.array(offsets_of(lengths).astype(np.int32)), flat)
    space = pa.scalar(" ", pa.large_string())
    return pc.replace_with_mask(texts, pa.array(moved), pc.binary_join(lists, space))
