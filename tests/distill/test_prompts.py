from __future__ import annotations

import numpy as np
import pytest

from anatomy.encoders import resolve
from anatomy.errors import InputError
from distill import choices
from distill.prompts import read_prompts
from distill.recipe import PromptsRecipe
from tests.corpus import layouts
from tests.distill.audited import SHARED


def recipe_of(world, *, stand_ins=False, data=None, teacher="tiny", **changes):
    chosen = choices.prompts(world.findings, world.path, teacher, data, stand_ins=stand_ins)
    content = {field: value for field, (value, _) in chosen.items()}
    return PromptsRecipe.model_validate(content | changes)


def read(world, **changes):
    (encoder,) = resolve([world.encoder])
    return read_prompts(recipe_of(world, **changes), encoder.tokenizer)


def refuses(world, *words, **changes):
    with pytest.raises(InputError) as caught:
        read(world, **changes)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message
    return message


def test_the_prompts_are_those_that_were_audited_each_once(world):
    prompts = read(world)
    texts = prompts.texts.to_pylist()
    assert len(texts) == len(set(texts)) == world.findings.corpus.unique
    assert prompts.names == ("refcoco", "saco-veval", "mine")
    assert prompts.kinds == ("official", "official", "user")
    for source, members in zip(world.findings.sources, prompts.member.T, strict=True):
        assert members.sum() == source.unique
    lengths = world.found.lengths[0]
    assert prompts.tokens.lengths.sum() == lengths.tokens
    assert prompts.available.sum() + prompts.held_out.sum() == len(prompts)
    assert np.array_equal(prompts.train, prompts.available)
    for text in SHARED:  # in all three sources, once
        assert prompts.member[texts.index(text)].all()


def held_out(world, **changes):
    prompts = read(world, **changes)
    return [len(prompts.held_out_of(name)) for name in prompts.names]


def test_each_source_holds_out_its_share_within_the_bounds(world):
    sizes = [source.unique for source in world.findings.sources]
    bounds = {"held_out_least": 0, "held_out_most": 10_000}
    half = held_out(world, held_out_share=0.5, **bounds)
    assert all(0.3 * n < k < 0.7 * n for n, k in zip(sizes, half, strict=True))
    at_most = held_out(world, held_out_share=0.5, held_out_least=0, held_out_most=20)
    assert all(0 < k < 40 for k in at_most)  # about 20, and what the others' shares hold of it
    at_least = held_out(world, held_out_share=0.001, held_out_least=10_000)
    assert all(0 < k < 0.25 * n for n, k in zip(sizes, at_least, strict=True))  # about a tenth


def test_sources_that_do_not_train_are_held_out_whole_but_for_bags_that_train(world):
    prompts = read(world, train_sources=["refcoco"])
    away = ~prompts.member[:, 0]
    assert prompts.train.any()
    assert prompts.held_out[~away].any()
    assert not prompts.train[away].any()
    bags = [tuple(sorted(text.split())) for text in prompts.texts.to_pylist()]
    train = {bag for bag, trains in zip(bags, prompts.train, strict=True) if trains}
    twins = np.array([bag in train for bag in bags])
    assert not (prompts.held_out & twins).any()
    assert (twins & away).any()  # "dog red", where "red dog" trains: on neither side
    assert prompts.held_out[away & ~twins].all()
    assert set(prompts.source[~away]) == {0}  # of a shared prompt, the source that trains


def test_a_source_that_only_evaluates_is_thinned_to_the_bound(world):
    prompts = read(world, train_sources=["refcoco"], held_out_most=20)
    assert 5 < len(prompts.held_out_of("mine")) < 60


def test_a_limit_takes_a_part_of_what_may_train(world):
    whole, some, fewer = (read(world, limit=limit) for limit in (None, 100, 40))
    assert (whole.train.sum() > 100, some.train.sum(), fewer.train.sum()) == (True, 100, 40)
    assert (some.train <= whole.train).all()
    assert (fewer.train <= some.train).all()
    assert np.array_equal(some.available, whole.available)
    assert np.array_equal(some.held_out, whole.held_out)


def test_a_changed_file_is_refused_by_its_name(own_world):
    read(own_world)
    mine = own_world.folder / "mine.txt"
    mine.write_text(mine.read_text().replace("dog", "cup"))
    refuses(own_world, "mine.txt", "changed", "anatomy audit")


def test_a_missing_file_is_refused_by_its_name_before_others_are_read(own_world):
    refs = own_world.folder / "data" / "refcoco" / "refcoco" / "refs(unc).p"
    refs.write_bytes(b"never read")
    (own_world.folder / "mine.txt").unlink()
    refuses(own_world, "mine.txt", "not there", "anatomy audit")
    (own_world.folder / "mine.txt").write_text("x")
    refs.unlink()
    refuses(own_world, "refs(unc).p", "refcoco", "--data")


def test_a_new_file_of_a_source_is_refused(own_world):
    there = own_world.folder / "data" / "refcoco" / "refcoco+"
    layouts.put_refs(there / "refs(unc).p", [["a man"]])
    refuses(own_world, "refcoco+", "new")


def test_the_data_folder_may_have_moved_but_has_to_be_named(own_world):
    moved = own_world.folder / "elsewhere"
    (own_world.folder / "data").rename(moved)
    refuses(own_world, "data", "--data")
    assert len(read(own_world, data=moved)) == own_world.findings.corpus.unique


def test_prompts_from_memory_cannot_be_read_again(world):
    sources = [
        source.model_copy(update={"files": []}) if source.name == "mine" else source
        for source in world.findings.sources
    ]
    refuses(world.altered(sources=sources), "mine", "memory", "save them to a file")


def made(world):
    """The same, refcoco being stand-ins."""
    return world.altered(
        sources=[
            s.model_copy(update={"kind": "stand-in", "files": []}) if s.name == "refcoco" else s
            for s in world.findings.sources
        ]
    )


def test_stand_ins_need_the_flag_and_have_to_be_missing_still(world):
    refuses(made(world), "refcoco", "--allow-stand-ins")
    message = refuses(made(world), "refcoco", "stand-in", "official", stand_ins=True)
    assert "anatomy audit" in message


def test_stand_ins_are_made_again_by_their_seed(world):
    changes = {"name": "rf100vl", "kind": "stand-in", "files": [], "unique": 554}
    first, *others = world.findings.sources
    settings = world.findings.settings.model_copy(
        update={"sources": ["rf100vl,saco-veval", *world.findings.settings.sources[1:]]}
    )
    there = world.altered(sources=[first.model_copy(update=changes), *others], settings=settings)
    one, two = (read(there, stand_ins=True, seed=seed) for seed in (0, 0))
    assert one.kinds[0] == "stand-in"
    assert one.member[:, 0].sum() == 554
    assert one.texts.equals(two.texts)
    assert np.array_equal(one.held_out, two.held_out)
    assert not read(there, stand_ins=True, seed=1).texts.equals(one.texts)
    refuses(there, "rf100vl", "--allow-stand-ins")


def test_other_sources_than_were_audited_are_refused(world):
    refuses(world, "were audited", sources=["refcoco", str(world.folder / "mine.txt")])


def test_a_split_that_leaves_nothing_to_train_with_is_refused(world):
    refuses(world, "none is left", "held_out_share", held_out_share=1 - 1e-12, held_out_most=10**9)
