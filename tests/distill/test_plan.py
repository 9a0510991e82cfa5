from __future__ import annotations

import numpy as np
import pytest

from anatomy.errors import InputError
from anatomy.findings import Findings
from anatomy.inside import InsideOptions
from anatomy.pipeline import audit
from distill.plan import Wishes, plan, prepare, revisit
from distill.recipe import Recipe
from distill.students import build
from tests.corpus import layouts
from tests.encoders import tiny


def planned(world, **wishes):
    return prepare(world.findings, world.path, Wishes(**wishes))


@pytest.fixture(scope="module")
def usual(world):
    """What the world's findings come to without any wish."""
    return planned(world)


def refuses(world, *words, **wishes):
    with pytest.raises(InputError) as caught:
        planned(world, **wishes)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_a_plan_follows_its_findings(world, usual):
    recipe = usual.recipe
    assert recipe.teacher.encoder == world.encoder
    assert recipe.teacher.weights_sha256 == world.found.inside.weights
    assert recipe.teacher.tokenizer == world.found.tokenizer
    assert recipe.teacher.parameters == world.found.inside.parameters
    assert (recipe.teacher.width, recipe.teacher.context) == (32, 12)
    assert recipe.prompts.findings_sha256 == world.findings.digest
    assert recipe.student.context == world.found.recommended_context.length
    assert recipe.student.kind == "shallow"
    assert recipe.student.kept_layers == [0, 7]
    assert usual.sizes.held <= 0.3 * recipe.teacher.parameters
    assert recipe.schedule.minutes == 10
    for field in ("teacher.encoder", "student.name", "student.context", "vocabulary.keep"):
        assert recipe.reasons[field]
    assert set(recipe.reasons) <= set(recipe.fields())


def test_the_recipe_follows_when_a_finding_is_altered(world):
    def altered(**changes):
        return planned(world.with_encoder(**changes)).recipe

    recommended = world.found.recommended_context.model_copy(update={"length": 4})
    assert altered(recommended_context=recommended).student.context == 4
    inside = world.findings.settings.inside.model_copy(update={"pooling": "cls"})
    settings = world.findings.settings.model_copy(update={"inside": inside, "seed": 7})
    recipe = planned(world.altered(settings=settings)).recipe
    assert recipe.teacher.pooling == "cls"
    assert recipe.prompts.seed == 7


def test_tokens_are_kept_by_the_prompts_that_may_train_alone(world):
    few = planned(world, settings=["prompts.train_sources=saco-veval"])
    used = np.unique(few.prompts.tokens.select(few.prompts.available).ids)
    assert set(used) <= set(few.tokenizer.kept)
    on_side = few.prompts.member[:, 1]
    assert not few.prompts.available[~on_side].any()
    limited = planned(world, settings=["prompts.train_sources=saco-veval", "prompts.limit=1"])
    assert np.array_equal(limited.tokenizer.kept, few.tokenizer.kept)


def test_sizes_are_those_of_the_student_that_is_built(usual):
    recipe, tokenizer = usual.recipe, usual.tokenizer
    built = build(
        recipe.student,
        tokenizer.vocabulary_size,
        recipe.teacher.width,
        tokenizer.pad_id,
        0,
        usual.model,
    )
    assert usual.sizes.held == sum(p.numel() for p in built.parameters())


def test_wishes_are_taken(world):
    recipe = planned(
        world,
        student="shallow:1",
        epochs=3,
        name="mine",
        settings=["loss.cosine=0.5", "export_precision=int8"],
    ).recipe
    assert recipe.student.kept_layers == [7]
    assert (recipe.schedule.epochs, recipe.schedule.minutes) == (3, None)
    assert (recipe.name, recipe.loss.cosine, recipe.export_precision) == ("mine", 0.5, "int8")
    assert "--set" in recipe.reasons["loss.cosine"]
    assert "--student" in recipe.reasons["student.name"]


def test_a_budget_is_at_the_exports_precision(world):
    whole = planned(world, budget_bytes=70_000)
    small = planned(world, budget_bytes=70_000, settings=["export_precision=int8"])
    assert whole.sizes.total_bytes("float32") <= 70_000
    assert small.sizes.total_bytes("int8") <= 70_000
    assert small.sizes.held > whole.sizes.held


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"teacher": "sam3"}, ["--teacher sam3", "weights"]),
        ({"student": "shallow:9"}, ["shallow:9", "8 layers"]),
        ({"student": "nanu"}, ["nanu", "did you mean nano"]),
        ({"budget_bytes": 100}, ["--budget"]),
        ({"name": "a/b"}, ["--name a/b"]),
        ({"settings": ["loss.cosin=1"]}, ["did you mean loss.cosine"]),
        ({"settings": ["export_precision=int4"]}, ["export_precision", "int8"]),
        ({"settings": ["seed=x"]}, ["seed", "integer"]),
        ({"settings": ["prompts.held_out_share=0"]}, ["prompts.held_out_share"]),
        ({"settings": ["student.context=100"]}, ["100", "positions"]),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(world, wishes, words):
    refuses(world, *words, **wishes)


def test_findings_of_another_version_are_refused(own_world):
    text = own_world.path.read_text()
    own_world.path.write_text(text.replace('"schema_version": 2', '"schema_version": 1'))
    with pytest.raises(InputError, match=r"schema version 1.*run the audit again"):
        Findings.load(own_world.path)


def test_findings_of_another_tokenizer_are_refused(world):
    there = world.with_encoder(tokenizer="WordPiece from tokenizer.json, sha256 00")
    refuses(there, world.encoder, "another tokenizer", "sha256 00", "anatomy audit")


def test_findings_of_other_weights_are_refused(own_world):
    tiny.save_bert(
        own_world.folder / "encoder",
        max_position_embeddings=12,
        num_hidden_layers=8,
        hidden_act="relu",
    )
    refuses(own_world, own_world.encoder, "other weights", "anatomy audit")


def test_weights_that_are_gone_are_missed(own_world):
    (own_world.folder / "encoder" / "model.safetensors").unlink()
    refuses(own_world, own_world.encoder, "no weights here")


def test_stand_ins_are_refused_before_anything_is_loaded(own_world):
    sources = [
        s.model_copy(update={"kind": "stand-in", "files": []}) for s in own_world.findings.sources
    ]
    (own_world.folder / "encoder" / "tokenizer.json").unlink()
    refuses(own_world.altered(sources=sources), "stand-ins", "--allow-stand-ins")


def test_a_recipe_that_was_written_starts_the_same_run(world, usual, tmp_path):
    first = usual
    (tmp_path / "recipe.yaml").write_text(first.recipe.to_yaml())
    again = revisit(Recipe.load(tmp_path / "recipe.yaml"))
    assert again.recipe == first.recipe
    assert again.sizes == first.sizes
    assert np.array_equal(again.tokenizer.kept, first.tokenizer.kept)
    assert np.array_equal(again.prompts.held_out, first.prompts.held_out)
    assert plan(world.findings, world.path) == first.recipe  # the same inputs, the same recipe


def test_a_recipe_changed_by_hand_is_taken_as_it_is(usual):
    recipe = usual.recipe
    student = recipe.student.model_copy(update={"kept_layers": [3], "hidden_layers": 1})
    vocabulary = recipe.vocabulary.model_copy(update={"keep": "all"})
    changed = revisit(recipe.model_copy(update={"student": student, "vocabulary": vocabulary}))
    assert changed.tokenizer.vocabulary_size == len(tiny.WORDS)
    assert changed.sizes.held < usual.sizes.held
    teacher = recipe.teacher.model_copy(update={"weights_sha256": "00"})
    with pytest.raises(InputError, match="other weights"):
        revisit(recipe.model_copy(update={"teacher": teacher}))


def test_a_small_sam3_in_either_format_teaches_on_the_papers_split(tmp_path):
    tiny.save_snapshot(tmp_path / "sam3")
    names = [f"{a} {b}" for a in ("red", "big", "old") for b in ("dog", "cat", "cup", "hat")]
    layouts.put_refs(tmp_path / "data" / "refcoco" / "refcoco" / "refs(unc).p", [names])
    layouts.put_veval(tmp_path / "data" / "saco-veval" / "saco_veval_sav_val.json", names[::2], [])
    (tmp_path / "mine.txt").write_text("\n".join(f"the {name}" for name in names))
    findings = audit(
        ["refcoco,saco-veval", str(tmp_path / "mine.txt")],
        data=tmp_path / "data",
        encoders=[f"sam3={tmp_path / 'sam3'}"],
        inside=InsideOptions(device="cpu", sample=20, cache=None),
    )
    path = tmp_path / "findings.json"
    found = prepare(findings, path)
    assert found.recipe.teacher.encoder == f"sam3={tmp_path / 'sam3'}"
    assert found.recipe.teacher.width == tiny.SAM3_WIDTH
    assert found.recipe.prompts.train_sources == ["refcoco", "mine"]
    assert found.recipe.name == "sam3-shallow-1"
    assert not found.prompts.train[~found.prompts.member[:, [0, 2]].any(axis=1)].any()
    assert found.sizes.held < 0.3 * found.model.parameters
    (tmp_path / "sam3").rename(tmp_path / "moved")
    moved = prepare(findings, path, Wishes(teacher=f"sam3={tmp_path / 'moved'}"))
    assert moved.recipe.teacher.encoder == f"sam3={tmp_path / 'moved'}"
    with pytest.raises(InputError, match="other weights"):  # the same numbers in another file
        original = tiny.save_original(tmp_path / "original")
        prepare(findings, path, Wishes(teacher=f"sam3={original}"))


def test_minilms_plan_keeps_to_three_tenths_of_it(tmp_path):
    from anatomy.encoders.places import encoder_folder

    if not (encoder_folder("minilm") / "model.safetensors").is_file():
        pytest.skip("MiniLM's files are not here; anatomy fetch minilm brings them")
    findings = audit(
        ["lvis"], encoders=["minilm"], inside=InsideOptions(device="cpu", sample=50, cache=None)
    )
    found = prepare(findings, tmp_path / "findings.json")
    assert found.recipe.student.name.startswith("shallow:")
    assert found.sizes.held <= 0.3 * 22_713_216
    assert found.recipe.prompts.data is None  # LVIS's names come with anatomy
