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

Ragged = tuple[np.ndarray, np.ndarray]


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


def prepared(name: str) -> Callable[[list[str]], Ragged]:
    """A function from prompts to all their ids and to the ids per prompt, its tables loaded."""
    if name == "ours":
        from anatomy.tokens.clip import ClipTokenizer

        ours = ClipTokenizer()
        ours.encode(["a warm-up"])

        def encode(prompts: list[str]) -> Ragged:
            table = ours.encode(prompts)
            return table.ids, table.lengths

        return encode
    if name == "reference":
        from tests.tokens.reference import ReferenceTokenizer

        reference = ReferenceTokenizer()
        reference.encode("a warm-up")
        return lambda prompts: _flat([reference.encode(prompt) for prompt in prompts])
    from instant_clip_tokenizer import Tokenizer

    rust = Tokenizer()
    if name == "rust batch":  # padded to 77: nothing to compare
        return lambda prompts: (rust.tokenize_batch(prompts, context_length=77), np.empty(0))
    return lambda prompts: _flat([[49406, *rust.encode(p), 49407] for p in prompts])


def _flat(rows: list[list[int]]) -> Ragged:
    ids = np.fromiter((number for row in rows for number in row), dtype=np.uint16)
    return ids, np.fromiter(map(len, rows), dtype=np.int64)


def _one(name: str, place: str, folder: Path) -> None:
    prompts, encode = prompts_of(place), prepared(name)
    begin = time.perf_counter()
    ids, lengths = encode(prompts)
    seconds = time.perf_counter() - begin
    if len(lengths):
        np.savez(folder / name, ids=ids, lengths=lengths)
    print(json.dumps({"seconds": seconds, "prompts": len(prompts), "tokens": int(ids.size)}))


def differing(one: Path, other: Path) -> int:
    """Prompts whose ids are not the same in two saved results."""
    (ids, lengths), (ids2, lengths2) = (
        (saved["ids"], saved["lengths"]) for saved in (np.load(one), np.load(other))
    )
    rows, rows2 = (
        np.split(flat, np.cumsum(of)[:-1]) for flat, of in ((ids, lengths), (ids2, lengths2))
    )
    return sum(not np.array_equal(a, b) for a, b in zip(rows, rows2, strict=True))


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
        reference = Path(folder) / "reference.npz"
        differ = {
            name: differing(Path(folder) / f"{name}.npz", reference)
            for name in ("ours", "rust loop")
        }
    facts = json.loads(costs["ours"].output.splitlines()[-1])
    print(f"{facts['prompts']:,} prompts ({options.prompts}), {facts['tokens']:,} tokens")
    print("| implementation | seconds | peak MB | speed-up over the reference |")
    print("| --- | --- | --- | --- |")
    for name, cost in costs.items():
        ratio = costs["reference"].seconds / cost.seconds
        print(f"| {name} | {cost.seconds:.2f} | {cost.megabytes:.0f} | {ratio:.1f}x |")
    for name, count in differ.items():
        print(f"{name}: ids differ from the reference's on {count:,} prompts")


if __name__ == "__main__":
    main()
