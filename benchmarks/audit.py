"""The whole audit on 404,796 prompts, to the written report, and on ten times as many.

    python -m benchmarks.audit [--repeats 3] [--scale 10]

The first line is the command a user types, in a fresh process, imports and figures included. The
scaling runs read generated prompts from Parquet files, so that both do the same work.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from anatomy.corpus import registry, standins
from benchmarks.process import Cost, anatomy, cost_of


def _audit(sources: str, out: Path, *flags: str, repeats: int) -> Cost:
    command = anatomy("audit", "--sources", sources, "--out", str(out), *flags)
    return cost_of(command, repeats)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--scale", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        empty = folder / "data"
        empty.mkdir()
        whole = _audit(
            "all",
            folder / "out",
            "--stand-ins",
            "--data",
            str(empty),
            repeats=options.repeats,
        )
        print("| run | seconds | peak MB |")
        print("| --- | --- | --- |")
        print(
            f"| audit --sources all --stand-ins | {whole.seconds:.1f} | {whole.megabytes:.0f} |",
            flush=True,
        )
        costs = []
        for scale in (1, options.scale):
            files, total = [], 0
            for source in registry.ALL:
                prompts = standins.generate(source.name, source.published_count * scale)
                total += len(prompts)
                path = folder / f"{source.name}-{scale}.parquet"
                pq.write_table(pa.table({"prompt": prompts}), path)
                files.append(f"{source.name}-copy={path}:prompt")
            cost = _audit(",".join(files), folder / "out", repeats=options.repeats)
            costs.append(cost)
            print(f"| {total:,} prompts | {cost.seconds:.1f} | {cost.megabytes:.0f} |", flush=True)
        ratio = costs[1].seconds / costs[0].seconds
        print(f"{options.scale}x the prompts: {ratio:.1f}x the time")


if __name__ == "__main__":
    main()
