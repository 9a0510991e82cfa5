"""The transformers folder, opened as a user would."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
import transformers

from distill.exports import export
from distill.exports.compare import PROMPTS, reference
from distill.exports.trained import read_run
from distill.students import Student
from distill.vocabulary import load
from tests.distill.exports import runs

LONG = PROMPTS[-1]


def own_outputs(run, texts, padded):
    """Prompt by prompt, with ids cut by hand; and the mean of each."""
    student = Student.load(run / "student")
    tokenizer = load(run / "student" / "tokenizer")
    found = []
    for text in texts:
        ids = tokenizer.encode([text]).ids.astype(np.int64).tolist()
        context = student.recipe.context
        if len(ids) > context:
            ids = [*ids[: context - 1], ids[-1]]
        mask = [True] * len(ids)
        if padded:
            mask += [False] * (context - len(ids))
            ids += [student.pad_id] * (context - len(ids))
        with torch.inference_mode():
            tokens = student(torch.tensor([ids]), torch.tensor([mask]))
        found.append(tokens[0][torch.tensor(mask)].numpy())
    return found


def snippet_of(folder) -> str:
    """The Python of the model card, for this folder."""
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.S)
    assert len(code.strip().splitlines()) <= 20
    return code.replace('"FOLDER"', repr(str(folder)))


def test_another_teachers_class_is_opened_by_its_name_where_auto_model_takes_another(tmp_path):
    """T5: AutoModel would open encoder and decoder."""
    run = runs.shallow(tmp_path / "run", "t5")
    folder = export(run, ["transformers"])[0].folder
    space: dict = {}
    exec(snippet_of(folder), space)  # noqa: S102 (the card's own text)
    assert type(space["model"]).__name__ == "T5EncoderModel"
    (first, _) = own_outputs(run, space["prompts"], False)
    np.testing.assert_allclose(space["tokens"][0][: len(first)].numpy(), first, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "pooling"), [("lite", "mean"), ("bert", "mean"), ("clip", "end"), ("sam3", "mean")]
)
def test_the_snippet_of_the_card_gives_the_students_outputs(kind, pooling, request, tmp_path):
    if kind in ("lite", "bert"):
        run, done = request.getfixturevalue(kind)
        folder = done["transformers"].folder
    else:
        run = runs.shallow(tmp_path / "run", kind)
        folder = export(run, ["transformers"])[0].folder
    space: dict = {}
    exec(snippet_of(folder), space)  # noqa: S102 (the card's own text)
    own = own_outputs(run, space["prompts"], kind == "lite")
    mask = space["batch"]["attention_mask"].bool()
    for row, outputs in enumerate(own):
        given = space["tokens"][row][mask[row]].numpy()
        np.testing.assert_allclose(given, outputs, atol=1e-5)
        if pooling == "mean":
            np.testing.assert_allclose(space["pooled"][row], outputs.mean(axis=0), atol=1e-5)
        else:
            weight = Student.load(run / "student").pooled_projection.weight.detach().numpy()
            np.testing.assert_allclose(space["pooled"][row], weight @ outputs[-1], atol=1e-5)


def test_a_prompt_of_forty_words_goes_through_and_no_position_is_stretched(lite):
    run, done = lite
    folder = done["transformers"].folder
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    table = model.embeddings.position_embedding
    seen = []
    table.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    batch = tokenizer([LONG, "dog"], padding="max_length", truncation=True, return_tensors="pt")
    with torch.inference_mode():
        model(**batch)
    assert seen == [runs.CONTEXT] == [table.position_embedding.shape[2]]
    assert batch["attention_mask"][0].all()
    end = load(run / "student" / "tokenizer").special_ids[-1]
    assert batch["input_ids"][0, -1] == end and (batch["input_ids"][0] == end).sum() == 1


def test_the_tokenizer_gives_the_runs_ids(lite, bert):
    for run, done in (lite, bert):
        context = read_run(run).context
        own = load(run / "student" / "tokenizer")
        tokenizer = transformers.AutoTokenizer.from_pretrained(done["transformers"].folder)
        assert tokenizer.model_max_length == context
        assert tokenizer.pad_token_id == own.pad_id
        for text in ("a red dog", "the blue cat behind a cup", "Zebra's café", ""):
            ids = own.encode([text]).ids.tolist()
            if len(ids) > context:
                ids = [*ids[: context - 1], ids[-1]]
            assert tokenizer(text, truncation=True)["input_ids"] == ids


def test_padding_otherwise_is_measured_and_written_in_the_card(lite):
    run, done = lite
    effects = done["transformers"].record.measured["padding_effects"]
    pad = read_run(run).student.pad_id
    by_name = {e["padding"]: e["largest_absolute_difference"] for e in effects}
    names = [f"id {pad}, no mask", "id 0, with a mask", "id 0, no mask"]
    assert list(by_name)[:3] == names and len(by_name) == 4
    assert all(by_name[name] > 0.01 for name in by_name)  # RepMixer sees what pads
    card = (done["transformers"].folder / "README.md").read_text()
    assert all(name in card for name in by_name)


def test_without_repmixer_only_the_mask_matters(tmp_path):
    run = runs.lite(tmp_path / "run")
    effects = export(run, ["transformers"])[0].record.measured["padding_effects"]
    by_name = {e["padding"]: e["largest_absolute_difference"] for e in effects}
    assert by_name["id 0, with a mask"] < 1e-5 < by_name["id 0, no mask"]


def test_a_bottleneck_is_folded(tmp_path):
    run = runs.lite(tmp_path / "run", bottleneck=4)
    folder = export(run, ["transformers"])[0].folder
    space: dict = {}
    exec(snippet_of(folder), space)  # noqa: S102 (the card's own text)
    (own, _) = own_outputs(run, space["prompts"], True)
    np.testing.assert_allclose(space["tokens"][0][: len(own)].numpy(), own, atol=1e-5)


def test_sentence_transformers_files_name_the_pooling(bert, lite):
    folder = bert[1]["transformers"].folder
    modules = json.loads((folder / "modules.json").read_text())
    assert [module["path"] for module in modules] == ["", "1_Pooling"]
    pooling = json.loads((folder / "1_Pooling" / "config.json").read_text())
    assert pooling["pooling_mode_mean_tokens"] and not pooling["pooling_mode_cls_token"]
    limit = json.loads((folder / "sentence_bert_config.json").read_text())
    assert limit["max_seq_length"] == 6
    # It pads to the longest of a batch, which would stretch a litetext student's positions.
    assert not (lite[1]["transformers"].folder / "modules.json").exists()


def test_the_reference_is_the_student_itself(lite):
    run, _ = lite
    found = reference(read_run(run))
    for row, outputs in enumerate(own_outputs(run, PROMPTS, True)):
        np.testing.assert_allclose(found.tokens[row][found.mask[row]], outputs, atol=1e-6)
        np.testing.assert_allclose(found.pooled[row], outputs.mean(axis=0), atol=1e-5)
    assert found.lengths[-1] >= 40
