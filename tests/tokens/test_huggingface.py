from __future__ import annotations

import json
from itertools import pairwise

import pytest
from huggingface_hub import constants
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from anatomy.errors import InputError
from anatomy.pipeline import audit
from anatomy.tokens.huggingface import HuggingFaceTokenizer
from tests.fetch.web import Hub, serving

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "dog", "cat", "##s", "red", "car", "the"]


def word_piece() -> Tokenizer:
    tokenizer = Tokenizer(
        models.WordPiece({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.enable_truncation(4)  # as saved tokenizers often are: an audit must not truncate
    tokenizer.enable_padding(length=8)
    return tokenizer


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    word_piece().save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 64}))
    return folder


@pytest.fixture(scope="module")
def ours(folder):
    return HuggingFaceTokenizer("hf:model", str(folder))


def rows(table):
    return [table.ids[a:b].tolist() for a, b in pairwise(table.offsets.tolist())]


def test_what_it_says_of_itself(ours):
    assert ours.vocabulary_size == len(WORDS)
    assert ours.special_ids == (2, 3)
    assert ours.context == 64
    assert "WordPiece" in ours.description
    assert ours.text_of(5) == "dog"


@settings(deadline=None)
@given(st.lists(st.text(max_size=20), max_size=6))
def test_ids_equal_the_librarys_own_one_by_one(ours, prompts):
    plain = word_piece()
    plain.no_truncation()
    plain.no_padding()
    cleaned, table = ours.clean_and_encode(prompts)
    assert rows(table) == [plain.encode(prompt).ids for prompt in prompts]
    assert cleaned.to_pylist() == [plain.normalizer.normalize_str(p) for p in prompts]


def test_nothing_is_truncated(ours):
    assert rows(ours.encode(["The red dogs the red dogs"]))[0] == [2, 10, 8, 5, 7, 10, 8, 5, 7, 3]


def test_two_encoders_stand_side_by_side(folder, tmp_path):
    (tmp_path / "mine.txt").write_text("a red dog\ntwo cats\n")
    findings = audit([str(tmp_path / "mine.txt")], encoders=["sam3", f"hf:{folder}"])
    assert [encoder.name for encoder in findings.encoders] == ["sam3", f"hf:{folder}"]
    assert findings.encoders[1].lengths[0].histogram == [(5, 2)]
    assert findings.encoders[1].vocabulary_size == len(WORDS)


def test_a_tokenizer_from_the_hub(folder, tmp_path, monkeypatch):
    hub = Hub(
        "someone/model",
        {
            name: (folder / name).read_bytes()
            for name in ("tokenizer.json", "tokenizer_config.json")
        },
        kind="model",
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with serving(hub) as address:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        template = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        tokenizer = HuggingFaceTokenizer("hf:someone/model", "someone/model")
        assert tokenizer.context == 64
        assert rows(tokenizer.encode(["a dog"])) == [[2, 4, 5, 3]]
        with pytest.raises(InputError, match="someone/other"):
            HuggingFaceTokenizer("hf:someone/other", "someone/other")


def test_a_tokenizer_that_fails_on_a_prompt_is_one_line(tmp_path):
    tokenizer = Tokenizer(models.WordLevel({"dog": 0}))  # no token for what it does not know
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(InputError, match="fails on these prompts") as error:
        HuggingFaceTokenizer("hf:x", str(tmp_path)).encode(["a cat"])
    assert "\n" not in str(error.value)


def test_a_tokenizer_that_makes_nothing_of_all_prompts_is_one_line(tmp_path):
    tokenizer = Tokenizer(models.BPE({"q": 0}, []))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "mine.txt").write_text("a cat\n")
    with pytest.raises(InputError, match="no token of any prompt"):
        audit([str(tmp_path / "mine.txt")], encoders=[f"hf:{tmp_path}"])


@pytest.mark.parametrize("highest", [None, 2_000_000_000])
def test_a_vocabulary_that_is_none_is_one_line(tmp_path, highest):
    vocabulary = {} if highest is None else {"dog": highest}
    document = json.loads(Tokenizer(models.WordLevel({"dog": 0})).to_str())
    document["model"]["vocab"] = vocabulary
    (tmp_path / "tokenizer.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="tokenizer"):
        HuggingFaceTokenizer("hf:x", str(tmp_path))


@pytest.mark.parametrize("config", ['{"model_max_length": true}', "[" * 100_000, "{"])
def test_a_config_that_says_nothing_sound_gives_no_context(folder, tmp_path, config):
    (tmp_path / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    (tmp_path / "tokenizer_config.json").write_text(config)
    assert HuggingFaceTokenizer("hf:x", str(tmp_path)).context is None


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no tokenizer.json"), (b"", "is no tokenizer.json"), (b"{}", "is no tokenizer.json")],
)
def test_a_folder_without_a_tokenizer_is_one_line(tmp_path, content, message):
    if content is not None:
        (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        HuggingFaceTokenizer("hf:x", str(tmp_path))
    assert "\n" not in str(error.value)


def test_what_is_no_repository_is_one_line():
    with pytest.raises(InputError, match="not a repository"):
        HuggingFaceTokenizer("hf:x", "../x")


@pytest.mark.parametrize("number", [len(WORDS), 70_000])
def test_ids_around_a_prompt_that_no_vocabulary_has_are_refused(number):
    content = json.loads(word_piece().to_str())
    content["post_processor"]["special_tokens"]["[CLS]"]["ids"] = [number]
    data = json.dumps(content).encode()
    with pytest.raises(InputError, match="ids around a prompt that its vocabulary does not have"):
        HuggingFaceTokenizer.of_json("x", data, "tokenizer.json", None)
