from __future__ import annotations

from pathlib import Path

import pytest

from anatomy.errors import InputError
from distill import choices
from distill.recipe import StudentRecipe


def values(chosen):
    return {field: value for field, (value, _) in chosen.items()}


def student(**changes):
    shape = {
        "name": "x",
        "kind": "litetext",
        "context": 16,
        "hidden_size": 512,
        "intermediate_size": 2048,
        "attention_heads": 8,
        "hidden_layers": 6,
    }
    return StudentRecipe.model_validate(shape | changes)


# The teacher


def test_the_teacher_is_the_first_encoder_with_weights(world):
    name, spec, why = choices.teacher(world.findings, world.path, None)
    assert (name, spec) == (world.found.name, world.encoder)
    assert "sam3 had none" in why
    sam3 = world.findings.encoders[0].model_copy(update={"inside": world.found.inside})
    other = world.altered(encoders=[sam3, world.found])
    assert choices.teacher(other.findings, world.path, None)[0] == "sam3"
    assert choices.teacher(other.findings, world.path, world.encoder)[0] == world.found.name


def test_a_teacher_is_named_as_the_audit_was_told_of_it_or_where_it_lies_now(world):
    settings = world.findings.settings.model_copy(update={"encoders": ["sam3=old/place"]})
    sam3 = world.findings.encoders[0].model_copy(update={"inside": world.found.inside})
    there = world.altered(encoders=[sam3], settings=settings).findings
    for asked, spec in (
        (None, "sam3=old/place"),
        ("sam3", "sam3=old/place"),
        ("sam3=old/place", "sam3=old/place"),
        ("sam3=new/place", "sam3=new/place"),
    ):
        assert choices.teacher(there, world.path, asked)[:2] == ("sam3", spec)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("sam3", ["--teacher sam3", "weights were not there", "audit again"]),
        ("minilm", ["--teacher minilm", "no encoder of", "sam3", "audit again"]),
        ("outputs:x.npy", ["outputs:x.npy", "no encoder of"]),
    ],
)
def test_a_teacher_that_cannot_teach_is_refused(world, asked, words):
    with pytest.raises(InputError) as caught:
        choices.teacher(world.findings, world.path, asked)
    for word in words:
        assert word in str(caught.value)


def test_findings_without_weights_are_refused_with_why(world):
    there = world.with_encoder(inside=None, weights="not measured: no weights in x").findings
    with pytest.raises(InputError, match=r"no weights in x.*--encoder minilm"):
        choices.teacher(there, world.path, None)


# The prompts


def trains(findings, teacher):
    chosen = choices.prompts(findings, Path("f"), teacher, None, stand_ins=False)
    return chosen["train_sources"]


def test_every_source_trains_but_for_the_papers_teacher_on_the_papers_sources(world):
    assert trains(world.findings, "minilm")[0] == ["refcoco", "saco-veval", "mine"]
    sources, why = trains(world.findings, "sam3")
    assert sources == ["refcoco", "mine"]  # what the user brought trains
    assert "saco-veval" in why
    assert "5.1" in why
    others = [s for s in world.findings.sources if s.name != "refcoco"]
    sources, _ = trains(world.altered(sources=others).findings, "sam3")
    assert sources == ["saco-veval", "mine"]


def test_the_data_folder_is_the_audits_unless_told_and_only_where_files_lie_in_it(world):
    def data(findings, given):
        return choices.prompts(findings, Path("f"), "x", given, stand_ins=False)["data"][0]

    assert data(world.findings, None) == str(world.folder / "data")
    assert data(world.findings, Path("other")) == "other"
    own = world.altered(sources=world.findings.sources[2:]).findings
    assert data(own, None) is None


# Context


def test_the_context_is_the_recommended_one_within_the_teachers(world):
    names = [source.name for source in world.findings.sources]
    for length in (5, 9):
        recommended = world.found.recommended_context.model_copy(update={"length": length})
        found = world.with_encoder(recommended_context=recommended).found
        assert choices.context(found, names, 12)[0] == length
        assert choices.context(found, names, 7)[0] == min(length, 7)
        assert "audit" in choices.context(found, names, 7)[1]


def test_the_context_is_chosen_by_the_sources_that_train_alone(world):
    lengths = world.found.lengths
    long = [
        group.model_copy(update={"histogram": [(4, 90), (11, 10)]})
        if group.group == "mine"
        else group.model_copy(update={"histogram": [(4, 90), (7, 10)]})
        for group in lengths
    ]
    found = world.with_encoder(lengths=long).found
    assert choices.context(found, ["refcoco"], 99)[0] == 5  # loses 20 of 430 tokens
    length, why = choices.context(found, ["refcoco", "mine"], 99)
    assert length == 9  # loses 20 of 470 tokens of mine
    assert "mine decides" in why


def test_the_pooling_is_the_audits(world):
    assert choices.pooling(world.findings, "cls")[0] == "cls"
    inside = world.findings.settings.inside.model_copy(update={"pooling": "mean"})
    settings = world.findings.settings.model_copy(update={"inside": inside})
    assert choices.pooling(world.altered(settings=settings).findings, "cls")[0] == "mean"


# Loss and schedule


def test_the_consistency_weight_is_the_papers_for_the_students_size():
    def weight(teacher, **changes):
        return values(choices.loss(student(**changes), teacher))["consistency"]

    assert weight("sam3") == weight("sam3", hidden_size=768, kind="shallow") == 0.1
    assert weight("sam3", hidden_size=768) == 0.05
    assert weight("minilm") == 0  # measured for SAM3 only


def test_copied_layers_learn_more_slowly_than_the_papers_students():
    def rate(**changes):
        return values(choices.schedule(student(**changes), None, None))["learning_rate"]

    assert rate() == rate(kind="shallow", init="random") == 5e-3
    assert rate(kind="shallow", init="teacher") == choices.TEACHER_LAYERS_RATE < 5e-3


def test_the_papers_accumulation_is_for_its_epochs_and_its_students():
    def batches(minutes, epochs, **changes):
        return values(choices.schedule(student(**changes), minutes, epochs))["accumulation"]

    assert batches(None, None, kind="shallow", init="teacher") == 1
    assert batches(None, 100, kind="shallow", init="teacher") == 2
    assert batches(None, None) == 2


def test_time_and_epochs_are_what_is_asked_for_and_ten_minutes_otherwise():
    usual = values(choices.schedule(student(), None, None))
    assert (usual["minutes"], usual["epochs"], usual["warmup_epochs"]) == (10, 100, 10)
    by_epochs = values(choices.schedule(student(), None, 20))
    assert "minutes" not in by_epochs
    assert (by_epochs["epochs"], by_epochs["warmup_epochs"]) == (20, 2)
    both = values(choices.schedule(student(), 3, 20))
    assert (both["minutes"], both["epochs"]) == (3, 20)
