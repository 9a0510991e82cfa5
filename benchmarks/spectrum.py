"""Singular values of an embedding table: ours, and numpy's full SVD.

    python -m benchmarks.spectrum [--repeats 3] [--rows 49408] [--columns 1024]

The table is random, float32, with singular values over four decades. Every implementation runs in
its own fresh process and takes the column means away itself; imports and the making of the table
are not timed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.process import cost_of, python

IMPLEMENTATIONS = ("ours", "numpy float32", "numpy float64", "numpy float64, with vectors")


def table(rows: int, columns: int) -> np.ndarray:
    """Random rows, float32 [rows, columns], scaled over four decades and turned, off the origin."""
    generator = np.random.default_rng(0)
    turn, _ = np.linalg.qr(generator.standard_normal((columns, columns), dtype=np.float32))
    scale = np.logspace(0, -4, columns, dtype=np.float32)
    rows_ = generator.standard_normal((rows, columns), dtype=np.float32) * scale
    shifted: np.ndarray = rows_ @ turn + np.float32(0.1)
    return shifted


def prepared(name: str) -> Callable[[np.ndarray], np.ndarray]:
    """A function from a table to the singular values of the centred table, descending."""
    if name == "ours":
        from anatomy.measures.spectrum import Spectrum

        return lambda matrix: Spectrum.of(matrix).singular_values
    dtype = np.float32 if "float32" in name else np.float64

    def full(matrix: np.ndarray) -> np.ndarray:
        matrix = matrix.astype(dtype, copy=False)
        centred = matrix - matrix.mean(axis=0)
        if "vectors" in name:
            return np.linalg.svd(centred, full_matrices=False)[1]
        return np.linalg.svd(centred, compute_uv=False)

    return full


def _one(name: str, rows: int, columns: int, folder: Path) -> None:
    matrix, values_of = table(rows, columns), prepared(name)
    begin = time.perf_counter()
    values = values_of(matrix)
    seconds = time.perf_counter() - begin
    np.save(folder / name, values)
    print(json.dumps({"seconds": seconds}))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", type=int, default=49_408)
    parser.add_argument("--columns", type=int, default=1_024)
    parser.add_argument("--one", choices=IMPLEMENTATIONS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _one(options.one, options.rows, options.columns, options.folder)
        return
    shape = ("--rows", str(options.rows), "--columns", str(options.columns))
    with tempfile.TemporaryDirectory() as folder:
        base = (*shape, "--folder", folder)
        costs = {
            name: cost_of(python("benchmarks.spectrum", "--one", name, *base), options.repeats)
            for name in IMPLEMENTATIONS
        }
        values = {name: np.load(Path(folder) / f"{name}.npy") for name in IMPLEMENTATIONS}
    truth = values["numpy float64"]
    large = truth > 1e-3 * truth[0]
    print(f"{options.rows:,} x {options.columns:,} float32, centred")
    print("Error: the largest relative one, of singular values above a thousandth of the first")
    print("| implementation | seconds | peak MB | time over ours | error |")
    print("| --- | --- | --- | --- | --- |")
    for name, cost in costs.items():
        ratio = cost.seconds / costs["ours"].seconds
        error = float(np.abs(values[name][large] / truth[large] - 1).max())
        print(
            f"| {name} | {cost.seconds:.2f} | {cost.megabytes:.0f} | {ratio:.1f}x | {error:.0e} |"
        )


if __name__ == "__main__":
    main()
