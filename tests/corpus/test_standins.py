"""Stand-ins: the same everywhere, distinct, at full count, and in the style they claim."""

from __future__ import annotations

import hashlib
import re
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anatomy.corpus import standins
from anatomy.corpus.standin_words import VOWEL, language, plural
from anatomy.corpus.standins import STYLES, generate
from anatomy.errors import InputError

DATA = Path(standins.__file__).parent / "data" / "standin_words.toml"

PUBLISHED = {
    "rf100vl": 554,
    "lvis": 1_199,
    "refcoco": 246_040,
    "saco-gold": 51_577,
    "saco-silver": 54_178,
    "saco-veval": 51_248,
}

# sha256 of the first 200 prompts, joined by newlines. A change here changes every report that
# shows stand-ins: make it on purpose.
FIRST_200 = {
    "rf100vl": "2dbb26f279365aa3cc674e0a6e22db5d39b8b0d4f2f6d69726e2e8227aae2ec0",
    "lvis": "9066bce7d37c78c82fa40b4534ef5bf971495ec7a8cb71da045a4ceed4b83c8d",
    "refcoco": "9a5fd36aea29dd82536c824d6644bed3e29e11932a9e8105b3e3e9bd841211e4",
    "saco-gold": "9a3babec8f8719399c310eeab87d088bf7094e6791ed7e4e598bb9b500972bc2",
    "saco-silver": "62d8c0600c229e3cc234e4ec6be65a5baf54cda6eadd9f028f94fa44f03e06e9",
    "saco-veval": "dbc6b31a2b8d9c1ae955cbf13462d03cc0df049750d9163bcbf64da96b1df638",
}


@cache
def sample(name: str) -> tuple[str, ...]:
    """The published count of prompts, or 20,000 where that is less."""
    return tuple(generate(name, min(PUBLISHED[name], 20_000)).to_pylist())


def share(prompts: tuple[str, ...], regex: str) -> float:
    return sum(bool(re.search(regex, prompt)) for prompt in prompts) / len(prompts)


def mean_words(prompts: tuple[str, ...]) -> float:
    return float(np.mean([len(prompt.split()) for prompt in prompts]))


def test_styles_are_the_published_sources() -> None:
    assert set(STYLES) == set(PUBLISHED) == set(language().styles)


# ------------------------------------------------------------------------ counts and determinism


@pytest.mark.parametrize("name", STYLES)
def test_first_prompts_never_change(name: str) -> None:
    text = "\n".join(generate(name, 200).to_pylist())
    assert hashlib.sha256(text.encode()).hexdigest() == FIRST_200[name]


@pytest.mark.parametrize("name", STYLES)
def test_published_count_is_reached_with_distinct_clean_prompts(name: str) -> None:
    prompts = generate(name, PUBLISHED[name])
    assert prompts.type == pa.large_string()
    assert prompts.null_count == 0
    assert len(prompts) == len(set(prompts.to_pylist())) == PUBLISHED[name]
    everything = "\n" + "\n".join(prompts.to_pylist()) + "\n"
    assert everything.count("\n") == PUBLISHED[name] + 1
    # Nothing empty, no space at an end or doubled, no glue or slot of the grammar left over.
    assert not re.search(r"\n\n|\n | \n|  |[~<>{}\t\r]", everything)


@pytest.mark.parametrize("name", STYLES)
def test_same_arguments_same_array_other_seed_other_array(name: str) -> None:
    assert generate(name, 300).equals(generate(name, 300, seed=0))
    assert not generate(name, 300).equals(generate(name, 300, seed=1))


@pytest.mark.parametrize("name", STYLES)
def test_smaller_count_is_the_beginning_of_a_larger_one(name: str) -> None:
    many = generate(name, 3 * standins.BLOCK if PUBLISHED[name] > 5_000 else 3_000)
    for count in (0, 1, 554, standins.BLOCK - 1, standins.BLOCK + 1):
        if count <= len(many):
            assert generate(name, count).equals(many.slice(0, count))


@given(st.sampled_from(STYLES), st.integers(0, 400), st.integers(0, 2**64))
@settings(max_examples=20, deadline=None)
def test_any_count_and_seed(name: str, count: int, seed: int) -> None:
    prompts = generate(name, count, seed).to_pylist()
    assert len(set(prompts)) == len(prompts) == count
    assert all(prompt and prompt == prompt.strip() for prompt in prompts)


def test_result_holds_no_surplus() -> None:
    prompts = generate("saco-veval", 10)
    assert prompts.get_total_buffer_size() < 1_000


@pytest.mark.slow
@pytest.mark.parametrize("name", STYLES)
def test_twelve_times_the_published_count_is_reached(name: str) -> None:
    prompts = generate(name, 12 * PUBLISHED[name])
    assert len(prompts) == len(prompts.unique()) == 12 * PUBLISHED[name]


# ------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize("name", ["", "coco", "SACO-GOLD", "saco_gold"])
def test_unknown_name_is_an_input_error_that_lists_the_known(name: str) -> None:
    with pytest.raises(InputError, match="rf100vl, lvis, refcoco") as error:
        generate(name, 1)
    assert "\n" not in str(error.value)


def test_negative_arguments() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        generate("lvis", -1)
    with pytest.raises(ValueError, match="must not be negative"):
        generate("lvis", 1, seed=-1)


def test_count_beyond_the_grammar() -> None:
    with pytest.raises(ValueError, match="the grammar of lvis is exhausted"):
        generate("lvis", 200_000)


# ----------------------------------------------------------------------------------------- style


def test_lengths_follow_the_sources() -> None:
    """Mean words of each style lie near what its source's published mean tokens suggest."""
    words = {name: mean_words(sample(name)) for name in STYLES}
    assert words["lvis"] < words["rf100vl"] < 1.6
    for name in ("saco-gold", "saco-silver", "saco-veval"):
        assert 2.7 < words[name] < 3.6
    assert words["refcoco"] > 6 > words["saco-veval"] + 2


def test_refcoco_has_a_long_tail_of_lengths() -> None:
    words = np.array([len(prompt.split()) for prompt in sample("refcoco")])
    assert 0.05 < (words > 14).mean() < 0.13
    assert 0 < (words > 30).mean() < 0.003
    assert (words <= 3).mean() > 0.1


def test_refcoco_points() -> None:
    prompts = sample("refcoco")
    assert 0.15 < share(prompts, r"\b(left|right)\b") < 0.4
    assert 0.01 < share(prompts, r"\b(first|second|third|1st|2nd|3rd|fourth|last)\b") < 0.1
    assert share(prompts, r"\b(behind|next to|in front of)\b") > 0.05
    assert share(prompts, r"\b\w+est\b") > 0.01
    assert share(prompts, r"\w's \w") > 0.01
    assert share(prompts, r"\d") > 0.01
    assert share(prompts, r"^(a|an|the) ") < 0.6  # telegraphic for a good part


def test_refcoco_has_some_hard_characters() -> None:
    prompts = sample("refcoco")
    assert 0 < share(prompts, r"[^\x00-\x7f]") < 0.02
    assert 0 < share(prompts, r"&(amp|quot|lt);") < 0.02
    assert share(prompts, "[“’]") > 0


def test_misspellings_are_a_few_per_cent_of_refcoco_and_none_of_lvis() -> None:
    def misspelt(name: str) -> float:
        lists = [listed + several for listed in words for several in ("", "+s")]
        units = [unit for listed in lists for unit in language().draw(listed)[0]]
        units += [pattern for pattern, _ in language().patterns(name)]
        known = set(re.findall("[a-z]+", " ".join(units).lower()))
        unknown = [set(re.findall("[a-z]+", prompt)) - known - {"an"} for prompt in sample(name)]
        return float(np.mean([bool(found) for found in unknown]))

    words = tomllib.loads(DATA.read_text(encoding="utf-8"))["words"]
    assert 0.015 < misspelt("refcoco") < 0.06
    assert misspelt("lvis") == 0


def test_rf100vl_looks_like_class_names() -> None:
    prompts = sample("rf100vl")
    assert 0.1 < share(prompts, r"\w-\w") < 0.3
    assert 0.03 < share(prompts, r"\w_\w") < 0.2
    assert share(prompts, r"\d") > 0.03
    assert share(prompts, r"^[A-Z]") > 0.15
    assert share(prompts, r"^[A-Z]{3}") > 0.01
    assert share(prompts, r"^[Cc]lass-\d$") > 0
    assert share(prompts, r"^(a|an|the) ") == 0


@pytest.mark.parametrize("name", ["saco-gold", "saco-silver", "saco-veval"])
def test_saco_prompts_are_noun_phrases_many_with_an_article(name: str) -> None:
    prompts = sample(name)
    assert 0.4 < share(prompts, r"^(a|an|the) ") < 0.75
    assert share(prompts, r"\b\w+ing\b") > 0.05
    assert share(prompts, r"'s ") > 0.01
    assert share(prompts, r"\.$") == 0


def test_gold_names_fine_grained_things_and_veval_does_not() -> None:
    assert share(sample("saco-gold"), "[A-Z]") > 0.05 > share(sample("saco-veval"), "[A-Z]")


def test_words_have_a_long_tail() -> None:
    """A few words make up half of the text, and thousands appear."""
    words = " ".join(sample("refcoco") + sample("saco-gold") + sample("saco-silver")).split()
    counts = np.sort(np.unique(words, return_counts=True)[1])[::-1]
    assert len(counts) > 5_000
    assert counts[:100].sum() > 0.5 * counts.sum()
    assert np.median(counts) < 10


# --------------------------------------------------------------------------------------- grammar


@pytest.mark.parametrize("name", STYLES)
def test_every_pattern_writes_at_least_one_word(name: str) -> None:
    for pattern, _ in language().patterns(name):
        assert any("?" not in slot for slot in pattern.split()), pattern


def test_every_list_is_used_and_clean() -> None:
    data = tomllib.loads(DATA.read_text(encoding="utf-8"))
    text = " ".join(pattern for name in STYLES for pattern, _ in language().patterns(name))
    used = set(re.findall(r"<(\w+)", text))
    for name, mix in reversed(data["mixes"].items()):  # a mix names only lists and earlier mixes
        used |= {part.split()[0] for part in mix.split(",")} if name in used else set()
    assert used == {*data["words"], *data["mixes"]}
    for name in data["words"]:
        units = language().draw(name)[0]
        assert len(units) == len(set(units)), name
        assert all(unit and "~" not in unit for unit in units), name
    things = ("thing", "exact", "labelled")
    assert len({unit for name in things for unit in language().draw(name)[0]}) > 2_000


@pytest.mark.parametrize(
    ("unit", "several"),
    [
        ("dog", "dogs"), ("toy box", "toy boxes"), ("berry", "berries"), ("toy", "toys"),
        ("fireman", "firemen"), ("slice of pizza", "slices of pizza"), ("shorts", "shorts"),
        ("dress", "dresses"), ("wine glass", "wine glasses"), ("goose", "geese"),
    ],
)  # fmt: skip
def test_plural(unit: str, several: str) -> None:
    assert plural(unit) == several


def test_a_or_an() -> None:
    an = ["apple", "orange cat", "hourglass", "umbrella", "unopened can", "Irish setter", "igloo"]
    a = ["dog", "unicycle", "used car", "ukulele", "one-way sign", "ewe", "utensil", "house"]
    assert all(VOWEL.match(unit) for unit in an)
    assert not any(VOWEL.match(unit) for unit in a)
    for name in ("saco-gold", "saco-veval"):
        text = "\n".join(sample(name))
        assert len(re.findall(r"^an [aeiouAEIOU]", text, re.M)) > 50
        assert not re.search(r"^an [bcdfgjklmnpqrstvwxyz]", text, re.M)
        assert not re.search(r"^a [ai]", text, re.M)
