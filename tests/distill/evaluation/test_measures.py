"""The measures against known answers, other people's code and plain loops in double precision."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors

from distill.evaluation.measures import (
    Distinct,
    directions,
    neighbours_of,
    overlap,
    pairs_of,
    rank_correlation,
    relative_errors,
    similarities,
)
from distill.outputs import cosines
from tests.distill.evaluation.arrays import cloud, rotation


def test_cosines_and_errors_are_those_of_a_plain_loop():
    student, teacher = cloud(seed=1), cloud(seed=2)
    for at, (s, t) in enumerate(zip(student.tolist(), teacher.tolist(), strict=True)):
        dot = sum(a * b for a, b in zip(s, t, strict=True))
        lengths = [sum(a * a for a in row) ** 0.5 for row in (s, t)]
        apart = sum((a - b) ** 2 for a, b in zip(s, t, strict=True)) ** 0.5
        assert cosines(student, teacher)[at] == pytest.approx(dot / lengths[0] / lengths[1], 1e-5)
        assert relative_errors(student, teacher)[at] == pytest.approx(apart / lengths[1], 1e-12)


@given(st.floats(-3, 3), st.integers(0, 5))
def test_an_output_that_is_scaled_has_a_known_error(factor, seed):
    teacher = cloud(5, seed=seed).astype(np.float64)
    assert np.allclose(relative_errors(factor * teacher, teacher), abs(factor - 1))


def test_where_the_teacher_says_nothing_the_error_is_0_or_1():
    teacher = np.zeros((2, 3))
    assert relative_errors(np.array([[0, 0, 0], [0, 2, 0]]), teacher).tolist() == [0, 1]


def test_an_output_turned_by_an_angle_has_its_cosine_and_chord():
    teacher = np.array([[2.0, 0.0]], dtype=np.float32)
    for angle in (0.1, np.pi / 3, np.pi / 2, np.pi):
        student = 2 * np.array([[np.cos(angle), np.sin(angle)]], dtype=np.float32)
        assert cosines(student, teacher)[0] == pytest.approx(np.cos(angle), abs=1e-6)
        chord = 2 * np.sin(angle / 2)
        assert relative_errors(student, teacher)[0] == pytest.approx(chord, abs=1e-6)


def test_neighbours_are_scikit_learns_by_cosine():
    rows = cloud(80) * np.linspace(0.1, 9, 80, dtype=np.float32)[:, None]
    search = NearestNeighbors(n_neighbors=11, metric="cosine").fit(rows.astype(np.float64))
    expected = search.kneighbors(rows.astype(np.float64), return_distance=False)[:, 1:]
    assert np.array_equal(np.sort(neighbours_of(rows), axis=1), np.sort(expected, axis=1))


def test_overlap_counts_what_both_have():
    one = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    other = np.array([[3, 1, 2], [4, 0, 9], [1, 2, 3]])
    assert overlap(one, other).tolist() == [1, 1 / 3, 0]


def test_neighbours_of_a_rotated_and_scaled_cloud_are_the_same():
    rows = cloud(100)
    turned = (3 * rows @ rotation(8)).astype(np.float32)
    assert overlap(neighbours_of(turned), neighbours_of(rows)).mean() == 1


def test_overlap_of_unrelated_clouds_is_chance():
    rows = 400
    found = overlap(neighbours_of(cloud(rows, seed=1)), neighbours_of(cloud(rows, seed=2)))
    chance = 10 / (rows - 1)
    error = np.sqrt(chance * (1 - chance) / (10 * rows))
    assert abs(found.mean() - chance) < 5 * error


@pytest.mark.parametrize(("rows", "most"), [(7, 100), (50, 200)])
def test_pairs_are_of_different_rows(rows, most):
    first, second = pairs_of(rows, most)
    assert len(first) == len(second) == min(most, rows * (rows - 1) // 2)
    assert (first != second).all() and min(first.min(), second.min()) >= 0
    assert max(first.max(), second.max()) < rows
    if len(first) < most:  # all of them, once
        assert len(set(map(frozenset, zip(first, second, strict=True)))) == len(first)


def test_pairs_drawn_are_even():
    assert len(pairs_of(5, 9)[0]) == 9  # ten there are
    counts = np.zeros((5, 5))
    for seed in range(2000):
        one, other = pairs_of(5, 9, seed)
        np.add.at(counts, (one, other), 1)
    expected = 2000 * 9 / 20
    assert (counts.diagonal() == 0).all()
    off = counts[~np.eye(5, dtype=bool)]
    assert np.abs(off - expected).max() < 5 * np.sqrt(expected)


def test_similarities_are_scikit_learns():
    rows = cloud(30)
    pairs = pairs_of(30)
    expected = cosine_similarity(rows.astype(np.float64))[pairs]
    assert np.allclose(similarities(rows, pairs), expected, atol=1e-6)


def test_rank_correlation_is_that_of_the_ranks():
    one, other = cloud(1, 50)[0].astype(float), cloud(1, 50, seed=9)[0].astype(float)
    ranks = [rankdata(side) for side in (one, other)]
    expected = np.corrcoef(*ranks)[0, 1]
    assert rank_correlation(one, other) == pytest.approx(expected, abs=1e-12)
    assert rank_correlation(one, np.exp(one)) == pytest.approx(1)
    assert rank_correlation(one, -one) == pytest.approx(-1)


def test_equal_similarities_have_no_ranks():
    with pytest.raises(ValueError, match="equal"):
        rank_correlation(np.ones(5), np.arange(5.0))


def test_a_zero_output_has_no_direction():
    assert not directions(np.zeros((1, 4))).any()


@given(st.lists(st.integers(0, 6), min_size=1, max_size=20))
def test_distinct_rows_and_copies(content):
    found = Distinct.of(np.array(content))
    firsts = [at for at, value in enumerate(content) if value not in content[:at]]
    assert found.rows.tolist() == firsts
    assert [content[found.rows[n]] for n in found.number] == content


def test_a_copy_is_nearest_to_what_it_is_a_copy_of():
    found = Distinct.of(np.array([7, 3, 7, 5]))
    # of the three distinct rows 0, 1, 3 the nearest are 1, 2, 0
    assert found.nearest(np.array([[1], [2], [0]])).tolist() == [1, 3, 0, 0]
