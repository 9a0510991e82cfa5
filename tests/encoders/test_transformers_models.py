"""Text encoders of transformers: outputs, tables, probes, and what is refused."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
import transformers

from anatomy.encoders import resolve
from anatomy.encoders.places import encoder_folder
from anatomy.encoders.transformers_models import load_transformers
from anatomy.errors import InputError
from tests.encoders import tiny

VOCABULARY = len(tiny.WORDS)
IDS = tiny.some_ids(3, 7, VOCABULARY)


def saved(folder, module):
    module.eval().save_pretrained(folder)
    tiny.save_tokenizer(folder)
    return load_transformers(folder, None, "cpu", "float32")


def clip(folder):
    config = transformers.CLIPTextConfig(
        **tiny.SMALL, max_position_embeddings=16, projection_dim=20, eos_token_id=3
    )
    torch.manual_seed(0)
    return saved(folder, transformers.CLIPTextModelWithProjection(config))


VISION = {
    "num_hidden_layers": 1,
    "hidden_size": 16,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "image_size": 8,
    "patch_size": 4,
}


def test_bert_gives_what_transformers_gives(tmp_path):
    module = tiny.save_bert(tmp_path)
    (encoder,) = resolve([f"hf:{tmp_path}"])
    model = encoder.open("cpu", "float32")
    mask = np.arange(7) < np.array([7, 4, 2])[:, None]
    with torch.inference_mode():
        expected = module(
            input_ids=torch.from_numpy(IDS), attention_mask=torch.from_numpy(mask).long()
        ).last_hidden_state.numpy()
    found = model.encode(IDS, mask)
    assert np.array_equal(found.tokens, expected)
    for row, length in enumerate((7, 4, 2)):
        np.testing.assert_allclose(
            found.pooled("mean")[row], expected[row, :length].mean(axis=0), atol=1e-6
        )
        assert np.array_equal(found.pooled("end")[row], expected[row, length - 1])
        assert np.array_equal(found.pooled("cls")[row], expected[row, 0])
        alone = model.encode(IDS[row : row + 1, :length])
        np.testing.assert_allclose(alone.tokens[0], expected[row, :length], atol=1e-5)
    weights = module.embeddings
    assert np.array_equal(model.token_embedding, weights.word_embeddings.weight.detach().numpy())
    assert np.array_equal(
        model.position_embedding, weights.position_embeddings.weight.detach().numpy()
    )
    assert not model.causal and model.context == 24 and model.pooling == "mean"


def test_clip_pools_the_projected_end_of_text(tmp_path):
    model = clip(tmp_path)
    module = transformers.CLIPTextModelWithProjection.from_pretrained(tmp_path).eval()
    ids = np.where(IDS == 3, 4, IDS)
    ids[:, -1] = 3
    with torch.inference_mode():
        expected = module(input_ids=torch.from_numpy(ids))
    found = model.encode(ids)
    np.testing.assert_allclose(found.tokens, expected.last_hidden_state.numpy(), atol=1e-5)
    np.testing.assert_allclose(found.pooled("end"), expected.text_embeds.numpy(), atol=1e-5)
    assert model.causal and model.context == 16 and model.pooling == "end"
    assert "projected to 20" in model.pooling_note("end")


def test_the_text_tower_of_a_whole_clip_is_read(tmp_path):
    torch.manual_seed(0)
    module = transformers.CLIPModel(
        transformers.CLIPConfig(
            text_config={**tiny.SMALL, "max_position_embeddings": 16, "eos_token_id": 3},
            vision_config=VISION,
            projection_dim=20,  # of both towers, whatever the text's own configuration says
        )
    )
    model = saved(tmp_path, module)
    with torch.inference_mode():
        expected = module.text_model(input_ids=torch.from_numpy(IDS)).last_hidden_state
        projected = module.text_projection(expected[:, -1]).numpy()
    found = model.encode(IDS)
    np.testing.assert_allclose(found.tokens, expected.numpy(), atol=1e-5)
    np.testing.assert_allclose(found.pooled("end"), projected, atol=1e-5)
    own = [*module.text_model.parameters(), *module.text_projection.parameters()]
    assert model.parameters == sum(p.numel() for p in own)


def test_a_clip_text_model_without_projection_is_read(tmp_path):
    torch.manual_seed(0)
    module = transformers.CLIPTextModel(
        transformers.CLIPTextConfig(**tiny.SMALL, max_position_embeddings=16, eos_token_id=3)
    )
    model = saved(tmp_path, module)
    found = model.encode(IDS)
    assert np.array_equal(found.pooled("end"), found.tokens[:, -1])
    assert model.parameters == sum(p.numel() for p in module.parameters())
    assert "projected" not in model.pooling_note("end")


def test_the_text_tower_of_a_whole_siglip_is_read(tmp_path):
    torch.manual_seed(0)
    module = transformers.SiglipModel(
        transformers.SiglipConfig(
            text_config={**tiny.SMALL, "max_position_embeddings": 16}, vision_config=VISION
        )
    )
    model = saved(tmp_path, module)
    with torch.inference_mode():
        expected = module.text_model(input_ids=torch.from_numpy(IDS)).last_hidden_state.numpy()
    np.testing.assert_allclose(model.encode(IDS).tokens, expected, atol=1e-5)
    assert "SigLIP itself" in model.pooling_note("mean")


@pytest.mark.parametrize("kind", ["llama", "bert"])
def test_tables_are_measured_as_stored_whatever_computes(tmp_path, kind):
    """In bfloat16 the parameters are rounded; neither the tables nor rotary angles are."""
    torch.manual_seed(0)
    if kind == "bert":
        tiny.save_bert(tmp_path)
    else:
        saved(tmp_path, tiny.MODELS[kind]())
    exact, rough = (load_transformers(tmp_path, None, "cpu", d) for d in ("float32", "bfloat16"))
    assert np.array_equal(exact.token_embedding, rough.token_embedding)
    one, two = exact.encode(IDS).tokens, rough.encode(IDS).tokens
    assert 0 < np.abs(one - two).max() < 0.1 * np.abs(one).max()
    assert exact.causal == rough.causal
    assert {p.dtype for p in rough.module.parameters()} == {torch.bfloat16}
    assert all(b.dtype != torch.bfloat16 for b in rough.module.buffers())


def test_what_is_no_text_encoder_is_refused(tmp_path):
    with pytest.raises(InputError, match="is no text encoder: its inputs are no tokens"):
        saved(tmp_path, transformers.ViTModel(transformers.ViTConfig(**VISION)))


@pytest.mark.parametrize(
    ("kind", "causal", "positions"),
    [
        ("roberta", False, 24),  # two of its 26 rows stand before the first position
        ("mpnet", False, 24),
        ("distilbert", False, 24),
        ("opt", True, 24),  # its first two rows are an offset
        ("roformer", False, "no table"),  # what it calls positions turns queries and keys
        ("gpt2", True, 24),
        ("siglip", False, 24),
        ("t5", False, "relative"),
        ("llama", True, "rotary"),
    ],
)
def test_positions_and_causality_are_read_off_the_model(tmp_path, kind, causal, positions):
    torch.manual_seed(0)
    module = tiny.MODELS[kind]()
    model = saved(tmp_path, module)
    assert model.causal is causal
    if isinstance(positions, str):
        assert model.position_embedding is None and positions in model.no_positions
    else:
        assert len(model.position_embedding) == positions == model.context
    assert model.token_embedding.shape == (VOCABULARY, 32)
    ids = np.where(IDS == 1, 4, IDS)
    with torch.inference_mode():
        expected = module(input_ids=torch.from_numpy(ids)).last_hidden_state.numpy()
    np.testing.assert_allclose(model.encode(ids).tokens, expected, atol=1e-5)
    assert model.encode(ids[:, :1]).tokens.shape == (3, 1, 32)


def test_the_first_row_of_the_table_is_the_first_token_s(tmp_path):
    """Moving row k moves the output of a prompt of more than k tokens, and of no shorter one."""
    for kind in ("roberta", "mpnet", "opt", "gpt2"):
        torch.manual_seed(0)
        module = tiny.MODELS[kind]()
        model = saved(tmp_path / kind, module)
        table = next(
            part.weight
            for name, part in model.module.named_modules()
            if name.endswith(("position_embeddings", "wpe", "embed_positions"))
        )
        row = next(
            at
            for at in range(len(table))
            if np.allclose(table[at].detach(), model.position_embedding[4])
        )
        ids = np.where(IDS == 1, 4, IDS)[:, :5]
        before = [model.encode(ids[:, :n]).tokens for n in (4, 5)]
        with torch.no_grad():
            table[row] += 1
        after = [model.encode(ids[:, :n]).tokens for n in (4, 5)]
        assert np.array_equal(before[0], after[0]) and not np.allclose(before[1], after[1])


def test_minilm_gives_what_transformers_gives():
    folder = encoder_folder("minilm")
    if not (folder / "model.safetensors").is_file():
        pytest.skip("no MiniLM here: run `anatomy fetch minilm`")
    (encoder,) = resolve(["minilm"])
    model = encoder.open("cpu", "float32")
    module = transformers.AutoModel.from_pretrained(folder).eval()
    lengths = [4, 9, 6]
    ids = np.zeros((3, 16), dtype=np.int64)
    for row, length in enumerate(lengths):
        ids[row, :length] = tiny.some_ids(1, length, 30_522, row)
    mask = np.arange(16) < np.array(lengths)[:, None]
    with torch.inference_mode():
        expected = module(
            input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask).long()
        ).last_hidden_state.numpy()
    for row, length in enumerate(lengths):
        alone = model.encode(ids[row : row + 1, :length])
        np.testing.assert_allclose(alone.tokens[0], expected[row, :length], atol=2e-5)
    assert model.parameters == 22_713_216 and model.context == 256 and not model.causal


@pytest.mark.parametrize(
    ("modes", "pooling"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode_lasttoken": True}, "end"),
        ({"pooling_mode": "mean"}, "mean"),  # newer versions' way
        ({"pooling_mode_max_tokens": True}, None),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}, None),
        ({}, None),
    ],
)
def test_pooling_is_the_one_that_sentence_transformers_names(tmp_path, modes, pooling):
    tiny.save_bert(tmp_path)
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(modes))
    if pooling:
        assert load_transformers(tmp_path, None, "cpu", "float32").pooling == pooling
    else:
        with pytest.raises(InputError, match="names a pooling that is none of"):
            load_transformers(tmp_path, None, "cpu", "float32")


def test_a_dense_layer_behind_the_pooling_is_spoken_of(tmp_path):
    tiny.save_bert(tmp_path)
    for name, content in {"1_Pooling": {"pooling_mode_cls_token": True}, "2_Dense": {}}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(content))
    model = load_transformers(tmp_path, None, "cpu", "float32")
    assert model.pooling_note("cls").endswith("before the dense layer that it is published with")
    assert "dense" not in model.pooling_note("mean")


def test_the_context_is_what_both_tokenizer_and_positions_allow(tmp_path):
    tiny.save_bert(tmp_path)
    assert load_transformers(tmp_path, 10, "cpu", "float32").context == 10
    assert load_transformers(tmp_path, 100, "cpu", "float32").context == 24
    assert load_transformers(tmp_path, 1, "cpu", "float32").context == 1


def edited(folder, change):
    """A saved BERT whose tensors were changed."""
    from safetensors.torch import load_file, save_file

    tiny.save_bert(folder)
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def test_incomplete_checkpoints_are_refused_by_name(tmp_path):
    name = "encoder.layer.1.output.dense.weight"
    edited(tmp_path / "missing", lambda tensors: tensors.pop(name))
    with pytest.raises(InputError, match=f"{re.escape(name)} is missing"):
        load_transformers(tmp_path / "missing", None, "cpu", "float32")
    edited(tmp_path / "shape", lambda tensors: tensors.update({name: torch.zeros(5, 5)}))
    with pytest.raises(InputError, match=rf"{re.escape(name)} has shape \[5, 5\], but"):
        load_transformers(tmp_path / "shape", None, "cpu", "float32")
    edited(tmp_path / "pooler", lambda tensors: tensors.pop("pooler.dense.weight"))
    load_transformers(tmp_path / "pooler", None, "cpu", "float32")  # not on our outputs' path
    edited(tmp_path / "nan", lambda tensors: tensors[name].fill_(float("nan")))
    with pytest.raises(InputError, match="outputs are not finite"):
        load_transformers(tmp_path / "nan", None, "cpu", "float32")


def test_pickled_code_is_refused_and_not_run(tmp_path, capsys):
    tiny.save_bert(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save({"embeddings.word_embeddings.weight": tiny.Bomb()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"pytorch_model\.bin"):
        load_transformers(tmp_path, None, "cpu", "float32")
    assert "never run" not in capsys.readouterr().out


def test_plain_torch_files_are_read(tmp_path):
    module = tiny.save_bert(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(module.state_dict(), tmp_path / "pytorch_model.bin")
    model = load_transformers(tmp_path, None, "cpu", "float32")
    with torch.inference_mode():
        expected = module(input_ids=torch.from_numpy(IDS)).last_hidden_state.numpy()
    np.testing.assert_allclose(model.encode(IDS).tokens, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": 10**9}, "hidden_size is 1000000000, no size from 1"),
        ({"num_hidden_layers": 5000}, "num_hidden_layers is 5,000, but the weights"),
        (
            {"num_hidden_layers": 1},
            r"encoder\.layer\.1\..* is there, but config\.json asks for fewer",
        ),
        ({"vocab_size": 1 << 24}, "asks for 536,8.* parameters, but the weights beside it hold"),
        ({"hidden_size": 1 << 17}, "parameters, but the weights beside it hold"),
        ({"hidden_act": "nope"}, r"config\.json: is no checkpoint that can be read"),
        ({"layer_norm_eps": "x"}, r"config\.json: is no checkpoint that can be read"),
        ({"attn_implementation": "someone/kernel"}, "needs code of its own"),
        ({"vision_config": {"auto_map": {"AutoConfig": "evil.Config"}}}, "needs code of its own"),
        (
            {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}},
            "no checkpoint that can be read",
        ),
        ({"model_type": ["bert"]}, "no checkpoint that can be read"),
        ({"auto_map": {"AutoModel": "evil.Model"}}, "needs code of its own"),
        ({"model_type": "bart", "is_encoder_decoder": True}, "an encoder with a decoder"),
        ({"model_type": "unheard-of"}, "no checkpoint that can be read"),
    ],
)
def test_configurations_that_cannot_be_used_are_refused(tmp_path, change, message):
    tiny.save_bert(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=message) as caught:
        load_transformers(tmp_path, None, "cpu", "float32")
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_broken_configuration_is_one_line(tmp_path, content):
    tiny.save_bert(tmp_path)
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(InputError, match=r"config\.json: is n"):
        load_transformers(tmp_path, None, "cpu", "float32")


@pytest.mark.parametrize(("name", "row"), [("word", 11), ("position", 23)])
def test_a_table_that_is_not_finite_is_refused(tmp_path, name, row):
    key = f"embeddings.{name}_embeddings.weight"
    edited(tmp_path, lambda tensors: tensors[key][row].fill_(float("inf")))
    with pytest.raises(InputError, match="not finite"):
        load_transformers(tmp_path, None, "cpu", "float32")
