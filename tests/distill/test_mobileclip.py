"""MobileCLIP's checkpoints: what their names mean, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from anatomy.errors import InputError
from distill.initialisation import initialise
from distill.mobileclip import efficientsam3_tensors
from distill.recipe import StudentRecipe
from distill.students import build
from tests.distill.teachers import MASK, batch, outputs
from tests.encoders import tiny

TOKENS, WIDTH, ROWS = 40, 8, 77
KEPT = np.arange(0, TOKENS, 2)
# What Apple calls the parts of a RepMixer block and of a transformer layer.
REPMIXER = [
    "layer_scale",
    "token_mixer.layer_scale",
    *(f"token_mixer.norm.rbr_skip.{kind}" for kind in ("weight", "bias")),
    *(f"token_mixer.norm.rbr_skip.running_{kind}" for kind in ("mean", "var")),
    "token_mixer.norm.rbr_skip.num_batches_tracked",
    *(f"token_mixer.mixer.rbr_skip.{kind}" for kind in ("weight", "bias")),
    *(f"token_mixer.mixer.rbr_skip.running_{kind}" for kind in ("mean", "var")),
    "token_mixer.mixer.rbr_skip.num_batches_tracked",
    "token_mixer.mixer.rbr_conv.0.conv.weight",
    *(f"token_mixer.mixer.rbr_conv.0.bn.{kind}" for kind in ("weight", "bias")),
    *(f"token_mixer.mixer.rbr_conv.0.bn.running_{kind}" for kind in ("mean", "var")),
    "token_mixer.mixer.rbr_conv.0.bn.num_batches_tracked",
    "convffn.conv.conv.weight",
    *(f"convffn.conv.bn.{kind}" for kind in ("weight", "bias")),
    *(f"convffn.conv.bn.running_{kind}" for kind in ("mean", "var")),
    "convffn.conv.bn.num_batches_tracked",
    *(f"convffn.{part}.{kind}" for part in ("fc1", "fc2") for kind in ("weight", "bias")),
]
LAYER = [
    f"{part}.{kind}"
    for part in (
        "pre_norm_mha.0",
        "pre_norm_mha.1.qkv_proj",
        "pre_norm_mha.1.out_proj",
        "pre_norm_ffn.0",
        "pre_norm_ffn.1",
        "pre_norm_ffn.4",
    )
    for kind in ("weight", "bias")
]
START = "backbone.language_backbone."


def student_of(vocabulary=TOKENS, context=16, layers=3, repmixer=True, seed=0, **changes):
    recipe = StudentRecipe(
        name="small",
        kind="litetext",
        context=context,
        hidden_size=32,
        intermediate_size=128,
        attention_heads=4,
        hidden_layers=layers,
        repmixer=repmixer,
        **changes,
    )
    student = build(recipe, vocabulary, WIDTH, 0, seed, None)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in student.state_dict(keep_vars=True).values():
            if tensor.is_floating_point():
                tensor.uniform_(0.1, 0.5, generator=generator)
            else:
                tensor.fill_(seed + 7)
    return student.eval()


def apple(**changes):
    """A checkpoint as Apple publishes it, from a student of 77 positions; and that student."""
    student = student_of(context=ROWS, **changes)
    made = efficientsam3_tensors(student)
    tensors = {
        f"text_encoder.{name.removeprefix(f'{START}encoder.')}": tensor
        for name, tensor in made.items()
        if "projector" not in name
    }
    tensors["image_encoder.model.stem.weight"] = torch.ones(3)
    tensors["logit_scale"] = torch.ones(())
    return tensors, student


def taken(path, tensors=None, kept=KEPT, **changes):
    """A student that starts from a checkpoint."""
    if tensors is not None:
        save_file(tensors, path)
    student = student_of(vocabulary=len(kept), seed=1, **changes)
    said = initialise(student, None, kept, f"mobileclip={path}")
    return student, said


def inputs(student):
    """Kept ids by a student's numbering and by the checkpoint's, padded to 16 positions."""
    ids = torch.nn.functional.pad(batch(student.vocabulary_size), (0, 9))
    mask = np.pad(MASK, ((0, 0), (0, 9)))
    ids[~torch.from_numpy(mask)] = 0
    return ids, mask


def test_the_names_are_efficientsam3_s():
    names = set(efficientsam3_tensors(student_of(bottleneck=2)))
    inner = {
        "embedding_layer.weight",
        "positional_embedding.pos_embed.pos_embed",
        "final_layer_norm.weight",
        "final_layer_norm.bias",
        "projection_layer",
        *(f"transformer.{at}.{name}" for at in (0, 2) for name in REPMIXER),
        *(f"transformer.1.{name}" for name in LAYER),
    }
    assert names == {f"{START}encoder.{name}" for name in inner} | {
        f"{START}projector.weight",
        f"{START}projector.bias",
    }


def test_queries_keys_and_values_are_packed_in_this_order():
    student = student_of()
    made = efficientsam3_tensors(student)
    attention = student.text_model.layers[1].self_attn
    for kind in ("weight", "bias"):
        parts = [getattr(getattr(attention, f"{letter}_proj"), kind) for letter in "qkv"]
        packed = made[f"{START}encoder.transformer.1.pre_norm_mha.1.qkv_proj.{kind}"]
        assert torch.equal(packed, torch.cat(parts))


@pytest.mark.parametrize("form", ["safetensors", "torch", "nested"])
def test_a_checkpoint_of_apple_gives_its_rows_and_first_positions(form, tmp_path):
    tensors, original = apple()
    path = tmp_path / ("file.safetensors" if form == "safetensors" else "file.pt")
    if form != "safetensors":
        torch.save({"state_dict": tensors, "epoch": 3} if form == "nested" else tensors, path)
    student, said = taken(path, tensors if form == "safetensors" else None)
    assert said[1] == "projector: random; MobileCLIP has none"
    ids, mask = inputs(student)
    original.recipe = student.recipe
    embeddings = original.text_model.embeddings.position_embedding
    embeddings.position_embedding = torch.nn.Parameter(
        embeddings.position_embedding[:, :, :16].clone()
    )
    original.projector = student.projector
    np.testing.assert_allclose(
        outputs(student, ids, mask),
        outputs(original, torch.from_numpy(KEPT)[ids], mask),
        atol=1e-6,
    )


@pytest.mark.parametrize("before", ["", "detector."])
def test_a_checkpoint_of_efficientsam3_gives_the_projector_too(before, tmp_path):
    original = student_of()
    tensors = {before + name: t for name, t in efficientsam3_tensors(original).items()}
    tensors = {name: t for name, t in tensors.items() if not name.endswith("batches_tracked")}
    tensors[f"{before}backbone.vision_backbone.weight"] = torch.ones(3)
    student, said = taken(tmp_path / "file.safetensors", tensors, np.arange(TOKENS))
    assert said[1] == "projector: from the same file"
    ids, mask = inputs(student)
    assert np.array_equal(outputs(student, ids, mask), outputs(original, ids, mask))


def test_a_checkpoint_of_open_clip_says_the_same_in_other_words(tmp_path):
    shape = {"layers": 2, "repmixer": False}
    ours, _ = apple(**shape)
    words = {
        "embedding_layer": "token_embedding",
        "positional_embedding.pos_embed.pos_embed": "positional_embedding",
        "final_layer_norm": "ln_final",
        "projection_layer": "text_projection",
        "transformer.": "transformer.resblocks.",
        "pre_norm_mha.0": "ln_1",
        "pre_norm_mha.1.qkv_proj.": "attn.in_proj_",
        "pre_norm_mha.1.out_proj": "attn.out_proj",
        "pre_norm_ffn.0": "ln_2",
        "pre_norm_ffn.1": "mlp.c_fc",
        "pre_norm_ffn.4": "mlp.c_proj",
        "text_encoder.": "text.",
    }
    theirs = {}
    for name, tensor in ours.items():
        renamed = name
        for old, new in words.items():
            renamed = renamed.replace(old, new)
        theirs[renamed] = tensor[0, 0] if renamed == "text.positional_embedding" else tensor
    one, _ = taken(tmp_path / "a.safetensors", ours, **shape)
    two, _ = taken(tmp_path / "b.safetensors", theirs, **shape)
    state = two.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in one.state_dict().items())


SOME = "text_encoder.transformer.1.pre_norm_mha.1.qkv_proj.weight"
FOLDED = "text_encoder.transformer.0.token_mixer.reparam_conv.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop(SOME), f"{SOME} is missing"),
        (lambda t: t.update({SOME: torch.ones(95, 32)}), r"\[95, 32\], which cannot be cut"),
        (lambda t: t.update({SOME: torch.ones(96, 31)}), rf"{SOME} has shape \[32, 31\]"),
        (lambda t: t.update({FOLDED: torch.ones(3)}), f"{FOLDED} is there, but small has no place"),
        (
            lambda t: t.update({"text_encoder.positional_embedding.pos_embed.pos_embed": t0(8)}),
            "has 8 positions, but the student needs 16",
        ),
        (
            lambda t: t.update({"text_encoder.embedding_layer.weight": torch.ones(30, 32)}),
            "has embeddings of 30 tokens, but the teacher's tokenizer has 39",
        ),
        (lambda t: [t.pop(n) for n in list(t) if n.startswith("text")], "holds no text encoder of"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(change, message, tmp_path):
    tensors, _ = apple()
    change(tensors)
    with pytest.raises(InputError, match=message) as caught:
        taken(tmp_path / "file.safetensors", tensors)
    assert "\n" not in str(caught.value)


def t0(rows):
    """A table of so many positions."""
    return torch.ones(1, 1, rows, 32)


def test_a_refused_checkpoint_leaves_the_student_as_it_was(tmp_path):
    tensors, _ = apple()
    tensors.pop(SOME)
    save_file(tensors, tmp_path / "file.safetensors")
    student = student_of(vocabulary=len(KEPT), seed=1)
    before = {name: tensor.clone() for name, tensor in student.state_dict().items()}
    with pytest.raises(InputError):
        initialise(student, None, KEPT, f"mobileclip={tmp_path / 'file.safetensors'}")
    assert all(torch.equal(t, before[name]) for name, t in student.state_dict().items())


def test_another_projector_s_width_is_refused(tmp_path):
    tensors = efficientsam3_tensors(student_of())
    tensors[f"{START}projector.weight"] = torch.ones(9, 32)
    with pytest.raises(InputError, match=r"projector.weight has shape \[9, 32\]"):
        taken(tmp_path / "file.safetensors", tensors, np.arange(TOKENS))


def test_code_in_a_checkpoint_is_not_run(tmp_path, capsys):
    torch.save({"state_dict": tiny.Bomb()}, tmp_path / "file.pt")
    with pytest.raises(InputError, match="only plain tensors are read"):
        taken(tmp_path / "file.pt")
    with pytest.raises(InputError, match=r"gone\.pt: is no checkpoint"):
        taken(tmp_path / "gone.pt")
    assert "must never run" not in capsys.readouterr().out
