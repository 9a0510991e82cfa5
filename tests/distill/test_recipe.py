from __future__ import annotations

from itertools import pairwise

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from anatomy.errors import InputError
from distill import commented
from distill.architectures import student_recipe
from distill.overrides import Overrides
from distill.recipe import LossRecipe, Recipe


@pytest.fixture
def recipe():
    return Recipe.model_validate(
        {
            "generator": "distill 0",
            "name": "run",
            "teacher": {
                "encoder": "minilm",
                "weights_sha256": "ab",
                "tokenizer": "WordPiece: 'x'\n# not a comment",
                "width": 8,
                "context": 16,
                "pooling": "mean",
                "parameters": 100,
            },
            "prompts": {
                "findings": "findings.json",
                "findings_sha256": "cd",
                "sources": ["mine.txt"],
                "data": None,
                "stand_ins": False,
                "train_sources": ["mine"],
                "origins": [
                    {"name": "mine", "kind": "user", "prompts": 3, "files": {"mine.txt": "ef"}}
                ],
            },
            "vocabulary": {},
            "student": {
                "name": "shallow:1",
                "kind": "shallow",
                "context": 8,
                "hidden_size": 8,
                "intermediate_size": 8,
                "attention_heads": 1,
                "hidden_layers": 1,
                "kept_layers": [1],
            },
            "loss": {},
            "schedule": {},
        }
    )


def with_reasons(recipe, reasons):
    return recipe.model_copy(update={"reasons": reasons})


def test_a_recipe_is_read_back_with_its_reasons_which_stand_above_their_fields(recipe, tmp_path):
    reasons = {"student.context": "word " * 60 + "end", "name": "so: 1 # 2", "prompts": "a section"}
    recipe = with_reasons(recipe, {field: why.strip() for field, why in reasons.items()})
    text = recipe.to_yaml()
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    assert Recipe.load(path) == recipe
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[lines.index("prompts:") - 1] == "# a section"
    assert lines[lines.index("  context: 8") - 1].endswith("word end")
    assert "reasons" not in text


@given(
    st.dictionaries(
        st.sampled_from(["name", "teacher.width", "student", "student.kept_layers", "loss.mse"]),
        st.text(max_size=200),
    )
)
def test_any_reason_survives_on_one_line(tmp_path_factory, reasons):
    content = {
        "name": "x\n# no comment",
        "teacher": {"width": 1},
        "student": {"kept_layers": [1, {"# no": ["# comment " * 20]}], "empty": {}},
        "loss": {"mse": 1.0},
    }
    text = commented.dump(content, reasons, "title: of it")
    assert yaml.safe_load(text) == content
    expected = {f: " ".join(commented.shown(why).split()) for f, why in reasons.items()}
    assert commented.comments_of(text) == {f: why for f, why in expected.items() if why}


def test_a_recipe_changed_by_hand_keeps_the_reasons_and_takes_the_change(recipe, tmp_path):
    text = with_reasons(recipe, {"schedule.learning_rate": "the paper's"}).to_yaml()
    path = tmp_path / "recipe.yaml"
    path.write_text(text.replace("learning_rate: 0.005", "learning_rate: 3e-4  # mine"))
    changed = Recipe.load(path)
    assert changed.schedule.learning_rate == 3e-4
    assert changed.reasons == {"schedule.learning_rate": "the paper's"}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("version: 1", "version: 2", ["version 2", "plan again"]),
        ("epochs: 100", "epochs: -1", ["schedule.epochs", "greater than 0"]),
        ("epochs: 100", "epoch: 1", ["schedule.epoch", "Extra"]),
        ("keep: used", "keep: coverage", ["vocabulary", "0.99"]),
        ("train_sources:\n  - mine", "train_sources: [lvis]", ["prompts", "lvis", "mine"]),
        ("train_sources:\n  - mine", "train_sources: []", ["prompts.train_sources"]),
        ("name: run", "name: [", ["no YAML"]),
        ("name: run", "name: \x1b[31m\x07", ["no YAML"]),
    ],
)
def test_a_broken_recipe_is_refused_in_one_line_with_the_field(
    recipe, tmp_path, before, after, words
):
    path = tmp_path / "recipe.yaml"
    text = recipe.to_yaml()
    assert before in text
    path.write_text(text.replace(before, after))
    with pytest.raises(InputError) as caught:
        Recipe.load(path)
    message = str(caught.value)
    assert "recipe.yaml" in message
    assert message.isprintable()
    for word in words:
        assert word in message


@pytest.mark.parametrize("content", [b"", b"- 1\n", b"\xff\xfe", b"42"])
def test_what_is_no_recipe_is_refused(tmp_path, content):
    (tmp_path / "x.yaml").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.yaml"):
        Recipe.load(tmp_path / "x.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        Recipe.load(tmp_path / "absent.yaml")


NO_YAML = [
    "!!int x",
    "!!float x",
    "!!bool x",
    "!!timestamp x",
    "2026-13-45",
    '"\\U7fffffff"',
    "!!binary é",
    '"\\ud800"',
    "!!python/object/apply:os.system [ls]",
    "{[1]: 2}",
    "[" * 5000,
    "&a [*a]",
    "\x1b[31m",
]


@pytest.mark.parametrize("value", NO_YAML)
def test_a_value_that_is_none_is_one_line_wherever_yaml_is_read(recipe, tmp_path, value):
    (tmp_path / "recipe.yaml").write_text(recipe.to_yaml().replace("name: run", f"name: {value}"))
    (tmp_path / "student.yaml").write_text(f"hidden_size: {value}\n")
    for read in (
        lambda: Recipe.load(tmp_path / "recipe.yaml"),
        lambda: student_recipe(str(tmp_path / "student.yaml"), context=8),
        lambda: Overrides.parse([f"loss.mse={value}"]).section(LossRecipe, "loss", {}),
    ):
        with pytest.raises(InputError) as caught:
            read()
        assert str(caught.value).isprintable() and len(str(caught.value)) < 500


def test_a_short_text_never_stands_for_a_long_one(tmp_path):
    """Nine levels of nine aliases are a gigabyte where they are followed."""
    levels = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    levels += [f"{n}: &{n} [{', '.join([f'*{p}'] * 9)}]" for p, n in pairwise("abcdefghi")]
    (tmp_path / "x.yaml").write_text("\n".join([*levels, "version: *i"]))
    with pytest.raises(InputError, match="an alias, which is not read") as caught:
        Recipe.load(tmp_path / "x.yaml")
    assert len(str(caught.value)) < 500
    (tmp_path / "x.yaml").write_text("version: " + "x" * 300_000)
    with pytest.raises(InputError, match=r"recipe version x+, but") as caught:
        Recipe.load(tmp_path / "x.yaml")
    assert len(str(caught.value)) < 500
    (tmp_path / "x.yaml").write_text("# " + "x" * commented.LARGEST)
    with pytest.raises(InputError, match="more than 1,048,576 characters"):
        Recipe.load(tmp_path / "x.yaml")
