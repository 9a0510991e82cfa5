"""Encoding prompts: MobileCLIP-S0 against a teacher of SAM3's size, each at its own context.

    python -m benchmarks.distill_inference [--device cpu|cuda] [--seconds 30]

Both have random weights. The teacher is run as its processor prepares a batch (every prompt padded
to 32, with a mask), and trimmed to the longest prompt of the batch; the student on 16 positions,
which its convolutions need. bfloat16 on a GPU; on a CPU float32, and bfloat16 where the machine
multiplies it. On a GPU each is also run as a CUDA graph, which leaves out the time that the host
takes to start its kernels: "eager" is what a program gets that just calls the model.

The paper's Table 8: 3.7 times, on a laptop's RTX 4070, batch and precision not said.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from anatomy.corpus import standins
from anatomy.tokens.clip import ClipTokenizer
from anatomy.tokens.ragged import truncate
from benchmarks import device
from distill.peers import SAM3, Peer, student_peer
from distill.steps import precision_for
from distill.timing import Timing, in_turns

BATCHES = (1, 64)
STUDENT = student_peer("mobileclip-s0", 16)
SAMPLES = 8  # batches that are taken in turns, of other prompts each


def batch_of(peer: Peer, rows: int, trimmed: bool, number: int, where: str) -> list[torch.Tensor]:
    """Ids and mask of real-looking prompts."""
    tokenizer = ClipTokenizer()
    texts = standins.generate("refcoco", rows * SAMPLES)[number * rows : (number + 1) * rows]
    table = truncate(tokenizer.encode(texts), peer.context, tokenizer.special_ids)
    width = int(table.lengths.max()) if trimmed else peer.context
    mask = np.arange(width) < table.lengths[:, None]
    ids = np.zeros(mask.shape, dtype=np.int64)
    ids[mask] = table.ids
    return [torch.from_numpy(array).to(where) for array in (ids, mask)]


def eager(peer: Peer, module: Any, batches: list[list[torch.Tensor]]) -> Callable[[], object]:
    """A call that encodes the next batch."""
    at = 0

    def call() -> object:
        nonlocal at
        at += 1
        with torch.inference_mode():
            return peer.forward(module, *batches[at % len(batches)])

    return call


def graphed(peer: Peer, module: Any, batch: list[torch.Tensor]) -> Callable[[], object]:
    """A call that encodes one batch, recorded."""
    cuda: Any = torch.cuda
    stream = cuda.Stream()
    stream.wait_stream(cuda.current_stream())
    with cuda.stream(stream), torch.inference_mode():
        for _ in range(3):
            peer.forward(module, *batch)
    cuda.current_stream().wait_stream(stream)
    graph = cuda.CUDAGraph()
    with cuda.graph(graph), torch.inference_mode():
        peer.forward(module, *batch)
    replay: Callable[[], object] = graph.replay
    return replay


def rows_of(where: str, dtype: str, seconds: float) -> None:
    """Measure and print one precision."""
    teacher, student = SAM3.build(where, dtype), STUDENT.build(where, dtype)
    print(f"\n{dtype}")
    print(
        "| batch | how | teacher, padded | teacher, trimmed | student | padded / student |", end=""
    )
    print(" trimmed / student |\n| --- | --- | --- | --- | --- | --- | --- |")
    for size in BATCHES:
        ways = {
            "teacher, padded": (SAM3, teacher, False),
            "teacher, trimmed": (SAM3, teacher, True),
            "student": (STUDENT, student, not STUDENT.padded),
        }
        for how in ("eager", "graph") if where == "cuda" else ("eager",):
            try:
                calls = {}
                for name, (peer, module, trimmed) in ways.items():
                    batches = [batch_of(peer, size, trimmed, at, where) for at in range(SAMPLES)]
                    calls[name] = (
                        eager(peer, module, batches)
                        if how == "eager"
                        else graphed(peer, module, batches[0])
                    )
                times = in_turns(calls, seconds=seconds, device=where, turns=3)
                print(_row(size, how, times), flush=True)
            except Exception as error:
                said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                print(f"| {size} | {how} | not measured: {said} |", flush=True)


def _row(size: int, how: str, times: dict[str, Timing]) -> str:
    def shown(name: str) -> str:
        seconds = times[name].seconds
        return f"{1e3 * seconds:,.2f} ms, {size / seconds:,.0f}/s"

    ratios = [
        f"{times[name].seconds / times['student'].seconds:.1f}x"
        for name in ("teacher, padded", "teacher, trimmed")
    ]
    return f"| {size} | {how} | {' | '.join([*map(shown, times), *ratios])} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default=device.found())
    parser.add_argument("--seconds", type=float, default=30, help="Of all that is timed.")
    options = parser.parse_args()
    where = options.device
    if where == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: there is no GPU here")
    half = precision_for(where, "auto")
    dtypes = [half] if where == "cuda" else sorted({"float32", half}, reverse=True)
    print(
        f"{device.name(where)}, torch {torch.__version__}; parameters: teacher "
        f"{SAM3.count():,}, student {STUDENT.count():,}; medians, random weights"
    )
    cells = len(BATCHES) * len(dtypes) * (2 if where == "cuda" else 1)
    for dtype in dtypes:
        rows_of(where, dtype, options.seconds / cells)


if __name__ == "__main__":
    main()
