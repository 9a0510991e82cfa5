"""SAM3's text encoder: two formats, one module, the outputs of the original path."""

from __future__ import annotations

import json
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
    return tiny.save_original(tmp_path_factory.mktemp("original"))


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


def saved(folder, tensors):
    torch.save(tensors, folder / "sam3.pt")
    return folder / "sam3.pt"


def image_model(tensors):
    """Without the video model's prefix, as checkpoints of its detector alone are."""
    return {name.removeprefix("detector."): tensor for name, tensor in tensors.items()}


@pytest.mark.parametrize("form", ["original", "folder", "bare", "image", "video", "shards"])
def test_every_format_gives_the_same_encoder(snapshot, original, tmp_path, form):
    place = {
        "original": lambda: original,
        "folder": lambda: original.parent,
        "bare": lambda: saved(tmp_path, tiny.original_tensors()),
        "image": lambda: saved(tmp_path, image_model(tiny.original_tensors())),
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


@pytest.mark.gpu
def test_a_gpu_gives_what_the_cpu_gives(snapshot):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    (encoder,) = resolve([f"sam3={snapshot}"])
    ids = tiny.some_ids(2, 6, VOCABULARY)
    there = encoder.open("cuda", "float32")
    assert there.causal and there.device == "cuda"
    expected = opened(snapshot).encode(ids)
    np.testing.assert_allclose(there.encode(ids).tokens, expected.tokens, atol=1e-3)
    np.testing.assert_allclose(there.encode(ids).pooled("end"), expected.pooled("end"), atol=1e-3)


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
    block = f"{start}encoder.transformer.resblocks.0."
    packed, norm = f"{block}attn.in_proj_weight", f"{start}encoder.ln_final.weight"
    cases = {
        "resizer": (without(tensors, f"{start}resizer.weight"), f"{start}resizer.weight is miss"),
        "packed": (without(tensors, packed), f"{packed} is missing"),
        "scalar": (tensors | {packed: torch.tensor(1.0)}, f"{packed} has shape [], which cannot"),
        "more": (tensors | {f"{block}ls_1.gamma": torch.ones(3)}, f"{block}ls_1.gamma is there"),
        "gap": (
            {name.replace("resblocks.1.", "resblocks.7."): t for name, t in tensors.items()},
            f"{start}encoder.transformer.resblocks.1.",
        ),
        "integers": (tensors | {norm: torch.ones(128, dtype=torch.int64)}, f"{norm} is no plain"),
        "sparse": (tensors | {norm: torch.ones(128).to_sparse()}, f"{norm} is no plain tensor"),
        "empty": (tensors | {norm: torch.ones(128, device="meta")}, f"{norm} is no plain tensor"),
        "repeated": (tensors | {norm: torch.ones(1).expand(128)}, f"{norm} is no plain tensor"),
        "shape": (
            tensors | {packed: torch.zeros(6, 4)},
            f"{packed} has shape [2, 4], but the encoder needs [128, 128]",
        ),
        "other": ({"weight": torch.zeros(2)}, "encoder.token_embedding.weight is missing"),
        "code": ({"model": tiny.Bomb()}, "holds pickled code or is damaged"),
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


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "has no text_config"),
        ({"detector_config": "sam3"}, "has no text_config"),
        ({"text_config": [1]}, "has no text_config"),
        ({"text_config": tiny.SAM3 | {"num_hidden_layers": 100_000}}, "num_hidden_layers is 100,0"),
        (
            {
                "text_config": tiny.SAM3 | {"num_hidden_layers": 1},
                "detr_encoder_config": {"hidden_size": tiny.SAM3_WIDTH},
            },
            r"layers\.1\..* is there, but",
        ),
        (
            {"text_config": tiny.SAM3 | {"num_attention_heads": 7}},
            r"config\.json: is no checkpoint",
        ),
        ({"text_config": tiny.SAM3 | {"layer_norm_eps": "x"}}, r"config\.json: is no checkpoint"),
        ({"text_config": tiny.SAM3, "detr_encoder_config": []}, r"needs \[256, 128\]"),
        ({"text_config": tiny.SAM3 | {"attn_implementation": "a/b"}}, "needs code of its own"),
    ],
)
def test_configurations_that_do_not_fit_the_weights_are_refused(tmp_path, config, message):
    folder = tiny.save_snapshot(tmp_path)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=message) as caught:
        opened(folder)
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value)


def test_ids_that_the_encoder_does_not_know_are_refused(snapshot):
    with pytest.raises(InputError, match="embeddings of 49,408 tokens, but the tokenizer gives id"):
        opened(snapshot).encode(np.array([[1, VOCABULARY]]))


def test_rows_that_cannot_be_encoded_are_value_errors(snapshot):
    model = opened(snapshot)
    with pytest.raises(ValueError, match="a context of 32"):
        model.encode(np.ones((1, 33), dtype=np.int64))
    with pytest.raises(ValueError, match="a row without a token that counts"):
        model.encode(np.ones((2, 3), dtype=np.int64), np.array([[True] * 3, [False] * 3]))
