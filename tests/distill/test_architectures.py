"""Students by name: what a name means, and nano's rule."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from anatomy.errors import InputError
from distill.architectures import checked, nano, student_recipe
from distill.shallow import SAM3
from distill.sizes import PRECISIONS
from distill.students import count


def test_names_are_the_architectures_of_the_paper():
    shapes = {
        name: (r.hidden_size, r.intermediate_size, r.attention_heads, r.hidden_layers, r.repmixer)
        for name in ("mobileclip-s0", "mobileclip-s1", "mobileclip2-l")
        for r in [student_recipe(name, context=16)]
    }
    assert shapes == {
        "mobileclip-s0": (512, 2048, 8, 6, True),
        "mobileclip-s1": (512, 2048, 8, 12, False),
        "mobileclip2-l": (768, 3072, 12, 12, False),
    }


def test_a_shallow_student_has_its_teacher_s_sizes():
    recipe = student_recipe("shallow:3", context=8, teacher=SAM3)
    assert recipe.kept_layers == [0, 12, 23] and recipe.hidden_layers == 3
    assert (recipe.hidden_size, recipe.intermediate_size, recipe.attention_heads) == (
        1024,
        4096,
        16,
    )
    assert recipe.kind == "shallow" and recipe.context == 8


BUDGETS = st.integers(20_000, 500_000_000)
SHAPES = st.tuples(
    st.integers(8, 60_000), st.integers(1, 77), st.integers(1, 1_024), st.sampled_from(PRECISIONS)
)


@given(BUDGETS, BUDGETS, SHAPES, st.one_of(st.none(), st.integers(1, 64)))
def test_more_budget_never_gives_less_nano(one, other, shape, bottleneck):
    small, large = sorted((one, other))
    try:
        first = nano(small, *shape, bottleneck=bottleneck)
    except InputError:
        return
    second = nano(large, *shape, bottleneck=bottleneck)
    assert first[0] <= second[0] and first[1] <= second[1]


@settings(max_examples=8)
@given(BUDGETS, SHAPES, st.one_of(st.none(), st.integers(1, 64)))
def test_nano_is_never_over_its_budget_and_the_next_one_would_be(budget, shape, bottleneck):
    vocabulary, context, width, precision = shape
    asked = {
        "context": context,
        "vocabulary_size": vocabulary,
        "width": width,
        "precision": precision,
        "bottleneck": bottleneck,
    }
    try:
        recipe = student_recipe("nano", budget_bytes=budget, **asked)
    except InputError as error:
        assert "hold no student" in str(error)
        smallest = student_recipe("nano", budget_bytes=10**12, **asked).model_copy(
            update={
                "hidden_size": 32,
                "intermediate_size": 128,
                "attention_heads": 1,
                "hidden_layers": 1,
            }
        )
        assert count(smallest, vocabulary, width).total_bytes(precision) > budget
        return
    weighs = count(recipe, vocabulary, width).total_bytes(precision)
    assert weighs <= budget
    # Exactly what it weighs is enough, and a byte less is not.
    again = student_recipe("nano", budget_bytes=weighs, **asked)
    assert again == recipe
    if recipe.hidden_size > 32:
        less = student_recipe("nano", budget_bytes=weighs - 1, **asked)
        assert less.hidden_size == recipe.hidden_size - 32


def test_a_file_gives_what_it_says_and_the_rest_is_taken_from_the_call(tmp_path):
    fields = {
        "kind": "litetext",
        "hidden_size": 96,
        "intermediate_size": 128,
        "attention_heads": 4,
        "hidden_layers": 2,
    }
    for name, text in (("mine.yaml", yaml.safe_dump(fields)), ("mine.json", json.dumps(fields))):
        (tmp_path / name).write_text(text)
        recipe = student_recipe(str(tmp_path / name), context=12, init="svd", bottleneck=8)
        assert recipe.model_dump() == {
            **fields,
            "name": "mine",
            "context": 12,
            "init": "svd",
            "bottleneck": 8,
            "repmixer": False,
            "kept_layers": [],
        }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**fields, "context": 9, "name": "x"}))
    recipe = student_recipe(str(tmp_path / "mine.yaml"), context=12)
    assert (recipe.context, recipe.name) == (9, "x")


@pytest.mark.parametrize(
    ("name", "asked", "message"),
    [
        ("mobilclip-s0", {}, "did you mean mobileclip-s0"),
        ("nano", {}, "give --budget"),
        ("nano", {"budget_bytes": 1000}, "the narrowest nano weighs 1.09 MB in float32"),
        ("shallow:2", {}, "the teacher's weights are not here"),
        ("shallow:0", {"teacher": SAM3}, "give a number of layers"),
        ("shallow:²", {"teacher": SAM3}, "give a number of layers"),
        ("shallow:25", {"teacher": SAM3}, "the teacher has 24 layers"),
        ("none.yaml", {}, "cannot be read"),
        ("mobileclip-s0", {"init": "teache"}, "did you mean teacher"),
        ("shallow:2", {"teacher": SAM3, "init": "svd"}, "give --init teacher"),
        ("shallow:2", {"teacher": SAM3, "init": "mobileclip=x.pt"}, "give --init teacher"),
    ],
)
def test_what_cannot_be_meant_gives_one_line(name, asked, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        student_recipe(name, context=16, vocabulary_size=8_000, width=64, **asked)
    assert "\n" not in str(caught.value)


FIELDS = (
    "kind: litetext\nhidden_size: 8\nintermediate_size: 8\nattention_heads: 2\nhidden_layers: 1\n"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1", "holds no fields"),
        ("a: [", "no YAML or JSON"),
        ("kind: litetext", "hidden_size: Field required"),
        (f"{FIELDS}wide: 3", "wide: Extra inputs"),
        (f"{FIELDS}init: warm", "--init: warm is unknown"),
        ("!!python/object/apply:os.system ['true']", "no YAML or JSON"),
        ("x: " + "a" * (1 << 20), "too large"),
        ("kind: \x1b[31m", "no YAML or JSON"),
    ],
)
def test_a_file_that_is_no_student_gives_one_line(text, message, tmp_path):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        student_recipe(str(tmp_path / "mine.yaml"), context=16)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_size": 0}, "hidden_size is 0"),
        ({"attention_heads": 7}, "cannot be divided among 7"),
        ({"hidden_layers": 1}, "two layers or more"),
        ({"kind": "shallow"}, "RepMixer"),
        ({"kind": "shallow", "repmixer": False}, "kept_layers"),
        ({"kind": "shallow", "repmixer": False, "kept_layers": [2, 1, 0, 3, 4, 5]}, "their order"),
        ({"kind": "shallow", "repmixer": False, "kept_layers": [-1, 1, 2, 3, 4, 5]}, "their order"),
        ({"init": "mobileclip"}, "did you mean mobileclip="),
    ],
)
def test_recipes_that_make_no_student_are_refused(changes, message):
    recipe = student_recipe("mobileclip-s0", context=16)
    assert checked(recipe) is recipe
    with pytest.raises(InputError, match=message):
        checked(recipe.model_copy(update=changes))
