"""Students on disk: what comes back, and what is refused."""

from __future__ import annotations

import hashlib
import json
import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from anatomy.errors import InputError
from distill.architectures import student_recipe
from distill.initialisation import initialise
from distill.shallow import teacher_shape
from distill.student_files import DESCRIPTION, WEIGHTS
from distill.students import Student, build, sizes_of
from tests.distill import teachers
from tests.distill.samples import padded, small
from tests.distill.teachers import outputs
from tests.encoders import tiny


def shallow_bert(folder):
    teacher = teachers.bert(folder)
    wide = student_recipe("shallow:2", context=7, teacher=teacher_shape(teacher))
    student = build(wide, 12, 32, 0, 0, teacher)
    initialise(student, teacher, np.arange(12), "teacher")
    return student


def shallow_clip(folder):
    teacher = teachers.clip(folder)
    wide = student_recipe("shallow:1", context=7, teacher=teacher_shape(teacher))
    return build(wide, 12, 32, 0, 0, teacher)


def shallow_sam3(folder):
    teacher = teachers.sam3(folder)
    wide = student_recipe("shallow:1", context=7, teacher=teacher_shape(teacher), bottleneck=3)
    return build(wide, 12, tiny.SAM3_WIDTH, 0, 0, teacher)


def shallow_t5(folder):
    teacher = teachers.opened(folder, tiny.MODELS["t5"]())
    wide = student_recipe("shallow:2", context=7, teacher=teacher_shape(teacher))
    return build(wide, 12, 32, 0, 0, teacher)


STUDENTS = {
    "litetext": lambda folder: small(),
    "repmixer": lambda folder: small(repmixer=True),
    "bottleneck": lambda folder: small(bottleneck=4),
    "bert": shallow_bert,
    "clip": shallow_clip,
    "sam3": shallow_sam3,
    "t5": shallow_t5,
}


@pytest.mark.parametrize("kind", STUDENTS)
def test_a_saved_student_comes_back_bit_for_bit(kind, tmp_path):
    student = STUDENTS[kind](tmp_path / "teacher")
    student.save(tmp_path / "student")
    torch.manual_seed(5)
    again = Student.load(tmp_path / "student")
    assert torch.equal(torch.rand(4), torch.rand(4, generator=torch.Generator().manual_seed(5)))
    assert not again.training and again.recipe == student.recipe
    assert (again.width, again.pad_id, again.padded) == (
        student.width,
        student.pad_id,
        student.padded,
    )
    state, loaded = student.state_dict(), again.state_dict()
    assert list(state) == list(loaded)
    assert all(torch.equal(state[name], loaded[name]) for name in state)
    assert {n for n, p in again.named_parameters() if p.requires_grad} == {
        n for n, p in student.named_parameters() if p.requires_grad
    }
    ids = padded() % student.vocabulary_size
    assert np.array_equal(outputs(again, ids), outputs(student, ids))
    assert sizes_of(again) == sizes_of(student)
    stored = load_file(tmp_path / "student" / WEIGHTS).values()
    numbers = sum(tensor.nbytes for tensor in stored if tensor.is_floating_point())
    assert numbers == sizes_of(student).total_bytes("float32")
    before = (tmp_path / "student" / WEIGHTS).read_bytes()
    again.save(tmp_path / "student")
    assert (tmp_path / "student" / WEIGHTS).read_bytes() == before


def resaved(folder, change=None, describe=None):
    """Change the tensors and the description in a student's folder, hash and all."""
    tensors = load_file(folder / WEIGHTS)
    if change:
        change(tensors)
    save_file(tensors, folder / WEIGHTS)
    content = json.loads((folder / DESCRIPTION).read_text())
    content["weights_sha256"] = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    if describe:
        describe(content)
    (folder / DESCRIPTION).write_text(json.dumps(content))


NORM = "text_model.final_layer_norm.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop(NORM), rf"{NORM} is missing"),
        (lambda t: t.update({NORM: torch.ones(31)}), rf"{NORM} has shape \[31\], but .* \[32\]"),
        (lambda t: t.update({NORM: torch.ones(32).long()}), rf"{NORM} is no plain tensor of float"),
        (
            lambda t: t.update({"more": torch.ones(1)}),
            "more is there, but the encoder has no place",
        ),
        (lambda t: t.update({"text_model.projection.weight": torch.eye(32)}), "has no place"),
    ],
)
def test_other_tensors_than_the_student_s_are_refused_by_name(change, message, tmp_path):
    small().save(tmp_path)
    resaved(tmp_path)
    Student.load(tmp_path)
    resaved(tmp_path, change)
    with pytest.raises(InputError, match=message):
        Student.load(tmp_path)


@pytest.mark.parametrize(
    ("kind", "describe", "message"),
    [
        ("litetext", lambda c: c.update(version=2), "version 2, but this distill reads version 1"),
        ("litetext", lambda c: c.update(more=1), "more: Extra inputs"),
        ("litetext", lambda c: c.pop("width"), "width: Field required"),
        ("litetext", lambda c: c.update(weights_sha256="0"), "is not the file that student.json"),
        ("litetext", lambda c: c["recipe"].update(hidden_layers=10**3), "weights beside it are"),
        ("litetext", lambda c: c["recipe"].update(hidden_size=10**9), "no size from 1 to"),
        ("litetext", lambda c: c["recipe"].update(hidden_size=65_536), "asks for .* parameters"),
        ("litetext", lambda c: c["recipe"].update(attention_heads=5), "cannot be divided among 5"),
        ("litetext", lambda c: c["recipe"].update(bottleneck=10**9), "no size from 1 to"),
        ("litetext", lambda c: c.update(vocabulary_size=31), r"has shape \[30, 32\]"),
        ("litetext", lambda c: c.update(pad_id=30), "with padding 30, but a table of 30"),
        ("litetext", lambda c: c.update(architecture="BertModel"), "a class for a litetext"),
        ("bert", lambda c: c.update(architecture=None), "no class for a shallow student"),
        ("bert", lambda c: c.update(architecture="Trainer"), "has no text encoder Trainer"),
        ("bert", lambda c: c.update(architecture="os"), "has no text encoder os"),
        ("bert", lambda c: c.update(vocabulary_size=11), "11 tokens .* but a table of 12"),
        ("bert", lambda c: c["recipe"].update(context=8), "a context of 8, but 7 positions"),
        ("bert", lambda c: c.update(width=31), "and no projector"),
        ("bert", lambda c: c["config"].update(hidden_size=10**9), "no size from 1 to"),
        ("bert", lambda c: c["config"].update(num_hidden_layers=3), "is missing"),
        ("bert", lambda c: c["config"].update(auto_map={"AutoModel": "x.Y"}), "code of its own"),
        ("bert", lambda c: c["config"].update(hidden_act="\x1b[31m"), r"no checkpoint .*\\x1b"),
    ],
)
def test_a_description_that_cannot_be_meant_is_refused(kind, describe, message, tmp_path):
    STUDENTS[kind](tmp_path / "teacher").save(tmp_path)
    resaved(tmp_path, describe=describe)
    with pytest.raises(InputError, match=message) as caught:
        Student.load(tmp_path)
    assert "\n" not in str(caught.value)


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(InputError, match=rf"{DESCRIPTION}: cannot be read"):
        Student.load(tmp_path)
    small().save(tmp_path)
    whole = (tmp_path / WEIGHTS).read_bytes()
    torch.save(tiny.Bomb(), tmp_path / WEIGHTS)
    with pytest.raises(InputError, match="is no checkpoint that can be read"):
        Student.load(tmp_path)
    (tmp_path / WEIGHTS).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="is no checkpoint that can be read"):
        Student.load(tmp_path)
    (tmp_path / WEIGHTS).unlink()
    with pytest.raises(InputError, match=WEIGHTS):
        Student.load(tmp_path)
    (tmp_path / WEIGHTS).write_bytes(whole)
    assert math.isfinite(Student.load(tmp_path).projector.bias.sum().item())


def test_weights_and_description_of_two_saves_do_not_mix(tmp_path):
    small(seed=1).save(tmp_path)
    first = (tmp_path / WEIGHTS).read_bytes()
    small(seed=2).save(tmp_path)
    (tmp_path / WEIGHTS).write_bytes(first)
    with pytest.raises(InputError, match="take both from one run"):
        Student.load(tmp_path)
