from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.measures.positions import Positions, blocked


def table_of(seed, rows, columns=6):
    return np.random.default_rng(seed).normal(size=(rows, columns))


def mean_cosine(table, rows):
    """The plain definition."""
    pairs = [
        table[i] @ table[j] / (np.linalg.norm(table[i]) * np.linalg.norm(table[j]))
        for i in rows
        for j in rows
        if i != j
    ]
    return np.mean(pairs) if pairs else None


def test_known_angles():
    angles = np.deg2rad([0, 60, 90, 180])
    found = Positions.of(3 * np.stack([np.cos(angles), np.sin(angles)], axis=1), split=2)
    expected = np.cos(angles[:, None] - angles)
    np.testing.assert_allclose(found.cosines, expected, atol=1e-15)
    assert found.mean_first == pytest.approx(0.5)
    assert found.mean_rest == pytest.approx(0, abs=1e-15)
    assert found.ratio == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 10, 33])
def test_means_are_over_pairs_of_different_positions_of_a_group(rows):
    table = table_of(rows, rows)
    found = Positions.of(table)
    first, rest = mean_cosine(table, range(min(rows, 8))), mean_cosine(table, range(8, rows))
    assert found.mean_first == (None if first is None else pytest.approx(first))
    assert found.mean_rest == (None if rest is None else pytest.approx(rest))
    assert found.ratio == (None if first is None or rest is None else pytest.approx(rest / first))
    assert found.cosines.shape == (rows, rows)
    assert found.spectrum.rows == rows


def test_rows_without_a_direction_are_counted_and_have_cosine_0():
    table = table_of(0, 5)
    table[[1, 4]] = 0
    found = Positions.of(table)
    assert found.zero_rows == 2
    assert not found.cosines[[1, 4]].any()
    assert not found.cosines[:, [1, 4]].any()
    assert Positions.of(np.zeros((9, 3))).mean_first == 0
    assert Positions.of(np.zeros((12, 3))).ratio is None


@given(st.integers(0, 2**32), st.integers(1, 20), st.integers(-180, 150))
def test_cosines_are_symmetric_bounded_and_free_of_scale(seed, rows, exponent):
    table = table_of(seed, rows)
    cosines = Positions.of(table).cosines
    assert np.abs(cosines).max() <= 1
    np.testing.assert_array_equal(cosines, cosines.T)
    np.testing.assert_allclose(np.diagonal(cosines), 1)
    scale = np.random.default_rng(seed).uniform(0.1, 10, size=(rows, 1)) * 10.0**exponent
    np.testing.assert_allclose(Positions.of(table * scale).cosines, cosines, atol=1e-12)


def test_a_number_that_is_not_finite_is_named():
    table = table_of(0, 9)
    table[3, 1] = np.nan
    with pytest.raises(ValueError, match="row 3 "):
        Positions.of(table)
    with pytest.raises(ValueError, match="without rows"):
        Positions.of(np.zeros((0, 4)))


@given(st.integers(1, 40), st.integers(1, 12))
def test_blocks_are_means_of_squares(length, size):
    matrix = np.random.default_rng(length).normal(size=(length, length))
    edge = -(-length // size)
    found = blocked(matrix, size)
    corners = range(0, length, edge)
    assert len(found) == len(corners) <= size
    expected = [[matrix[i : i + edge, j : j + edge].mean() for j in corners] for i in corners]
    np.testing.assert_allclose(found, expected, atol=1e-13)
    if length <= size:
        np.testing.assert_array_equal(found, matrix)
