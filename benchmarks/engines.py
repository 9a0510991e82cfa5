"""The same audit by both engines: are the findings the same, but for when and where they were made?

    python -m benchmarks.engines SOURCES... [--data FOLDER] [--encoder minilm] [--approximate]

Prints the seconds of each, Ray's start included, and the digest of each engine's findings.json,
which covers all of it but the block `run`; ends with status 1 if the two differ.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from anatomy.findings import Findings
from benchmarks.process import anatomy, cost_of


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--data")
    parser.add_argument("--encoder", default="sam3")
    parser.add_argument("--approximate", action="store_true")
    options = parser.parse_args()
    digests = set()
    for engine in ("local", "ray"):
        with tempfile.TemporaryDirectory() as out:
            command = anatomy("audit", "--out", out, "--format", "html")
            command += ["--engine", engine, "--encoder", options.encoder, "--no-cache"]
            command += ["--data", options.data] if options.data else []
            command += ["--approximate"] * options.approximate
            command += ["--sources", ",".join(options.sources)]
            cost = cost_of(command, 1)
            found = Findings.load(Path(out))
        digests.add(found.digest)
        print(
            f"{engine:>5}: {cost.seconds:.1f} s, {found.corpus.unique:,} distinct prompts, "
            f"findings {found.digest[:16]}",
            flush=True,
        )
    if len(digests) > 1:
        raise SystemExit("The findings differ.")
    print("The same findings.")


if __name__ == "__main__":
    main()
