"""A training's prompts and targets on the device, and a step's loss computed from them there.

On a GPU a step of the paper's 64 x 2 prompts is some 400 gigaflops: about a millisecond. Putting
its arrays together on the host, copying them and starting a thousand kernels one by one takes ten
times that. So all arrays lie on the device, packed; a step gets the numbers of its prompts and does
the rest there, with shapes that depend on nothing but how many prompts there are and how long the
longest may be. That is what `distill.graphs` needs to start it as one piece.

The loss is that of `Stepper`'s own passes: rows are padded, and what stands at padding, or has no
target, or is not moved, counts nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from distill.examples import Examples
from distill.losses import Terms, distillation_loss, mean_pooled
from distill.targets import Targets

if TYPE_CHECKING:
    from torch import Tensor

    from anatomy.tokens.table import TokenTable
    from distill.recipe import LossRecipe

SHARE = 0.4  # of the device's free memory may be taken
_BLOCK = 1 << 18  # rows of targets that are copied at a time


def size(examples: Examples, targets: Targets) -> int:
    """Bytes that `Resident` takes."""
    ids = len(examples.table.ids) + len(examples.permuted.ids) + len(examples.target)
    return int(targets.tokens.nbytes + 8 * (ids + 5 * len(examples)))


def fits(examples: Examples, targets: Targets) -> bool:
    """Whether it is a small part of the GPU's free memory."""
    import torch

    free, _ = torch.cuda.mem_get_info()
    return size(examples, targets) <= SHARE * free


@dataclass(frozen=True)
class _Rows:
    """A `TokenTable` on the device."""

    ids: Tensor
    starts: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, table: TokenTable, device: Any) -> _Rows:
        return cls(
            *(
                _there(array.astype(np.int64), device)
                for array in (table.ids, table.offsets[:-1], table.lengths)
            )
        )

    def places(self, chosen: Tensor, width: int) -> tuple[Tensor, Tensor]:
        """Places in `ids` and the mask of the chosen rows, both [B, width]."""
        import torch

        at = torch.arange(width, device=chosen.device)
        mask = at < self.lengths[chosen, None]
        return torch.where(mask, self.starts[chosen, None] + at, 0), mask


class Resident:
    """Packed arrays on a device.

    Parameters
    ----------
    examples : Examples of N prompts
    targets : Targets
    device : torch.device
    pad_id : int
    """

    def __init__(self, examples: Examples, targets: Targets, device: Any, pad_id: int) -> None:
        import torch

        self._table = _Rows.of(examples.table, device)
        self._permuted = _Rows.of(examples.permuted, device)
        self._target = _there(examples.target, device)
        self._moved = _there(examples.moved, device)
        self._pad_id = pad_id
        tokens = targets.tokens
        dtype = torch.from_numpy(np.empty(0, tokens.dtype)).dtype
        self._tokens = torch.empty(tokens.shape, dtype=dtype, device=device)
        for at in range(0, len(tokens), _BLOCK):
            block = torch.from_numpy(np.array(tokens[at : at + _BLOCK]))
            self._tokens[at : at + _BLOCK] = block.to(device)

    def terms(
        self,
        student: Any,
        weights: LossRecipe,
        chosen: Tensor,
        drawn: Tensor,
        counts: Tensor,
        *,
        width: int,
        half: bool,
    ) -> Terms:
        """A step's loss.

        Parameters
        ----------
        student : callable(ids, mask) -> Tensor [R, width, D]
        weights : LossRecipe
        chosen : Tensor of int64, shape [B]
            Prompts.
        drawn : Tensor of int64, shape [P]
            Places in `chosen` of those whose permuted versions are read.
        counts : Tensor of float, shape [2]
            Tokens with a target, and prompts that `drawn` stands for, of the optimiser step.
        width : int
            Of the rows: at least as long as the longest.
        half : bool
            Multiply matrices in bfloat16.
        """
        import torch

        places, own = self._table.places(chosen, width)
        other_places, other = self._permuted.places(chosen[drawn], width)
        mask = torch.cat([own, other])
        ids = torch.cat([self._table.ids[places], self._permuted.ids[other_places]])
        ids = torch.where(mask, ids, self._pad_id)
        target = torch.where(own, self._target[places], -1)
        with torch.autocast(chosen.device.type, torch.bfloat16, enabled=half):
            outputs = student(ids, mask).float()
        pooled = mean_pooled(outputs, mask)
        prompts = len(chosen)
        return distillation_loss(
            weights,
            outputs[:prompts].flatten(0, 1),
            self._tokens[target.clamp(min=0)].float().flatten(0, 1),
            pooled[drawn],
            pooled[prompts:],
            tokens=counts[0],
            prompts=counts[1],
            counted=(target >= 0).flatten(),
            moved=self._moved[chosen[drawn]],
        )


def _there(array: np.ndarray, device: Any) -> Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(array)).to(device)
