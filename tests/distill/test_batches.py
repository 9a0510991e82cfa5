"""Batches: every prompt once an epoch, hardly any padding, whatever the number of processes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill.batches import Order, assemble
from distill.examples import Examples, examples
from distill.targets import NONE, Targets
from distill.vocabulary import Aligned
from tests.distill.test_targets import FakeModel, run, table_of

PAD = 9
ALL = np.bool_(True)


@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=300),
    batch=st.integers(1, 40),
    accumulation=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_an_epoch_has_every_prompt_once(lengths, batch, accumulation, seed):
    order = Order(np.array(lengths), batch, accumulation, seed)
    flat = [part for step in range(order.batches) for part in order.step(step)]
    for epoch in range(accumulation):
        own = flat[epoch * order.batches : (epoch + 1) * order.batches]
        assert sorted(np.concatenate(own).tolist()) == list(range(len(lengths)))
    assert all(0 < len(part) <= batch for part in flat)
    for steps in (0, 1, order.batches):
        assert order.seen(steps) == sum(map(len, flat[: steps * accumulation]))


def test_a_step_follows_from_seed_and_number_alone():
    lengths = np.random.default_rng(0).integers(2, 17, 1000)
    one, two = Order(lengths, 8, 2, 5), Order(lengths, 8, 2, 5)
    walked = [one.step(step) for step in range(200)]
    for step in (199, 3, 120, 62):
        assert all(map(np.array_equal, two.step(step), walked[step]))
    other = Order(lengths, 8, 2, 6)
    assert not np.array_equal(other.step(0)[0], walked[0][0])
    assert not np.array_equal(walked[0][0], walked[125][0])


def test_batches_hold_nearly_one_length_in_no_order_of_length():
    lengths = np.random.default_rng(0).integers(2, 17, 8192)
    order = Order(lengths, 64, 1, 0)
    epoch = [order.step(step)[0] for step in range(order.batches)]
    widest = np.array([lengths[part].max() for part in epoch])
    assert 1 - lengths.sum() / (widest * 64).sum() < 0.03
    assert abs(np.corrcoef(widest[1:], widest[:-1])[0, 1]) < 0.3


def test_steps_of_a_schedule():
    order = Order(np.ones(1000, dtype=int), 64, 2, 0)
    assert order.batches == 16 and order.steps(3) == 24 and order.steps(0.01) == 1


def joined(targets: Targets, context: int = 4) -> Examples:
    """Three prompts; a token of the second has no match, the third is cut, the first moves."""
    student = table_of([[1, 5, 6, 2], [1, 7, 8, 2], [1, 3, 4, 5, 6, 2]])
    matched = np.arange(14)
    matched[5] = NONE
    permuted = table_of([[1, 6, 5, 2], [1, 7, 8, 2], [1, 6, 5, 4, 3, 2]])
    return examples(
        Aligned(student, matched, np.ones(3, dtype=bool)),
        permuted,
        targets,
        context=context,
        special_ids=(1, 2),
    )


@pytest.fixture
def targets(tmp_path) -> Targets:
    """The teacher reads 5 tokens of what the student reads 4 of."""
    return run(FakeModel(), tmp_path, [[1, 5, 6, 2], [1, 7, 8, 2], [1, 3, 4, 5, 6, 2]])


def test_each_token_learns_from_its_match(targets):
    found = joined(targets)
    assert found.table.ids.tolist() == [1, 5, 6, 2, 1, 7, 8, 2, 1, 3, 4, 2]
    assert [at == NONE for at in found.target] == [at == 5 for at in range(12)]
    learnt = found.target != NONE
    assert targets.tokens[found.target[learnt], 0].tolist() == found.table.ids[learnt].tolist()
    # The cut prompt's end token answers to the teacher's, which has read one token more.
    assert targets.tokens[found.target[11]].tolist() == [2, 4, 1 + 3 + 4 + 5 + 2]
    assert found.learnt.tolist() == [4, 3, 4]


def test_what_the_teachers_context_cut_off_has_no_target(targets):
    found = joined(targets, context=6)
    assert [at == NONE for at in found.target[8:]] == [False, False, False, False, True, False]


def test_only_prompts_that_change_and_are_whole_move(targets):
    assert joined(targets).moved.tolist() == [True, False, False]
    assert joined(targets, context=6).moved.tolist() == [True, False, True]


def test_prompts_that_do_not_move_stand_for_themselves(targets):
    """The second does not change; the third is cut, and its versions would lose other words."""
    found = joined(targets)
    assert found.permuted.ids.tolist() == [1, 6, 5, 2, 1, 7, 8, 2, 1, 3, 4, 2]
    batch = assemble(
        found, np.arange(3), length=None, pad_id=PAD, permute=ALL.repeat(3), unmoved=True
    )
    assert batch.moved.tolist() == [0, 1, 2] and batch.ids[4:].tolist() == batch.ids[1:3].tolist()


def test_a_selection_is_the_same_prompts(targets):
    part = joined(targets).select(np.array([2, 0]))
    assert part.table.ids.tolist() == [1, 3, 4, 2, 1, 5, 6, 2]
    assert part.moved.tolist() == [False, True]
    assert targets.tokens[part.target, 0].tolist() == part.table.ids.tolist()


@pytest.mark.parametrize("length", [None, 6])
def test_the_arrays_of_a_batch(targets, length):
    found = joined(targets)
    batch = assemble(found, np.array([1, 0]), length=length, pad_id=PAD, permute=ALL)
    rest = [PAD] * ((length or 4) - 4)
    assert batch.ids.tolist() == [[1, 7, 8, 2, *rest], [1, 5, 6, 2, *rest], [1, 6, 5, 2, *rest]]
    assert batch.mask.tolist() == [[True] * 4 + [False] * len(rest)] * 3
    assert batch.prompts == 2 and batch.moved.tolist() == [1]
    ids = batch.ids[:2].ravel()[batch.places]
    assert ids.tolist() == [1, 8, 2, 1, 5, 6, 2]
    assert targets.tokens[batch.targets, 0].tolist() == ids.tolist()


def test_without_permutation_there_is_no_second_pass(targets):
    batch = assemble(joined(targets), np.array([0, 1, 2]), length=None, pad_id=PAD)
    assert len(batch.ids) == 3 and not len(batch.moved)


def test_shorter_prompts_are_padded_to_the_longest(tmp_path):
    rows = [[1, 2], [1, 5, 6, 2]]
    targets = run(FakeModel(), tmp_path, rows)
    table = table_of(rows)
    found = examples(
        Aligned(table, np.arange(6), np.ones(2, dtype=bool)),
        table,
        targets,
        context=4,
        special_ids=(1, 2),
    )
    batch = assemble(found, np.array([0, 1]), length=None, pad_id=PAD, permute=ALL)
    assert batch.ids.tolist() == [[1, 2, PAD, PAD], [1, 5, 6, 2]]
    assert batch.mask.tolist() == [[True, True, False, False], [True] * 4]
    assert batch.places.tolist() == [0, 1, 4, 5, 6, 7]
