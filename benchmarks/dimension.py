"""TwoNN and MLE at k = 5, 10, 20, 50: ours, and scikit-dimension's same five estimates.

    python -m benchmarks.dimension [--repeats 3] [--sizes 5000 50000]

The points are a smooth random map of 16 dimensions into 256 with a little noise, float32. Every
implementation runs in its own fresh process. Imports, the making of the points and one warm-up on
600 points (it loads compiled code) are not timed; the first call on the real points is. A second
table has one point in ten copied over another.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np

from benchmarks.process import Cost, cost_of, python

KS = (5, 10, 20, 50)
NAMES = ("TwoNN", *(f"MLE {k}" for k in KS))
IMPLEMENTATIONS = ("ours", "ours with intervals", "scikit-dimension")
COPIED = 0.1


def cloud(size: int) -> np.ndarray:
    """Points float32 [size, 256] near a surface of 16 dimensions."""
    generator = np.random.default_rng(0)
    inner = generator.standard_normal((size, 16))
    hidden = np.tanh(inner @ generator.standard_normal((16, 256)) / 8)
    points = hidden @ generator.standard_normal((256, 256)) / 16
    return (points + 1e-3 * generator.standard_normal((size, 256))).astype(np.float32)


def copied(points: np.ndarray) -> np.ndarray:
    """The same points with a tenth of them written over others."""
    generator = np.random.default_rng(1)
    where = generator.permutation(len(points))
    count = int(len(points) * COPIED)
    result = points.copy()
    result[where[:count]] = points[where[count : 2 * count]]
    return result


def prepared(name: str) -> Callable[[np.ndarray], list[float]]:
    """A function from points to the five estimates."""
    if name == "scikit-dimension":
        import skdim.id

        def theirs(points: np.ndarray) -> list[float]:
            found = [skdim.id.TwoNN().fit(points)]
            found += [skdim.id.MLE().fit(points, n_neighbors=k, comb="mle") for k in KS]
            return [float(estimator.dimension_) for estimator in found]

        return theirs
    from anatomy.measures.dimension import Dimension, collapse, mle, two_nn
    from anatomy.measures.neighbours import nearest

    def ours(points: np.ndarray) -> list[float]:
        first, copies = collapse(points)
        found = nearest(points[first] if copies else points, max(KS))
        if name == "ours":
            return [two_nn(found.distances), *(mle(found.distances, k) for k in KS)]
        dimension = Dimension.of(found.distances, found.indices, ks=KS)
        return [dimension.two_nn.value, *(e.value for e in dimension.harmonic.values())]

    return ours


def _one(name: str, size: int, copies: bool) -> None:
    points, estimates = cloud(size), prepared(name)
    points = copied(points) if copies else points
    estimates(cloud(600))
    begin = time.perf_counter()
    values = estimates(points)
    seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, "values": values}))


def _values(cost: Cost) -> np.ndarray:
    return np.array(json.loads(cost.output.splitlines()[-1])["values"])


def _row(name: str, values: np.ndarray) -> str:
    return f"| {name} | {' | '.join(f'{value:.3f}' for value in values)} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=[5_000, 50_000])
    parser.add_argument("--one", choices=IMPLEMENTATIONS, help=argparse.SUPPRESS)
    parser.add_argument("--copies", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _one(options.one, options.sizes[0], options.copies)
        return

    def measured(name: str, size: int, *more: str, repeats: int = 1) -> Cost:
        command = python("benchmarks.dimension", "--one", name, "--sizes", str(size), *more)
        return cost_of(command, repeats)

    head = f"| {' | '.join(NAMES)} |\n| --- |{' --- |' * len(NAMES)}"
    for size in options.sizes:
        costs = {name: measured(name, size, repeats=options.repeats) for name in IMPLEMENTATIONS}
        values = {name: _values(cost) for name, cost in costs.items()}
        print(f"{size:,} x 256, five estimates")
        print("| implementation | seconds | peak MB | speed-up over scikit-dimension |")
        print("| --- | --- | --- | --- |")
        theirs = costs["scikit-dimension"].seconds
        for name, cost in costs.items():
            ratio = theirs / cost.seconds
            print(f"| {name} | {cost.seconds:.2f} | {cost.megabytes:.0f} | {ratio:.1f}x |")
        difference = np.abs(values["ours"] / values["scikit-dimension"] - 1).max()
        print(f"Largest relative difference of the estimates: {difference:.0e}\n", flush=True)
        print(f"{size:,} points, and the same with {COPIED:.0%} of them copies of others")
        print(f"| {head}")
        print(_row("ours, no copies", values["ours"]))
        for name in ("ours", "scikit-dimension"):
            print(_row(f"{name}, copies", _values(measured(name, size, "--copies"))))
        print(flush=True)


if __name__ == "__main__":
    main()
