"""From minutes to numbers: how many prompts are taught, and how many steps are trained.

A run with `--minutes` must end in that time on a machine of any speed, and yet be the same run
when it is continued. So a few batches are timed first, and what follows from them is written into
the recipe before it is used: a limit on the training prompts before the teacher runs, the number
of optimiser steps before the first of them. A run that continues takes what stands there.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np

from anatomy.encoders.batches import of_one_length, token_budget
from anatomy.errors import InputError
from anatomy.tokens.ragged import rows, truncate
from anatomy.tokens.table import TokenTable
from distill.evaluation.orders import MOST_SHUFFLED, SHUFFLES

if TYPE_CHECKING:
    from distill.steps import Stepper
    from distill.teacher import Teacher

TARGETS_SHARE = 0.4  # of the time may go to the teacher
EVALUATION_SHARE = 0.08  # is kept for the measures at the end
MARGIN = 0.05  # for what is not timed: checkpoints, held-out checks, saving
PROBE_SHARE = 0.02  # of the time may go into each timing
LEAST_STEPS = 20
_PROBES = 6  # batches of the teacher's
_BOTH = 1.5  # times the teacher's time, with the student's


def teacher_seconds(teacher: Teacher, table: TokenTable, patience: float) -> float:
    """Seconds that the teacher will take for a table, by some of its batches.

    Parameters
    ----------
    teacher : Teacher
    table : TokenTable of N prompts
    patience : float
        Seconds after which no further batch is timed.
    """
    model = teacher.model
    cut = truncate(table, model.context, teacher.encoder.tokenizer.special_ids)
    cut = rows(cut, np.argsort(cut.lengths, kind="stable"))
    cuts = list(of_one_length(cut.lengths, token_budget(model.device)))
    # Every length has its part: batches are chosen evenly along the tokens.
    ends = np.cumsum([cut.offsets[end] - cut.offsets[start] for start, end in cuts])
    wanted = np.searchsorted(ends, (np.arange(_PROBES) + 0.5) / _PROBES * ends[-1])
    begun = time.perf_counter()
    tokens, seconds = 0, 0.0
    for number in np.unique(wanted).tolist():
        start, end = cuts[number]
        low, high = cut.offsets[start], cut.offsets[end]
        ids = cut.ids[low:high].reshape(end - start, -1).astype(np.int64)
        if not tokens:
            _ = model.encode(ids[:1]).tokens  # the first call prepares kernels
        clock = time.perf_counter()
        _ = model.encode(ids).tokens
        seconds += time.perf_counter() - clock
        tokens += int(high - low)
        if time.perf_counter() - begun > patience:
            break
    return seconds / tokens * int(ends[-1])


def prompts_within(seconds: float, everything: float, prompts: int, always: int) -> int | None:
    """How many training prompts the teacher may be asked; None: all.

    Parameters
    ----------
    seconds : float
        That the whole run has.
    everything : float
        That the teacher takes for all.
    prompts, always : int
        Training prompts, and those beside them that are always needed (held out).

    Raises
    ------
    InputError
        If the time does not suffice for these.
    """
    allowed = TARGETS_SHARE * seconds
    if everything <= allowed:
        return None
    left = int(allowed / everything * (prompts + always)) - always
    if left < min(prompts, max(1, always)):
        need = everything * 2 * always / (prompts + always) / TARGETS_SHARE / 60
        raise InputError(
            f"--minutes: too few; the teacher alone would take {everything / 60:,.1f} minutes for "
            f"all prompts here; give at least {_up(need)} minutes, fewer prompts to hold out "
            "(--set prompts.held_out_most=...), or a GPU"
        )
    return left


def _up(minutes: float) -> str:
    """Minutes with one digit after the point, rounded up: what is told has to suffice."""
    return f"{math.ceil(10 * minutes) / 10:,.1f}"


def step_seconds(stepper: Stepper, patience: float) -> float:
    """Seconds of an optimiser step.

    Parameters
    ----------
    stepper : Stepper
        Of a copy of the student: its steps change nothing that is used.
    patience : float
        Seconds that may be spent, though three steps are always timed.
    """
    stepper.step(0, 0.0)
    begun = time.perf_counter()
    number = 0
    while number < 3 or (number < 50 and time.perf_counter() - begun < patience):
        number += 1
        stepper.step(number, 0.0)
    return (time.perf_counter() - begun) / number


def evaluation_seconds(seconds: float, everything: float, prompts: int, held_out: int) -> float:
    """Seconds that asking both encoders for shuffled prompts takes, at the run's end.

    Parameters
    ----------
    seconds : float
        That the whole run has.
    everything : float
        That the teacher was found to take for all prompts; if that was too much, for as many as it
        may be asked.
    prompts, held_out : int
        That it was asked, and those among them that can be shuffled.
    """
    per_prompt = min(everything, TARGETS_SHARE * seconds) / prompts
    return _BOTH * per_prompt * SHUFFLES * min(held_out, MOST_SHUFFLED)


def steps_within(
    seconds: float, spent: float, per_step: float, most: int, evaluation: float = 0.0
) -> int:
    """How many optimiser steps fit.

    Parameters
    ----------
    seconds : float
        That the whole run has.
    spent : float
        That are over.
    per_step : float
    most : int
        Steps of all the epochs that were asked for.
    evaluation : float
        Seconds that the evaluation is known to take; its share of the time is kept at least.

    Raises
    ------
    InputError
        If hardly any fits.
    """
    kept = max(EVALUATION_SHARE * seconds, evaluation)
    left = seconds * (1 - MARGIN) - kept - spent
    steps = min(most, int(left / per_step))
    if steps < min(most, LEAST_STEPS):
        used = spent + LEAST_STEPS * per_step
        need = max(used / (1 - EVALUATION_SHARE - MARGIN), (used + evaluation) / (1 - MARGIN)) / 60
        raise InputError(
            f"--minutes: too few; {spent:,.0f} s are over and a step takes {per_step:,.2f} s: give "
            f"at least {_up(need)} minutes, a smaller student, or --epochs instead"
        )
    return steps
