"""The inner loops of the neighbour search, compiled: judge a pair, keep the best, scan a tile.

A neighbour list under construction is a max-heap of (distance, index) pairs: the worst of the k
best seen so far is at place 0. Pairs are compared by distance, then by index, so that the k best
of all are one set, in whatever order they arrive and whichever thread brings them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

# Squares outside these bounds may have lost digits (or everything) to under- or overflow.
_SAFE_LOW, _SAFE_HIGH = 1e-250, 1e300
_CHUNK = 128


class Side(NamedTuple):
    """One side, M points, of a tile of pairs.

    Attributes
    ----------
    exact : ndarray of float32 or float64, shape [M, D]
        The points as they were given.
    ids : ndarray of int32, shape [M]
        Their indices there.
    half : ndarray of float32, shape [M]
        Half their squared norms, less a bound on the errors (`cloud.Cloud`).
    bar : ndarray of float32, shape [M]
        `half` less half the squared distance of the worst neighbour so far: a product above
        ``bar[i] + half[j]`` may make j a neighbour of i. ``+inf`` where nothing is wanted.
    distances : ndarray of float64, shape [M, k]
    indices : ndarray of int32, shape [M, k]
        The heaps.
    """

    exact: np.ndarray
    ids: np.ndarray
    half: np.ndarray
    bar: np.ndarray
    distances: np.ndarray
    indices: np.ndarray


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _distance(a, b):  # type: ignore[no-untyped-def]
    """Euclidean distance of two points by direct difference, in float64.

    The first is in float64 wherever this is called, so that all callers round alike.
    """
    total = 0.0
    for t in range(a.shape[0]):
        difference = np.float64(a[t]) - np.float64(b[t])
        total += difference * difference
    if _SAFE_LOW < total < _SAFE_HIGH:
        return math.sqrt(total)
    largest = 0.0
    for t in range(a.shape[0]):
        largest = max(largest, abs(np.float64(a[t]) - np.float64(b[t])))
    if largest == 0.0 or largest == np.inf:
        return largest
    total = 0.0
    for t in range(a.shape[0]):
        difference = (np.float64(a[t]) - np.float64(b[t])) / largest
        total += difference * difference
    return largest * math.sqrt(total)


@njit(cache=True, nogil=True)
def _sift(distances, indices, size, distance, index):  # type: ignore[no-untyped-def]
    """Put a pair in the place of the worst of a heap's first `size`, and mend the heap."""
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        other = child + 1
        if other < size and (
            distances[other] > distances[child]
            or (distances[other] == distances[child] and indices[other] > indices[child])
        ):
            child = other
        if distances[child] < distance or (distances[child] == distance and indices[child] < index):
            break
        distances[place], indices[place] = distances[child], indices[child]
        place = child
    distances[place], indices[place] = distance, index


@njit(cache=True, nogil=True)
def _offer(distances, indices, distance, index):  # type: ignore[no-untyped-def]
    """Take a pair into a heap if it is better than the worst there; say whether it was."""
    if distance > distances[0] or (distance == distances[0] and index >= indices[0]):
        return False
    _sift(distances, indices, distances.shape[0], distance, index)
    return True


@njit(cache=True, nogil=True)
def _bar(half, worst, scale, slack):  # type: ignore[no-untyped-def]
    """A product at or below this, plus the other's half, is of a pair farther than `worst`."""
    scaled = worst * scale
    # One millionth more than the distance itself covers the float32 roundings of the sums.
    return np.float32(half - 0.5 * scaled * scaled * 1.000001 - slack)


@njit(cache=True, nogil=True)
def _any_wanted(products, halves, bars, half, bar):  # type: ignore[no-untyped-def]
    """How often in a run of products either side wants the other. No branch: one vector loop."""
    count = np.int32(0)
    for t in range(products.shape[0]):
        count += np.int32(products[t] > bar + halves[t]) + np.int32(products[t] > half + bars[t])
    return count


@njit(cache=True, nogil=True)
def leave_upper(products):  # type: ignore[no-untyped-def]
    """Blank a diagonal tile on and below its diagonal: each of its pairs is met once."""
    for r in range(products.shape[0]):
        for c in range(min(r + 1, products.shape[1])):
            products[r, c] = -np.inf


@njit(cache=True, nogil=True)
def scan(products, rows, columns, scale, slack):  # type: ignore[no-untyped-def]
    """Offer every pair of a tile that may matter to the heaps of both its sides.

    `products` (float32, [rows, columns]) only rules pairs out. What it does not rule out is
    judged by its direct distance.
    """
    own = np.empty(rows.exact.shape[1])  # the row's point in float64: converted once
    for r in range(products.shape[0]):
        half, bar = rows.half[r], rows.bar[r]
        start, converted = 0, False
        while start < products.shape[1]:
            stop = min(start + _CHUNK, products.shape[1])
            if _any_wanted(
                products[r, start:stop],
                columns.half[start:stop],
                columns.bar[start:stop],
                half,
                bar,
            ):
                for c in range(start, stop):
                    by_row = products[r, c] > bar + columns.half[c]
                    by_column = products[r, c] > half + columns.bar[c]
                    if not (by_row or by_column) or rows.ids[r] == columns.ids[c]:
                        continue
                    if not converted:
                        own[:] = rows.exact[r]
                        converted = True
                    distance = _distance(own, columns.exact[c])
                    if by_row and _offer(
                        rows.distances[r], rows.indices[r], distance, columns.ids[c]
                    ):
                        bar = max(bar, _bar(half, rows.distances[r, 0], scale, slack))
                    if by_column and _offer(
                        columns.distances[c], columns.indices[c], distance, rows.ids[r]
                    ):
                        columns.bar[c] = max(
                            columns.bar[c],
                            _bar(columns.half[c], columns.distances[c, 0], scale, slack),
                        )
            start = stop
        rows.bar[r] = bar


@njit(cache=True, nogil=True)
def judge(exact, ids, places, candidates, distances, indices):  # type: ignore[no-untyped-def]
    """Offer candidates to heaps by their direct distances.

    Row r's point is ``exact[places[r]]``; `candidates[r]` are places too. Itself and places
    below zero (none found) are passed over.
    """
    own = np.empty(exact.shape[1])
    for r in range(places.shape[0]):
        own[:] = exact[places[r]]
        for c in range(candidates.shape[1]):
            place = candidates[r, c]
            if place >= 0 and place != places[r]:
                distance = _distance(own, exact[place])
                _offer(distances[r], indices[r], distance, ids[place])


@njit(cache=True, nogil=True)
def put_in_order(distances, indices, targets, all_distances, all_indices):  # type: ignore[no-untyped-def]
    """Sort heaps, ascending, and copy row r to row ``targets[r]`` of the result."""
    for r in range(distances.shape[0]):
        for last in range(distances.shape[1] - 1, 0, -1):
            distance, index = distances[r, last], indices[r, last]
            distances[r, last], indices[r, last] = distances[r, 0], indices[r, 0]
            _sift(distances[r], indices[r], last, distance, index)
        all_distances[targets[r]] = distances[r]
        all_indices[targets[r]] = indices[r]
