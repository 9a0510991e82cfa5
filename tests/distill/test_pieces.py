"""Rare words in pieces: which prompts, in which pieces, and what these learn from."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from anatomy.tokens.clip import ClipTokenizer
from distill.pieces import in_pieces
from distill.targets import NONE, Targets
from distill.vocabulary import choose, prune

TEACHER = ClipTokenizer()
TEXTS = ["a dog", "the cat", "a cat", "the dog"] * 25 + ["a zebra", "the giraffe", "a zebra dog"]
HELD_OUT = ["a walrus", "the zebra"]


def world(share):
    texts = pa.array([*TEXTS, *HELD_OUT], pa.large_string())
    whole = TEACHER.encode(texts)
    training = np.arange(len(texts)) < len(TEXTS)
    counts = np.bincount(whole.ids[: whole.offsets[len(TEXTS)]], minlength=TEACHER.vocabulary_size)
    student = prune(TEACHER, choose(counts).tolist())
    outputs = np.arange(len(whole.ids), dtype=np.float32)[:, None]
    number = np.arange(len(texts))
    targets = Targets(outputs, whole.offsets, outputs, number, number_of(whole), 0, 0.0, 0.0)
    found = in_pieces(
        TEACHER, student, texts, whole, training, targets, causal=True, share=share, context=16
    )
    return found, student, whole, texts


def number_of(whole):
    return np.arange(len(whole.ids))


def test_the_rarest_words_are_read_in_pieces_with_the_teachers_outputs():
    found, student, whole, texts = world(0.05)
    assert [texts[int(row)].as_py() for row in found.row] == TEXTS[-3:]
    for at, row in enumerate(found.row):
        here = slice(found.table.offsets[at], found.table.offsets[at + 1])
        spelt = [student.text_of(int(number)) for number in found.table.ids[here]]
        old = whole.ids[whole.offsets[row] : whole.offsets[row + 1]]
        assert "".join(spelt) == "".join(TEACHER.text_of(int(number)) for number in old)
        assert len(spelt) > len(old)
        # The start, the words that are frequent, the last pieces of those in pieces, and the end.
        targets = found.target[here]
        assert targets[targets != NONE].tolist() == list(
            range(whole.offsets[row], whole.offsets[row + 1])
        )
    assert not found.moved.any()


@pytest.mark.parametrize("share", [0.0, 0.005])
def test_no_more_prompts_than_their_share_are_taken(share):
    assert world(share)[0] is None


def test_examples_after_one_another_are_both():
    found, *_ = world(0.05)
    both = found.and_then(found.select(np.array([2, 0])))
    assert len(both) == 5
    again = both.select(np.array([3, 4]))
    for one, other in ((again, found.select(np.array([2, 0]))),):
        assert (one.table.ids == other.table.ids).all() and (one.target == other.target).all()
        assert (one.row == other.row).all()
