from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from anatomy.corpus import standins
from distill.split import bags, sequences, split

text = st.lists(st.sampled_from(["a", "A", "dog", "Dog,", "red", "-", "cats"]), max_size=5)
texts = st.lists(text.map(" ".join), min_size=1, max_size=30)
ONE = np.array([True])


def strings(found):
    return pa.array(found, pa.large_string())


def bag_of(text):
    """An independent definition: words without case and edges, counted."""
    return frozenset(Counter((w.strip(",-") or w).casefold() for w in text.split()).items())


def of_one_source(found, share, seed=0):
    bag = bags(strings(found))
    return split(bag, np.ones((len(found), 1), dtype=bool), ONE, np.array([share]), seed)


@given(texts)
def test_bags_are_equal_exactly_where_the_words_are_the_same_in_any_order(found):
    numbers = bags(strings(found))
    for one, first in zip(found, numbers, strict=True):
        for other, second in zip(found, numbers, strict=True):
            assert (first == second) == (bag_of(one) == bag_of(other))


@given(texts, st.floats(0.01, 0.99), st.integers(0, 99))
def test_no_word_order_twin_crosses_and_no_prompt_is_on_both_sides(found, share, seed):
    sides = of_one_source(found, share, seed)
    assert np.array_equal(sides.held_out, ~sides.available)  # of one source, each has a side
    side = {}
    for one, held in zip(found, sides.held_out, strict=True):
        assert side.setdefault(bag_of(one), held) == held


@given(texts, texts, st.integers(0, 99))
def test_prompts_stay_on_their_side_when_others_are_added_or_the_share_grows(found, more, seed):
    few = of_one_source(found, 0.3, seed).held_out
    assert np.array_equal(of_one_source(found + more, 0.3, seed).held_out[: len(found)], few)
    assert (of_one_source(found, 0.6, seed).held_out >= few).all()


def test_the_share_is_held_out_of_every_source_and_the_seed_moves_it():
    found = strings(standins.generate("saco-veval", 20_000, 0))
    bag = bags(found)
    member = np.zeros((len(found), 2), dtype=bool)
    member[:15_000, 0] = member[15_000:, 1] = True
    shares = np.array([0.05, 0.2])
    sides = split(bag, member, np.array([True, True]), shares, 0)
    for source, share in enumerate(shares):
        assert abs(sides.held_out[member[:, source]].mean() - share) < 0.02
    other = split(bag, member, np.array([True, True]), shares, 1)
    assert 0 < (sides.held_out & other.held_out).sum() < 0.5 * sides.held_out.sum()


def test_what_only_evaluates_is_held_out_but_for_bags_that_train():
    found = ["red dog", "blue dog", "dog red", "cat"]
    #         both       trains      twin       evaluates
    member = np.array([[1, 1], [1, 0], [0, 1], [0, 1]], dtype=bool)
    trains = np.array([True, False])
    sides = split(bags(strings(found)), member, trains, np.array([0.0, 1.0]), 0)
    assert sides.held_out.tolist() == [False, False, False, True]
    assert sides.available.tolist() == [True, True, False, False]
    # Held out, a bag goes with all its prompts, and none of them trains.
    sides = split(bags(strings(found)), member, trains, np.array([1.0, 1.0]), 0)
    assert sides.held_out.all()
    assert not sides.available.any()


@given(st.lists(st.tuples(text.map(" ".join), st.integers(1, 7)), min_size=1, max_size=30))
def test_no_bag_trains_and_is_evaluated_whatever_the_sources(found):
    member = np.array([[bool(code >> s & 1) for s in range(3)] for _, code in found])
    trains = np.array([True, False, True])
    sides = split(
        bags(strings([t for t, _ in found])), member, trains, np.array([0.5, 0.7, 0.2]), 0
    )
    held = {bag_of(t) for (t, _), h in zip(found, sides.held_out, strict=True) if h}
    train = {bag_of(t) for (t, _), h in zip(found, sides.available, strict=True) if h}
    assert not held & train
    assert not (sides.available & ~(member & trains).any(axis=1)).any()


@given(texts)
def test_sequences_are_equal_exactly_where_the_words_are_the_same_in_the_same_order(found):
    numbers = sequences(strings(found))
    words = [tuple((w.strip(",-") or w).casefold() for w in text.split()) for text in found]
    for one, first in zip(words, numbers, strict=True):
        for other, second in zip(words, numbers, strict=True):
            assert (first == second) == (one == other)
