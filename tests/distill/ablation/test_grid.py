"""The cells: one field changed at a time, and the run's own recipe in every grid."""

from __future__ import annotations

import numpy as np
import pytest

from anatomy.errors import InputError
from distill.ablation.grid import cells, short
from distill.ablation.schedule import LEAST, SHARE, steps_within
from distill.metrics.ablation import GRIDS
from distill.recipe import Recipe
from tests.distill.ended import planned


@pytest.fixture(scope="module")
def recipe(world) -> Recipe:
    return short(planned(world).recipe, 30)


def changed(one: Recipe, other: Recipe) -> set[str]:
    before, after = one.fields(), other.fields()
    whole = {"student", "loss", "schedule", "vocabulary", "prompts", "teacher"}
    return {name for name in before if before[name] != after[name]} - whole


@pytest.mark.parametrize(
    ("grid", "fields"),
    [
        ("seed", {"seed"}),
        ("context", {"student.context"}),
        ("loss", {"loss.cosine", "loss.consistency"}),
        ("consistency", {"loss.consistency"}),
        ("vocabulary", {"vocabulary.keep", "vocabulary.coverage", "vocabulary.minimum_count"}),
        ("width", {"student.bottleneck"}),
    ],
)
def test_a_grid_changes_its_field_alone(recipe, grid, fields):
    found = cells(recipe, [grid])
    assert [cell.own for cell in found].count(True) == 1
    assert len({cell.key for cell in found}) == len(found) == len({cell.value for cell in found})
    for cell in found:
        assert changed(recipe, cell.recipe) <= fields
        assert cell.own or changed(recipe, cell.recipe)


def test_cells_of_one_recipe_are_one_student(recipe):
    found = cells(recipe, GRIDS)
    base = {cell.key for cell in found if cell.own}
    assert base == {recipe.digest[:16]} and sum(cell.own for cell in found) == len(GRIDS)
    without = [cell for cell in found if cell.grid == "loss" and cell.value == "MSE, cosine"]
    zero = [cell for cell in found if cell.grid == "consistency" and cell.value == "0"]
    assert without[0].key == zero[0].key
    assert len({cell.key for cell in found}) < len(found)


def test_no_context_is_longer_than_the_teachers(recipe):
    for cell in cells(recipe, ["context"]):
        assert cell.recipe.student.context <= recipe.teacher.context


def test_a_recipe_beside_the_paper_s_grids_is_in_them(recipe):
    other = recipe.model_copy(
        update={"loss": recipe.loss.model_copy(update={"mse": 0.0, "consistency": 0.02})}
    )
    for grid in ("loss", "consistency"):
        assert sum(cell.own for cell in cells(other, [grid])) == 1
    assert {cell.value for cell in cells(other, ["consistency"])} >= {"0", "0.02", "0.05", "0.1"}


def test_a_short_training_has_its_warm_up_in_proportion(world):
    from distill.batches import Order
    from distill.train import planned_steps

    order = Order(np.full(500, 5), 10, 1, 0)
    schedule = planned(world, "schedule.warmup_epochs=1", epochs=4).recipe
    assert planned_steps(schedule.schedule, order) == (200, 50)
    assert planned_steps(short(schedule, 40).schedule, order) == (40, 10)


def test_the_time_is_shared_among_the_students():
    steps = steps_within(600, 10, per_step=0.1, per_student=5)
    assert steps == int((SHARE * 60 - 5) / 0.1)
    with pytest.raises(InputError, match=r"--minutes: too few; 10 students of 20 steps"):
        steps_within(60, 10, per_step=0.1, per_student=5)
    need = 10 * (LEAST * 0.1 + 5) / SHARE
    assert steps_within(need + 0.1, 10, per_step=0.1, per_student=5) == LEAST
