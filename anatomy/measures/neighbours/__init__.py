"""The k nearest neighbours of every point, exactly or approximately.

Everything that rests on distances (intrinsic dimension, near-duplicates) asks here, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from anatomy.measures.neighbours.cloud import Cloud, largest_of
from anatomy.measures.neighbours.copies import surplus

if TYPE_CHECKING:
    from anatomy.measures.neighbours.threads import Progress

Method = Literal["exact", "approximate"]

# Multiplications of the full product matrix, N * N * D, that an exact search gets through in a
# minute on two cores (measured: see benchmarks/neighbours.py). A constant and not a clock, so
# that the same points are treated in the same way everywhere.
EXACT_WITHIN = 8e12
BLOCK = 2048  # points whose neighbours a worker finds at a time
_WIDEST = 1 << 22  # the bounds on float32 products say nothing far beyond


class Spread(Protocol):
    """``spread(work, state, items)`` gives ``work(state, item)`` of each item, in order."""

    def __call__(
        self, work: Callable[[Any, Any], Any], state: Any, items: Iterable[Any]
    ) -> Iterator[Any]: ...


@dataclass(frozen=True)
class Neighbours:
    """The k nearest neighbours of points, Euclidean, each point's own self left out.

    Attributes
    ----------
    distances : ndarray of float64, shape [N, k]
        Ascending, by direct difference in float64: bit-identical points are at exactly 0.
    indices : ndarray of int32, shape [N, k]
        Among equal distances the smaller index comes first.
    exact : bool
        Whether these are certainly the nearest.
    """

    distances: np.ndarray
    indices: np.ndarray
    exact: bool


def nearest(
    points: np.ndarray,
    k: int,
    *,
    rows: np.ndarray | None = None,
    method: Method = "exact",
    device: str = "cpu",
    seed: int = 0,
    progress: Progress | None = None,
    spread: Spread | None = None,
) -> Neighbours:
    """The k nearest neighbours of all points, or of some, among all points.

    Parameters
    ----------
    points : ndarray of float32 or float64, shape [N, D]
        May be a memmap. At most one copy in the same type and one in float32 are made.
    k : int
        At least 1, less than N.
    rows : ndarray of int, shape [M], optional
        Only these points' neighbours (results have M rows).
    method : {"exact", "approximate"}
        "exact" is what comparing all pairs in float64 gives, ties by index, for any points and
        any number of threads. "approximate" is nearest neighbour descent (pynndescent; Dong,
        Moses & Li, WWW 2011): ask `recall` how good.
    device : str
        "cpu" or "cuda": where exact products are made.
    seed : int
        Of the approximate search: it repeats itself on as many threads as before.
    progress : callable(done, total), optional
        Told now and then how much of the work is done.
    spread : Spread, optional
        Has an exact search done by others, `BLOCK` points at a time, each among all; `device` is
        theirs. The result is the same.

    Raises
    ------
    ValueError
        If a coordinate is NaN or infinite, k is not below N, or an argument has no meaning.
    """
    points = _checked(points, k)
    if rows is not None:
        rows = np.asarray(rows)
        if rows.ndim != 1 or rows.dtype.kind not in "iu":
            raise ValueError(f"rows must be a list of integers, not {rows.dtype} {rows.shape}")
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(points):
            raise ValueError(f"rows must be within 0 and {len(points) - 1}")
    if method not in ("exact", "approximate"):
        raise ValueError(f"method must be exact or approximate, not {method!r}")
    if device not in ("cpu", "cuda"):
        raise ValueError(f"device must be cpu or cuda, not {device!r}")
    extra, copies = surplus(points, k)
    if not len(extra):
        return _search(points, k, rows, method, device, seed, progress, spread)
    largest_of(points)  # what is not finite is named by its row among all
    stay = np.ones(len(points), bool)
    stay[extra] = False
    asked = np.arange(len(points)) if rows is None else rows
    plain = stay[asked]
    some = None if rows is None else (np.cumsum(stay) - 1)[asked[plain]]
    found = _search(points[stay], k, some, method, device, seed, progress, spread)
    distances = np.zeros((len(asked), k))
    indices = np.empty((len(asked), k), np.int32)
    distances[plain] = found.distances
    indices[plain] = np.flatnonzero(stay)[found.indices]
    indices[~plain] = copies[np.searchsorted(extra, asked[~plain])]
    return Neighbours(distances, indices, found.exact)


def method_for(n: int, width: int, device: str) -> Method:
    """Exact where that takes under a minute or on a GPU, else approximate.

    Decided from ``n * n * width`` against `EXACT_WITHIN`, never from the machine.
    """
    return "exact" if device == "cuda" or n * n * width <= EXACT_WITHIN else "approximate"


def recall(found: Neighbours, truth: Neighbours, rows: np.ndarray) -> float:
    """Share of the true neighbours of some rows that were found.

    Parameters
    ----------
    found : Neighbours
        Of all points.
    truth : Neighbours
        Exact, of `rows` alone, with as many neighbours a point.
    rows : ndarray of int, shape [M]

    Notes
    -----
    A neighbour found counts where it is no farther than the k-th true one, so that one of
    several at the same distance is as good as another.
    """
    if truth.distances.shape != (len(rows), found.distances.shape[1]) or not len(rows):
        raise ValueError(f"truth holds {truth.distances.shape}, asked {len(rows)} rows of found")
    return float(np.mean(found.distances[rows] <= truth.distances[:, -1:]))


def _search(
    points: np.ndarray,
    k: int,
    rows: np.ndarray | None,
    method: Method,
    device: str,
    seed: int,
    progress: Progress | None,
    spread: Spread | None,
) -> Neighbours:
    # Numba takes a while to import, torch longer: only who searches waits for them.
    from anatomy.measures.neighbours import exact

    cloud = Cloud.of(points)
    if method == "approximate":
        from anatomy.measures.neighbours import approximate

        found = approximate.all_rows(cloud, k, seed, progress)
        if rows is not None:
            found = found[0][rows], found[1][rows]
    elif spread is not None:
        rows = np.arange(len(points)) if rows is None else rows
        blocks = [rows[at : at + BLOCK] for at in range(0, len(rows), BLOCK)]
        parts = []
        for part in spread(partial(_block, k=k, device=device), cloud, blocks):
            parts.append(part)
            if progress is not None:
                progress(len(parts), len(blocks))
        distances, indices = zip(*parts, strict=True)
        found = np.concatenate(distances), np.concatenate(indices)
    elif device == "cuda":
        from anatomy.measures.neighbours import cuda

        found = cuda.some_rows(cloud, rows, k, device, progress)
    elif rows is None:
        found = exact.all_rows(cloud, k, progress)
    else:
        found = exact.some_rows(cloud, rows, k, progress)
    return Neighbours(*found, exact=method == "exact")


def _block(cloud: Cloud, rows: np.ndarray, *, k: int, device: str) -> tuple[np.ndarray, np.ndarray]:
    """Exact neighbours of some points, as whoever works apart finds them."""
    if device == "cuda":
        from anatomy.measures.neighbours import cuda

        return cuda.some_rows(cloud, rows, k, device)
    from anatomy.measures.neighbours import exact

    return exact.some_rows(cloud, rows, k)


def _checked(points: np.ndarray, k: int) -> np.ndarray:
    points = np.asarray(points)
    if points.ndim != 2 or points.dtype not in (np.float32, np.float64) or not points.shape[1]:
        raise ValueError(
            f"points must be float32 or float64 [N, D], not {points.dtype} {points.shape}"
        )
    if points.shape[1] > _WIDEST:
        raise ValueError(f"points of more than {_WIDEST} coordinates cannot be compared")
    if not 1 <= k < len(points):
        raise ValueError(f"k must be at least 1 and less than the {len(points)} points, not {k}")
    return points
