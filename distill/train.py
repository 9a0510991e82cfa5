"""The training loop: logged, checked on held-out prompts, stopped and continued.

A run is a function of its recipe: the prompts of a step and its learning rate follow from its
number, and all else is in the checkpoint. So a run that was killed ends in the same weights, bit
for bit, on one device with as many threads.

RepMixer students have batch normalisation. It takes its statistics from each training pass, which
holds prompts and their permuted versions together (on one GPU those of a whole step, and of every
prompt, also where it is not moved: `distill.graphs`), and, of several processes, from the first
one's; evaluation and export use the running ones. In evaluation mode a joined pass and two
separate ones give the same outputs.
"""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anatomy.errors import InputError
from anatomy.files import write_whole
from distill import checkpoints
from distill.batches import Order
from distill.examples import Examples
from distill.steps import Stepper, learning_rate
from distill.targets import Targets

if TYPE_CHECKING:
    from accelerate import Accelerator

    from distill.recipe import Recipe, ScheduleRecipe

METRICS = "metrics.jsonl"
CHECKPOINTS = "checkpoints"
LOGS = 200  # lines of a run's metrics.jsonl, about
CHECKS = 20  # of them with the held-out prompts
CHECKPOINT_SHARE = 0.02  # of the time may go into checkpoints
WINDOW = 10  # reports whose mean loss is judged
DIVERGED = 2.0  # times the least such mean, while one constant vector would do as well

Check = Callable[[Any], Mapping[str, float]]


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Attributes
    ----------
    step, steps : int
        Optimiser steps done, and of the whole run.
    loss : float
        Mean over the steps since the last report.
    cosine : float or None
        On held-out prompts, when last measured.
    rate : float
        Prompts a second, over all processes.
    left : float
        Seconds.
    """

    step: int
    steps: int
    loss: float
    cosine: float | None
    rate: float
    left: float


@dataclass(frozen=True)
class Trained:
    """What a training came to.

    Attributes
    ----------
    steps : int
    prompts : int
        That were seen, counted each time.
    resumed : int
        Steps that an earlier process had done.
    seconds : float
        Of all processes one after the other.
    """

    steps: int
    prompts: int
    resumed: int
    seconds: float


def planned_steps(schedule: ScheduleRecipe, order: Order) -> tuple[int, int]:
    """Optimiser steps of a schedule, and how many of them are its warm-up."""
    steps = schedule.steps or order.steps(schedule.epochs)
    return steps, round(steps * min(1.0, schedule.warmup_epochs / schedule.epochs))


def train(
    recipe: Recipe,
    student: Any,
    examples: Examples,
    targets: Targets,
    folder: Path,
    *,
    key: str,
    accelerator: Accelerator,
    check: Check | None = None,
    watch: Callable[[Progress], None] | None = None,
) -> Trained:
    """Train a student on the teacher's outputs.

    Parameters
    ----------
    recipe : Recipe
    student : Student
        Changed in place.
    examples : Examples
        Of the training prompts.
    targets : Targets
    folder : Path
        Of the run: metrics.jsonl and checkpoints/ are there, and are continued if they are of the
        same `key`.
    key : str
        Hash of what the run depends on.
    accelerator : Accelerator
    check : callable(student) -> mapping of str to float, optional
        Measures on held-out prompts, asked a few times; "cosine" is shown.
    watch : callable(Progress), optional

    Raises
    ------
    InputError
        If the loss is no number, or grows until a constant would do as well; the message says what
        to do.
    """
    stepper = Stepper(recipe, student, examples, targets, accelerator)
    steps, warmup = planned_steps(recipe.schedule, stepper.order)
    place = folder / CHECKPOINTS
    found = checkpoints.latest(place, key)
    if found:
        found.restore(student, stepper.optimizer)
    done = found.step if found else 0
    spent = float(found.state["seconds"]) if found else 0.0
    main = accelerator.is_main_process
    kept = _lines(folder / METRICS, done)
    accelerator.wait_for_everyone()  # all have read before one begins to write
    if main:
        write_whole(folder / METRICS, b"".join(json.dumps(line).encode() + b"\n" for line in kept))
    log = _Log(folder / METRICS, stepper.order, steps, done, spent, stepper.constant_loss())
    log.losses += [line["loss"] for line in kept]
    stepper.prepare()
    every = max(1, steps // LOGS)
    checked = max(1, steps // CHECKS // every) * every
    saved, pause = time.perf_counter(), recipe.schedule.checkpoint_seconds
    cosine: float | None = None
    for number in range(done, steps):
        rate = learning_rate(number, steps, warmup, recipe.schedule.learning_rate)
        stepper.step(number, rate)
        behind = number + 1
        if behind % every and behind != steps:
            continue
        means = stepper.means()
        log.refuse(means, behind)
        if not main:
            continue
        measured: Mapping[str, float] = {}
        if check and (behind % checked == 0 or behind == steps):
            with log.resting():
                measured = check(student)
            cosine = measured.get("cosine")
        log.write(behind, rate, means, measured)
        if watch:
            watch(log.progress(behind, means["loss"], cosine))
        if time.perf_counter() - saved > pause or behind == steps:
            with log.resting():
                begun = time.perf_counter()
                state = {"seconds": log.seconds}
                checkpoints.save(place, key, behind, student, stepper.optimizer, state)
                saved = time.perf_counter()
                pause = max(pause, (saved - begun) / CHECKPOINT_SHARE) if pause else 0
    accelerator.wait_for_everyone()
    return Trained(steps, stepper.order.seen(steps), done, log.seconds)


def _lines(path: Path, done: int) -> list[dict[str, Any]]:
    """The reports of the steps that are behind the checkpoint; a torn line is none."""
    kept = []
    if path.is_file():
        for text in path.read_bytes().splitlines():
            try:
                line = json.loads(text)
                if line["step"] <= done and math.isfinite(line["loss"]):
                    kept.append(line)
            except (ValueError, KeyError, TypeError):
                continue
    return kept


class _Log:
    """metrics.jsonl, the rate, and the judgement whether a run still learns."""

    def __init__(
        self, path: Path, order: Order, steps: int, done: int, spent: float, constant: float
    ) -> None:
        self._path, self._order, self._steps, self._spent = path, order, steps, spent
        self._constant = constant
        self._clock = self._mark = time.perf_counter()
        self._rested = 0.0
        self._done = self._first = done
        self._rate = 0.0
        self.losses: list[float] = []

    @property
    def seconds(self) -> float:
        """Spent on this training, by earlier processes too."""
        return self._spent + time.perf_counter() - self._clock

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Time in which nothing is trained."""
        begun = time.perf_counter()
        yield
        self._rested += time.perf_counter() - begun

    def refuse(self, means: Mapping[str, float], number: int) -> None:
        """Stop a run whose loss is no number, or that has lost what it had learnt."""
        if not all(map(math.isfinite, means.values())):
            what = f"the loss or its gradient is no number near step {number:,}"
        else:
            self.losses.append(means["loss"])
            ends = range(WINDOW, len(self.losses) + 1)
            judged = [statistics.fmean(self.losses[at - WINDOW : at]) for at in ends]
            if not judged or judged[-1] <= max(DIVERGED * min(judged), self._constant):
                return
            what = (
                f"the loss is {judged[-1]:.3g} at step {number:,} and was {min(judged):.3g}; "
                f"one vector for all tokens would give {self._constant:.3g}"
            )
        raise InputError(
            f"training diverged: {what}; run again with a lower rate "
            "(--set schedule.learning_rate=...), a longer warm-up (schedule.warmup_epochs) or "
            "schedule.precision=float32"
        )

    def write(
        self,
        number: int,
        rate: float,
        means: Mapping[str, float],
        measured: Mapping[str, float],
    ) -> None:
        """Add a line."""
        now = time.perf_counter()
        seen = self._order.seen(number)
        took = max(1e-9, now - self._mark - self._rested)
        self._rate = (seen - self._order.seen(self._done)) / took
        self._mark, self._rested, self._done = now, 0.0, number
        line: dict[str, Any] = {
            "step": number,
            "prompts": seen,
            "epoch": round(number * self._order.accumulation / self._order.batches, 4),
            **means,
            "learning_rate": rate,
            "prompts_per_second": round(self._rate, 1),
            "seconds": round(self.seconds, 2),
        }
        if measured:
            line["held_out"] = dict(measured)
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")

    def progress(self, number: int, loss: float, cosine: float | None) -> Progress:
        """For whoever watches."""
        took = time.perf_counter() - self._clock
        left = took / max(1, number - self._first) * (self._steps - number)
        return Progress(number, self._steps, loss, cosine, self._rate, left)
