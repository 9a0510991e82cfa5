"""The training objective: equations 3 to 6 of the SAM3-LiteText paper, as functions of tensors.

The paper writes squared norms, which are sums over the outputs' width, and does not say what is
averaged; a sum over 256 dimensions and a mean differ by 256, which moves every lambda as much.
Here each term is a mean over tokens (or prompts) of a sum or a mean over the width: `reduction`.
All terms of an optimiser step are divided by the step's numbers of tokens and prompts, however it
is cut into batches or spread over processes, so that the gradient does not depend on that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from distill.recipe import LossRecipe


@dataclass(frozen=True)
class Terms:
    """The loss and its parts before their weights; scalars.

    Attributes
    ----------
    total, mse, cosine, consistency : Tensor
        Equations 3, 4, 5 and 6.
    """

    total: Tensor
    mse: Tensor
    cosine: Tensor
    consistency: Tensor

    @property
    def all(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """All of them, the sum first."""
        return self.total, self.mse, self.cosine, self.consistency


def squared_error(student: Tensor, teacher: Tensor, reduction: str) -> Tensor:
    """Equation 4 for each token: the squared difference over the width.

    Parameters
    ----------
    student, teacher : Tensor of float, shape [K, D]
    reduction : {"sum", "mean"}
        Over D. "sum" is the equation as printed, "mean" is that divided by D.

    Returns
    -------
    Tensor of float, shape [K]
    """
    squares = (student - teacher).square()
    return squares.sum(dim=-1) if reduction == "sum" else squares.mean(dim=-1)


def cosine_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Equation 5 for each token: 1 - cosine, in [0, 2].

    The cosine with a vector of norm zero, of which there is no direction, is 0, and so is its
    gradient.

    Parameters
    ----------
    student, teacher : Tensor of float, shape [K, D]

    Returns
    -------
    Tensor of float, shape [K]
    """
    return 1 - (_direction(student) * _direction(teacher)).sum(dim=-1)


def _direction(vectors: Tensor) -> Tensor:
    """Vectors of norm 1, or 0 where the norm is 0.

    Each is first divided by its largest entry, so that no square can overflow or vanish.
    """
    import torch

    largest = vectors.detach().abs().amax(dim=-1, keepdim=True)
    zero = largest == 0
    scaled = vectors / torch.where(zero, 1.0, largest)
    squares = scaled.square().sum(dim=-1, keepdim=True)
    # Guarded before the root: the gradient of a root at 0 is infinite, and masking it comes late.
    return torch.where(zero, 0.0, scaled / torch.where(zero, 1.0, squares).sqrt())


def mean_pooled(outputs: Tensor, mask: Tensor) -> Tensor:
    """Mean of the outputs of each row's valid tokens.

    Parameters
    ----------
    outputs : Tensor of float, shape [B, n, D]
    mask : Tensor of bool, shape [B, n]

    Returns
    -------
    Tensor of float, shape [B, D]
        Zero for a row without a valid token.
    """
    valid = mask.unsqueeze(-1).to(outputs.dtype)
    return (outputs * valid).sum(dim=1) / valid.sum(dim=1).clamp(min=1)


def distillation_loss(
    weights: LossRecipe,
    student: Tensor,
    teacher: Tensor,
    pooled: Tensor,
    permuted: Tensor,
    *,
    tokens: float | Tensor,
    prompts: float | Tensor,
    counted: Tensor | None = None,
    moved: Tensor | None = None,
) -> Terms:
    """Equation 3.

    Parameters
    ----------
    weights : LossRecipe
    student, teacher : Tensor of float, shape [K, D]
        Outputs at the valid tokens that have a target.
    pooled, permuted : Tensor of float, shape [P, D]
        The student's mean-pooled outputs of prompts and of their permuted versions (equation 6).
        Prompts that no permutation changes may be left out: their term is zero.
    tokens, prompts : float or Tensor of float, shape []
        By which sums over tokens and over prompts are divided: K, and the number of prompts with
        the left-out ones, of the whole optimiser step. Nothing is divided by zero; a tensor, at
        which the host would have to wait to look, is not zero.
    counted : Tensor of bool, shape [K], optional
        The tokens that count; the others stand there to keep a shape.
    moved : Tensor of bool, shape [P], optional
        The prompts that count.

    Returns
    -------
    Terms
        Of this part of the step; those of all parts add up to the step's.
    """
    mse = _sum(squared_error(student, teacher, weights.reduction), counted) / _whole(tokens)
    cosine = _sum(cosine_distance(student, teacher), counted) / _whole(tokens)
    apart = squared_error(pooled, permuted, weights.reduction)
    consistency = _sum(apart, moved) / _whole(prompts)
    total = weights.mse * mse + weights.cosine * cosine + weights.consistency * consistency
    return Terms(total, mse, cosine, consistency)


def _sum(terms: Tensor, counted: Tensor | None) -> Tensor:
    return (terms if counted is None else terms * counted).sum()


def _whole(number: float | Tensor) -> float | Tensor:
    return number if not isinstance(number, int | float) else number or 1
