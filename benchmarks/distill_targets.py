"""A teacher's outputs for a corpus: ours, and a loop that pads every prompt to 32.

    python -m benchmarks.distill_targets [--teacher minilm|sam3] [--prompts 2048] [--repeats 3]

The teacher has MiniLM's or SAM3's shape and random weights: what they are does not change the
time. The prompts are generated in the style of RefCOCO and of RF100-VL, and are token ids before
the clock starts. The loop takes 64 prompts at a time in the order they come, padded to 32 with a
mask, and keeps the valid tokens' outputs in one array. Both compute in the same precision and run
in a fresh process; ours also writes its files. The largest difference of an output between both,
relative to its norm, stands beside.
"""

from __future__ import annotations

import argparse
import json
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
from benchmarks.process import cost_of, python
from distill.targets import make_targets
from distill.teacher import Teacher

CONTEXT = 32
BATCH = 64
IMPLEMENTATIONS = ("ours", "padded loop")


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
    placed(module, where, dtype)

    def forward(ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        hidden: torch.Tensor = module(
            input_ids=ids, attention_mask=None if mask is None else mask.long()
        ).last_hidden_state
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


def _one(name: str, options: argparse.Namespace) -> None:
    where = device.found()
    chosen = teacher(options.teacher, where, options.dtype)
    table = prompts(options.prompts)
    few = table.select(np.arange(len(table)) < 8)
    padded_loop(chosen, few)
    with tempfile.TemporaryDirectory() as folder:
        device.wait(where)
        begin = time.perf_counter()
        if name == "ours":
            targets = make_targets(chosen, table, Path(folder), pooling="mean")
            seconds = time.perf_counter() - begin
            outputs = targets.tokens[targets.place[targets.place >= 0]].astype(np.float32)
        else:
            outputs = padded_loop(chosen, table)
            seconds = time.perf_counter() - begin
    np.save(options.folder / name, outputs)
    print(json.dumps({"seconds": seconds}))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--teacher", choices=("minilm", "sam3"), default="minilm")
    parser.add_argument("--prompts", type=int, default=2048)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--one", choices=IMPLEMENTATIONS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _one(options.one, options)
        return
    table = prompts(options.prompts)
    with tempfile.TemporaryDirectory() as folder:
        shape = ("--teacher", options.teacher, "--prompts", str(options.prompts))
        same = (*shape, "--dtype", options.dtype, "--folder", folder)
        costs = {
            name: cost_of(
                python("benchmarks.distill_targets", "--one", name, *same), options.repeats
            )
            for name in IMPLEMENTATIONS
        }
        ours, theirs = (np.load(Path(folder) / f"{name}.npy") for name in IMPLEMENTATIONS)
    error = np.linalg.norm(ours - theirs, axis=1) / np.linalg.norm(theirs, axis=1)
    print(
        f"{options.teacher}'s shape, {options.dtype}, {device.name(device.found())}; "
        f"{len(table):,} prompts, {table.lengths.mean():.2f} tokens each"
    )
    print("| implementation | seconds | prompts/s | peak MB | speed-up | largest difference |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, cost in costs.items():
        ratio = costs["padded loop"].seconds / cost.seconds
        differs = f"{error.max():.0e}" if name == "ours" else ""
        print(
            f"| {name} | {cost.seconds:.2f} | {len(table) / cost.seconds:,.0f} | "
            f"{cost.megabytes:.0f} | {ratio:.1f}x | {differs} |"
        )


if __name__ == "__main__":
    main()
