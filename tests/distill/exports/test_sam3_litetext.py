"""A whole detector with the student in its text path."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import save_file

from anatomy.errors import InputError
from distill.exports import export
from distill.exports.compare import PROMPTS
from distill.students import Student
from tests.distill.exports import runs

PARTS = ("text_encoder.", "text_projection.")


@pytest.fixture(scope="module")
def whole(lite, sam3, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    (exported,) = export(lite[0], ["sam3-litetext"], out, sam3[0])
    return exported


def test_nothing_is_missing_and_the_detector_is_as_it_was(whole, sam3):
    model, told = transformers.Sam3LiteTextModel.from_pretrained(
        whole.folder, output_loading_info=True
    )
    assert not any(told[what] for what in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    before = {n: t for n, t in sam3[1].state_dict().items() if not n.startswith(PARTS)}
    after = {n: t for n, t in model.state_dict().items() if not n.startswith(PARTS)}
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_an_image_and_a_long_prompt_go_through(whole, lite, sam3):
    """The detector sees the student's outputs, and nothing but them has changed."""
    model = transformers.AutoModel.from_pretrained(whole.folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(whole.folder)
    batch = tokenizer([PROMPTS[-1]], padding="max_length", truncation=True, return_tensors="pt")
    seen = []
    table = model.text_encoder.embeddings.position_embedding
    table.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    image = torch.randn(1, 3, 56, 56, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        given = model(pixel_values=image, **batch)
        text = model.get_text_features(**batch)
        own = Student.load(lite[0] / "student")(batch["input_ids"], batch["attention_mask"].bool())
        text.pooler_output = own
        mask = batch["attention_mask"]
        expected = sam3[1](pixel_values=image, text_embeds=text, attention_mask=mask)
    assert seen == [runs.CONTEXT] * 2
    assert given.pred_masks.shape[1] == 5 and torch.isfinite(given.pred_masks).all()
    np.testing.assert_allclose(given.pred_masks, expected.pred_masks, atol=1e-4)
    np.testing.assert_allclose(given.pred_boxes, expected.pred_boxes, atol=1e-5)


def test_files_stay_small_so_that_memory_is_bounded(lite, sam3, tmp_path, monkeypatch):
    from distill.exports import sam3_litetext

    monkeypatch.setattr(sam3_litetext, "_SHARD", 100_000)
    (exported,) = export(lite[0], ["sam3-litetext"], tmp_path, sam3[0])
    weights = {n: s for n, s in exported.record.files.items() if n.endswith(".safetensors")}
    assert len(weights) > 4
    largest = max(p.nbytes for p in sam3[1].state_dict().values())
    assert max(weights.values()) < 110_000 + largest


def test_the_processor_asks_the_tokenizer_how_to_cut_and_pad(whole):
    """Without torchvision the image processor cannot be made; its text half is the same."""
    config = json.loads((whole.folder / "processor_config.json").read_text())
    assert config["processor_class"] == "CLIPProcessor"
    assert config["image_processor"]["size"] == {"height": 56, "width": 56}
    tokenizer = transformers.AutoTokenizer.from_pretrained(whole.folder)

    class TextProcessor(transformers.ProcessorMixin):
        def __init__(self, tokenizer=None, **kwargs):
            super().__init__(tokenizer)

    for texts in ("dog", PROMPTS[-1]):
        batch = TextProcessor(tokenizer)(text=texts, return_tensors="pt")
        assert batch["input_ids"].shape == batch["attention_mask"].shape == (1, runs.CONTEXT)


def test_the_snippet_of_the_card_segments_an_image(whole, tmp_path):
    pytest.importorskip("torchvision", exc_type=Exception)  # the image processor needs it
    from PIL import Image

    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(tmp_path / "image.jpg")
    card = (whole.folder / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", card, re.S)
    code = code.replace('"FOLDER"', repr(str(whole.folder))).replace("a red cup", "a red cup " * 20)
    space: dict = {}
    exec(code.replace("image.jpg", str(tmp_path / "image.jpg")), space)  # noqa: S102 (the card's)
    assert space["inputs"]["input_ids"].shape == (1, runs.CONTEXT)
    assert set(space["found"]) == {"scores", "boxes", "masks"}


def test_of_a_video_model_the_detector_is_taken(lite, sam3, tmp_path):
    folder = tmp_path / "video"
    folder.mkdir()
    detector = json.loads((sam3[0] / "config.json").read_text())
    config = {"model_type": "sam3_video", "detector_config": detector}
    (folder / "config.json").write_text(json.dumps(config))
    state = {f"detector_model.{n}": t.clone() for n, t in sam3[1].state_dict().items()}
    state |= {"tracker_model.weight": torch.zeros(3), "tracker_neck.weight": torch.zeros(3)}
    save_file(state, folder / "model.safetensors")
    (exported,) = export(lite[0], ["sam3-litetext"], tmp_path / "out", folder)
    assert all(found.holds for found in exported.record.comparisons)


def test_what_does_not_fit_is_one_line(lite, bert, sam3, tmp_path):
    wide = tmp_path / "wide"
    runs.sam3_model(wide, width=32)
    (tmp_path / "empty").mkdir()
    whole = tmp_path / "whole"
    state = {n: t.clone() for n, t in sam3[1].state_dict().items()}
    del state["detr_encoder.layers.0.layer_norm1.weight"]
    whole.mkdir()
    save_file(state, whole / "model.safetensors")
    shutil.copy(sam3[0] / "config.json", whole / "config.json")
    out = tmp_path / "out"
    for run, folder, line in (
        (lite[0], wide, "takes 32 numbers a token, and the student gives 24"),
        (lite[0], None, "give --sam3 FOLDER"),
        (lite[0], tmp_path / "empty", "config.json: cannot be read"),
        (lite[0], whole, r"missing keys: detr_encoder.layers.0.layer_norm1.weight"),
        (bert[0], sam3[0], "is made of its teacher's layers"),
    ):
        with pytest.raises(InputError, match=line):
            export(run, ["sam3-litetext"], out, folder)
        assert not out.exists() or list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda config: config["vision_config"].update(backbone_config="x"), "its backbone_config"),
        (lambda config: config["detr_encoder_config"].update(dropout="x"), "config.json: is no"),
    ],
)
def test_a_snapshot_whose_configuration_is_damaged_is_one_line(lite, sam3, tmp_path, change, line):
    folder = shutil.copytree(sam3[0], tmp_path / "sam3")
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=line) as caught:
        export(lite[0], ["sam3-litetext"], tmp_path / "out", folder)
    assert str(caught.value).startswith(str(folder / "config.json"))
    assert not list((tmp_path / "out").iterdir())
