"""Tokenizing 404,796 prompts: ours, the plain Python reference, and a tokenizer in Rust.

    python -m benchmarks.tokenize [--repeats 3] [--prompts FILE.txt]

Without a file the prompts are stand-ins at the paper's counts. Every implementation runs in its
own fresh process on the same list of Python strings; imports, and the loading of its tables, are
not timed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.process import cost_of, python

IMPLEMENTATIONS = ("ours", "reference", "rust loop", "rust batch")
_MARK = "stand-ins"


def prompts_of(place: str) -> list[str]:
    """Lines of a file, or stand-ins."""
    if place != _MARK:
        return Path(place).read_text(encoding="utf-8").splitlines()
    from anatomy.corpus import registry, standins

    return [
        prompt
        for source in registry.ALL
        for prompt in standins.generate(source.name, source.published_count).to_pylist()
    ]


def prepared(name: str) -> Callable[[list[str]], np.ndarray]:
    """A function from prompts to all their ids in one array, with its tables loaded."""
    if name == "ours":
        from anatomy.tokens.clip import ClipTokenizer

        ours = ClipTokenizer()
        ours.encode(["a warm-up"])
        return lambda prompts: ours.encode(prompts).ids
    if name == "reference":
        from tests.tokens.reference import ReferenceTokenizer

        reference = ReferenceTokenizer()
        reference.encode("a warm-up")
        return lambda prompts: _flat([reference.encode(prompt) for prompt in prompts])
    from instant_clip_tokenizer import Tokenizer

    rust = Tokenizer()
    if name == "rust batch":
        return lambda prompts: rust.tokenize_batch(prompts, context_length=77)
    return lambda prompts: _flat([[49406, *rust.encode(p), 49407] for p in prompts])


def _flat(rows: list[list[int]]) -> np.ndarray:
    return np.fromiter((number for row in rows for number in row), dtype=np.uint16)


def _one(name: str, place: str, ids: Path) -> None:
    prompts, encode = prompts_of(place), prepared(name)
    begin = time.perf_counter()
    result = encode(prompts)
    seconds = time.perf_counter() - begin
    if name != "rust batch":  # padded: there is nothing to compare
        np.save(ids / name, result)
    print(json.dumps({"seconds": seconds, "prompts": len(prompts), "tokens": int(result.size)}))


def main() -> None:
    """Print the table."""
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--prompts", default=_MARK)
    parser.add_argument("--one", choices=IMPLEMENTATIONS, help=argparse.SUPPRESS)
    parser.add_argument("--ids", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _one(options.one, options.prompts, options.ids)
        return
    with tempfile.TemporaryDirectory() as folder:
        base = ("--prompts", options.prompts, "--ids", folder)
        costs = {
            name: cost_of(python("benchmarks.tokenize", "--one", name, *base), options.repeats)
            for name in IMPLEMENTATIONS
        }
        reference = np.load(Path(folder) / "reference.npy")
        ours = np.load(Path(folder) / "ours.npy")
    facts = json.loads(costs["ours"].output.splitlines()[-1])
    print(f"{facts['prompts']:,} prompts ({options.prompts}), {facts['tokens']:,} tokens")
    print("| implementation | seconds | peak MB | speed-up over the reference |")
    print("| --- | --- | --- | --- |")
    for name, cost in costs.items():
        ratio = costs["reference"].seconds / cost.seconds
        print(f"| {name} | {cost.seconds:.2f} | {cost.megabytes:.0f} | {ratio:.1f}x |")
    print(f"ids of ours equal the reference's: {np.array_equal(ours, reference)}")


if __name__ == "__main__":
    main()
