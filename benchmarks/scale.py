"""The token sections of an audit on millions of prompts: time, memory, and what they write.

    python -m benchmarks.scale [--millions 4 40] [--engine ray] [--approximate]

Generated referring expressions ("red cup to the left of old table"), a million a Parquet file,
each file of another seed; nearly all are distinct.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from anatomy.corpus.bundled import lvis_names
from anatomy.findings import Findings
from benchmarks.process import anatomy, cost_of

_FILE = 1_000_000
_ADJECTIVES = ("small", "large", "red", "blue", "green", "old", "new", "left", "second", "open")
_RELATIONS = ("on", "under", "beside", "in front of", "behind", "to the left of", "with")


def _written(folder: Path, millions: int) -> int:
    """Write what is missing; bytes of the prompts."""
    folder.mkdir(parents=True, exist_ok=True)
    size = 0
    for number in range(millions):
        path = folder / f"part-{number:05}.parquet"
        if not path.exists():
            table = pa.table({"prompt": _prompts(number)})
            pq.write_table(table, path.with_suffix(".partial"), use_dictionary=False)
            path.with_suffix(".partial").replace(path)
        with pq.ParquetFile(path) as file:
            size += sum(
                file.metadata.row_group(group).column(0).total_uncompressed_size
                for group in range(file.metadata.num_row_groups)
            )
    return size


def _prompts(seed: int) -> pa.Array:
    """A million expressions of two names of LVIS, with an adjective each."""
    random = np.random.default_rng(seed)
    names = lvis_names()
    columns = [
        pa.array(some, type=pa.large_string()).take(
            pa.array(random.integers(len(some), size=_FILE))
        )
        for some in (_ADJECTIVES, names, _RELATIONS, _ADJECTIVES, names)
    ]
    return pc.binary_join_element_wise(*columns, pa.scalar(" ", type=pa.large_string()))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, nargs="+", default=[4, 40])
    parser.add_argument("--data", type=Path, help="Folder to keep the prompts in")
    parser.add_argument("--engine", choices=["local", "ray"], default="local")
    parser.add_argument("--approximate", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        data = options.data or Path(temporary) / "prompts"
        print("| prompts | distinct | GB | seconds | prompts/s | peak MB |")
        print("| --- | --- | --- | --- | --- | --- |")
        for millions in options.millions:
            size = _written(data / str(millions), millions)
            out = Path(temporary) / "out"
            os.environ["ANATOMY_CACHE"] = f"{temporary}/cache"
            command = anatomy("audit", "--out", str(out), "--format", "html")
            command += ["--engine", options.engine]
            command += ["--sources", f"generated={data}/{millions}/*.parquet:prompt"]
            command += ["--approximate"] * options.approximate
            cost = cost_of(command, 1)
            rows = millions * _FILE
            print(
                f"| {rows:,} | {Findings.load(out).corpus.unique:,} | {size / 1e9:.2f} | "
                f"{cost.seconds:.0f} | {rows / cost.seconds:,.0f} | {cost.megabytes:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
