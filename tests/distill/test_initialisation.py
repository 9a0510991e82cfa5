"""What a student knows before it is trained."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from anatomy.errors import InputError
from distill.architectures import student_recipe
from distill.initialisation import initialise
from distill.recipe import StudentRecipe
from distill.shallow import teacher_shape
from distill.students import build
from tests.distill import teachers
from tests.distill.teachers import MASK, VOCABULARY, batch, outputs
from tests.encoders import tiny

EVERY = np.arange(VOCABULARY)


def student_of(teacher, init, kept=EVERY, **changes):
    """A litetext student and what was said of its beginnings."""
    fields = {
        "name": "small",
        "kind": "litetext",
        "context": 7,
        "hidden_size": 16,
        "intermediate_size": 24,
        "attention_heads": 2,
        "hidden_layers": 1,
    }
    recipe = StudentRecipe(**(fields | changes))
    student = build(recipe, len(kept), teacher_shape(teacher).width, 0, 0, teacher)
    return student, initialise(student, teacher, kept, init)


def tables(student):
    """Token table, positions, projector's weight and bias, as float64."""
    embeddings = student.text_model.embeddings
    found = (
        embeddings.token_embedding.weight,
        embeddings.position_embedding.position_embedding[0, 0],
        student.projector.weight,
        student.projector.bias,
    )
    return [tensor.detach().double().numpy() for tensor in found]


def plain_bert(folder):
    """A BERT whose last norm has no gain: its outputs are its normed hidden states."""
    teacher = teachers.bert(folder)
    norm = teacher.module.encoder.layer[-1].output.LayerNorm
    with torch.no_grad():
        norm.weight.fill_(1)
    return teacher


def scale_of(teacher, tokens, kept, width):
    """What the tables were divided by: they kept their shape, so any of them tells."""
    rows = teacher.token_embedding[kept].astype(np.float64)
    singular = np.linalg.svd(rows, compute_uv=False)[:width]
    return np.linalg.norm(singular) / np.linalg.norm(tokens)


def test_a_narrower_table_loses_what_no_other_could_keep(tmp_path):
    """Eckart & Young: the squared error is the sum of the squared singular values left out."""
    teacher, kept = plain_bert(tmp_path), np.array([0, 2, 3, 4, 5, 6, 7, 8, 9, 11])
    rows = teacher.token_embedding[kept].astype(np.float64)
    singular = np.linalg.svd(rows, compute_uv=False)
    for width in (2, 4, 8):
        student, _ = student_of(teacher, "svd", kept, hidden_size=width)
        tokens, positions, projector, bias = tables(student)
        scale = scale_of(teacher, tokens, kept, width)
        error = np.linalg.norm(scale * tokens @ projector.T - rows)
        assert error == pytest.approx(np.linalg.norm(singular[width:]), rel=1e-5)
        assert np.sqrt((tokens**2).mean()) == pytest.approx(1, rel=1e-5)
        offset = teacher.module.encoder.layer[-1].output.LayerNorm.bias.detach().numpy()
        np.testing.assert_allclose(bias, offset, rtol=1e-6)
        # Positions go the same way as tokens, with the constant that BERT adds to all of them.
        types = teacher.module.embeddings.token_type_embeddings.weight.detach().numpy()
        expected = (teacher.position_embedding[:7] + types[0]) @ projector / scale
        np.testing.assert_allclose(positions, expected, atol=1e-5)


def test_a_wider_table_loses_nothing(tmp_path):
    teacher = plain_bert(tmp_path)
    student, said = student_of(teacher, "teacher", hidden_size=48)
    tokens, _, projector, _ = tables(student)
    scale = scale_of(teacher, tokens, EVERY, 48)
    np.testing.assert_allclose(scale * tokens @ projector.T, teacher.token_embedding, atol=1e-5)
    assert not tokens[:, 32:].any() and not projector[:, 32:].any()
    assert "by singular value decomposition from 32 to 48" in said[0]


@pytest.mark.parametrize("init", ["teacher", "svd"])
def test_rows_are_copied_where_the_widths_agree(init, tmp_path):
    teacher, kept = plain_bert(tmp_path), np.array([0, 3, 4, 7, 11])
    student, said = student_of(teacher, init, kept, hidden_size=32)
    tokens = tables(student)[0]
    rows = teacher.token_embedding[kept].astype(np.float64)
    angle = abs((tokens * rows).sum()) / np.linalg.norm(tokens) / np.linalg.norm(rows)
    assert (angle == pytest.approx(1, rel=1e-6)) == (init == "teacher")
    assert ("copied" in said[0]) == (init == "teacher")


def test_sam3_s_projection_is_folded_into_the_projector(tmp_path):
    teacher = teachers.sam3(tmp_path)
    student, _ = student_of(teacher, "teacher", hidden_size=128, context=16)
    norm, last = (
        teacher.module.text_encoder.text_model.final_layer_norm,
        teacher.module.text_projection,
    )
    _, positions, projector, bias = tables(student)
    with torch.inference_mode():
        expected = last.weight * norm.weight, last(norm.bias)
    np.testing.assert_allclose(projector, expected[0].numpy(), atol=1e-5)
    np.testing.assert_allclose(bias, expected[1].numpy(), atol=1e-5)
    tokens = teacher.token_embedding[EVERY]
    scale = np.sqrt((tokens.astype(np.float64) ** 2).mean())
    np.testing.assert_allclose(positions, teacher.position_embedding[:16] / scale, atol=1e-5)


def at_the_start(teacher, init, ids, kept, **changes):
    """An untrained student's mean squared error and mean cosine to its teacher's outputs."""
    student, _ = student_of(teacher, init, kept, **changes)
    found = outputs(student, torch.from_numpy(np.searchsorted(kept, ids.numpy())))
    target = teacher.encode(ids.numpy(), MASK).tokens[MASK]
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(target, axis=1)
    return ((found - target) ** 2).mean(), ((found * target).sum(axis=1) / lengths).mean()


def test_it_starts_nearer_to_the_real_minilm_than_at_random():
    teacher, ids = teachers.minilm(), torch.from_numpy(tiny.some_ids(3, 7, 30_522))
    kept = np.union1d(ids.numpy(), np.arange(0, 30_522, 11))
    shape = {"hidden_size": 128, "intermediate_size": 256, "hidden_layers": 2}
    error, cosine = at_the_start(teacher, "svd", ids, kept, **shape)
    error_at_random, cosine_at_random = at_the_start(teacher, "random", ids, kept, **shape)
    assert error < error_at_random and cosine > cosine_at_random + 0.1


@pytest.mark.parametrize("kind", ["litetext", "shallow"])
def test_a_bottleneck_keeps_what_moves_the_outputs_most(kind, tmp_path):
    """The wider it is the less it changes; as wide as the outputs, nothing."""
    teacher = teachers.sam3(tmp_path)
    ids, errors = batch(VOCABULARY), []
    recipe = student_recipe("shallow:1", context=7, teacher=teacher_shape(teacher))
    if kind == "litetext":
        recipe = recipe.model_copy(
            update={"kind": "litetext", "hidden_size": 32, "kept_layers": []}
        )
    for bottleneck in (None, 1, 4, 12, tiny.SAM3_WIDTH):
        student = build(
            recipe.model_copy(update={"bottleneck": bottleneck}),
            VOCABULARY,
            tiny.SAM3_WIDTH,
            0,
            0,
            teacher,
        )
        said = initialise(student, teacher, EVERY, "teacher")
        found = outputs(student, ids)
        if bottleneck is None:
            whole = found
            continue
        assert f"through the {bottleneck} directions of the most variance" in said[-1]
        errors.append(np.linalg.norm(found - whole) / np.linalg.norm(whole))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-5 < errors[0] < 1


def test_a_bottleneck_on_a_teacher_without_a_projection(tmp_path):
    teacher = teachers.bert(tmp_path)
    recipe = student_recipe("shallow:4", context=7, teacher=teacher_shape(teacher), bottleneck=32)
    student = build(recipe, VOCABULARY, 32, 0, 0, teacher)
    initialise(student, teacher, EVERY, "teacher")
    ids = batch(VOCABULARY)
    np.testing.assert_allclose(
        outputs(student, ids), teacher.encode(ids.numpy(), MASK).tokens[MASK], atol=1e-4
    )


def test_random_leaves_what_was_drawn(tmp_path):
    teacher = teachers.bert(tmp_path)
    student, said = student_of(teacher, "random")
    drawn = build(student.recipe, VOCABULARY, 32, 0, 0, None)
    assert all(
        torch.equal(a, b) for a, b in zip(student.parameters(), drawn.parameters(), strict=True)
    )
    assert said == ["all weights: random"]


def test_positions_without_a_table_stay_random(tmp_path):
    teacher = teachers.opened(tmp_path, tiny.MODELS["llama"]())
    student, said = student_of(teacher, "svd")
    drawn = build(student.recipe, VOCABULARY, 32, 0, 0, None)
    assert np.array_equal(tables(student)[1], tables(drawn)[1])
    assert "positions: random; its positions are rotary" in said[1]


def test_what_cannot_be_started_from_is_refused(tmp_path):
    teacher = teachers.bert(tmp_path)
    with pytest.raises(InputError, match="token 12 is kept, but the teacher has embeddings of 12"):
        student_of(teacher, "random", np.arange(1, 13))
    with pytest.raises(InputError, match="a context of 25, but the teacher has 24 positions"):
        student_of(teacher, "teacher", context=25)
    with pytest.raises(InputError, match="warm is unknown"):
        student_of(teacher, "warm")
    student, _ = student_of(teacher, "random")
    with pytest.raises(InputError, match="needs the teacher's weights"):
        initialise(student, None, EVERY, "svd")
    with pytest.raises(ValueError, match="5 kept tokens for a student of 12"):
        initialise(student, teacher, np.arange(5), "random")
