"""Minutes shared out: what the evaluation at the end is known to take is kept for it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.errors import InputError
from distill.calibrate import evaluation_seconds, prompts_within, steps_within
from distill.evaluation.orders import MOST_SHUFFLED


def test_a_slow_teachers_evaluation_takes_steps_from_the_training():
    quick = steps_within(600, spent=100, per_step=1, most=10_000)
    assert quick == int(600 * 0.87) - 100
    assert steps_within(600, 100, 1, 10_000, evaluation=40) == quick  # within its share
    assert steps_within(600, 100, 1, 10_000, evaluation=75) == int(600 * 0.95 - 75) - 100


def test_the_time_of_the_evaluation_is_that_of_its_shuffled_prompts():
    within = evaluation_seconds(600, everything=100, prompts=10_000, held_out=500)
    assert within == pytest.approx(1.5 * 0.01 * 2 * 500)
    # Of a teacher that would take too long, as many prompts were asked as fit into 240 s.
    slow = evaluation_seconds(600, everything=9000, prompts=10_000, held_out=4000)
    assert slow == pytest.approx(1.5 * 0.024 * 2 * MOST_SHUFFLED)


def test_the_minutes_that_are_asked_for_would_suffice():
    with pytest.raises(InputError, match=r"at least ([\d.]+) minutes") as error:
        steps_within(60, spent=50, per_step=1, most=10_000, evaluation=30)
    minutes = float(str(error.value).partition("at least ")[2].split()[0])
    assert steps_within(60 * (minutes + 0.05), 50, 1, 10_000, evaluation=30) >= 20


@given(st.floats(6, 3_600), st.floats(1, 10_000), st.integers(1, 100_000), st.integers(1, 10_000))
def test_as_many_minutes_as_it_is_said_to_need_are_enough(seconds, everything, prompts, always):
    try:
        prompts_within(seconds, everything, prompts, always)
    except InputError as error:
        told = re.search(r"at least ([0-9,.]+) minutes", str(error))
        minutes = float(told[1].replace(",", ""))
        assert minutes * 60 > seconds
        prompts_within(minutes * 60, everything, prompts, always)
