"""Which prompts train and which are held out.

Prompts are split by bag: the words of the cleaned prompt in no order, without case and without
punctuation around them. All prompts of one bag go to one side, so that no student is asked for a
prompt whose word-order twin it was taught.

* A bag with a prompt in a source that trains is held out or trains, by its hash.
* The other bags, of sources that only evaluate, are held out; above a number a source's are
  thinned, by their hash, to keep evaluation short.
* A prompt that only stands in a source that evaluates, but whose bag trains, does neither.

The hash depends on the bag and a seed alone: a prompt stays on its side when others are added, as
long as the share of its source stays the same. A smaller share holds out a part of what a larger
one does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from anatomy.corpus.words import EDGES, Words
from distill import hashing

_SCALE = 2.0**-64


@dataclass(frozen=True)
class Split:
    """Sides of N prompts; no prompt is on both.

    Attributes
    ----------
    held_out : ndarray of bool, shape [N]
        Evaluated, and nothing is chosen by them.
    available : ndarray of bool, shape [N]
        May train: what is chosen from training prompts is chosen from all of these.
    """

    held_out: np.ndarray
    available: np.ndarray


def bags(cleaned: pa.LargeStringArray) -> np.ndarray:
    """A number for each prompt's bag of words, uint64 [N]: equal for equal bags.

    Two bags of one number by chance go to one side: nothing leaks.

    Parameters
    ----------
    cleaned : pa.LargeStringArray, length N
        After the tokenizer's own cleaning.
    """
    words, numbers = _bare(cleaned)
    return hashing.sums(numbers, words.rows, words.texts)  # a sum has no order


def sequences(cleaned: pa.LargeStringArray) -> np.ndarray:
    """A number for each prompt's words in their order, uint64 [N]; the words are those of `bags`.

    Two prompts of one bag and two sequences are each other's word-order twins.
    """
    words, numbers = _bare(cleaned)
    starts = np.searchsorted(words.rows, np.arange(words.texts + 1))
    places = (np.arange(len(numbers)) - starts[words.rows]).astype(np.uint64)
    return hashing.sums(hashing.mixed(numbers ^ hashing.mixed(places)), words.rows, words.texts)


def _bare(cleaned: pa.LargeStringArray) -> tuple[Words, np.ndarray]:
    """The words of prompts, and a number for each without case and punctuation, uint64 [W]."""
    words = Words.of(cleaned)
    bare = (EDGES.sub("", word).casefold() or word for word in words.known)
    return words, hashing.mixed(hashing.of_words(bare))[words.codes]


def split(
    bag: np.ndarray, member: np.ndarray, trains: np.ndarray, shares: np.ndarray, seed: int
) -> Split:
    """Sides of N prompts of S sources.

    Parameters
    ----------
    bag : ndarray of uint64, shape [N]
    member : ndarray of bool, shape [N, S]
        Which sources each prompt stands in.
    trains : ndarray of bool, shape [S]
        Which sources train.
    shares : ndarray of float, shape [S]
        Share of each source's bags to hold out. A bag that several of its side's sources have is
        held out if any of their shares says so.
    seed : int
    """
    known, number = np.unique(bag, return_inverse=True)
    inside = np.zeros((len(known), len(trains)), dtype=bool)  # sources of each bag
    for source in range(len(trains)):
        inside[number[member[:, source]], source] = True
    of_training = inside & trains
    asked = np.where(of_training.any(axis=1, keepdims=True), of_training, inside)
    share = (asked * shares).max(axis=1, initial=0)
    lot = hashing.seeded(known, seed) * _SCALE  # from 0 to 1
    held_out = (lot < share)[number]
    return Split(held_out, (member & trains).any(axis=1) & ~held_out)
