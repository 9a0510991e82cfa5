"""Training a MobileCLIP-S0 student at L = 16: ours, and a plain loop that pads to 32.

    python -m benchmarks.distill_train [--steps 5] [--repeats 3]

Ours is `distill.steps.Stepper`, as `distill run` trains. The plain loop does what the paper
describes, in the usual way: every prompt padded to 32, the permuted prompts in a second pass,
torch's default AdamW. Both take steps of 64 x 2 prompts of the same corpus (generated in the style
of RefCOCO and RF100-VL) with the whole vocabulary, in float32 and with bfloat16 AMP, each in a
fresh process. Targets are random numbers: what they are does not change the time. A second table
has a student without RepMixer blocks, which need not be run on padding (MobileCLIP-S1).

The share is of the device's own rate for large square matrices in the same precision. "Paper" is
the paper's schedule, 246,594 prompts x 100 epochs, projected from these steps.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from anatomy.corpus import standins
from anatomy.tokens.clip import ClipTokenizer
from anatomy.tokens.table import TokenTable
from benchmarks import device
from benchmarks.process import cost_of, python
from distill.architectures import student_recipe
from distill.examples import Examples, examples
from distill.losses import distillation_loss, mean_pooled
from distill.prompts import permuted
from distill.recipe import LossRecipe, ScheduleRecipe
from distill.steps import Stepper, accelerator_for
from distill.students import build
from distill.targets import Targets
from distill.vocabulary import Aligned

WIDTH = 256
CONTEXT, PADDED = 16, 32
BATCH, ACCUMULATION = 64, 2
PROMPTS = 16_384
PAPER = 246_594 * 100
IMPLEMENTATIONS = ("ours", "plain loop")
PRECISIONS = ("float32", "bfloat16")


def data(context: int) -> tuple[Examples, Targets]:
    """Examples of generated prompts, and random targets."""
    texts = pa.concat_arrays(
        [
            standins.generate("refcoco", PROMPTS - PROMPTS // 10),
            standins.generate("rf100vl", PROMPTS // 10),
        ]
    )
    tokenizer = ClipTokenizer()
    table = tokenizer.encode(texts)
    other = tokenizer.encode(permuted(texts, 0))
    places = np.arange(len(table.ids))
    tokens = np.random.default_rng(0).standard_normal((len(places), WIDTH)).astype(np.float16)
    pooled = np.zeros((len(table), WIDTH), dtype=np.float32)
    targets = Targets(tokens, table.offsets, pooled, np.arange(len(table)), places, 0, 0.0, 0.0)
    aligned = Aligned(table, places, np.ones(len(table), dtype=bool))
    return (
        examples(aligned, other, targets, context=context, special_ids=tokenizer.special_ids),
        targets,
    )


def prepared(name: str, student_name: str, precision: str) -> Callable[[int], int]:
    """A function that takes the step of a number and says how many prompts were in it."""
    where = device.found()
    context = CONTEXT if name == "ours" else PADDED
    recipe: Any = SimpleNamespace(
        seed=0,
        student=student_recipe(student_name, context=context, init="random"),
        loss=LossRecipe.model_validate({}),
        schedule=ScheduleRecipe.model_validate(
            {"batch": BATCH, "accumulation": ACCUMULATION, "precision": precision}
        ),
    )
    student = build(recipe.student, ClipTokenizer().vocabulary_size, WIDTH, 0, 0, None)
    found, targets = data(context)
    if name == "ours":
        stepper = Stepper(recipe, student, found, targets, accelerator_for(where))
        stepper.prepare()

        def step(number: int) -> int:
            stepper.step(number, 1e-3)
            return stepper.order.seen(number + 1) - stepper.order.seen(number)

        return step
    return plain_loop(student.to(where).train(), found, targets, precision, where)


def plain_loop(
    student: Any, found: Examples, targets: Targets, precision: str, where: str
) -> Callable[[int], int]:
    """Steps as a plain loop takes them."""
    optimizer = torch.optim.AdamW(student.parameters(), lr=1e-3, weight_decay=0.05)
    order = np.random.default_rng(0).permutation(len(found))
    weights = LossRecipe.model_validate({})

    def forward(table: TokenTable, chosen: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        mask = np.arange(PADDED) < table.lengths[chosen][:, None]
        ids = np.zeros(mask.shape, dtype=np.int64)
        rows = [table.ids[table.offsets[row] : table.offsets[row + 1]] for row in chosen]
        ids[mask] = np.concatenate(rows)
        there = torch.from_numpy(mask).to(where)
        with torch.autocast(where, torch.bfloat16, enabled=precision == "bfloat16"):
            return student(torch.from_numpy(ids).to(where), there).float(), there

    def step(number: int) -> int:
        for at in range(ACCUMULATION):
            start = (number * ACCUMULATION + at) * BATCH
            chosen = order[start : start + BATCH]
            outputs, mask = forward(found.table, chosen)
            others, other_mask = forward(found.permuted, chosen)
            rows = [
                found.target[found.table.offsets[row] : found.table.offsets[row + 1]]
                for row in chosen
            ]
            teacher = torch.from_numpy(targets.tokens[np.concatenate(rows)]).to(where).float()
            terms = distillation_loss(
                weights,
                outputs[mask],
                teacher,
                mean_pooled(outputs, mask),
                mean_pooled(others, other_mask),
                tokens=len(teacher) * ACCUMULATION,
                prompts=BATCH * ACCUMULATION,
            )
            torch.autograd.backward(terms.total)
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return BATCH * ACCUMULATION

    return step


def _one(options: argparse.Namespace) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    where = device.found()
    name, student_name, precision = options.one.split(",")
    step = prepared(name, student_name, precision)
    counter = FlopCounterMode(display=False)
    with counter:
        prompts = step(0)
    step(1)
    device.wait(where)
    times = []
    for number in range(2, 2 + options.steps):
        begin = time.perf_counter()
        prompts = step(number)
        device.wait(where)
        times.append(time.perf_counter() - begin)
    seconds = statistics.median(times)
    rate = device.matrix_rate(where, getattr(torch, precision), 2048)
    flops = counter.get_total_flops()
    print(json.dumps({"seconds": seconds, "prompts": prompts, "flops": flops, "rate": rate}))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5, help="That are timed; their median counts.")
    parser.add_argument(
        "--students", nargs="+", default=["mobileclip-s0", "mobileclip-s1"], help="Their names."
    )
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _one(options)
        return
    found, _ = data(CONTEXT)
    print(
        f"{device.name(device.found())}; {found.table.lengths.mean():.2f} tokens a prompt, "
        f"{found.moved.mean():.0%} of the prompts have a permuted version"
    )
    for student in options.students:
        print(f"\n{student}")
        print("| implementation | s/step | prompts/s | speed-up | GFLOP/s | share | paper |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        slowest = 0.0
        for precision in PRECISIONS:
            for name in reversed(IMPLEMENTATIONS):
                one = f"{name},{student},{precision}"
                cost = cost_of(
                    python("benchmarks.distill_train", "--one", one, "--steps", str(options.steps)),
                    options.repeats,
                )
                last = json.loads(cost.output.strip().splitlines()[-1])
                rate = last["prompts"] / cost.seconds
                slowest = slowest or rate
                done = last["flops"] / cost.seconds
                print(
                    f"| {name}, {precision} | {cost.seconds:.3f} | {rate:,.0f} | "
                    f"{rate / slowest:.1f}x | {done / 1e9:,.0f} | {done / last['rate']:.0%} | "
                    f"{PAPER / rate / 3600:,.1f} h |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
