"""A teacher's outputs for a corpus: ours, and a loop that pads every prompt to 32.

    python -m benchmarks.distill_targets [--device cpu|cuda] [--seconds 40] [--teacher minilm|sam3]

The teacher has MiniLM's or SAM3's shape and random weights: what they are does not change the
time. The prompts are generated in the style of RefCOCO and of RF100-VL, and are token ids before
the clock starts. The loop takes 64 prompts at a time in the order they come, padded to 32 with a
mask, and keeps the valid tokens' outputs in one array. Both compute in the same precision, in
turns; ours also rounds to float16 and writes its files. The largest difference of an output
between both, relative to its norm, stands beside.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from anatomy.corpus import standins
from anatomy.encoders import Encoder
from anatomy.encoders.model import TorchTextModel, WeightFile, placed
from anatomy.tokens.clip import ClipTokenizer
from anatomy.tokens.ragged import truncate
from anatomy.tokens.table import TokenTable
from benchmarks import device
from distill.targets import make_targets
from distill.teacher import Teacher

CONTEXT = 32
BATCH = 64
TURNS = 3
LEAST, MOST = 512, 65_536  # prompts


def teacher(shape: str, where: str, dtype: str) -> Teacher:
    """A text encoder with random weights and SAM3's tokenizer."""
    import transformers

    torch.manual_seed(0)
    sizes: dict[str, Any] = {"vocab_size": 49_408, "max_position_embeddings": CONTEXT}
    if shape == "minilm":
        module: Any = transformers.BertModel(
            transformers.BertConfig(
                hidden_size=384,
                num_hidden_layers=6,
                num_attention_heads=12,
                intermediate_size=1536,
                **sizes,
            ),
            add_pooling_layer=False,
        )
    else:
        module = transformers.CLIPTextModel(
            transformers.CLIPTextConfig(
                hidden_size=1024,
                num_hidden_layers=24,
                num_attention_heads=16,
                intermediate_size=4096,
                **sizes,
            )
        )
    # SAM3's detector takes its encoder's outputs through a projection to 256.
    project: Any = torch.nn.Linear(1024, 256) if shape == "sam3" else torch.nn.Identity()
    for part in (module, project):
        placed(part, where, dtype)

    def forward(ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        valid = None if mask is None else mask.long()
        hidden: torch.Tensor = project(
            module(input_ids=ids, attention_mask=valid).last_hidden_state
        )
        return hidden

    model = TorchTextModel(
        module=module,
        forward=forward,
        token_embedding=np.zeros((sizes["vocab_size"], 1), dtype=np.float32),
        position_embedding=None,
        no_positions="",
        context=CONTEXT,
        pooling="mean",
        files=[WeightFile("random", 0, shape)],
        device=where,
        dtype=dtype,
    )
    return Teacher(Encoder(shape, ClipTokenizer(), ""), model)


def prompts(count: int) -> TokenTable:
    """Token ids: nine prompts in ten as RefCOCO's, the others as RF100-VL's."""
    texts = pa.concat_arrays(
        [
            standins.generate("refcoco", count - count // 10),
            standins.generate("rf100vl", count // 10),
        ]
    )
    return ClipTokenizer().encode(texts)


def padded_loop(chosen: Teacher, table: TokenTable) -> np.ndarray:
    """Outputs of all valid tokens, float32 [T, D], as a plain loop computes them."""
    cut = truncate(table, CONTEXT, chosen.encoder.tokenizer.special_ids)
    found = []
    for at in range(0, len(cut), BATCH):
        lengths = cut.lengths[at : at + BATCH]
        mask = np.arange(CONTEXT) < lengths[:, None]
        ids = np.zeros(mask.shape, dtype=np.int64)
        ids[mask] = cut.ids[cut.offsets[at] : cut.offsets[min(at + BATCH, len(cut))]]
        found.append(chosen.model.encode(ids, mask).tokens[mask])
    return np.concatenate(found)


def ours(chosen: Teacher, table: TokenTable) -> np.ndarray:
    """The same by `make_targets`, which also writes its files."""
    with tempfile.TemporaryDirectory() as folder:
        targets = make_targets(chosen, table, Path(folder), pooling="mean")
        return np.asarray(targets.tokens[targets.place[targets.place >= 0]])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default=device.found())
    parser.add_argument("--seconds", type=float, default=40, help="That all may take, about.")
    parser.add_argument("--teacher", choices=("minilm", "sam3"), help="[default: by device]")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), help="[default: by device]")
    parser.add_argument("--prompts", type=int, help="[default: as many as the time allows]")
    options = parser.parse_args()
    where = options.device
    if where == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: there is no GPU here")
    shape = options.teacher or ("sam3" if where == "cuda" else "minilm")
    dtype = options.dtype or ("bfloat16" if where == "cuda" else "float32")
    chosen = teacher(shape, where, dtype)
    few = prompts(4 * BATCH)
    padded_loop(chosen, few)
    begin = time.perf_counter()
    padded_loop(chosen, few)
    rate = len(few) / (time.perf_counter() - begin)
    count = options.prompts or int(min(MOST, max(LEAST, rate * options.seconds / TURNS / 1.5)))
    table = prompts(count)
    work = {"padded loop": padded_loop, "ours": ours}
    ours(chosen, table)  # the first time a GPU's kernels for each length are chosen
    seconds: dict[str, list[float]] = {name: [] for name in work}
    outputs, peaks = {}, {}
    for _ in range(TURNS):
        for name, function in work.items():
            if where == "cuda":
                torch.cuda.reset_peak_memory_stats()
            device.wait(where)
            begin = time.perf_counter()
            outputs[name] = function(chosen, table)
            seconds[name].append(time.perf_counter() - begin)
            if where == "cuda":
                peaks[name] = f"{torch.cuda.max_memory_allocated() / 1e6:,.0f}"
    mine, theirs = (outputs[name].astype(np.float32) for name in ("ours", "padded loop"))
    error = np.linalg.norm(mine - theirs, axis=1) / np.linalg.norm(theirs, axis=1)
    print(
        f"{device.name(where)}, torch {torch.__version__}; {shape}'s shape, {dtype}; "
        f"{len(table):,} prompts, {table.lengths.mean():.2f} tokens each; medians of {TURNS} turns"
    )
    print("| implementation | seconds | prompts/s | GPU peak MB | speed-up | largest difference |")
    print("| --- | --- | --- | --- | --- | --- |")
    slow = statistics.median(seconds["padded loop"])
    for name, taken in seconds.items():
        took = statistics.median(taken)
        differs = f"{error.max():.0e}" if name == "ours" else ""
        print(
            f"| {name} | {took:.2f} | {len(table) / took:,.0f} | {peaks.get(name, '')} | "
            f"{slow / took:.1f}x | {differs} |"
        )


if __name__ == "__main__":
    main()
