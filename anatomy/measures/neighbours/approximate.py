"""Approximate neighbours: a graph by nearest neighbour descent, its distances made exact.

The same seed gives the same result, bit for bit, with the same number of threads (numba's), in one
process or several. With another number of threads it gives another, about as good: pynndescent
splits its random numbers among them. A process's first search compiles for half a minute.
"""

from __future__ import annotations

import numpy as np

from anatomy.measures.neighbours import exact
from anatomy.measures.neighbours.cloud import Cloud
from anatomy.measures.neighbours.threads import Progress

_FEW = 1000  # up to here an exact search is quicker than a graph
_LEAST_WIDTH = 30  # a narrower graph finds its way badly


def all_rows(
    cloud: Cloud, k: int, seed: int, progress: Progress | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Distances (float64) and indices (int32), [N, k], of every point's neighbours, nearly all."""
    count = len(cloud.ids)
    if count <= max(_FEW, 4 * k):
        return exact.all_rows(cloud, k, progress)
    from pynndescent import NNDescent  # takes seconds

    graph = NNDescent(
        cloud.image, n_neighbors=max(k + 1, _LEAST_WIDTH), random_state=seed
    ).neighbor_graph
    distances, indices = exact.judged(cloud, cloud.places, graph[0][cloud.places], k)
    short = np.flatnonzero(np.isinf(distances[:, -1]))  # the graph has too few for these
    if len(short):
        distances[short], indices[short] = exact.some_rows(cloud, short, k)
    if progress is not None:
        progress(count, count)
    return distances, indices
