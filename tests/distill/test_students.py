"""Students: what they compute and what they weigh."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers

from distill import litetext
from distill.architectures import student_recipe
from distill.shallow import SAM3
from distill.sizes import stored_bytes
from distill.students import build, count, parameters, sizes_of
from tests.distill.samples import CONTEXT, TOKENS, padded, recipe, small
from tests.distill.teachers import LENGTHS, MASK, outputs


def from_transformers(student, folder, ids, attention="sdpa"):
    """What transformers' own class makes of the student's export, at the valid tokens."""
    litetext.with_projection(student.text_model).save_pretrained(folder)
    theirs = transformers.Sam3LiteTextTextModel.from_pretrained(
        folder, attn_implementation=attention
    ).eval()
    mask = torch.from_numpy(MASK)
    with torch.inference_mode():
        found = theirs(input_ids=ids, attention_mask=mask.long())
        return student.projector(found.last_hidden_state)[mask].numpy(), found


@pytest.mark.parametrize(
    ("name", "context", "total"),
    [
        ("mobileclip-s0", 16, 42_541_312),
        ("mobileclip-s0", 32, 42_549_504),
        ("mobileclip-s1", 16, 63_528_192),
        ("mobileclip-s1", 32, 63_536_384),
        ("mobileclip2-l", 16, 123_800_320),
        ("mobileclip2-l", 32, 123_812_608),
    ],
)
def test_totals_are_the_published_ones(name, context, total):
    wide = student_recipe(name, context=context)
    weighs = count(wide, 49_408, 256)
    assert weighs.total == total
    assert weighs.parameters["unused"] == wide.hidden_size**2 == total - weighs.held
    assert weighs.parameters["token embedding"] == 49_408 * wide.hidden_size
    assert weighs.parameters["positions"] == context * wide.hidden_size


def test_sam3_s_text_path_has_its_published_total():
    whole = student_recipe("shallow:24", context=32, teacher=SAM3)
    weighs = count(whole, 49_408, 256, SAM3)
    assert weighs.total == 353_724_672
    assert weighs.parameters["unused"] == 1_024 * 512
    assert weighs.parameters["projector"] == 1_024 * 256 + 256


@pytest.mark.parametrize("changes", [{}, {"repmixer": True}, {"bottleneck": 4}])
def test_what_is_counted_is_what_is_built(changes):
    student = small(**changes)
    weighs = sizes_of(student)
    assert weighs == count(student.recipe, TOKENS, 20)
    assert weighs.held == sum(p.numel() for p in student.parameters())
    buffers = sum(b.numel() for b in student.buffers() if b.is_floating_point())
    assert weighs.total_bytes("float32") == 4 * (weighs.held + buffers)
    assert weighs.total_bytes("bfloat16") == 2 * (weighs.held + buffers)
    assert parameters(student)["projector"] == (
        4 * 32 + 20 * 4 + 20 if "bottleneck" in changes else 20 * 32 + 20
    )


def test_int8_is_a_byte_a_number_of_a_matrix_and_five_a_row():
    assert stored_bytes((10, 8), "int8") == 80 + 50  # Linear, Embedding
    assert stored_bytes((10, 8, 1, 1), "int8") == 80 + 50  # a pointwise convolution
    assert stored_bytes((10, 1, 1, 11), "int8") == 440  # a depthwise one
    assert stored_bytes((10, 1, 1), "int8") == 40  # layer scale
    assert stored_bytes((1, 1, 16, 8), "int8") == 4 * 128  # positions
    assert stored_bytes((10,), "int8") == 40


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_trimmed_batch_gives_what_transformers_gives_for_the_padded_one(tmp_path, attention):
    student, ids = small(), padded(9)
    expected, found = from_transformers(student, tmp_path, ids, attention)
    np.testing.assert_allclose(outputs(student, ids), expected, atol=2e-5)
    at = 0
    for row, length in enumerate(LENGTHS):
        here = torch.ones(1, length, dtype=torch.bool)
        for mask in (here, None):
            with torch.inference_mode():
                alone = student(ids[row : row + 1, :length], mask)[0].numpy()
            np.testing.assert_allclose(alone, expected[at : at + length], atol=2e-5)
        at += length
    # The projection that was put back is the identity.
    ends = ids.argmax(dim=-1)
    assert torch.allclose(found.pooler_output, found.last_hidden_state[range(3), ends], atol=1e-5)


def test_transformers_own_class_stretches_what_is_trimmed(tmp_path):
    """Why our forward takes the first rows of the table of positions."""
    student, ids = small(), padded()
    litetext.with_projection(student.text_model).save_pretrained(tmp_path)
    theirs = transformers.Sam3LiteTextTextModel.from_pretrained(tmp_path).eval()
    with torch.inference_mode():
        stretched = theirs(input_ids=ids[1:2, :4]).last_hidden_state
        ours = litetext.hidden_states(student.text_model, ids[1:2, :4], None)
    assert (stretched - ours).abs().max() > 0.1


def test_a_repmixer_student_gives_what_transformers_gives(tmp_path):
    student, ids = small(repmixer=True), padded()
    assert student.padded and not small().padded
    expected, _ = from_transformers(student, tmp_path, ids)
    np.testing.assert_allclose(outputs(student, ids), expected, atol=2e-5)


def test_a_repmixer_student_refuses_what_it_was_not_trained_on():
    student, ids, mask = small(repmixer=True), padded(), torch.from_numpy(MASK)
    needs = "needs rows of 7 tokens, padded with id 0, and a mask; got "
    with pytest.raises(ValueError, match=f"{needs}rows of 4"):
        student(ids[:, :4], mask[:, :4])
    with pytest.raises(ValueError, match=f"{needs}no mask"):
        student(ids)
    with pytest.raises(ValueError, match=f"{needs}other ids at padding"):
        student(padded(5), mask)
    student(padded(5), torch.ones_like(mask))


@pytest.mark.parametrize("repmixer", [False, True])
def test_longer_rows_than_the_context_are_refused(repmixer):
    ids = torch.ones(1, CONTEXT + 1, dtype=torch.long)
    with pytest.raises(ValueError, match="rows of 8 tokens, but a context of 7"):
        small(repmixer=repmixer)(ids, torch.ones_like(ids, dtype=torch.bool))


@pytest.mark.parametrize("changes", [{}, {"repmixer": True}])
def test_half_precision_gives_about_the_same_as_float32(changes):
    student, ids, mask = small(**changes), padded(), torch.from_numpy(MASK)
    exact = outputs(student, ids)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        mixed = student(ids, mask)
    with torch.inference_mode():
        rough = student.to(torch.bfloat16)(ids, mask)
    for found in (mixed, rough):
        assert found.dtype == torch.float32
        difference = np.abs(found[mask].numpy() - exact).max()
        assert 0 < difference < 0.05 * np.abs(exact).max()


def test_it_can_be_exported_for_any_length():
    """Nothing in the forward pass asks the data how to go on."""
    student, ids, mask = small(), padded(), torch.from_numpy(MASK)
    some = torch.export.Dim("rows", min=1, max=64)
    program = torch.export.export(
        student, (ids, mask), dynamic_shapes={"ids": {0: some}, "mask": {0: some}}
    )
    found = program.module()(ids[:2], mask[:2])
    assert torch.allclose(found, student(ids[:2], mask[:2]), atol=1e-5)


def test_pooling_of_known_outputs():
    student, tokens = small(), torch.arange(12.0).reshape(2, 3, 2)
    mask = torch.tensor([[True, True, True], [True, True, False]])
    assert student.pooled(tokens, mask, "mean").tolist() == [[2, 3], [7, 8]]
    assert student.pooled(tokens, mask, "end").tolist() == [[4, 5], [8, 9]]
    assert student.pooled(tokens, mask, "cls").tolist() == [[0, 1], [6, 7]]
    assert student.pooled(tokens, None, "mean").tolist() == [[2, 3], [8, 9]]
    assert student.pooled(tokens, None, "end").tolist() == [[4, 5], [10, 11]]


def test_a_bottleneck_folds_into_one_linear_layer():
    student, ids = small(bottleneck=4), padded()
    folded = student.folded()
    assert isinstance(folded.projector, torch.nn.Linear) and folded.recipe.bottleneck is None
    assert torch.linalg.matrix_rank(folded.projector.weight.double(), rtol=1e-5) == 4
    np.testing.assert_allclose(outputs(folded, ids), outputs(student, ids), atol=1e-5)
    assert folded.folded() is folded
    assert {p.device.type for p in folded.parameters()} == {"cpu"}


def test_weights_follow_the_seed_and_nothing_else():
    def weights(seed):
        student = build(recipe(repmixer=True), TOKENS, 20, 0, seed, None)
        return torch.cat([p.detach().flatten() for p in student.parameters()])

    torch.manual_seed(3)
    expected, one = torch.rand(4), weights(1)
    torch.manual_seed(3)
    assert torch.equal(one, weights(1)) and not torch.equal(one, weights(2))
    assert torch.equal(torch.rand(4), expected)
    assert torch.isfinite(one).all()
