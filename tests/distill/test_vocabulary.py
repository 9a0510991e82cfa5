"""Pruned vocabularies: kept prompts as before, every other one still encoded."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from anatomy.corpus.bundled import lvis_names
from anatomy.errors import InputError
from anatomy.tokens.clip import ClipTokenizer
from anatomy.tokens.huggingface import HuggingFaceTokenizer
from anatomy.tokens.table import TokenTable
from distill.vocabulary import align, choose, cut, effect, identity, load, prune

CLIP = ClipTokenizer()
LETTERS = "abcd"
WORDS = st.text(LETTERS + "é猫.'", min_size=1, max_size=8)
PROMPTS = st.lists(st.lists(WORDS, min_size=1, max_size=4).map(" ".join), min_size=1, max_size=6)


def row(table, at):
    return table.ids[table.offsets[at] : table.offsets[at + 1]].tolist()


def wordpiece(pieces):
    """A WordPiece tokenizer of these pieces, which has every letter plain and inside a word."""
    letters = [*LETTERS, *(f"##{letter}" for letter in LETTERS), "é", "##é", ".", "##."]
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *dict.fromkeys([*letters, *pieces])]
    tokenizer = Tokenizer(
        models.WordPiece({name: at for at, name in enumerate(names)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return HuggingFaceTokenizer.of_json("piece", tokenizer.to_str().encode(), "test", None)


@pytest.fixture(scope="module")
def byte_level():
    """A byte-level BPE tokenizer as RoBERTa's, trained on LVIS's names."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        special_tokens=["<s>", "<pad>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lvis_names(), trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return HuggingFaceTokenizer.of_json("bytes", tokenizer.to_str().encode(), "test", None)


def check_segmentation(teacher, pruned, prompts):
    """The property: kept prompts as before, the others in pieces that cover the same text."""
    whole, smaller = teacher.encode(prompts), pruned.encode(prompts)
    kept = set(pruned.kept.tolist())
    for at in range(len(prompts)):
        old, new = row(whole, at), row(smaller, at)
        if set(old) <= kept:
            assert [pruned.kept[number] for number in new] == old
        else:
            assert len(new) >= len(old)
    return whole, smaller


@given(prompts=PROMPTS, kept=st.sets(st.integers(0, 49_407), max_size=300))
def test_clip_segments_kept_prompts_as_before_and_spells_the_others(prompts, kept):
    pruned = prune(CLIP, kept)
    assert kept <= set(pruned.kept.tolist())
    whole, smaller = check_segmentation(CLIP, pruned, prompts)
    for at in range(len(prompts)):
        spelled = [
            "".join(tokenizer.text_of(number) for number in row(table, at)[1:-1])
            for tokenizer, table in ((CLIP, whole), (pruned, smaller))
        ]
        if "\N{REPLACEMENT CHARACTER}" not in "".join(spelled):  # parts of a character
            assert spelled[0] == spelled[1]


def test_clip_keeps_bytes_specials_and_their_places():
    pruned = prune(CLIP, CLIP.encode(["a photograph of a zebra"]).ids.tolist())
    assert pruned.kept[:512].tolist() == list(range(512))
    assert pruned.kept[-2:].tolist() == [49_406, 49_407]
    assert pruned.special_ids == (pruned.vocabulary_size - 2, pruned.vocabulary_size - 1)
    assert pruned.pad_id == pruned.vocabulary_size - 1  # end of text: still the highest id
    assert prune(CLIP, range(49_408)).vocabulary_size == 49_408


def test_clip_pruned_to_lvis_keeps_lvis_and_is_what_the_tokenizers_library_reads():
    prompts = lvis_names()
    whole = CLIP.encode(prompts)
    pruned = prune(CLIP, np.unique(whole.ids))
    smaller = pruned.encode(prompts)
    assert np.array_equal(pruned.kept[smaller.ids], whole.ids)
    theirs = Tokenizer.from_buffer(pruned.json)
    cleaned = CLIP.clean(prompts).to_pylist()
    for at, encoding in enumerate(theirs.encode_batch(cleaned)):
        assert encoding.ids == row(smaller, at)
    others = ["an unheard-of xylograph", "猫 naïve", "qqqq"]
    for at, text in enumerate(others):
        assert theirs.encode(text).ids == row(pruned.encode(others), at)


PIECES = st.lists(
    st.tuples(st.sampled_from(["", "##"]), st.text(LETTERS, min_size=2, max_size=4)).map("".join),
    max_size=12,
)


@given(pieces=PIECES, prompts=PROMPTS, data=st.data())
def test_wordpiece_segments_kept_prompts_as_before_and_nothing_becomes_unknown(
    pieces, prompts, data
):
    teacher = wordpiece(pieces)
    kept = data.draw(st.sets(st.integers(0, teacher.vocabulary_size - 1)))
    pruned = prune(teacher, kept)
    assert pruned.pad_id == 0 and pruned.special_ids == (2, 3)
    whole, smaller = check_segmentation(teacher, pruned, prompts)
    for at in range(len(prompts)):
        assert row(smaller, at).count(1) == row(whole, at).count(1)  # [UNK]


def test_wordpiece_keeps_every_token_with_a_character_that_is_no_piece():
    pruned = prune(wordpiece(["zz", "##zz", "abc"]), [4])
    texts = [pruned.text_of(number) for number in range(pruned.vocabulary_size)]
    assert "zz" in texts and "##zz" in texts and "abc" not in texts


@given(prompts=PROMPTS, kept=st.sets(st.integers(0, 899), max_size=60))
def test_byte_level_bpe_segments_kept_prompts_as_before_and_loses_no_byte(
    byte_level, prompts, kept
):
    pruned = prune(byte_level, kept)
    check_segmentation(byte_level, pruned, prompts)
    reader = Tokenizer.from_buffer(pruned.json)
    for text in prompts:
        assert reader.decode(reader.encode(text).ids) == text
    assert pruned.special_ids == (0, 2) and pruned.pad_id == 1


def test_merges_of_either_form_are_read(byte_level):
    content = json.loads(byte_level.json)
    content["model"]["merges"] = [" ".join(merge) for merge in content["model"]["merges"]]
    old = HuggingFaceTokenizer.of_json("bytes", json.dumps(content).encode(), "test", None)
    kept = byte_level.encode(["a red cup"]).ids.tolist()
    assert np.array_equal(prune(old, kept).kept, prune(byte_level, kept).kept)


def naive_matches(old, old_ends, new, new_ends, specials):
    """Each new token's partner, by looking at every pair."""
    found = []
    for at, end in enumerate(new_ends):
        if new[at] in specials and at in (0, len(new) - 1):
            found.append(0 if at == 0 else len(old) - 1)
            continue
        last = at == max(j for j, e in enumerate(new_ends) if e == end)
        same = [j for j, e in enumerate(old_ends) if e == end]
        found.append(max(same) if same and last else -1)
    return found


@pytest.mark.parametrize("kind", ["clip", "wordpiece"])
def test_alignment_matches_tokens_that_end_at_the_same_character(kind):
    prompts = ["a big ab.", "abcd abcd", "dcba cab", "a", "baba 'cd", "ddd"]
    teacher = CLIP if kind == "clip" else wordpiece(["abc", "##cd", "##ba", "ddd", "cab"])
    whole = teacher.encode(prompts)
    pruned = prune(teacher, row(whole, 0))
    aligned = align(teacher, whole, pruned, prompts)
    plain = pruned.encode(prompts)
    assert np.array_equal(aligned.table.ids, plain.ids)
    assert np.array_equal(aligned.table.offsets, plain.offsets)
    assert aligned.same[0] and not aligned.same.all()
    for at in range(len(prompts)):
        one = [prompts[at]]
        naive = naive_matches(
            row(whole, at),
            teacher.ends(one).tolist(),
            row(plain, at),
            pruned.ends(one).tolist(),
            pruned.special_ids,
        )
        start, end = plain.offsets[at : at + 2]
        expected = [whole.offsets[at] + n if n >= 0 else -1 for n in naive]
        assert aligned.matched[start:end].tolist() == expected
    assert (aligned.matched == -1).any()


def test_a_cut_row_keeps_the_match_of_its_end():
    prompts = ["a b c d a b", "a"]
    whole = CLIP.encode(prompts)
    pruned = prune(CLIP, whole.ids.tolist())
    aligned = cut(align(CLIP, whole, pruned, prompts), 4, pruned.special_ids)
    assert aligned.table.lengths.tolist() == [4, 3]
    assert aligned.matched[:4].tolist() == [0, 1, 2, 7]  # the end token's is the end token's
    assert pruned.kept[aligned.table.ids].tolist() == whole.ids[aligned.matched].tolist()


@given(
    counts=st.lists(st.integers(0, 20), min_size=1, max_size=30),
    minimum=st.integers(1, 5),
    coverage=st.none() | st.floats(0.01, 1.0),
)
def test_what_is_chosen_is_enough_and_no_more(counts, minimum, coverage):
    counts = np.array(counts)
    frequent = set(np.flatnonzero(counts >= minimum))
    if not frequent:
        with pytest.raises(InputError, match="minimum_count"):
            choose(counts, minimum_count=minimum, coverage=coverage)
        return
    kept = choose(counts, minimum_count=minimum, coverage=coverage)
    assert kept.tolist() == sorted(set(kept.tolist())) and set(kept) <= frequent
    if coverage is None:
        assert set(kept) == frequent
        return
    assert set(kept) == frequent or counts[kept].sum() >= coverage * counts.sum() - 1e-6
    rest = counts[kept].sum() - counts[kept].min()  # one less would not do
    assert len(kept) == 1 or rest < coverage * counts.sum()
    left_out = frequent - set(kept)
    assert not left_out or counts[kept].min() >= max(counts[n] for n in left_out)


def test_the_effect_counts_prompts_and_tokens():
    before = TokenTable(np.arange(9), np.array([0, 3, 9]))
    after = TokenTable(np.arange(11), np.array([0, 3, 11]))
    found = effect(before, after, np.array([True, False]), length=7)
    assert (found.prompts, found.unchanged, found.split) == (2, 1, 1)
    assert (found.tokens_before, found.tokens_after, found.growth) == (6, 8, 8 / 6)
    assert (found.truncated_before, found.truncated_after) == (0, 1)


@pytest.mark.parametrize("kind", ["clip", "wordpiece", "identity"])
def test_what_is_saved_is_what_is_loaded(kind, tmp_path):
    teacher = CLIP if kind == "clip" else wordpiece(["ab", "##cd"])
    pruned = identity(teacher) if kind == "identity" else prune(teacher, [5, 7, 9])
    pruned.save(tmp_path)
    again = load(tmp_path)
    prompts = ["ab abcd", "é cd.", "a"]
    assert np.array_equal(again.kept, pruned.kept) and again.json == pruned.json
    assert (again.pad_id, again.context) == (pruned.pad_id, pruned.context)
    assert np.array_equal(again.encode(prompts).ids, pruned.encode(prompts).ids)


def test_a_saved_tokenizer_that_was_changed_is_refused(tmp_path):
    prune(wordpiece(["ab"]), [5]).save(tmp_path)
    content = json.loads((tmp_path / "vocabulary.json").read_text())
    (tmp_path / "vocabulary.json").write_text(json.dumps(content | {"kept": "0-7"}))
    with pytest.raises(InputError, match="does not fit the tokenizer"):
        load(tmp_path)
    (tmp_path / "vocabulary.json").write_text(json.dumps(content | {"pad_id": 10**6}))
    with pytest.raises(InputError, match="does not fit the tokenizer"):
        load(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"kept": "0-99999999999"},
        {"kept": "0-99999999999,99999999999-0"},  # which add up to two
        {"kept": "99999999999999999999"},
        {"kept": "3,3"},
        {"kept": ["0-3"]},
        {"pad_id": 1e999},
        {"pad_id": -1},
        {"name": 7},
        {"kind": "\x1b[31m"},
        {"context": "long"},
        {"context": 0},
        {"more": 1},
    ],
)
def test_a_tokenizer_that_cannot_be_meant_is_refused_before_anything_is_made(tmp_path, change):
    prune(wordpiece(["ab"]), [5]).save(tmp_path)
    content = json.loads((tmp_path / "vocabulary.json").read_text())
    (tmp_path / "vocabulary.json").write_text(json.dumps(content | change))
    with pytest.raises(InputError, match="holds no tokenizer of a student") as caught:
        load(tmp_path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("content", [b"[]", b"", b"[" * 100_000, b"\xff"])
def test_what_describes_no_tokenizer_is_refused(tmp_path, content):
    prune(wordpiece(["ab"]), [5]).save(tmp_path)
    (tmp_path / "vocabulary.json").write_bytes(content)
    with pytest.raises(InputError, match="holds no tokenizer of a student") as caught:
        load(tmp_path)
    assert str(caught.value).isprintable()


def test_what_cannot_be_pruned_is_said(byte_level):
    unigram = Tokenizer(models.Unigram([("<unk>", 0.0), ("a", -1.0)], unk_id=0))
    teacher = HuggingFaceTokenizer.of_json("t5", unigram.to_str().encode(), "test", None)
    with pytest.raises(InputError, match=r"t5: .*Unigram.*vocabulary\.keep=all"):
        prune(teacher, [1])
    assert identity(teacher).vocabulary_size == 2
    content = json.loads(byte_level.json)
    content["model"]["dropout"] = 0.1
    teacher = HuggingFaceTokenizer.of_json("drops", json.dumps(content).encode(), "test", None)
    with pytest.raises(InputError, match="at random"):
        prune(teacher, [1])
