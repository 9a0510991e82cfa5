from __future__ import annotations

import sys
from collections import Counter
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from instant_clip_tokenizer import Tokenizer as RustTokenizer

from anatomy.corpus import build
from anatomy.tokens.bpe import BytePairEncoder
from anatomy.tokens.clip import ClipTokenizer, clean
from anatomy.tokens.table import TokenTable
from tests.tokens.reference import ReferenceTokenizer

OURS = ClipTokenizer()
REFERENCE = ReferenceTokenizer()

FRAGMENTS = [
    "a dog", "the man's hat", "dog's", "'s's",
    "''s", "'store", "they're", "I'LL", "can't!'t",
    "Ã©", "â€™", "â€œquotedâ€\x9d", "sÃ£o",
    "schÃ¶n", "Ñ\x81", "\u2018curly\u2019", "\u201cx\u201d",
    "&amp;", "&lt;b&gt;", "&amp;amp;lt;", "&#39;",
    "&#x1F600;", "&#xD800;", "&nbsp;", "&notit;", "&",
    "ﬁre", "ﬀ", "ĳ", "Ｆｕｌｌ　ｗｉｄｔｈ", "e\u0301", "a\u0308\u0323", "\u0301", "Å", "ﾊﾝｶｸ",
    "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "❤️", "猫と犬", "白色的狗", "한국어", "שלום", "مرحبا",
    "\u202eabc\u202c",
    "\x00", "\x1b[31mred\x1b[0m", "\x07", "\x7f", "\x85",
    "\u2028", "\u2029", "\x1c", "\t", "\n", "\r\n",
    "\u200b", "\u200d", "\ufeff", "\u00ad", "\xa0",
    "\u3000", "ΟΔΥΣΣΕΥΣ", "ΑΣ ΑΣ", "İstanbul", "ǅ", "ẞ",
    "ſ", "'ſ", "K", "<start_of_text>",
    "<END_OF_TEXT>", "<ſtart_of_text>", "<|startoftext|>", "<", ">",
    "</w>", "x</w>", "1234567890", "3D", "½", "²",
    "Ⅷ", "٣", "10-speed", "co-op", "___", "...", "!?#$%",
    "antidisestablishmentarianism", "x" * 70, "ab" * 90,
    "lo" * 40 + "é" * 30, "\ud800", "\udc00x", "",
    " ", "  two  spaces ", "{{7*7}}", "<script>alert(1)</script>",
    "=cmd()", "\ufffd", "\U0010ffff", "ͅ",
]  # fmt: skip

hostile = st.lists(
    st.sampled_from(FRAGMENTS)
    | st.text(max_size=12)
    | st.text(st.characters(exclude_categories=()), max_size=4)
    | st.text("ab'<>&; \t", max_size=8),
    max_size=6,
).flatmap(lambda parts: st.sampled_from(["", " "]).map(lambda joint: joint.join(parts)))


def rows(table: TokenTable) -> list[list[int]]:
    ids, offsets = table.ids.tolist(), table.offsets.tolist()
    return [ids[a:b] for a, b in pairwise(offsets)]


@settings(max_examples=400, deadline=None)
@given(st.lists(hostile, max_size=8))
def test_ids_equal_the_reference_for_any_strings(prompts):
    assert rows(OURS.encode(prompts)) == [REFERENCE.encode(prompt) for prompt in prompts]


@settings(max_examples=400, deadline=None)
@given(hostile)
def test_cleaning_equals_the_reference(prompt):
    assert clean(prompt) == REFERENCE.clean(prompt)
    assert OURS.clean([prompt]).to_pylist() == [REFERENCE.clean(prompt)]


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
def test_what_the_fast_path_takes_for_plain_is_left_alone_by_the_reference(prompt):
    plain = prompt.replace("&", "")
    assert REFERENCE.clean(plain) == " ".join(plain.split()).lower()


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_each_hostile_fragment_alone(fragment):
    assert rows(OURS.encode([fragment])) == [REFERENCE.encode(fragment)]


@given(st.text("abcdefgh 'é", min_size=65, max_size=300))
@settings(max_examples=60, deadline=None)
def test_very_long_words_equal_the_reference(word):
    assert rows(OURS.encode([word.replace(" ", "")])) == [REFERENCE.encode(word.replace(" ", ""))]


def test_a_word_of_a_million_letters_does_not_hang():
    table = OURS.encode(["abcdefghij" * 100_000])
    assert len(table.ids) > 100_000
    assert table.ids[0] == 49406
    assert table.ids[-1] == 49407


def test_every_letter_word_of_the_vocabulary_is_reached_by_the_merges():
    # `whole_words` is a shortcut past the merges: it must never say anything else than they do.
    encoder = BytePairEncoder()
    whole = dict(encoder.whole_words)
    encoder.whole_words = {}
    assert len(whole) > 30_000
    assert all(encoder.encode(word) == [number] for word, number in whole.items())


def test_merges_can_be_applied_one_at_a_time():
    # The two facts that `_merge` rests on: one merge makes a symbol, and its uses rank after it.
    ranks = BytePairEncoder()._ranks
    made = {first + second: rank for (first, second), rank in ranks.items()}
    assert len(made) == len(ranks) == 48_894
    assert all(made.get(part, -1) < rank for pair, rank in ranks.items() for part in pair)


def test_lower_case_twice_is_lower_case():
    assert all(chr(c).lower().lower() == chr(c).lower() for c in range(sys.maxunicode + 1))


def test_plain_prompts_equal_an_independent_implementation_in_rust():
    rust = RustTokenizer()
    prompts = [
        "a photo of a dog",
        "The man's red shirt, left",
        "3 zebras; 42 sofas!",
        "upside-down",
    ]
    expected = [[49406, *rust.encode(prompt), 49407] for prompt in prompts]
    assert rows(OURS.encode(prompts)) == expected


def test_an_arrow_array_and_a_slice_of_it_give_the_same_as_a_list():
    prompts = ["a dog", "", "two  cats", "é", "x", "  "] * 3
    array = pa.array(prompts, pa.large_string())
    assert rows(OURS.encode(array)) == rows(OURS.encode(prompts))
    assert rows(OURS.encode(array.slice(2, 7))) == rows(OURS.encode(prompts[2:9]))
    assert rows(OURS.encode([])) == []


def test_text_of_a_token():
    encoder = BytePairEncoder()
    assert encoder.text_of(encoder.ids["dog</w>"]) == "dog "
    assert encoder.text_of(encoder.ids["do"]) == "do"
    assert encoder.text_of(49406) == "<start_of_text>"
    assert "\ufffd" in encoder.text_of(encoder.encode("猫")[0])
    every = Counter(type(encoder.text_of(number)) for number in range(49_408))
    assert every == {str: 49_408}


def test_ids_equal_the_reference_on_every_real_prompt(corpora):
    corpus = build.load(["rf100vl", "lvis", "refcoco", "saco-veval"], corpora, False, 0)
    prompts = corpus.prompts.to_pylist()
    table = OURS.encode(corpus.prompts)
    assert len(prompts) > 70_000
    assert rows(table) == [REFERENCE.encode(prompt) for prompt in prompts]
