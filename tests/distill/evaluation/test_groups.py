"""A group's measures: what an identical, a rotated, a foolish student gets; small groups; gates."""

from __future__ import annotations

import numpy as np
import pytest

from distill.evaluation.groups import group_qualities, mean_interval
from tests.distill.evaluation.arrays import cloud, held, rotation


def test_an_identical_student_is_perfect():
    rows = cloud()
    found, source = group_qualities(held(rows, rows), gate=0.9)
    assert found.pooled.student.mean == pytest.approx(1)
    assert found.pooled.error.mean == found.tokens.error.mean == 0
    assert found.overlap.share == 1 and found.ranks.value == pytest.approx(1)
    assert found.dimension.student == found.dimension.teacher
    assert (found.group, source.group) == ("combined", "one")
    assert source.pooled == found.pooled and source.verdict == "passes" and not found.absent


def test_a_rotated_student_has_the_teachers_geometry_and_other_outputs():
    rows = cloud(200, 16)
    turned = rows @ rotation(16)
    found = group_qualities(held(turned, rows), gate=0.9)[0]
    assert found.overlap.share > 0.99 and found.ranks.value == pytest.approx(1, abs=1e-4)
    assert found.dimension.student.linear == pytest.approx(found.dimension.teacher.linear, 1e-4)
    assert found.dimension.student.mle.value == pytest.approx(
        found.dimension.teacher.mle.value, 1e-3
    )
    assert abs(found.pooled.student.mean) < 0.3 and found.verdict == "flagged"


def test_a_student_that_knows_only_the_mean_is_the_baseline():
    rows = cloud() + 1
    mean = rows.mean(axis=0)
    foolish = np.repeat(mean[None], len(rows), axis=0)
    found = group_qualities(held(foolish, rows, mean=mean, mean_token=mean), gate=0.9)[0]
    assert found.pooled.student == found.pooled.baseline
    assert found.pooled.error == found.pooled.baseline_error
    assert found.tokens.student == found.tokens.baseline
    # All its similarities are equal, and its outputs one point.
    assert found.ranks is None and found.dimension is None
    assert "equal" in found.absent["ranks"] and "distinct" in found.absent["dimension"]


def test_a_percentile_is_that_of_the_values():
    rows = cloud(100)
    noisy = rows + cloud(100, seed=3)
    found = group_qualities(held(noisy, rows), gate=0.9)[0]
    products = (noisy * rows).sum(axis=1, dtype=np.float64)
    norms = np.linalg.norm(noisy, axis=1) * np.linalg.norm(rows, axis=1)
    values = np.sort(products / norms)
    assert found.pooled.student.p5 == pytest.approx(np.percentile(values, 5), abs=1e-5)
    assert found.pooled.student.mean == pytest.approx(values.mean(), abs=1e-5)
    apart = np.linalg.norm(noisy - rows, axis=1) / np.linalg.norm(rows, axis=1)
    assert found.pooled.error.p95 == pytest.approx(np.percentile(apart, 95), abs=1e-5)


def test_sources_too_small_say_so_and_are_neither_passed_nor_flagged():
    rows = cloud(60)
    member = np.zeros((60, 3), dtype=bool)
    member[:50, 0] = member[50:, 1] = True
    wrong = rows.copy()
    wrong[50:] *= -1
    world = held(wrong, rows, names=("big", "small", "none"), trains=(True,) * 3, member=member)
    _, big, small, none = group_qualities(world, gate=0.9)
    assert big.verdict == "passes" and big.prompts == 50
    assert small.verdict == "too few" and small.pooled.student.mean == pytest.approx(-1)
    assert small.pooled.student.p5 is None and small.interval is None and small.overlap is None
    assert small.absent == {
        "gate, percentiles, interval, overlap, ranks, dimension": "10 distinct prompts; they "
        "need 20"
    }
    assert none.verdict == "none held out" and none.pooled is None and none.absent["all"]


@pytest.mark.parametrize(("gate", "verdict"), [(0.70, "passes"), (0.72, "flagged")])
def test_the_gate_is_the_mean_cosine(gate, verdict):
    """Every cosine is sqrt(1/2)."""
    teacher = np.repeat([[1.0, 0.0]], 30, axis=0) * np.arange(1, 31)[:, None]
    student = teacher @ np.array([[1.0, 1.0], [0.0, 0.0]])
    source = group_qualities(held(student, teacher), gate=gate)[1]
    assert source.pooled.student.mean == pytest.approx(np.sqrt(0.5))
    assert source.verdict == verdict


def test_copies_are_one_prompt_among_neighbours():
    """Each prompt twice: the copies count in the means and not in the neighbourhoods."""
    rows = cloud(40)
    twice, content = np.repeat(rows, 2, axis=0), np.repeat(np.arange(40), 2)
    once = group_qualities(held(rows[::-1], rows), gate=0.9)[0]
    found = group_qualities(held(twice[::-1], twice, content=content), gate=0.9)[0]
    assert found.prompts == 80 and found.overlap == once.overlap and found.ranks == once.ranks
    assert found.pooled.student == once.pooled.student


def test_the_interval_holds_the_mean_of_the_population_as_often_as_it_says():
    """Prompts in pairs that share their fate: a bootstrap of single prompts would be too narrow."""
    random = np.random.default_rng(0)
    trials = 300
    link = np.arange(120) ^ 1  # each one's twin
    hits = alone = 0
    for _ in range(trials):
        values = np.repeat(random.beta(9, 1, 60), 2)
        found = mean_interval(values, link, seed=0)
        hits += found.low <= 0.9 <= found.high
        single = values.std() * 1.96 / np.sqrt(120)
        alone += abs(values.mean() - 0.9) <= single
    assert 0.91 <= hits / trials <= 0.98
    assert alone / trials < 0.89
