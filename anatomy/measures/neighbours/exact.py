"""Exact neighbours on the CPU: float32 products rule pairs out, float64 distances decide.

A tile of products is made by BLAS and scanned while it is in the cache. Only pairs that it cannot
rule out (`cloud.Cloud` gives the bound) are judged, by direct difference; so the result is that
of comparing all pairs in float64, whatever the points are. A shuffled order keeps these pairs to
about k (1 + ln(N / k)) a point. Each tile serves its rows and its columns: half the products of
the full matrix are made.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from threading import Lock, local

import numpy as np

from anatomy.measures.neighbours import kernels, threads
from anatomy.measures.neighbours.cloud import Cloud
from anatomy.measures.neighbours.threads import Progress

_Arrays = tuple[np.ndarray, np.ndarray]
_GROUPS = 128
_NONE = np.iinfo(np.int32).max


def all_rows(cloud: Cloud, k: int, progress: Progress | None = None) -> _Arrays:
    """Distances (float64) and indices (int32), [N, k], of every point's neighbours."""
    size = _tile(len(cloud.ids))
    blocks = -(-len(cloud.ids) // size)
    everyone = _side(cloud, slice(None), k)
    half_at_most = cloud.half_at_most()
    locks = [Lock() for _ in range(blocks)]
    mine = local()

    def work(tile: tuple[int, int]) -> None:
        row, column = (slice(i * size, (i + 1) * size) for i in tile)
        rows, columns = _part(everyone, row), _part(everyone, column)
        if not hasattr(mine, "room"):
            mine.room = np.empty(size * size, np.float32)
        products = mine.room[: len(rows.ids) * len(columns.ids)].reshape(len(rows.ids), -1)
        np.matmul(cloud.image[row], cloud.image[column].T, out=products)
        with ExitStack() as held:
            for block in sorted(set(tile)):
                held.enter_context(locks[block])
            if row == column:
                _raise_bars(rows, k, products, half_at_most[row], cloud.slack)
                kernels.leave_upper(products)
            kernels.scan(products, rows, columns, cloud.scale, cloud.slack)

    threads.run(_diagonals(blocks), work, blocks * (blocks + 1) // 2, progress)
    return in_order(everyone.distances, everyone.indices, cloud.ids)


def _diagonals(blocks: int) -> Iterator[tuple[int, int]]:
    """All tiles (I, J), I <= J, so that threads at work on tiles in a row seldom share a block."""
    for gap in range(blocks):
        for odd in (0, 1) if gap else (0,):
            for i in range(blocks - gap):
                if not gap or i // gap % 2 == odd:
                    yield i, i + gap


def _raise_bars(
    side: kernels.Side, k: int, products: np.ndarray, half_at_most: np.ndarray, slack: float
) -> None:
    """From the products of a block with itself: a distance that none's k-th neighbour exceeds.

    Of groups of other points, k have their nearest within the k-th least of the groups' minima.
    It saves judging the many that are among the nearest only because few were seen before.
    """
    whole = len(products) // _GROUPS * _GROUPS
    if not whole or k > _GROUPS:
        return
    scores = half_at_most - products
    np.fill_diagonal(scores, np.inf)
    minima = scores[:, :whole].reshape(len(scores), -1, _GROUPS).min(axis=1)
    score = np.partition(minima, k - 1, axis=1)[:, k - 1].astype(np.float64)
    squared = score + half_at_most + slack  # half of it, as in `kernels`
    np.maximum(side.bar, side.half - squared * 1.000001 - slack, out=side.bar, casting="same_kind")


def some_rows(cloud: Cloud, rows: np.ndarray, k: int, progress: Progress | None = None) -> _Arrays:
    """As `all_rows`, [len(rows), k], of the points given at `rows` alone."""
    asked = _side(cloud, cloud.places[rows], k)
    columns = _side(cloud, slice(None), 0)
    columns.bar.fill(np.inf)  # they want nothing
    size = _tile(len(cloud.ids))
    height = min(size, max(64, -(-len(rows) // 32)))
    starts = range(0, len(rows), height)

    def work(start: int) -> None:
        row = slice(start, start + height)
        image = cloud.image[cloud.places[rows[row]]]
        for begin in range(0, len(cloud.ids), size):
            column = slice(begin, begin + size)
            products = image @ cloud.image[column].T
            kernels.scan(
                products, _part(asked, row), _part(columns, column), cloud.scale, cloud.slack
            )

    threads.run(starts, work, len(starts), progress)
    return in_order(asked.distances, asked.indices, np.arange(len(rows), dtype=np.int32))


def judged(cloud: Cloud, places: np.ndarray, candidates: np.ndarray, k: int) -> _Arrays:
    """The k nearest of each row's candidates (all as places in `cloud`), [len(places), k].

    A row with fewer than k candidates (those below zero do not count) ends with infinite
    distances.
    """
    distances, indices = _heaps(len(places), k)

    def work(start: int) -> None:
        part = slice(start, start + 1024)
        kernels.judge(
            cloud.exact, cloud.ids, places[part], candidates[part], distances[part], indices[part]
        )

    threads.run(range(0, len(places), 1024), work)
    return in_order(distances, indices, np.arange(len(places), dtype=np.int32))


def in_order(distances: np.ndarray, indices: np.ndarray, targets: np.ndarray) -> _Arrays:
    """Heaps, sorted; row r goes to row ``targets[r]``."""
    ordered = np.empty_like(distances), np.empty_like(indices)

    def work(start: int) -> None:
        part = slice(start, start + 4096)
        kernels.put_in_order(distances[part], indices[part], targets[part], *ordered)

    threads.run(range(0, len(targets), 4096), work)
    return ordered


def _side(cloud: Cloud, which: slice | np.ndarray, k: int) -> kernels.Side:
    half = cloud.half[which]
    return kernels.Side(
        cloud.exact[which],
        cloud.ids[which],
        half,
        np.full(len(half), -np.inf, np.float32),
        *_heaps(len(half), k),
    )


def _heaps(count: int, k: int) -> _Arrays:
    return np.full((count, k), np.inf), np.full((count, k), _NONE, np.int32)


def _part(side: kernels.Side, part: slice) -> kernels.Side:
    return kernels.Side(*(array[part] for array in side))


def _tile(count: int) -> int:
    """Side of a tile: its products fit in a core's cache, and there are enough for all cores."""
    return min(1024, max(64, -(-count // 640) * 64))
