"""The report of 404,800 prompts: page, PDF and figures from findings.json; a profiler beside it.

    python -m benchmarks.report [--repeats 3] [--peer PYTHON]

The audit that makes the findings (all sources as stand-ins, SAM3's tokenizer and MiniLM, 500
prompts encoded of each source) runs once and is not timed; then `anatomy report` renders them in a
fresh process, imports included. The peer profiles a table of the same prompts and their sources
from a Parquet file to one HTML file: ydata-profiling, in its minimal form and in its own. It pins
other versions than ours, so it has a virtual environment of its own: PYTHON (`make bench` makes
one). It reads and measures as well; what anatomy takes for that, of the token sections alone,
stands in the third row.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from anatomy.corpus import registry, standins
from benchmarks.process import anatomy, cost_of

_PEER = """
import sys
import pandas
from ydata_profiling import ProfileReport
rows, page, minimal = pandas.read_parquet(sys.argv[1]), sys.argv[2], sys.argv[3] == "minimal"
ProfileReport(rows, minimal=minimal, progress_bar=False).to_file(page)
"""


def _row(name: str, command: list[str], page: Path, repeats: int) -> None:
    cost = cost_of(command, repeats)
    size = sum(path.stat().st_size for path in (page, page.with_suffix(".pdf")) if path.exists())
    print(
        f"| {name} | {cost.seconds:.1f} | {cost.megabytes:,.0f} | {size / 1e3:,.0f} |", flush=True
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer", help="python of an environment with ydata-profiling")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "data").mkdir()
        audit = anatomy("audit", "--sources", "all", "--stand-ins", "--data")
        audit += [str(folder / "data"), "--sample", "500", "--out"]
        cost_of([*audit, str(folder / "made"), "--encoder", "sam3,minilm"], 1)
        print("| run | seconds | peak MB | page and PDF, kB |")
        print("| --- | --- | --- | --- |")
        _row(
            "anatomy report, two encoders: page, PDF, figures",
            [
                *anatomy("report", str(folder / "made" / "findings.json")),
                *("--out", str(folder / "again")),
            ],
            folder / "again" / "report.html",
            options.repeats,
        )
        _row(
            "anatomy audit, from prompts to report, token sections",
            [*audit, str(folder / "whole")],
            folder / "whole" / "report.html",
            options.repeats,
        )
        if not options.peer:
            print("ydata-profiling: not measured; give --peer PYTHON")
            return
        table = folder / "prompts.parquet"
        prompts = {s.name: standins.generate(s.name, s.published_count) for s in registry.ALL}
        columns = {
            "prompt": pa.concat_arrays([part.cast(pa.large_string()) for part in prompts.values()]),
            "source": [name for name, part in prompts.items() for _ in range(len(part))],
        }
        pq.write_table(pa.table(columns), table)
        for kind in ("minimal", "default"):
            page = folder / f"{kind}.html"
            _row(
                f"ydata-profiling, {kind}",
                [options.peer, "-c", _PEER, str(table), str(page), kind],
                page,
                options.repeats,
            )


if __name__ == "__main__":
    main()
