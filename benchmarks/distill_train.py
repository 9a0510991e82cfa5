"""Training a MobileCLIP-S0 student at L = 16: ours, and a plain loop that pads to 32.

    python -m benchmarks.distill_train [--device cpu|cuda] [--seconds 40] [--students NAME ...]

Ours is `distill.steps.Stepper`, as `distill run` trains. The plain loop does what the paper
describes, in the usual way: every prompt padded to 32, the permuted prompts in a second pass,
torch's default AdamW. Both take steps of 64 x 2 prompts of the same corpus (generated in the style
of RefCOCO and RF100-VL) with the whole vocabulary. Targets are random numbers: what they are does
not change the time. On a GPU ours is also tried with torch.compile, with larger batches, and with
its kernels started one by one; --profile then lists what the time goes to.

All are trained in one process, in turns, so that the load of the machine hits all alike; the
median of the turns counts. One that fails says why, and the others go on.

"share" is of the device's own rate for large square matrices in the same precision, of the
floating-point operations of the passes as they were run (with padding; three times those of a
forward pass). "schedule" is the paper's, 246,594 prompts x 100 epochs, projected from these steps.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from anatomy.corpus import standins
from anatomy.tokens.clip import ClipTokenizer
from anatomy.tokens.table import TokenTable
from benchmarks import device
from distill.architectures import student_recipe
from distill.examples import Examples, examples
from distill.losses import distillation_loss, mean_pooled
from distill.prompts import permuted
from distill.recipe import LossRecipe
from distill.recipe import ScheduleRecipe as Schedule
from distill.steps import Stepper, accelerator_for
from distill.students import build
from distill.targets import Targets
from distill.vocabulary import Aligned

WIDTH = 256
CONTEXT, PADDED = 16, 32
BATCH, ACCUMULATION = 64, 2
PROMPTS = {"cpu": 16_384, "cuda": 65_536}
PAPER = 246_594 * 100
TURNS = 3
PREPARING = 2.0  # of --seconds: later cells are not prepared after that


@dataclass
class Cell:
    """A way to train, and what it came to."""

    name: str
    precision: str = "bfloat16"
    batch: int = BATCH
    accumulation: int = ACCUMULATION
    compile: bool = False
    ours: bool = True
    graphs: bool = True
    step: Callable[[int], int] | None = None
    flops: float = 0.0  # of a step
    prompts: int = 0  # of a step
    prepared: float = 0.0  # seconds
    number: int = 1
    times: list[float] = field(default_factory=list)
    failed: str = ""


CELLS: dict[str, list[Cell]] = {
    "cpu": [
        Cell("plain loop", "float32", ours=False),
        Cell("ours", "float32"),
        Cell("plain loop", ours=False),
        Cell("ours"),
    ],
    "cuda": [
        Cell("plain loop", ours=False),
        Cell("ours"),
        Cell("ours, compiled", compile=True),
        Cell("ours, 1,024 a step, compiled", batch=1024, accumulation=1, compile=True),
        Cell("ours, kernels one by one", graphs=False),
        Cell("ours, 1,024 a step", batch=1024, accumulation=1),
        Cell("ours, 4,096 a step, compiled", batch=4096, accumulation=1, compile=True),
    ],
}


def data(context: int, prompts: int) -> tuple[Examples, Targets]:
    """Examples of generated prompts, and random targets."""
    texts = pa.concat_arrays(
        [
            standins.generate("refcoco", prompts - prompts // 10),
            standins.generate("rf100vl", prompts // 10),
        ]
    )
    tokenizer = ClipTokenizer()
    table = tokenizer.encode(texts)
    other = tokenizer.encode(permuted(texts, 0))
    places = np.arange(len(table.ids))
    random = np.random.default_rng(0)
    tokens = random.standard_normal((len(places), WIDTH), dtype=np.float32).astype(np.float16)
    pooled = np.zeros((len(table), WIDTH), dtype=np.float32)
    targets = Targets(tokens, table.offsets, pooled, np.arange(len(table)), places, 0, 0.0, 0.0)
    aligned = Aligned(table, places, np.ones(len(table), dtype=bool))
    return (
        examples(aligned, other, targets, context=context, special_ids=tokenizer.special_ids),
        targets,
    )


def prepare(
    cell: Cell, student_name: str, found: Examples, targets: Targets, where: str
) -> Stepper | None:
    """Set the function that takes the step of a number and says how many prompts were in it."""
    context = CONTEXT if cell.ours else PADDED
    schedule: dict[str, Any] = {
        "batch": cell.batch,
        "accumulation": cell.accumulation,
        "precision": cell.precision,
        "compile": cell.compile,
    }
    recipe: Any = SimpleNamespace(
        seed=0,
        student=student_recipe(student_name, context=context, init="random"),
        loss=LossRecipe.model_validate({}),
        schedule=Schedule.model_validate(schedule),
    )
    student = build(recipe.student, ClipTokenizer().vocabulary_size, WIDTH, 0, 0, None)
    if not cell.ours:
        shapes = [(2 * cell.batch, PADDED)] * cell.accumulation
        cell.flops = sum(training_flops(student, *shape) for shape in shapes)
        cell.step = plain_loop(student.to(where).train(), found, targets, cell, where)
        return None
    resident = None if cell.graphs else False
    stepper = Stepper(recipe, student, found, targets, accelerator_for(where), resident=resident)
    stepper.prepare()
    cell.flops = our_flops(stepper, student)

    def step(number: int) -> int:
        stepper.step(number, 1e-3)
        return stepper.order.seen(number + 1) - stepper.order.seen(number)

    cell.step = step
    return stepper


def our_flops(stepper: Stepper, student: Any, steps: int = 20) -> float:
    """Of a step of ours, on average: rows and widths as they are assembled."""
    total = 0.0
    lengths = stepper._examples.table.lengths
    for number in range(steps):
        for part in stepper.order.step(number):
            if stepper._passes:
                shape = 2 * len(part), stepper._passes._width(part)
            else:
                moved = int(stepper._examples.moved[part].sum())
                width = CONTEXT if student.padded else int(lengths[part].max())
                shape = len(part) + moved, width
            total += training_flops(student, *shape)
    return total / steps


def training_flops(student: Any, rows: int, width: int) -> float:
    """Floating-point operations of a forward and a backward pass."""
    from torch.utils.flop_counter import FlopCounterMode

    key = student.recipe.name, width
    if key not in _FLOPS:
        with torch.device("meta"):
            empty = type(student)(student.recipe, 8, 0, student.shape).eval()
        ids = torch.zeros((1, student.recipe.context if student.padded else width), device="meta")
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            empty(ids.long(), torch.ones_like(ids, dtype=torch.bool))
        _FLOPS[key] = 3 * counter.get_total_flops()
    return _FLOPS[key] * rows


_FLOPS: dict[tuple[str, int], float] = {}


def plain_loop(
    student: Any, found: Examples, targets: Targets, cell: Cell, where: str
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
        with torch.autocast(where, torch.bfloat16, enabled=cell.precision == "bfloat16"):
            return student(torch.from_numpy(ids).to(where), there).float(), there

    def step(number: int) -> int:
        for at in range(cell.accumulation):
            start = (number * cell.accumulation + at) * cell.batch % (len(order) - cell.batch)
            chosen = order[start : start + cell.batch]
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
                tokens=len(teacher) * cell.accumulation,
                prompts=cell.batch * cell.accumulation,
            )
            torch.autograd.backward(terms.total)
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return cell.batch * cell.accumulation

    return step


def measure(cells: Sequence[Cell], seconds: float, where: str) -> None:
    """Let all train in turns."""
    for _ in range(TURNS):
        for cell in cells:
            if cell.step is None or cell.failed:
                continue
            try:
                device.wait(where)
                steps, prompts, begin = 0, 0, time.perf_counter()
                while not steps or time.perf_counter() - begin < seconds / TURNS / len(cells):
                    for _ in range(1 if where == "cpu" else 10):
                        prompts += cell.step(cell.number)
                        cell.number += 1
                        steps += 1
                    device.wait(where)
                cell.times.append((time.perf_counter() - begin) / steps)
                cell.prompts = prompts // steps
            except Exception as error:
                cell.failed = _short(error)


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"


def _profiled(cell: Cell, where: str) -> None:
    from torch.profiler import ProfilerActivity, profile

    assert cell.step is not None
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as found:
        for _ in range(5):
            cell.step(cell.number)
            cell.number += 1
        device.wait(where)
    kernels = sorted(
        (event for event in found.key_averages() if event.self_device_time_total > 0),
        key=lambda event: -event.self_device_time_total,
    )
    total = sum(event.self_device_time_total for event in kernels)
    count = sum(event.count for event in kernels)
    print(f"\n{cell.name}: {total / 5e3:.2f} ms and {count // 5:,} kernels a step on the device")
    for event in kernels[:25]:
        share = event.self_device_time_total / total
        print(
            f"{share:6.1%} {event.self_device_time_total / 5e3:7.3f} ms {event.count / 5:6.0f} x  "
            f"{event.key[:110]}"
        )


def table(cells: Sequence[Cell], where: str) -> None:
    """Print what was measured."""
    rates = {
        precision: device.matrix_rate(
            where, getattr(torch, precision), 8192 if where == "cuda" else 2048
        )
        for precision in sorted({cell.precision for cell in cells})
    }
    for precision, rate in rates.items():
        print(f"matrix products in {precision}: {rate / 1e12:,.2f} TFLOP/s")
    print("| implementation | ms/step | prompts/s | speed-up | TFLOP/s | share | schedule |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    first: float | None = None
    for cell in cells:
        label = f"{cell.name}, {cell.precision}"
        if cell.failed or not cell.times:
            print(f"| {label} | not measured: {cell.failed} | | | | | |")
            continue
        seconds = statistics.median(cell.times)
        rate = cell.prompts / seconds
        first = first or rate
        done = cell.flops / seconds
        minutes = PAPER / rate / 60
        whole = f"{minutes / 60:,.1f} h" if minutes > 100 else f"{minutes:,.1f} min"
        print(
            f"| {label} | {1e3 * seconds:,.2f} | {rate:,.0f} | {rate / first:.1f}x | "
            f"{done / 1e12:,.2f} | {done / rates[cell.precision]:.0%} | {whole} |"
        )
    spread = [max(cell.times) / min(cell.times) for cell in cells if cell.times]
    if spread:
        print(f"slowest turn / fastest turn: up to {max(spread):.2f}")
    slow = [f"{cell.name} {cell.prepared:.0f} s" for cell in cells if cell.prepared > 5]
    if slow:
        print(f"until the first step was done (compiled, recorded): {', '.join(slow)}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default=device.found())
    parser.add_argument("--seconds", type=float, default=40, help="Of all that is timed.")
    parser.add_argument("--students", nargs="+", default=["mobileclip-s0"], help="Their names.")
    parser.add_argument("--only", nargs="+", type=int, help="Numbers of the cells, from 0 on.")
    parser.add_argument("--profile", action="store_true", help="Where a GPU's time goes.")
    options = parser.parse_args()
    where = options.device
    if where == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: there is no GPU here")
    found, targets = data(CONTEXT, PROMPTS[where])
    print(
        f"{device.name(where)}, torch {torch.__version__}; "
        f"{found.table.lengths.mean():.2f} tokens a prompt, "
        f"{found.moved.mean():.0%} of the prompts have a permuted version"
    )
    for student in options.students:
        chosen = [Cell(**vars(cell) | {"times": []}) for cell in CELLS[where]]
        chosen = [cell for at, cell in enumerate(chosen) if not options.only or at in options.only]
        begin = time.perf_counter()
        for cell in chosen:
            clock = time.perf_counter()
            if clock - begin > PREPARING * options.seconds:
                cell.failed = "no time left to prepare it; give more --seconds"
                continue
            try:
                prepare(cell, student, found, targets, where)
                assert cell.step is not None
                cell.step(0)
                device.wait(where)
            except Exception as error:
                cell.failed = _short(error)
            cell.prepared = time.perf_counter() - clock
        measure(chosen, options.seconds, where)
        print(f"\n{student}, L = {CONTEXT}")
        table(chosen, where)
        if options.profile and where == "cuda":
            for cell in chosen:
                if cell.ours and cell.times and not cell.failed:
                    _profiled(cell, where)


if __name__ == "__main__":
    main()
