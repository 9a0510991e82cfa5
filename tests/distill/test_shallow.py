"""Shallow students: what they keep is exactly the teacher's."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import transformers

from anatomy.errors import InputError
from distill.architectures import student_recipe
from distill.initialisation import initialise
from distill.shallow import empty, kept_layers, teacher_shape
from distill.students import Student, build, count, parameters, sizes_of
from tests.distill import teachers
from tests.distill.teachers import MASK, VOCABULARY, batch, outputs
from tests.encoders import tiny


def shallow(teacher, number, kept=None, context=7, pad_id=0, **changes):
    """A shallow student with its teacher's weights."""
    kept = np.arange(len(teacher.token_embedding)) if kept is None else kept
    shape = teacher_shape(teacher)
    recipe = student_recipe(f"shallow:{number}", context=context, teacher=shape)
    recipe = recipe.model_copy(update=changes)
    student = build(recipe, len(kept), shape.width, pad_id, 0, teacher)
    initialise(student, teacher, kept, "teacher")
    return student


@pytest.mark.parametrize(
    ("layers", "number", "kept"),
    [
        (6, 2, [0, 5]),
        (6, 6, [0, 1, 2, 3, 4, 5]),
        (12, 3, [0, 6, 11]),
        (24, 4, [0, 8, 15, 23]),
        (6, 1, [5]),
        (1, 1, [0]),
    ],
)
def test_first_and_last_are_kept_and_evenly_between(layers, number, kept):
    assert kept_layers(layers, number) == kept


@pytest.mark.parametrize("layers", range(1, 30))
def test_kept_layers_ascend_and_are_as_many_as_asked_for(layers):
    for number in range(1, layers + 1):
        kept = kept_layers(layers, number)
        assert kept == sorted(set(kept)) and len(kept) == number and kept[-1] == layers - 1
        gaps = np.diff(kept)
        assert number == 1 or (kept[0] == 0 and gaps.max() - gaps.min() <= 1)


TEACHERS = {
    "bert": teachers.bert,
    "clip": teachers.clip,
    "sam3": teachers.sam3,
    "sam3.pt": lambda folder: teachers.sam3(folder, "original"),
    **{
        kind: lambda folder, kind=kind: teachers.opened(folder, tiny.MODELS[kind]())
        for kind in tiny.MODELS
    },
}


@pytest.mark.parametrize("kind", TEACHERS)
def test_with_every_layer_and_token_it_is_the_teacher(kind, tmp_path):
    torch.manual_seed(0)
    teacher = TEACHERS[kind](tmp_path)
    pad = 1 if kind in ("roberta", "mpnet", "opt") else 0
    student = shallow(teacher, teacher_shape(teacher).layers, pad_id=pad)
    ids = batch(VOCABULARY)
    ids[~torch.from_numpy(MASK)] = pad
    assert np.array_equal(outputs(student, ids), teacher.encode(ids.numpy(), MASK).tokens[MASK])
    shape = teacher_shape(teacher)
    assert count(student.recipe, student.vocabulary_size, shape.width, shape) == sizes_of(student)
    if student.text_model.config.model_type not in ("t5", "llama", "roformer"):
        assert parameters(student)["positions"] == 7 * teacher.position_embedding.shape[1] * (
            1 + (pad + 1) / 7 if kind in ("roberta", "mpnet", "opt") else 1
        )


@pytest.mark.parametrize("kind", TEACHERS)
def test_kept_tokens_take_their_rows_along(kind, tmp_path):
    torch.manual_seed(0)
    teacher = TEACHERS[kind](tmp_path)
    # Padding is not the token it was, which moves where RoBERTa counts positions from. MPNet's
    # class has its padding's id built in.
    kept = np.array(([0] if kind == "mpnet" else []) + [1, 2, 3, 4, 6, 7, 9, 11])
    old_pad, new_pad = 1, 1 if kind == "mpnet" else 0
    student = shallow(teacher, teacher_shape(teacher).layers, kept, pad_id=new_pad)
    new = torch.from_numpy(np.random.default_rng(0).integers(1, len(kept), (3, 7)))
    new[~torch.from_numpy(MASK)] = new_pad
    old = kept[new.numpy()]
    old[~MASK] = old_pad
    np.testing.assert_allclose(
        outputs(student, new), teacher.encode(old, MASK).tokens[MASK], atol=1e-6
    )


def test_fewer_layers_are_the_teacher_s_own_in_their_order(tmp_path):
    teacher = teachers.bert(tmp_path)
    student = shallow(teacher, 3)
    by_hand = copy.deepcopy(teacher.module)
    del by_hand.encoder.layer[1]
    ids, mask = batch(VOCABULARY), torch.from_numpy(MASK)
    assert student.recipe.kept_layers == [0, 2, 3]
    with torch.inference_mode():
        expected = by_hand(input_ids=ids, attention_mask=mask.long()).last_hidden_state[mask]
    assert np.array_equal(outputs(student, ids), expected.numpy())


@pytest.mark.parametrize("number", [1, 2])
def test_a_causal_teacher_s_shallow_student_is_causal(number, tmp_path):
    student = shallow(teachers.sam3(tmp_path), number)
    ids = batch(VOCABULARY)
    other = ids.clone()
    other[:, -1] += 1
    everything = np.ones_like(MASK)
    one, two = (outputs(student, x, everything).reshape(3, 7, -1) for x in (ids, other))
    assert np.array_equal(one[:, :-1], two[:, :-1]) and not np.allclose(one[:, -1], two[:, -1])


def test_minilm_whole_and_cut():
    teacher = teachers.minilm()
    ids = torch.from_numpy(tiny.some_ids(3, 7, 30_522))
    ids[~torch.from_numpy(MASK)] = 0
    expected = teacher.encode(ids.numpy(), MASK).tokens[MASK]
    assert np.array_equal(outputs(shallow(teacher, 6, context=16), ids), expected)
    kept = np.union1d(ids.numpy(), np.arange(0, 30_522, 7))
    student = shallow(teacher, 6, kept, context=16)
    new = torch.from_numpy(np.searchsorted(kept, ids.numpy()))
    np.testing.assert_allclose(outputs(student, new), expected, atol=1e-6)
    assert dict(parameters(shallow(teacher, 2, kept, context=16))) == {
        "token embedding": len(kept) * 384,
        "positions": 16 * 384,
        "layers": 2 * 1_774_464 + 2 * 384 + 2 * 384,  # with the table's norm and token types
        "unused": 384 * 384 + 384,  # BERT's pooler
    }


def test_dropout_is_off_and_nothing_of_the_machine_is_kept(tmp_path):
    teacher = teachers.bert(tmp_path / "secret-folder")
    student = shallow(teacher, 2).train()
    assert {part.p for part in student.modules() if isinstance(part, torch.nn.Dropout)} == {0.0}
    assert teacher.module.config.hidden_dropout_prob == 0.1
    student.save(tmp_path / "student")
    assert "secret-folder" not in (tmp_path / "student" / "student.json").read_text()


def test_special_tokens_are_named_by_their_new_ids(tmp_path):
    teacher = teachers.clip(tmp_path / "teacher")
    kept = np.array([0, 2, 3, 5, 8])
    student = shallow(teacher, 1, kept)
    assert student.text_model.config.bos_token_id == 1
    assert student.text_model.config.eos_token_id == 2
    assert student.text_model.eos_token_id == 2
    student.save(tmp_path)
    again = Student.load(tmp_path).text_model
    assert (again.config.eos_token_id, again.eos_token_id) == (2, 2)


def test_a_clip_s_pooled_outputs_go_through_the_teacher_s_projection(tmp_path):
    teacher = teachers.clip(tmp_path)
    ids, mask = batch(VOCABULARY), torch.from_numpy(MASK)
    for student in (
        shallow(teacher, 2),
        build(
            student_recipe("nano", context=7, vocabulary_size=12, width=32, budget_bytes=10**5),
            12,
            32,
            0,
            0,
            teacher,
        ),
    ):
        assert not student.pooled_projection.weight.requires_grad
        with torch.inference_mode():
            tokens = torch.from_numpy(teacher.encode(ids.numpy(), MASK).tokens)
            found = student.pooled(tokens, mask, "end")
        expected = teacher.encode(ids.numpy(), MASK).pooled("end")
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)
        assert parameters(student)["pooled projection"] == 20 * 32


def test_what_cannot_be_cut_is_refused_in_one_line(tmp_path):
    small = teachers.bert(tmp_path / "bert")
    with pytest.raises(InputError, match="does not have; they are counted from 0"):
        shallow(small, 2, kept_layers=[0, 4])
    with pytest.raises(InputError, match="a context of 25, but the teacher has 24 positions"):
        shallow(small, 2, context=25)
    shape = teacher_shape(small)
    recipe = student_recipe("shallow:2", context=7, teacher=shape)
    with pytest.raises(InputError, match="the teacher's are 32 wide"):
        build(recipe, 12, 33, 0, 0, small)
    with pytest.raises(InputError, match="the teacher's weights are not here"):
        build(recipe, 12, 32, 0, 0, None)
    mpnet = teachers.opened(tmp_path / "mpnet", tiny.MODELS["mpnet"]())
    with pytest.raises(InputError, match="behind padding of id 1, but the kept tokens make it 0"):
        shallow(mpnet, 2, np.arange(1, 12))
    # RoBERTa's table is no longer for having less padding before its first position.
    roberta = teachers.opened(tmp_path / "roberta", tiny.MODELS["roberta"]())
    assert shallow(roberta, 2, np.arange(1, 12), context=24).recipe.context == 24
    with pytest.raises(InputError, match="a context of 25, but the teacher has 24 positions"):
        shallow(roberta, 2, np.arange(1, 12), context=25)
    # ALBERT runs one layer many times: there is no list of them to take some from.
    config = transformers.AlbertConfig(
        **tiny.SMALL, embedding_size=16, max_position_embeddings=24, num_hidden_groups=1
    )
    albert = teachers.opened(tmp_path / "albert", transformers.AlbertModel(config))
    with pytest.raises(InputError, match="cannot see which modules of AlbertModel are its"):
        shallow(albert, 2)
    # T5's first layer alone has what all of them need.
    t5 = teachers.opened(tmp_path / "t5", tiny.MODELS["t5"]())
    with pytest.raises(InputError, match=r"the kept layers have no .*relative_attention_bias"):
        shallow(t5, 1)


@pytest.mark.parametrize("pieces", [2, None])
def test_pieces_that_fit_no_row_are_not_computed_in(pieces):
    config = transformers.BertConfig(
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        vocab_size=9,
        max_position_embeddings=7,
    )
    asked = config.to_dict() | {"chunk_size_feed_forward": pieces}
    model = empty("BertModel", asked).eval()
    ids = torch.zeros((1, 7), dtype=torch.int64)
    assert model(input_ids=ids).last_hidden_state.shape == (1, 7, 8)
