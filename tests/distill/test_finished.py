"""Runs that have ended: found without doing anything again, and their reports mended."""

from __future__ import annotations

import json

import pytest

from anatomy.errors import InputError
from anatomy.locks import NAME
from distill.finished import finished
from distill.recipe import Recipe
from tests.holding import held_elsewhere


def test_a_run_that_has_ended_is_found_by_what_was_asked_and_by_its_own_recipe(own_run, done):
    folder = own_run.parent
    for recipe in (Recipe.load(own_run / "recipe.yaml"), done.planned.recipe):
        found = finished(recipe, folder)
        assert found.folder == own_run and found.metrics == done.metrics
        assert found.mend() is False


def test_another_recipe_or_name_is_not(own_run, done):
    recipe = done.recipe
    assert finished(recipe.model_copy(update={"seed": 9}), own_run.parent) is None
    assert finished(recipe.model_copy(update={"name": "other"}), own_run.parent) is None


@pytest.mark.parametrize("gone", ["metrics.json", "recipe.yaml", "student/student.safetensors"])
def test_a_run_without_its_parts_is_not(own_run, done, gone):
    (own_run / gone).unlink()
    assert finished(done.recipe, own_run.parent) is None


def test_a_run_of_which_nothing_was_measured_is_not(own_run, done):
    path = own_run / "metrics.json"
    document = json.loads(path.read_bytes()) | {"evaluation": None}
    del document["digest"]
    path.write_text(json.dumps(document))
    assert finished(done.recipe, own_run.parent) is None


@pytest.mark.parametrize("spoil", ["gone", "old"])
def test_a_report_that_is_gone_or_of_other_metrics_is_made_again(own_run, done, spoil):
    page = own_run / "report.html"
    before = page.read_bytes()
    if spoil == "gone":
        page.unlink()
    else:  # as a kill between two files leaves it
        page.write_bytes(before.replace(done.metrics.digest.encode(), b"0" * 64))
    found = finished(done.recipe, own_run.parent)
    assert found.mend() is True and page.read_bytes() == before
    assert found.mend() is False


def test_nothing_is_mended_while_another_process_is_at_work(own_run, done):
    (own_run / "report.html").unlink()
    found = finished(done.recipe, own_run.parent)
    with held_elsewhere(own_run / NAME), pytest.raises(InputError, match="at work since"):
        found.mend()
