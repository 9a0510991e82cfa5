from __future__ import annotations

import time

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.corpus import standins
from distill.permute import shuffled
from distill.prompts import permuted

CONTENT = ["white", "shirt", "man", "Dog", "hat,", "(red", "ölé", "猫"]
FUNCTION = ["the", "in", "on", "of", "With", "holding"]
word = st.sampled_from([*CONTENT, *FUNCTION, "left"])
prompt = st.lists(word, max_size=9).map(" ".join)
prompts = st.lists(prompt, max_size=12)


def strings(texts):
    return pa.array(texts, pa.large_string())


def once(text, seed=0):
    return permuted(strings([text]), seed)[0].as_py()


@given(prompts, st.integers(0, 2**40))
def test_words_stay_whole_and_all_there_and_function_words_in_their_place(texts, seed):
    for before, after in zip(texts, permuted(strings(texts), seed).to_pylist(), strict=True):
        assert sorted(before.split()) == sorted(after.split())
        for old, new in zip(before.split(), after.split(), strict=True):
            if old in FUNCTION or new in FUNCTION:
                assert old == new


@given(st.lists(st.sampled_from(["black", "white", "small", "man", "dog", "猫"]), max_size=6))
def test_content_words_alone_change_their_order_wherever_another_one_exists(words):
    after = once(" ".join(words)).split()
    assert (after != words) == (len(set(words)) > 1)


@given(prompts, st.integers(0, 9), st.integers(0, 11))
def test_a_prompts_permutation_hangs_on_itself_and_the_seed_alone(texts, seed, start):
    together = permuted(strings(texts), seed).to_pylist()
    assert permuted(strings(texts[start:]), seed).to_pylist() == together[start:]
    assert permuted(strings(texts).slice(start), seed).to_pylist() == together[start:]
    assert [once(text, seed) for text in texts] == together


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dog",
        "  dog ",
        "dog on cat",
        "the dog",
        "man  holding cup",
        "big big",
        "dog, cat",
        "left of man",
        "woman next to tree",
        "the man (left)",
    ],
)
def test_what_has_no_other_order_comes_back_byte_for_byte(text):
    assert {once(text, seed) for seed in range(5)} == {text}


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        (
            "white shirt man",
            {
                "white man shirt",
                "shirt white man",
                "shirt man white",
                "man white shirt",
                "man shirt white",
            },
        ),
        ("man in  white shirt on left", {"man in shirt white on left"}),
        ("left man", {"man left"}),
        ("tall building", {"building tall"}),
        ("small dog, black cat", {"dog, small cat black"}),
    ],
)
def test_runs_of_content_words_take_every_other_order(text, orders):
    assert {once(text, seed) for seed in range(60)} == orders


def test_all_other_orders_come_up():
    texts = strings([f"x{at} y{at} z{at}" for at in range(20_000)])
    found = [0] * 6
    for text in permuted(texts, 3).to_pylist():
        letters = "".join(word[0] for word in text.split())
        found[sorted(["xyz", "xzy", "yxz", "yzx", "zxy", "zyx"]).index(letters)] += 1
    # Where a shuffle gives the order that was there, one step round (yzx) takes its place.
    assert found[0] == 0
    assert found[3] == pytest.approx(20_000 / 3, rel=0.06)
    for at in (1, 2, 4, 5):
        assert found[at] == pytest.approx(20_000 / 6, rel=0.08)


def test_the_papers_number_of_prompts_takes_seconds():
    texts = strings(standins.generate("refcoco", 404_796, 0))
    started = time.process_time()
    permuted(texts, 1)
    assert time.process_time() - started < 20  # about 2 s on an idle core


@given(prompts, st.integers(0, 2**40))
def test_a_shuffle_moves_all_words_wherever_another_order_exists(texts, seed):
    for before, after in zip(texts, shuffled(strings(texts), seed).to_pylist(), strict=True):
        assert sorted(before.split()) == sorted(after.split())
        assert (before.split() != after.split()) == (len(set(before.split())) > 1)
