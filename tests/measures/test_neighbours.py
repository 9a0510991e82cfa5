from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_info, threadpool_limits

from anatomy.measures.neighbours import EXACT_WITHIN, Neighbours, method_for, nearest, recall
from anatomy.measures.neighbours import cuda as on_torch
from anatomy.measures.neighbours.cloud import Cloud

F32, F64 = np.float32, np.float64


def oracle(points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs, by the standard library's distance; ties by index."""
    rows = [list(map(float, row)) for row in points]
    found = [
        sorted((math.dist(row, other), j) for j, other in enumerate(rows) if j != i)[:k]
        for i, row in enumerate(rows)
    ]
    distances = np.array([[distance for distance, _ in row] for row in found])
    return distances, np.array([[j for _, j in row] for row in found])


def assert_nearest(points: np.ndarray, found: Neighbours) -> None:
    """The distances are the oracle's; so are the neighbours, but among (nearly) equal ones."""
    count, k = found.indices.shape
    distances, indices = oracle(points, k)
    assert found.distances.dtype == F64
    assert found.indices.dtype == np.int32
    np.testing.assert_allclose(found.distances, distances, rtol=1e-12, atol=0)
    for i in range(count):
        assert len(set(found.indices[i])) == k
        assert i not in found.indices[i]
        for mine, theirs, distance in zip(found.indices[i], indices[i], distances[i], strict=True):
            if mine != theirs:
                again = math.dist(points[i].tolist(), points[mine].tolist())
                assert math.isclose(again, distance, rel_tol=1e-12)
    same = found.distances[:, 1:] == found.distances[:, :-1]
    assert (np.diff(found.indices, axis=1)[same] > 0).all()


def on_cpu(points: np.ndarray, k: int) -> Neighbours:
    return nearest(points, k)


def by_rows(points: np.ndarray, k: int) -> Neighbours:
    return nearest(points, k, rows=np.arange(len(points)))


def by_torch(points: np.ndarray, k: int) -> Neighbours:
    """The code for a GPU, on the CPU."""
    return Neighbours(*on_torch.some_rows(Cloud.of(points), None, k, "cpu"), exact=True)


EVERY_WAY = pytest.mark.parametrize("search", [on_cpu, by_rows, by_torch])
Search = Callable[[np.ndarray, int], Neighbours]


def test_points_on_a_line() -> None:
    found = nearest(np.array([[0.0], [1.0], [3.0], [7.0]]), 2)
    assert found.distances.tolist() == [[1, 3], [1, 2], [2, 3], [4, 6]]
    assert found.indices.tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    assert found.exact


def test_two_points() -> None:
    found = nearest(np.array([[0, 0], [3, 4]], F32), 1)
    assert found.distances.tolist() == [[5], [5]]
    assert found.indices.tolist() == [[1], [0]]


HOSTILE: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "plain": lambda rng: rng.standard_normal((150, 9)),
    "far from the origin": lambda rng: rng.standard_normal((150, 9)) + 1e12,
    "far in float32": lambda rng: (rng.standard_normal((150, 9)) + 1e5).astype(F32),
    "two clusters far apart": lambda rng: (
        rng.standard_normal((150, 9)) + 1e9 * rng.integers(0, 2, (150, 1))
    ),
    "rows of all scales": lambda rng: (
        rng.standard_normal((150, 9)) * 10.0 ** rng.integers(-12, 12, (150, 1))
    ),
    "columns of all scales": lambda rng: (
        rng.standard_normal((150, 9)) * 10.0 ** rng.integers(-12, 12, 9)
    ),
    "squares overflow": lambda rng: rng.standard_normal((150, 9)) * 1e200,
    "squares underflow": lambda rng: rng.standard_normal((150, 9)) * 1e-200,
    "denormal": lambda rng: (rng.standard_normal((150, 9)) * 1e-42).astype(F32),
    "denormal in float64": lambda rng: rng.standard_normal((150, 9)) * 1e-318,
    "a grid, full of ties": lambda rng: rng.integers(0, 3, (150, 4)).astype(F32),
    "more copies than candidates": lambda rng: np.concatenate(
        [np.repeat(rng.standard_normal((1, 9)), 100, axis=0), rng.standard_normal((50, 9))]
    )[rng.permutation(150)],
    "all the same": lambda rng: np.full((150, 9), 0.1, F32),
    "all zero": lambda rng: np.zeros((150, 9)),
    "constant columns": lambda rng: np.where(
        np.arange(9) % 2, 1e6 / 3, rng.standard_normal((150, 9))
    ),
    "neighbours closer than float32 can tell": lambda rng: (
        np.repeat(rng.standard_normal((30, 9)), 5, axis=0) + 1e-10 * rng.standard_normal((150, 9))
    ),
    "ever nearer": lambda rng: 1.1 ** -np.arange(150.0)[:, None] * np.ones(3),
    "zeros of both signs": lambda rng: rng.choice([0.0, -0.0, 1.0], (150, 3)),
}


@EVERY_WAY
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_points(name: str, search: Search) -> None:
    points = HOSTILE[name](np.random.default_rng(3))
    assert_nearest(points, search(points, 7))


@EVERY_WAY
def test_copies_are_at_exactly_zero(search: Search) -> None:
    rng = np.random.default_rng(0)
    points = (rng.standard_normal((400, 64)) + 30).astype(F32)
    points[200:] = points[:200]
    found = search(points, 3)
    assert (found.distances[:, 0] == 0).all()
    assert (found.distances[:, 1] > 0).all()
    assert (found.indices[:, 0] == (np.arange(400) + 200) % 400).all()


@pytest.mark.parametrize("many", [4, 5, 6, 7, 40])
def test_crowds_of_copies(many: int) -> None:
    """About as many copies as neighbours, of several points, spread over all."""
    rng = np.random.default_rng(many)
    points = np.concatenate([np.repeat(rng.integers(0, 2, (3, 8)), many, axis=0), np.eye(8)])
    points = rng.permutation(points).astype(F64) * rng.choice([1.0, -1.0])
    found = nearest(points, 4)
    assert_nearest(points, found)
    rows = rng.permutation(len(points))[: len(points) // 2]
    some = nearest(points, 4, rows=rows)
    assert (some.indices == found.indices[rows]).all()
    assert (some.distances == found.distances[rows]).all()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(2, 140),
    width=st.integers(1, 40),
    k=st.integers(1, 12),
    distinct=st.integers(1, 140),
    offset=st.sampled_from([0.0, 1.0, 1e3, 1e7]),
    scale=st.sampled_from([1.0, 1e-30, 1e15]),
    noise=st.sampled_from([0.0, 1e-9, 1e-3]),
    single=st.booleans(),
)
@example(0, 140, 3, 12, 1, 1e7, 1.0, 1e-9, True)
def test_equals_comparing_all_pairs(
    seed: int,
    count: int,
    width: int,
    k: int,
    distinct: int,
    offset: float,
    scale: float,
    noise: float,
    single: bool,
) -> None:
    rng = np.random.default_rng(seed)
    few = rng.standard_normal((distinct, width))
    points = few[rng.integers(0, distinct, count)] + noise * rng.standard_normal((count, width))
    points = (scale * (points + offset)).astype(F32 if single else F64)
    k = min(k, count - 1)
    for search in (on_cpu, by_rows, by_torch):
        assert_nearest(points, search(points, k))


@EVERY_WAY
@pytest.mark.parametrize("single", [True, False])
def test_agrees_with_scikit_learn_over_several_tiles(search: Search, single: bool) -> None:
    rng = np.random.default_rng(5)
    points = (rng.standard_normal((3000, 24)) + 2).astype(F32 if single else F64)
    found = search(points, 5)
    theirs = NearestNeighbors(n_neighbors=5, algorithm="kd_tree").fit(points.astype(F64))
    distances, indices = theirs.kneighbors()
    np.testing.assert_allclose(found.distances, distances, rtol=1e-12)
    assert (found.indices == indices).all()


@pytest.mark.parametrize("single", [True, False])
def test_every_way_rounds_alike(single: bool) -> None:
    rng = np.random.default_rng(6)
    for width in (1, 3, 8, 31, 64, 100, 257):
        points = rng.standard_normal((90, width)).astype(F32 if single else F64)
        found = on_cpu(points, 5)
        for search in (by_rows, by_torch):
            assert (search(points, 5).distances == found.distances).all()


def test_every_k_up_to_all_others() -> None:
    points = np.random.default_rng(1).standard_normal((300, 5))
    everything = nearest(points, 299)
    assert_nearest(points, everything)
    for k in (1, 2, 127, 128, 129, 298):
        found = nearest(points, k)
        assert (found.indices == everything.indices[:, :k]).all()
        assert (found.distances == everything.distances[:, :k]).all()


@pytest.mark.parametrize("name", HOSTILE)
def test_products_bound_distances(name: str) -> None:
    """The law that the search rests on, from below and from above, for every pair."""
    points = HOSTILE[name](np.random.default_rng(8))
    cloud = Cloud.of(points)
    products = (cloud.image @ cloud.image.T).astype(F64)
    rows = [list(map(float, row)) for row in cloud.exact]
    squares = np.array([[(cloud.scale * math.dist(a, b)) ** 2 for a in rows] for b in rows])
    half, at_most = cloud.half.astype(F64), cloud.half_at_most().astype(F64)
    within = cloud.half_within_product().astype(F64)
    assert (squares >= 2 * (half[:, None] + half - products - cloud.slack)).all()
    assert (squares <= 2 * (at_most[:, None] + at_most - products + cloud.slack)).all()
    assert (within <= half).all()
    assert (cloud.exact == points[cloud.ids]).all()
    assert (cloud.ids[cloud.places] == np.arange(len(points))).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(-40, 40))
def test_order_and_scale_of_the_points_change_nothing(seed: int, exponent: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((90, 6)).astype(F32)
    order = rng.permutation(90)
    plain = nearest(points, 4)
    moved = nearest(points[order] * F32(2.0**exponent), 4)
    assert (moved.distances == plain.distances[order] * 2.0**exponent).all()
    assert (order[moved.indices] == plain.indices[order]).all()


def test_any_number_of_threads_gives_the_same() -> None:
    # Ties throughout, so that the order of arrival would show.
    points = np.random.default_rng(2).integers(0, 3, (2500, 6)).astype(F32)
    with threadpool_limits(1, user_api="blas"):
        alone = nearest(points, 9)
    with threadpool_limits(4, user_api="blas"):
        together = nearest(points, 9)
    assert (alone.indices == together.indices).all()
    assert (alone.distances == together.distances).all()


def test_settings_are_left_as_found() -> None:
    points = np.random.default_rng(2).standard_normal((700, 6)).astype(F32)
    with threadpool_limits(2, user_api="blas"):
        before = threadpool_info()
        nearest(points, 3)
        with pytest.raises(ZeroDivisionError):
            nearest(points, 3, progress=lambda done, total: done // 0)
        assert threadpool_info() == before
    torch.set_float32_matmul_precision("high")
    try:
        by_torch(points, 3)
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_some_rows_are_rows_of_all() -> None:
    points = np.random.default_rng(4).standard_normal((1500, 12)).astype(F32)
    everyone = nearest(points, 6)
    rows = np.array([1499, 3, 3, 700])
    for found in (
        nearest(points, 6, rows=rows),
        Neighbours(*on_torch.some_rows(Cloud.of(points), rows, 6, "cpu"), exact=True),
    ):
        assert (found.indices == everyone.indices[rows]).all()
        assert (found.distances == everyone.distances[rows]).all()
    assert nearest(points, 6, rows=np.array([], int)).distances.shape == (0, 6)


def test_memmaps_and_views(tmp_path: Path) -> None:
    points = np.random.default_rng(4).standard_normal((300, 12)).astype(F32)
    expected = nearest(points, 4)
    np.save(tmp_path / "points.npy", points)
    mapped = np.load(tmp_path / "points.npy", mmap_mode="r")
    wide = np.zeros((600, 24), F32)
    wide[::2, ::2] = points
    for given_as in (mapped, wide[::2, ::2], np.asfortranarray(points)):
        found = nearest(given_as, 4)
        assert (found.indices == expected.indices).all()
        assert (found.distances == expected.distances).all()


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_names_the_first_row_that_is_not_finite(bad: float, dtype: type) -> None:
    points = np.ones((30, 4), dtype)
    points[[17, 23], 2] = bad
    with pytest.raises(ValueError, match=r"first in row 17$"):
        nearest(points, 3)  # the others are copies
    points += np.arange(30, dtype=dtype)[:, None]
    with pytest.raises(ValueError, match=r"first in row 17$"):
        nearest(points, 3)


@pytest.mark.parametrize(
    ("points", "arguments", "says"),
    [
        (np.ones((4, 2)), {"k": 4}, "less than the 4 points, not 4"),
        (np.ones((4, 2)), {"k": 0}, "k must be at least 1"),
        (np.ones((1, 2)), {"k": 1}, "less than the 1 points"),
        (np.ones((4, 2), np.int64), {"k": 1}, "float32 or float64"),
        (np.ones(4), {"k": 1}, "float32 or float64"),
        (np.ones((4, 0)), {"k": 1}, "float32 or float64"),
        (np.ones((4, 2)), {"k": 1, "rows": np.array([4])}, "within 0 and 3"),
        (np.ones((4, 2)), {"k": 1, "rows": np.array([-1])}, "within 0 and 3"),
        (np.ones((4, 2)), {"k": 1, "rows": np.array([0.5])}, "integers"),
        (np.ones((4, 2)), {"k": 1, "method": "fast"}, "exact or approximate"),
        (np.ones((4, 2)), {"k": 1, "device": "tpu"}, "cpu or cuda"),
    ],
)
def test_impossible_requests(points: np.ndarray, arguments: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        nearest(points, **arguments)


def test_progress_ends_at_all() -> None:
    heard: list[tuple[int, int]] = []
    points = np.random.default_rng(4).standard_normal((700, 12)).astype(F32)
    nearest(points, 4, progress=lambda done, total: heard.append((done, total)))
    assert heard == sorted(heard)
    assert heard[-1][0] == heard[-1][1] > 0


def test_the_default_depends_on_the_count_of_operations_alone() -> None:
    assert method_for(50_000, 256, "cpu") == "exact"
    assert method_for(404_796, 256, "cpu") == "approximate"
    assert method_for(404_796, 256, "cuda") == "exact"
    edge = math.isqrt(int(EXACT_WITHIN))
    assert method_for(edge, 1, "cpu") == "exact"
    assert method_for(edge + 1, 1, "cpu") == "approximate"


def test_recall_counts_the_true_ones_among_those_found() -> None:
    points = np.array([[0.0], [1.0], [3.0], [7.0], [7.5]])
    truth = nearest(points, 2, rows=np.array([0, 3]))
    wrong = nearest(points, 2)
    assert recall(wrong, truth, np.array([0, 3])) == 1.0
    distances, indices = wrong.distances.copy(), wrong.indices.copy()
    distances[3], indices[3] = [4.0, 6.0], [2, 1]  # the nearest of 7, 7.5, was missed
    assert recall(Neighbours(distances, indices, False), truth, np.array([0, 3])) == 0.75
    with pytest.raises(ValueError, match="truth holds"):
        recall(wrong, truth, np.array([0, 3, 4]))


def test_recall_does_not_mind_which_of_equals() -> None:
    truth = Neighbours(np.array([[1.0]]), np.array([[1]], np.int32), True)
    found = Neighbours(np.array([[1.0], [1.0]]), np.array([[2], [0]], np.int32), False)
    assert recall(found, truth, np.array([0])) == 1.0


def test_approximate_of_few_points_is_exact_but_not_called_so() -> None:
    points = np.random.default_rng(4).standard_normal((200, 12))
    found = nearest(points, 4, method="approximate")
    assert not found.exact
    assert_nearest(points, found)
    rows = np.array([7, 5])
    some = nearest(points, 4, rows=rows, method="approximate")
    assert (some.indices == found.indices[rows]).all()


@pytest.mark.slow  # pynndescent compiles for most of half a minute in each process
@pytest.mark.filterwarnings("ignore")
def test_approximate_search() -> None:
    points = np.random.default_rng(4).standard_normal((3000, 12)).astype(F32)
    points[1000:1200] = points[0]
    truth = nearest(points, 10)
    rows = np.arange(3000)
    found = nearest(points, 10, method="approximate", seed=1)
    assert not found.exact
    assert recall(found, truth, rows) > 0.9
    assert (np.diff(found.distances, axis=1) >= 0).all()
    assert all(i not in row and len(set(row)) == 10 for i, row in enumerate(found.indices))
    between = points[:, None].astype(F64) - points[found.indices]
    np.testing.assert_allclose(found.distances, np.linalg.norm(between, axis=2), rtol=1e-12)
    again = nearest(points, 10, method="approximate", seed=1)
    assert (again.indices == found.indices).all()  # on as many threads
    assert (again.distances == found.distances).all()
    other = nearest(points, 10, method="approximate", seed=2)
    assert recall(other, truth, rows) > 0.9


@pytest.mark.gpu
def test_on_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    rng = np.random.default_rng(4)
    points = rng.standard_normal((20_000, 64)).astype(F32)
    points[10_000:11_000] = points[:1000]
    here, there = nearest(points, 10), nearest(points, 10, device="cuda")
    assert (here.indices == there.indices).all()
    assert (here.distances == there.distances).all()
    for make in HOSTILE.values():
        hostile = make(rng)
        assert_nearest(hostile, nearest(hostile, 7, device="cuda"))
