"""SAM3's text encoder: two formats, one module, the outputs of the original path."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from anatomy.encoders import resolve
from anatomy.errors import InputError
from tests.encoders import tiny

VOCABULARY = tiny.SAM3["vocab_size"]


def opened(place, dtype="float32"):
    (encoder,) = resolve([f"sam3={place}"])
    assert encoder.name == "sam3" and encoder.open is not None
    return encoder.open("cpu", dtype)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    path = tmp_path_factory.mktemp("original") / "sam3.pt"
    torch.save({"model": tiny.original_tensors()}, path)
    return path


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    return tiny.save_snapshot(tmp_path_factory.mktemp("snapshot"))


def test_outputs_are_those_of_the_padded_and_masked_original(snapshot):
    encoder, resizer = tiny.sam3_parts()
    lengths = [3, 7, 5]
    ids = np.zeros((3, 32), dtype=np.int64)
    for row, length in enumerate(lengths):
        ids[row, :length] = tiny.some_ids(1, length, VOCABULARY, row)
    mask = np.arange(32) < np.array(lengths)[:, None]
    with torch.inference_mode():
        hidden = encoder(
            input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask).long()
        ).last_hidden_state
        expected = resizer(hidden).numpy()
    model = opened(snapshot)
    padded = model.encode(ids, mask)
    for row, length in enumerate(lengths):
        alone = model.encode(ids[row : row + 1, :length])  # as the audit runs it: no padding
        own = expected[row, :length]
        for found in (alone.tokens[0], padded.tokens[row, :length]):
            np.testing.assert_allclose(found, own, atol=1e-5)
        for outputs, at in ((alone, 0), (padded, row)):
            np.testing.assert_allclose(outputs.pooled("mean")[at], own.mean(axis=0), atol=1e-5)
            np.testing.assert_allclose(outputs.pooled("end")[at], own[-1], atol=1e-5)


@pytest.mark.parametrize("form", ["original", "video", "shards"])
def test_every_format_gives_the_same_encoder(snapshot, original, tmp_path, form):
    place = {
        "original": lambda: original,
        "video": lambda: tiny.save_snapshot(tmp_path / "v", video=True),
        "shards": lambda: tiny.save_snapshot(tmp_path / "s", shards=3),
    }[form]()
    one, two = opened(snapshot), opened(place)
    assert np.array_equal(one.token_embedding, two.token_embedding)
    assert np.array_equal(one.position_embedding, two.position_embedding)
    ids = tiny.some_ids(4, 9, VOCABULARY)
    np.testing.assert_allclose(one.encode(ids).tokens, two.encode(ids).tokens, atol=1e-5)
    assert one.parameters == two.parameters


def test_what_the_encoder_says_of_itself(snapshot):
    model = opened(snapshot)
    assert model.causal and model.context == 32 and model.pooling == "mean"
    assert model.token_embedding.shape == (VOCABULARY, 128)
    assert model.position_embedding.shape == (32, 128)
    assert "projected to 24" in model.pooling_note("mean")
    assert {file.path.rpartition("/")[2] for file in model.files} == {
        "model.safetensors",
        "config.json",
    }
    encoder, resizer = tiny.sam3_parts()
    expected = sum(p.numel() for part in (encoder, resizer) for p in part.parameters())
    assert model.parameters == expected


def test_bfloat16_is_near_and_is_given_as_float32(snapshot):
    ids = tiny.some_ids(2, 6, VOCABULARY)
    exact, rough = (opened(snapshot, dtype).encode(ids).tokens for dtype in ("float32", "bfloat16"))
    assert rough.dtype == np.float32
    assert 0 < np.abs(exact - rough).max() < 0.1 * np.abs(exact).max()


class Bomb:
    def __reduce__(self):
        return print, ("this code must never run",)


def without(tensors, name):
    return {k: v for k, v in tensors.items() if k != name}


def test_damaged_snapshots_are_refused_by_name(tmp_path, capsys):
    name = "text_encoder.text_model.encoder.layers.1.mlp.fc1.weight"
    tensors = tiny.snapshot_tensors()
    cases = {
        "missing": (without(tensors, name), f"{name} is missing"),
        "shape": (tensors | {name: torch.zeros(3, 4)}, f"{name} has shape [3, 4], but"),
    }
    for case, (content, message) in cases.items():
        folder = tiny.save_snapshot(tmp_path / case, content)
        with pytest.raises(InputError, match=re.escape(message)) as caught:
            opened(folder)
        assert str(folder) in str(caught.value) and "\n" not in str(caught.value)
    folder = tiny.save_snapshot(tmp_path / "cut")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="no checkpoint that can be read"):
        opened(folder)


def test_damaged_originals_are_refused_by_name(tmp_path, capsys):
    start = "detector.backbone.language_backbone."
    tensors = tiny.original_tensors()
    packed = f"{start}encoder.transformer.resblocks.0.attn.in_proj_weight"
    cases = {
        "resizer": (without(tensors, f"{start}resizer.weight"), f"{start}resizer.weight is miss"),
        "packed": (without(tensors, packed), "self_attn.k_proj.weight is missing"),
        "shape": (
            tensors | {packed: torch.zeros(6, 4)},
            f"{packed} has shape [2, 4], but the encoder needs [128, 128]",
        ),
        "other": ({"weight": torch.zeros(2)}, "encoder.token_embedding.weight is missing"),
        "code": ({"model": Bomb()}, "holds pickled code or is damaged"),
    }
    for case, (content, message) in cases.items():
        path = tmp_path / f"{case}.pt"
        torch.save(content, path)
        with pytest.raises(InputError, match=re.escape(message)) as caught:
            opened(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert "never run" not in capsys.readouterr().out
    text = tmp_path / "text.pt"
    text.write_text("no checkpoint")
    with pytest.raises(InputError, match=re.escape(str(text))):
        opened(text)


@pytest.mark.parametrize("size", [10**9, 0, -4, "many", True])
def test_absurd_sizes_are_refused_before_anything_is_allocated(tmp_path, size):
    folder = tiny.save_snapshot(tmp_path, text=tiny.SAM3 | {"hidden_size": size})
    with pytest.raises(InputError, match=r"config\.json: hidden_size is"):
        opened(folder)


def test_a_folder_that_is_no_snapshot_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="has no text_config"):
        opened(tmp_path)
    (tmp_path / "config.json").write_text('{"text_config": {}}')
    with pytest.raises(InputError, match=r"has no model\.safetensors"):
        opened(tmp_path)
