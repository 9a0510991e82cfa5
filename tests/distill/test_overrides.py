from __future__ import annotations

import pytest

from anatomy.errors import InputError
from distill.overrides import Overrides
from distill.recipe import LossRecipe, PromptsRecipe, ScheduleRecipe, VocabularyRecipe


def test_what_is_set_by_hand_is_taken_instead_and_says_so():
    overrides = Overrides.parse(["loss.cosine=0.5", "loss.mse=2"])
    chosen = {"cosine": (2.0, "the paper's"), "consistency": (0.1, "the paper's")}
    section = overrides.section(LossRecipe, "loss", chosen)
    assert (section.cosine, section.mse, section.consistency) == (0.5, 2.0, 0.1)
    assert "--set" in overrides.reasons["loss.cosine"]
    assert "--set" in overrides.reasons["loss.mse"]
    assert overrides.reasons["loss.consistency"] == "the paper's"


@pytest.mark.parametrize("text", ["lvis,mine", "[lvis, mine]", "lvis, mine"])
def test_a_list_may_be_written_with_commas(text):
    assert Overrides.parse([f"prompts.train_sources={text}"]).values == {
        "prompts.train_sources": ["lvis", "mine"]
    }


def test_numbers_and_nothing_are_read_as_yaml_has_them():
    overrides = Overrides.parse(["schedule.learning_rate=5e-4", "schedule.clip=null"])
    section = overrides.section(ScheduleRecipe, "schedule", {})
    assert section.learning_rate == 5e-4
    assert section.clip is None


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("loss.cosine", ["loss.cosine", "FIELD=VALUE"]),
        ("loss.cosin=1", ["loss.cosin", "did you mean loss.cosine"]),
        ("cosine=1", ["cosine", "did you mean loss.cosine"]),
        ("loss=1", ["loss", "no such field"]),
        ("qwertz=1", ["qwertz", "distill plan"]),
        ("teacher.width=3", ["teacher.width", "cannot be set"]),
        ("student.name=nano", ["student.name", "--student"]),
        ("prompts.data=x", ["prompts.data", "--data"]),
        ("loss.cosine=[1", ["loss.cosine", "no value"]),
        ("a\x1b[31m=1", ["a\\x1b"]),
    ],
)
def test_what_cannot_be_set_is_refused_with_a_hint(setting, words):
    with pytest.raises(InputError) as caught:
        Overrides.parse([setting])
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("model", "section", "setting", "words"),
    [
        (LossRecipe, "loss", "loss.cosine=-1", ["loss.cosine", "greater than or equal to 0"]),
        (LossRecipe, "loss", "loss.reduction=max", ["loss.reduction", "'mean' or 'sum'"]),
        (ScheduleRecipe, "schedule", "schedule.batch=many", ["schedule.batch", "integer"]),
        (VocabularyRecipe, "vocabulary", "vocabulary.coverage=2", ["vocabulary.coverage"]),
    ],
)
def test_a_value_that_cannot_be_names_its_field(model, section, setting, words):
    with pytest.raises(InputError) as caught:
        Overrides.parse([setting]).section(model, section, {})
    for word in ["--set", *words]:
        assert word in str(caught.value)


def test_a_source_that_does_not_exist_is_refused(world):
    from distill import choices

    chosen = choices.prompts(world.findings, world.path, "x", None, stand_ins=False)
    with pytest.raises(InputError, match=r"lvis.*refcoco, saco-veval, mine"):
        Overrides.parse(["prompts.train_sources=lvis"]).section(PromptsRecipe, "prompts", chosen)
