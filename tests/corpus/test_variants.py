"""Which prompts are variants of one another."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.corpus.variants import variant_keys

PAIRS = """
dog dogs, bus buses, glass glasses, dress dresses, box boxes, axe axes, bench benches, dish dishes,
quiz quizzes, size sizes, cache caches, horse horses, vase vases, house houses, gas gases,
lens lenses, atlas atlases, cactus cacti, cactus cactuses, iris irises, oasis oases, crisis crises,
berry berries, movie movies, pie pies, key keys, potato potatoes, shoe shoes, toe toes, hero heroes,
canoe canoes, horseshoe horseshoes, photo photos, pizza pizzas, menu menus, taxi taxis, bra bras,
man men, woman women, fireman firemen, specimen specimens, child children, grandchild grandchildren,
person people, person persons, foot feet, tooth teeth, mouse mice, goose geese, leaf leaves,
knife knives, wolf wolves, shelf shelves, bookshelf bookshelves, scarf scarves, half halves,
life lives, olive olives, glove gloves, sleeve sleeves, wave waves, die dice, ox oxen,
t-shirt t-shirts, tv tvs, bee bees, knee knees, moth moths
"""
APART = """
glass glas, bus bu, cat car, man moon, berry bear, toe to, hose ho, tease tea, rose row, lens lent,
leaf leave, pie pay, 1980s 1980, dog's dog, this thing, one once
"""
MARKS = ["", ".", ",", "!?", "“", ")", "…"]
WORDS = "dog Dogs the A an cat cats CATS red bus buses Straße glasses 2 c++ don't t-shirt 犬 🐶"
words = st.sampled_from(WORDS.split()) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6
).filter(lambda word: word.split() == [word])
prompts = st.lists(words, min_size=1, max_size=6)


def pairs(text: str) -> list[list[str]]:
    return [pair.split() for pair in text.replace("\n", " ").strip().split(",")]


def same(one: str, other: str) -> bool:
    first, second = variant_keys([one, other])
    return bool(first == second)


@pytest.mark.parametrize(("singular", "plural"), pairs(PAIRS))
def test_plurals(singular: str, plural: str) -> None:
    assert same(singular, plural)
    assert same(f"two red {plural}", f"red {singular.upper()}, two")


@pytest.mark.parametrize(("one", "other"), pairs(APART))
def test_words_that_stay_apart(one: str, other: str) -> None:
    assert not same(one, other)


def test_numbers_follow_first_appearance() -> None:
    keys = variant_keys(["a cat", "dog", "Cats!", "the dogs", "red cat", "cat - RED", "dog cat"])
    assert keys.tolist() == [0, 1, 0, 1, 2, 2, 3]
    assert keys.dtype == np.int64


def test_how_often_a_word_stands_there_matters() -> None:
    assert not same("cat cat", "cat")
    assert same("cat dog cat", "dogs cat cat")


def test_prompts_without_words() -> None:
    keys = variant_keys(["the", " THE ", "a", "the a", "A the", "!", "! ?", "?  !", "", "  ", "a."])
    assert keys.tolist() == [0, 0, 1, 2, 2, 3, 4, 4, 5, 5, 6]


def test_nothing() -> None:
    assert variant_keys([]).shape == (0,)
    assert variant_keys([""]).tolist() == [0]


def test_a_part_of_an_array() -> None:
    whole = pa.array(["cat", "a dog", "Dogs", "mice", "the mouse"], pa.large_string())
    assert variant_keys(whole).tolist() == [0, 1, 1, 2, 2]
    assert variant_keys(whole.slice(2, 3)).tolist() == [0, 1, 1]


@given(prompts, st.randoms())
def test_word_order_does_not_matter(prompt: list[str], random: object) -> None:
    shuffled = list(prompt)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert same(" ".join(prompt), " ".join(shuffled))


@given(prompts, st.sampled_from(["a", "an", "The"]), st.integers(0, 6))
def test_an_article_does_not_matter(prompt: list[str], article: str, at: int) -> None:
    more = ["dog", *prompt]
    assert same(" ".join(more), " ".join([*more[:at], article, *more[at:]]))


@given(prompts, st.data())
def test_case_spaces_and_punctuation_do_not_matter(prompt: list[str], data: st.DataObject) -> None:
    more = ["dog", *prompt]
    marked = [
        data.draw(st.sampled_from(MARKS)) + word.casefold() + data.draw(st.sampled_from(MARKS))
        for word in more
    ]
    assert same(" ".join(more), f" {'  '.join(marked)}\t")


@given(st.lists(prompts, min_size=1, max_size=8))
def test_it_is_an_equivalence_that_neighbours_do_not_change(rows: list[list[str]]) -> None:
    texts = [" ".join(row) for row in rows]
    keys = variant_keys(texts)
    one_of_each = np.unique(keys, return_index=True)[1]
    assert variant_keys([texts[at] for at in one_of_each]).tolist() == list(range(keys.max() + 1))
    for i, one in enumerate(texts):
        for j, other in enumerate(texts):
            assert (keys[i] == keys[j]) == same(one, other)


ENDS = "ies|es|oes|ves|s|ss|us|is|sis|men|ie|xe|oe|people|mice|"


@given(st.from_regex(f"[a-z]{{1,4}}({ENDS})", fullmatch=True))
def test_a_plural_in_s_finds_its_singular(word: str) -> None:
    """Made-up words too; where the plural is another, the rules come to an end all the same."""
    otherwise = ("s", "x", "z", "ch", "sh", "y", "o", "u", "i", "men", "people", "mice")
    assert same(word, f"{word}s") or word.endswith(otherwise) or len(word) < 3
