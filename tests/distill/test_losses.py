"""The loss: against plain double precision, gradients, and vectors without a direction."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from distill.losses import cosine_distance, distillation_loss, mean_pooled, squared_error
from distill.recipe import LossRecipe

WIDTH = 7


def draw(*shape: int, seed: int = 0, scale: float = 1.0) -> torch.Tensor:
    values = np.random.default_rng(seed).standard_normal(shape) * scale
    return torch.from_numpy(values)


@given(
    seed=st.integers(0, 1 << 20),
    tokens=st.integers(1, 9),
    moved=st.integers(0, 4),
    scale=st.sampled_from([1e-3, 1.0, 50.0]),
    reduction=st.sampled_from(["sum", "mean"]),
)
def test_the_loss_is_equations_3_to_6(seed, tokens, moved, scale, reduction):
    """Written out as the paper prints it, one token after the other, in double precision."""
    student, teacher = (draw(tokens, WIDTH, seed=seed + at, scale=scale) for at in (0, 1))
    one, two = (draw(moved, WIDTH, seed=seed + at, scale=scale) for at in (2, 3))
    weights = LossRecipe(mse=0.7, cosine=2.0, consistency=0.1, reduction=reduction)
    over = 1 if reduction == "sum" else WIDTH
    mse = sum(
        float(np.sum((s - t) ** 2)) for s, t in zip(student.numpy(), teacher.numpy(), strict=True)
    )
    cosine = sum(
        1 - float(np.dot(s, t)) / (np.linalg.norm(s) * np.linalg.norm(t))
        for s, t in zip(student.numpy(), teacher.numpy(), strict=True)
    )
    consistency = sum(
        float(np.sum((s - t) ** 2)) for s, t in zip(one.numpy(), two.numpy(), strict=True)
    )
    expected = (mse / over / 20, cosine / 20, consistency / over / 10)
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
        parts = [part.to(dtype) for part in (student, teacher, one, two)]
        terms = distillation_loss(weights, *parts, tokens=20, prompts=10)
        found = [float(term) for term in (terms.mse, terms.cosine, terms.consistency)]
        assert found == pytest.approx(expected, rel=tolerance, abs=1e-7 if tolerance > 1e-6 else 0)
        total = 0.7 * expected[0] + 2.0 * expected[1] + 0.1 * expected[2]
        assert float(terms.total) == pytest.approx(total, rel=tolerance)


def test_parts_of_a_step_add_up_to_the_step():
    """However a step is cut into batches or spread over processes."""
    student, teacher, one, two = (draw(8, WIDTH, seed=at) for at in range(4))
    weights = LossRecipe()
    whole = distillation_loss(weights, student, teacher, one, two, tokens=8, prompts=8)
    parts = [
        distillation_loss(
            weights, student[part], teacher[part], one[part], two[part], tokens=8, prompts=8
        )
        for part in (slice(0, 3), slice(3, 4), slice(4, 8))
    ]
    assert float(sum(part.total for part in parts)) == pytest.approx(float(whole.total), rel=1e-12)


def test_sum_and_mean_differ_by_the_width():
    student, teacher = draw(5, WIDTH), draw(5, WIDTH, seed=1)
    assert torch.allclose(
        squared_error(student, teacher, "sum"), WIDTH * squared_error(student, teacher, "mean")
    )


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_gradients(reduction):
    weights = LossRecipe(reduction=reduction, consistency=0.3)
    inputs = [draw(3, 4, seed=at).requires_grad_() for at in range(4)]

    def loss(*parts: torch.Tensor) -> torch.Tensor:
        return distillation_loss(weights, *parts, tokens=3, prompts=3).total

    assert torch.autograd.gradcheck(loss, inputs)
    mask = torch.tensor([[True, True, False], [True, False, False], [True, True, True]])
    outputs = draw(3, 3, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda hidden: mean_pooled(hidden, mask), [outputs])


@pytest.mark.parametrize("zero", ["student", "teacher", "both"])
def test_a_vector_of_norm_zero_has_cosine_zero_and_no_gradient(zero):
    student = torch.zeros(2, WIDTH) if zero != "teacher" else draw(2, WIDTH).float()
    teacher = torch.zeros(2, WIDTH) if zero != "student" else draw(2, WIDTH).float()
    student.requires_grad_()
    distance = cosine_distance(student, teacher)
    distance.sum().backward()
    assert distance.tolist() == [1.0, 1.0]
    assert student.grad is not None and not student.grad.any()


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e20, 1e30])
def test_no_square_overflows_or_vanishes(scale):
    """In float32 the squares of these entries are infinite or zero."""
    student = (draw(3, WIDTH) * scale).float().requires_grad_()
    teacher = (draw(3, WIDTH, seed=1) * scale).float()
    found = cosine_distance(student, teacher)
    assert torch.allclose(found, cosine_distance(draw(3, WIDTH), draw(3, WIDTH, seed=1)).float())
    found.sum().backward()
    assert student.grad is not None and student.grad.isfinite().all() and student.grad.any()


def test_mean_pooling_takes_valid_tokens_only():
    outputs = draw(2, 3, WIDTH)
    mask = torch.tensor([[True, True, False], [False, False, False]])
    pooled = mean_pooled(outputs, mask)
    assert torch.allclose(pooled[0], (outputs[0, 0] + outputs[0, 1]) / 2)
    assert not pooled[1].any()
