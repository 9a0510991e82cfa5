from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from anatomy.errors import InputError
from anatomy.findings import Findings, from_ranges
from anatomy.pipeline import audit

PROMPTS = ["a dog", "a dog", "two  dogs", "the man's red shirt on the left", "Dog", "dog", " "]


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("\n".join(PROMPTS), encoding="utf-8")
    return str(path)


@pytest.fixture
def findings(prompts, tmp_path):
    return audit([prompts, "lvis"], data=tmp_path)


def test_counts_of_a_small_corpus(findings):
    mine, lvis = findings.sources
    assert (mine.kind, lvis.kind) == ("user", "bundled")
    assert (mine.rows, mine.usable, mine.duplicates, mine.unique) == (7, 6, 1, 5)
    assert mine.refused == {"empty": 1}
    assert lvis.unique == 1203
    assert findings.corpus.plain_sum == 1208
    assert findings.corpus.unique == 1207  # "dog" is a category of LVIS
    assert findings.corpus.shared[0][1] == 1
    encoder = findings.encoders[0]
    assert encoder.unique_cleaned["mine"] == 4  # "Dog" and "dog" are one prompt to the tokenizer
    assert encoder.unique_cleaned["combined"] == 4 + 1203 - 1


def test_lengths_and_tokens_of_a_small_corpus(findings):
    combined, mine, _ = findings.encoders[0].lengths
    # a dog | two dogs | the man 's red shirt on the left | Dog | dog, each with start and end
    assert mine.histogram == [(3, 2), (4, 2), (10, 1)]
    assert mine.mean == pytest.approx(24 / 5)
    assert combined.prompts == 1207
    words = findings.encoders[0].vocabulary[1]
    assert words.tokens == 24
    assert words.special_share == pytest.approx(10 / 24, abs=1e-6)
    kept = from_ranges(findings.encoders[0].kept_ids)
    assert len(kept) == findings.encoders[0].vocabulary[0].distinct
    assert {49406, 49407} <= set(kept)
    assert findings.encoders[0].growth.y[-1] == pytest.approx(len(kept), rel=1e-5)


def test_the_document_survives_a_round_trip(findings, tmp_path):
    path = tmp_path / "findings.json"
    path.write_bytes(findings.to_json())
    again = Findings.load(path)
    assert again == findings
    assert again.digest == findings.digest == json.loads(path.read_bytes())["digest"]


def test_the_same_inputs_give_the_same_digest(prompts, tmp_path, findings):
    (tmp_path / "elsewhere").mkdir()
    again = audit([prompts, "lvis"], data=tmp_path / "elsewhere")
    assert again.digest == findings.digest
    assert again.run.data != findings.run.data


def test_no_prompt_is_in_the_document(findings):
    assert "red shirt" not in findings.to_json().decode()


def test_stand_ins_are_named_and_never_reach_the_ledger(tmp_path):
    findings = audit(["rf100vl"], data=tmp_path, stand_ins=True)
    assert findings.corpus.stand_ins == ["rf100vl"]
    assert findings.sources[0].kind == "stand-in"
    bundled = audit(["lvis"], data=tmp_path)
    with_stand_in = audit(["lvis", "rf100vl"], data=tmp_path, stand_ins=True)
    assert with_stand_in.ledger == bundled.ledger


def test_another_seed_makes_other_stand_ins(tmp_path):
    digests = {
        audit(["rf100vl"], data=tmp_path, stand_ins=True, seed=seed).digest for seed in (0, 0, 1)
    }
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"contexts": [0]}, "--context: 0"),
        ({"contexts": []}, "--context: no length"),
        ({"token_loss_bound": 1.5}, "--max-token-loss"),
        ({"token_loss_bound": float("nan")}, "--max-token-loss"),
        ({"encoders": ["sam"]}, "did you mean sam3"),
        ({"encoders": ["sam3", "sam3"]}, "named twice"),
    ],
)
def test_settings_that_cannot_be_used(prompts, arguments, message):
    with pytest.raises(InputError, match=message):
        audit([prompts], **arguments)


def test_veval_equals_the_reference_figures(corpora):
    # From an independent reference run over the same official file.
    findings = audit(["saco-veval", "lvis"], data=corpora)
    lengths, words = findings.encoders[0].lengths[1], findings.encoders[0].vocabulary[1]
    (sixteen,) = [row for row in lengths.contexts if row.length == 16]
    assert findings.sources[0].unique == 51_248
    assert f"{lengths.mean:.4f}" == "5.6124"
    assert f"{sixteen.density:.4f}" == "0.3507"
    assert f"{sixteen.truncation:.4f}" == "0.0003"
    assert words.distinct == 6_956
    assert f"{words.top_shares[100]:.4f}" == "0.7309"


def test_prompts_in_memory_count_as_those_of_a_file(prompts, tmp_path, findings):
    given = audit(["lvis"], prompts={"mine": PROMPTS}, data=tmp_path)
    file, memory = findings.sources[0], given.sources[1]
    counts = ("name", "kind", "rows", "refused", "usable", "duplicates", "unique")
    assert [getattr(memory, name) for name in counts] == [getattr(file, name) for name in counts]
    assert memory.files == []
    text = "".join(f"{prompt}\0" for prompt in PROMPTS if prompt.strip())
    assert memory.sha256 == hashlib.sha256(text.encode()).hexdigest()
    one, other = given.encoders[0], findings.encoders[0]
    assert {part.group: part for part in one.lengths} == {p.group: p for p in other.lengths}
    assert (one.kept_ids, one.recommended_context) == (other.kept_ids, other.recommended_context)


def test_prompts_alone_need_no_source_and_survive_a_round_trip(tmp_path):
    findings = audit(prompts=(p for p in PROMPTS), data=tmp_path)
    assert [source.name for source in findings.sources] == ["prompts"]
    assert findings.settings.sources == []
    assert b"red shirt" not in findings.to_json()
    path = tmp_path / "findings.json"
    path.write_bytes(findings.to_json())
    assert Findings.load(path) == findings
    assert Findings.load(path).digest == findings.digest
    other = audit(prompts=[*PROMPTS[1:], PROMPTS[0]], data=tmp_path)
    assert other.sources[0].sha256 != findings.sources[0].sha256


def test_a_source_of_files_has_no_hash_of_its_own(findings):
    for source in json.loads(findings.to_json())["sources"]:
        assert "sha256" not in source
        assert all(len(file["sha256"]) == 64 for file in source["files"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prompts": []}, "prompts: has no usable prompt; it has no rows"),
        ({"prompts": ["", None]}, "no usable prompt; rows refused: 1 not a string, 1 empty"),
        ({"prompts": {}}, "no sources"),
        ({"sources": []}, "no sources"),
        ({"sources": "FILE", "prompts": {"mine": ["a"]}}, "mine: two sources have this name"),
        ({"sources": ["a dog"]}, r"prompts themselves go .* into prompts=\[...\]"),
    ],
)
def test_prompts_and_sources_that_cannot_be_used(prompts, arguments, message):
    with pytest.raises(InputError, match=message):
        audit(**{name: prompts if v == "FILE" else v for name, v in arguments.items()})


def test_paths_and_single_names_are_taken(prompts, tmp_path, findings):
    given = audit([Path(prompts), "lvis"], encoders="sam3", data=tmp_path)
    assert given.digest == findings.digest
    assert audit(Path(prompts), data=str(tmp_path)).sources[0].name == "mine"
