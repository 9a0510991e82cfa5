"""The 50 nearest neighbours of N x 256 points: ours, exact and approximate, beside peers.

    python -m benchmarks.neighbours [--size 5000 50000] [--repeats 3] [--only ours faiss ...]

The points lie near a 16-dimensional plane in 256 dimensions, with noise (float32, seeded). Every
implementation runs in its own fresh process; imports, and a first call on 2,000 points (which
compiles what is compiled), are not timed; "ours, first call" is timed without that call. The
floor is the time of the full matrix of products, 2 N N D operations, at the rate that large
products reach in this run. Recall is that of 1,000 rows against exact ones.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable

import numpy as np

from benchmarks.process import cost_of, python

WIDTH, K = 256, 50
FLOOR = "products"
NAMES = (
    "ours",
    "ours, first call",
    "faiss flat",
    "torch blocks",
    "scikit-learn brute",
    "ours, approximate",
    "pynndescent",
)
_SAMPLE = 1000

Search = Callable[[np.ndarray], np.ndarray]


def points_of(size: int) -> np.ndarray:
    """The points, [size, WIDTH]."""
    rng = np.random.default_rng(1)
    plane = rng.standard_normal((16, WIDTH)).astype(np.float32) / 4
    points = rng.standard_normal((size, 16)).astype(np.float32) @ plane
    for start in range(0, size, 10_000):
        part = points[start : start + 10_000]
        part += np.float32(0.1) * rng.standard_normal(part.shape, dtype=np.float32)
    return points


def prepared(name: str) -> Search:
    """A function from points to their neighbours' indices (some count a point as its own)."""
    if name.startswith("ours"):
        from anatomy.measures.neighbours import Method, nearest

        method: Method = "approximate" if name.endswith("approximate") else "exact"
        return lambda points: nearest(points, K, method=method).indices
    if name == "faiss flat":
        import faiss

        def flat(points: np.ndarray) -> np.ndarray:
            index = faiss.IndexFlatL2(WIDTH)
            index.add(points)
            return np.asarray(index.search(points, K + 1)[1])

        return flat
    if name == "torch blocks":
        return _torch_blocks
    if name == "scikit-learn brute":
        from sklearn.neighbors import NearestNeighbors

        def brute(points: np.ndarray) -> np.ndarray:
            search = NearestNeighbors(n_neighbors=K, algorithm="brute").fit(points)
            return np.asarray(search.kneighbors(return_distance=False))

        return brute
    from pynndescent import NNDescent

    return lambda points: np.asarray(
        NNDescent(points, n_neighbors=K + 1, random_state=0).neighbor_graph[0]
    )


def _torch_blocks(points: np.ndarray) -> np.ndarray:
    import torch

    rows = torch.from_numpy(points)
    norms = (rows * rows).sum(1)
    found = [
        torch.topk(norms - 2 * (rows[i : i + 1024] @ rows.T), K + 1, largest=False).indices
        for i in range(0, len(rows), 1024)
    ]
    return torch.cat(found).numpy()


def rate() -> float:
    """Operations a second of large float32 products on all cores: the best of several."""
    import torch

    one, other = (torch.randn(4096, WIDTH) for _ in range(2))
    out = torch.empty(4096, 4096)
    best = np.inf
    for _ in range(100):
        begin = time.perf_counter()
        torch.mm(one, other.T, out=out)
        best = min(best, time.perf_counter() - begin)
    return 2 * WIDTH * 4096 * 4096 / best


def recall_of(points: np.ndarray, indices: np.ndarray) -> float:
    """Share of the true neighbours found, on some rows."""
    from anatomy.measures.neighbours import nearest

    sample = np.random.default_rng(2).choice(len(points), min(_SAMPLE, len(points)), False)
    truth = nearest(points, K, rows=sample).indices
    hits = sum(
        len(np.intersect1d(one, other)) for one, other in zip(truth, indices[sample], strict=True)
    )
    return hits / truth.size


def _one(name: str, size: int) -> None:
    if name == FLOOR:
        print(json.dumps({"seconds": 2.0 * WIDTH * size * size / rate()}))
        return
    points, search = points_of(size), prepared(name)
    if "first call" not in name:
        search(points[:2000])
    begin = time.perf_counter()
    indices = search(points)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    recall = recall_of(points, indices)
    print(json.dumps({"seconds": seconds, "megabytes": peak, "recall": recall}))


def main() -> None:
    """Print a table for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, nargs="+", default=[5000, 50_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--one", choices=(*NAMES, FLOOR), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _one(options.one, options.size[0])
        return
    for size in options.size:

        def command(name: str, size: int = size) -> list[str]:
            return python("benchmarks.neighbours", "--size", str(size), "--one", name)

        floor = cost_of(command(FLOOR), options.repeats).seconds
        print(f"{size:,} x {WIDTH}, k = {K}; all products alone would take {floor:.3f} s")
        print("| implementation | seconds | against the products | peak MB | recall |")
        print("| --- | --- | --- | --- | --- |")
        for name in options.only:
            cost = cost_of(command(name), options.repeats)
            facts = json.loads(cost.output.splitlines()[-1])
            print(
                f"| {name} | {cost.seconds:.3f} | {cost.seconds / floor:.2f}x "
                f"| {facts['megabytes']:.0f} | {facts['recall']:.4f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
