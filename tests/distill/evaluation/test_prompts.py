"""The worst prompts, and prompts by what became of their tokens."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from distill.evaluation.prompts import segmented, worst_prompts
from tests.distill.evaluation.arrays import held


def turned(cosines: list[float], **changes):
    """Prompts of these cosines."""
    values = np.array(cosines)
    student = np.stack([values, np.sqrt(1 - values**2)], axis=1)
    return held(student, np.repeat([[1.0, 0.0]], len(values), axis=0), **changes)


def test_the_worst_come_first_with_what_may_have_hurt_them():
    cosines = np.linspace(0.99, 0.5, 30).tolist()
    names = ("a", "b")
    member = np.ones((30, 2), dtype=bool)
    member[29, 0] = False
    split, cut = np.zeros(30, dtype=bool), np.zeros(30, dtype=bool)
    split[29] = cut[28] = True
    owner = np.array([*range(30), 29])  # the last has two tokens
    tokens = np.repeat([[1.0, 0.0]], 31, axis=0).astype(np.float32)
    told = tokens.copy()
    told[30] = [0, 1]
    world = turned(
        cosines,
        names=names,
        trains=(True, True),
        member=member,
        split=split,
        cut=cut,
        owner=owner,
        teacher_tokens=tokens,
        student_tokens=told,
    )
    found = worst_prompts(world)
    assert [prompt.text for prompt in found] == [f"p{at}" for at in range(29, 9, -1)]
    assert found[0].cosine == pytest.approx(0.5, abs=1e-6)
    assert found[0].baseline == pytest.approx(np.sqrt(0.5))
    assert found[0].token_cosine == pytest.approx(0.5, abs=1e-6)
    assert (found[0].sources, found[0].split, found[0].cut) == (["b"], True, False)
    assert (found[1].sources, found[1].split, found[1].cut) == (["a", "b"], False, True)


def test_a_prompt_without_a_matched_token_has_no_token_cosine_and_a_long_one_is_cut():
    nothing = np.empty((0, 2), dtype=np.float32)
    world = turned(
        [0.3],
        texts=pa.array(["x" * 5000], pa.large_string()),
        owner=np.empty(0, dtype=np.int64),
        teacher_tokens=nothing,
        student_tokens=nothing,
    )
    (found,) = worst_prompts(world)
    assert found.token_cosine is None and found.text == "x" * 200


def test_prompts_are_told_apart_by_what_became_of_their_tokens():
    split = np.array([True, False, False, False])
    found = segmented(turned([0.2, 0.8, 0.6, 1.0], split=split))
    kept, gone, cut = found
    assert (kept.prompts, gone.prompts, cut.prompts) == (3, 1, 0)
    assert kept.pooled.mean == pytest.approx(0.8) and gone.pooled.mean == pytest.approx(0.2)
    assert cut.pooled is None and cut.baseline is None
    # The mean vector is (1, 1), every teacher's output (1, 0).
    assert kept.baseline.mean == pytest.approx(np.sqrt(0.5))
