from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from anatomy.measures.dimension import Dimension, collapse, gride, mle, two_nn
from anatomy.measures.neighbours import nearest

KS = (5, 10, 20, 50)


def neighbours_of(points, k=50):
    """Distances and indices of the nearest neighbours, from all pairs."""
    distances = cdist(points, points)
    np.fill_diagonal(distances, np.inf)
    order = np.argsort(distances, axis=1, kind="stable")[:, : min(k, len(points) - 1)]
    return np.take_along_axis(distances, order, axis=1), order


def distances_of(points, k=50):
    return neighbours_of(points, k)[0]


def dimension_of(points, **options):
    return Dimension.of(*neighbours_of(points), **options)


def cloud(seed, size=200, width=6):
    return np.random.default_rng(seed).normal(size=(size, width))


def sphere(generator, size):
    points = generator.normal(size=(size, 4))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def swiss_roll(generator, size):
    turn = 1.5 * np.pi * (1 + 2 * generator.uniform(size=size))
    height = 21 * generator.uniform(size=size)
    return np.stack([turn * np.cos(turn), height, turn * np.sin(turn)], axis=1)


# Borders and curvature pull estimates down: the more, the larger the dimension and k. Seen over
# four seeds, TwoNN and k up to 20: -4 to +2 % in 2 and 3 dimensions, -11 to -3 % for the 5-cube.
# The bands are 5 % and 15 %.
@pytest.mark.parametrize(
    ("points", "true", "band"),
    [
        (lambda g: g.uniform(size=(2000, 2)), 2, 0.05),
        (lambda g: g.uniform(size=(2000, 5)), 5, 0.15),
        (lambda g: sphere(g, 2000), 3, 0.05),
        (lambda g: swiss_roll(g, 2000), 2, 0.05),
    ],
)
def test_known_surfaces_have_their_dimension(points, true, band):
    found = dimension_of(points(np.random.default_rng(3)), resamples=200)
    for estimate in (found.two_nn, *(found.harmonic[k] for k in (5, 10, 20))):
        assert abs(estimate.value / true - 1) < band
    orders = [order for order, _ in found.by_order]
    assert orders == [1, 2, 4, 8, 16]
    assert abs(found.by_order[0][1].value / true - 1) < band


def test_a_noisy_surface_of_16_dimensions_in_256():
    generator = np.random.default_rng(0)
    inner = generator.normal(size=(4000, 16))
    hidden = np.tanh(inner @ generator.normal(size=(16, 64)) / 8)
    points = hidden @ generator.normal(size=(64, 256)) / 8
    points += 1e-3 * generator.normal(size=points.shape)
    near = nearest(points, 50)
    found = Dimension.of(near.distances, near.indices, resamples=200)
    # 4,000 points are few for 16 dimensions: neighbours are far away, and a density that falls
    # towards them makes estimates too small, the more so the larger the scale. Seen over three
    # seeds: TwoNN 13.4 to 14.2, MLE 13.1 to 13.5 at k = 5, 11.8 to 12.1 at k = 50.
    assert 12.5 < found.two_nn.value < 16
    values = [found.harmonic[k].value for k in KS]
    assert values == sorted(values, reverse=True)
    assert 11 < values[-1] < values[0] < 15
    assert found.points == 4000


@given(st.integers(0, 2**32), st.integers(-60, 60))
def test_scale_and_rotation_change_nothing(seed, exponent):
    points = cloud(seed, 60)
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(6, 6)))
    moved = points @ turn * 10.0**exponent
    for estimator in (two_nn, lambda t: mle(t, 9), lambda t: gride(t, 4)):
        found, expected = estimator(distances_of(moved)), estimator(distances_of(points))
        assert found == pytest.approx(expected, rel=1e-9)


@settings(max_examples=15)
@given(
    st.integers(0, 2**32),
    st.integers(52, 300),
    st.integers(2, 40),
    st.sampled_from(KS),
)
def test_estimates_are_those_of_scikit_dimension(seed, size, width, k):
    skdim = pytest.importorskip("skdim")
    points = cloud(seed, size, width)
    distances = distances_of(points)
    assert two_nn(distances) == pytest.approx(skdim.id.TwoNN().fit(points).dimension_, rel=1e-6)
    harmonic = skdim.id.MLE().fit(points, n_neighbors=k, comb="mle").dimension_
    assert mle(distances, k) == pytest.approx(harmonic, rel=1e-6)
    arithmetic = skdim.id.MLE(unbiased=True).fit(points, n_neighbors=k, comb="mean").dimension_
    assert mle(distances, k, mean="arithmetic") == pytest.approx(arithmetic, rel=1e-6)


def likelihood(log_mu, order, d):
    """Logarithm of the published density of Gride, n1 = order, n2 = 2 order."""
    n1, n2 = order, 2 * order
    terms = (
        np.log(d)
        + (n2 - n1 - 1) * np.log(np.expm1(d * log_mu))
        - ((n2 - 1) * d + 1) * log_mu
        - scipy.special.betaln(n2 - n1, n1)
    )
    return terms.sum()


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(40, 150), st.sampled_from([1, 2, 4, 8, 16]))
def test_gride_maximises_the_published_density(seed, size, order):
    distances = distances_of(cloud(seed, size), 32)
    log_mu = np.log(distances[:, 2 * order - 1] / distances[:, order - 1])
    best = scipy.optimize.minimize_scalar(
        lambda d: -likelihood(log_mu, order, d), bounds=(0.1, 60), options={"xatol": 1e-9}
    )
    assert gride(distances, order) == pytest.approx(best.x, rel=1e-5)
    if order == 1:
        assert gride(distances, 1) == pytest.approx(size / log_mu.sum(), rel=1e-12)


def test_gride_is_near_that_of_scikit_dimension():
    skdim = pytest.importorskip("skdim")
    if not hasattr(skdim.id, "GRIDE"):
        pytest.skip("this scikit-dimension has no GRIDE")
    points = cloud(5, 800)
    distances = distances_of(points)
    for order in (1, 2, 8, 16):
        # It takes N - 1 in place of N in one term, and leaves out very large ratios.
        theirs = skdim.id.GRIDE(n1=order).fit(points).dimension_
        assert gride(distances, order) == pytest.approx(theirs, rel=3 / len(points))


def test_all_values_are_those_of_the_single_functions():
    distances, indices = neighbours_of(cloud(1))
    found = Dimension.of(distances, indices, resamples=50)
    assert found.two_nn.value == pytest.approx(two_nn(distances), rel=1e-12)
    for k in KS:
        assert found.harmonic[k].value == pytest.approx(mle(distances, k), rel=1e-12)
        arithmetic = mle(distances, k, mean="arithmetic")
        assert found.arithmetic[k].value == pytest.approx(arithmetic, rel=1e-12)
    for mean, parts in (
        (found.harmonic_mean, found.harmonic),
        (found.arithmetic_mean, found.arithmetic),
    ):
        assert mean.value == pytest.approx(np.mean([e.value for e in parts.values()]))
    for order, estimate in found.by_order:
        assert estimate.value == pytest.approx(gride(distances, order), rel=1e-12)


@given(st.integers(0, 2**32), st.integers(4, 30))
def test_small_clouds_have_estimates_within_their_intervals(seed, size):
    found = dimension_of(cloud(seed, size, 3), resamples=50)
    estimates = [found.two_nn, found.harmonic_mean, found.arithmetic_mean]
    estimates += [*found.harmonic.values(), *found.arithmetic.values()]
    estimates += [estimate for _, estimate in found.by_order]
    for estimate in estimates:
        assert 0 < estimate.low <= estimate.value <= estimate.high < np.inf
    assert list(found.harmonic) == ([k for k in KS if k < size] or [size - 1])


@pytest.mark.parametrize("size", [2, 3])
def test_too_few_points_are_refused(size):
    distances, indices = neighbours_of(cloud(0, size), size - 1)
    with pytest.raises(ValueError, match="an estimate needs 3 points with 3 neighbours each"):
        Dimension.of(distances, indices)
    if size == 3:
        assert two_nn(distances) > 0
    else:
        with pytest.raises(ValueError, match="2 neighbours each"):
            two_nn(distances)


def test_too_few_neighbours_are_refused():
    distances = distances_of(cloud(0, 30), 9)
    with pytest.raises(ValueError, match="10 neighbours each"):
        mle(distances, 10)
    with pytest.raises(ValueError, match="10 neighbours each"):
        gride(distances, 5)
    with pytest.raises(ValueError, match="k = 2"):
        mle(distances, 2)


@pytest.mark.parametrize(
    ("value", "reason"),
    [(0.0, "collapse copies first"), (np.nan, "not finite"), (np.inf, "not finite")],
)
def test_impossible_distances_are_refused_by_row(value, reason):
    distances, indices = neighbours_of(cloud(0, 30), 8)
    distances[11, 0 if value == 0 else -1] = value
    for estimator in (
        two_nn,
        lambda t: mle(t, 5),
        lambda t: gride(t, 2),
        lambda t: Dimension.of(t, indices),
    ):
        with pytest.raises(ValueError, match=f"^row 11 .*{reason}"):
            estimator(distances)


def test_neighbours_at_one_distance_are_refused_or_count_as_they_are():
    side = np.arange(8.0)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    distances, indices = neighbours_of(grid, 12)
    with pytest.raises(ValueError, match="as far from the second neighbour as from the first"):
        two_nn(distances)
    with pytest.raises(ValueError, match="neighbours 1 and 2 are equally far"):
        gride(distances, 1)
    # A point in the middle has no estimate from 3 neighbours; those at the edge have.
    flat = distances[:, 2] == distances[:, 0]
    assert 0 < flat.sum() < len(flat)
    own = mle(distances[~flat], 3, mean="arithmetic")
    assert mle(distances, 3, mean="arithmetic") == pytest.approx(own)
    with pytest.raises(ValueError, match=r"equally far|as far"):
        Dimension.of(distances, indices)
    assert 1 < mle(distances, 12) < 5  # other rings are farther: an estimate again
    ring = np.ones((5, 4))
    with pytest.raises(ValueError, match="4 nearest neighbours are equally far"):
        mle(ring, 4)
    with pytest.raises(ValueError, match="4 nearest neighbours are equally far"):
        mle(ring, 4, mean="arithmetic")


@pytest.mark.parametrize("order", [1, 2, 8])
def test_some_ratios_may_be_exactly_1_and_others_huge(order):
    distances = distances_of(cloud(0, 300), 16)
    before = gride(distances, order)
    tied = distances.copy()
    tied[::10, :] = tied[::10, -1:]  # a tenth of the points: all neighbours equally far
    assert before < gride(tied, order) < 2 * before
    far = distances.copy()
    far[0, :order] *= 1e-200
    assert 0 < gride(far, order) < before
    assert two_nn(tied) > two_nn(distances) > 0


@pytest.mark.parametrize("width", [1, 3])
def test_constant_columns_change_nothing(width):
    points = cloud(2, 150, 3)
    wider = np.concatenate([points, np.full((150, width), 7.5)], axis=1)
    assert two_nn(distances_of(wider)) == pytest.approx(two_nn(distances_of(points)))
    assert mle(distances_of(wider), 20) == pytest.approx(mle(distances_of(points), 20))


def test_one_tenth_of_copies_changes_estimates_by_less_than_a_twentieth():
    points = cloud(0, 2000, 8).astype(np.float32)
    with_copies = points.copy()
    with_copies[:200] = points[1000:1200]
    first, copies = collapse(with_copies)
    assert copies == 200
    found, expected = (nearest(p, 50).distances for p in (with_copies[first], points))
    assert two_nn(found) == pytest.approx(two_nn(expected), rel=0.05)
    for k in KS:
        assert mle(found, k) == pytest.approx(mle(expected, k), rel=0.05)
    with pytest.raises(ValueError, match="collapse copies first"):
        two_nn(nearest(with_copies, 50).distances)


@given(
    st.integers(0, 2**32),
    st.integers(0, 60),
    st.integers(1, 5),
    st.sampled_from([np.float16, np.float32, np.float64]),
    st.sampled_from("CF"),
)
def test_collapse_keeps_the_first_of_equal_rows(seed, rows, columns, dtype, order):
    generator = np.random.default_rng(seed)
    points = generator.integers(-1, 2, size=(rows, columns)).astype(dtype)
    points[generator.random(size=points.shape) < 0.2] *= -1  # makes -0.0
    points = np.asarray(points, order=order)
    first, copies = collapse(points)
    expected = [i for i in range(rows) if not any((points[i] == points[j]).all() for j in range(i))]
    assert first.tolist() == expected
    assert copies == rows - len(expected)
    if rows:
        assert len(first) == len(np.unique(points + dtype(0), axis=0))


def test_collapse_reads_a_memory_map_and_leaves_it(tmp_path):
    points = cloud(0, 500, 7).astype(np.float32)
    points[100:150] = points[:50]
    np.save(tmp_path / "points.npy", points)
    mapped = np.load(tmp_path / "points.npy", mmap_mode="r")
    first, copies = collapse(mapped)
    assert copies == 50
    np.testing.assert_array_equal(first, np.r_[:100, 150:500])
    np.testing.assert_array_equal(mapped, points)
