from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.measures import spectrum
from anatomy.measures.spectrum import Spectrum, factorised_parameters


def matrix_of(seed, rows, columns, dtype=np.float64, decay=3.0):
    """Random directions with singular values over `decay` decades."""
    generator = np.random.default_rng(seed)
    scale = np.logspace(0, -decay, columns)
    return (generator.normal(size=(rows, columns)) * scale).astype(dtype)


def full_svd(matrix, center=True):
    matrix = matrix.astype(np.float64)
    return np.linalg.svd(matrix - matrix.mean(axis=0) * center, compute_uv=False)


def assert_like_svd(found, truth):
    assert found.shape == truth.shape
    assert found.dtype == np.float64
    assert (np.diff(found) <= 0).all()
    large = truth > 1e-3 * truth[0]
    np.testing.assert_allclose(found[large], truth[large], rtol=1e-9)
    # What is smaller is right to the rounding of a square.
    np.testing.assert_allclose(found, truth, atol=3e-7 * truth[0])


@given(
    st.integers(0, 2**32),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([np.float16, np.float32, np.float64]),
    st.booleans(),
)
def test_singular_values_are_those_of_a_full_svd(seed, rows, columns, dtype, center):
    matrix = matrix_of(seed, rows, columns, dtype)
    found = Spectrum.of(matrix, center=center)
    assert (found.rows, found.columns) == (rows, columns)
    truth = full_svd(matrix, center)
    if truth[0]:
        assert_like_svd(found.singular_values, truth)
    else:
        assert not found.singular_values.any()


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(1, 12), st.integers(1, 90))
def test_chunks_change_nothing(seed, rows, columns, chunk):
    matrix = matrix_of(seed, rows, columns, decay=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spectrum, "_CHUNK", chunk)
        small = Spectrum.of(matrix).singular_values
    whole = Spectrum.of(matrix).singular_values
    np.testing.assert_allclose(small, whole, rtol=1e-9, atol=1e-7 * whole[0])


@pytest.mark.parametrize("rows", [4, 300])
def test_chosen_rows_are_those_rows(rows):
    matrix = matrix_of(1, 400, 20, np.float32)
    chosen = np.random.default_rng(2).permutation(400)[:rows]
    np.testing.assert_allclose(
        Spectrum.of(matrix, chosen=chosen).singular_values,
        Spectrum.of(matrix[chosen]).singular_values,
        atol=1e-7,
    )


@pytest.mark.parametrize("first", [0.0, 1e6])
def test_a_huge_offset_costs_no_digits(first):
    generator = np.random.default_rng(0)
    matrix = generator.integers(-1000, 1000, size=(500, 12)) / 256  # exact beside the offset
    matrix[0] += first  # an outlier as the first row
    assert_like_svd(Spectrum.of(matrix + 2.0**30).singular_values, full_svd(matrix))


@pytest.mark.parametrize("value", [0.0, 0.1, -1e30])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 5), (700, 3), (3, 50)])
def test_equal_rows_have_no_rank(value, rows, columns):
    found = Spectrum.of(np.full((rows, columns), value))
    assert found.singular_values.tolist() == [0.0] * min(rows, columns)
    assert found.effective_rank == found.effective_rank_energy == found.participation_ratio == 0
    assert found.dims(0.9) == 0


@given(st.integers(1, 30))
def test_an_orthogonal_matrix_has_all_ranks(d):
    orthogonal, _ = np.linalg.qr(np.random.default_rng(d).normal(size=(d, d)))
    found = Spectrum.of(orthogonal, center=False)
    for rank in (found.effective_rank, found.effective_rank_energy, found.participation_ratio):
        assert rank == pytest.approx(d)
    assert found.dims(0.9) == -(-9 * d // 10)
    assert found.dims(1.0) == d


def test_directions_of_one_length_in_both_signs_have_as_many_dimensions():
    found = Spectrum.of(np.concatenate([np.eye(9), -np.eye(9)]))
    np.testing.assert_allclose(found.singular_values, np.sqrt(2))
    assert found.effective_rank == pytest.approx(9)
    # Known: the centred identity has d - 1 equal singular values and one zero.
    assert Spectrum.of(np.eye(9)).participation_ratio == pytest.approx(8)


@given(st.integers(0, 2**32), st.integers(2, 60), st.integers(1, 60))
def test_a_line_has_rank_one(seed, rows, columns):
    generator = np.random.default_rng(seed)
    line = np.outer(generator.normal(size=rows), generator.normal(size=columns)) + 3
    found = Spectrum.of(line)
    assert found.effective_rank == pytest.approx(1, abs=1e-4)
    assert found.effective_rank_energy == pytest.approx(1, abs=1e-9)
    assert found.participation_ratio == pytest.approx(1, abs=1e-9)
    assert found.dims(0.95) == 1


@given(st.integers(0, 2**32), st.integers(2, 30), st.integers(1, 30), st.integers(-30, 30))
def test_ranks_do_not_depend_on_scale_and_are_ordered(seed, rows, columns, exponent):
    matrix = matrix_of(seed, rows, columns)
    found, scaled = Spectrum.of(matrix), Spectrum.of(matrix * 10.0**exponent)
    for name in ("effective_rank", "effective_rank_energy", "participation_ratio"):
        assert getattr(scaled, name) == pytest.approx(getattr(found, name), rel=1e-5)
    # Entropies fall with their order.
    within = [1, found.participation_ratio, found.effective_rank_energy, found.effective_rank]
    within.append(min(rows - 1, columns) * (1 + 1e-4))
    assert (np.diff(within) >= -1e-6).all()


@given(st.integers(0, 2**32), st.integers(2, 30), st.integers(1, 30))
def test_dims_are_the_fewest_that_reach_the_share(seed, rows, columns):
    found = Spectrum.of(matrix_of(seed, rows, columns, decay=1))
    energy = found.singular_values**2
    shares = np.linspace(0.01, 0.99, 23)
    dims = [found.dims(share) for share in shares]
    assert (np.diff(dims) >= 0).all()
    for share, k in zip(shares, dims, strict=True):
        assert energy[:k].sum() >= share * energy.sum() * (1 - 1e-9)
        assert energy[: k - 1].sum() < share * energy.sum()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 7, 99])
@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_a_number_that_is_not_finite_is_named(bad, row, dtype, monkeypatch):
    monkeypatch.setattr(spectrum, "_CHUNK", 40)
    matrix = np.ones((100, 4), dtype=dtype)
    matrix[row, 2] = bad
    with pytest.raises(ValueError, match=f"^row {row} holds a number that is not finite$"):
        Spectrum.of(matrix)
    with pytest.raises(ValueError, match=f"^row {row} holds"):
        Spectrum.of(matrix, chosen=np.array([3, row, 5]))
    Spectrum.of(matrix, chosen=np.array([3, 4, 5]))


@pytest.mark.parametrize("size", [1e200, 1.5e308])
def test_numbers_without_a_square_are_refused(size):
    with pytest.raises(ValueError, match="too large"):
        Spectrum.of(np.array([[size, 0.0], [-size, 1.0], [size, 2.0]]))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (3,), (2, 2, 2)])
def test_what_is_no_matrix_is_refused(shape):
    with pytest.raises(ValueError, match="matrix"):
        Spectrum.of(np.zeros(shape))
    with pytest.raises(ValueError, match="without rows"):
        Spectrum.of(np.eye(3), chosen=np.array([], dtype=int))


def test_a_memory_map_is_read_as_it_is(tmp_path):
    matrix = matrix_of(4, 60, 9, np.float32)
    np.save(tmp_path / "matrix.npy", matrix)
    mapped = Spectrum.of(np.load(tmp_path / "matrix.npy", mmap_mode="r"))
    np.testing.assert_array_equal(mapped.singular_values, Spectrum.of(matrix).singular_values)


def test_parameters_of_a_product():
    assert factorised_parameters(49_408, 1_024, 256) == 49_408 * 256 + 256 * 1_024 + 1_024
