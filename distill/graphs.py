"""One training pass, forward, loss and backward, recorded as a CUDA graph and started at once.

A pass of a small student on a few prompts is a thousand kernels of some microseconds; started one
by one the GPU waits for the host most of the time. A graph is recorded for each shape and starts
with one call. Gradients lie in the graph's own memory, written anew by each replay, so they are
neither zeroed nor added up: a step is one pass.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from distill.losses import Terms
from distill.resident import Resident

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from distill.examples import Examples
    from distill.recipe import Recipe

WARM = 2  # passes before one is recorded: kernels are chosen, and compiled, in them
# Rows are as long as the longest, rounded up to so many tokens: each length is recorded apart, and
# compiled apart.
WIDTHS, WIDTHS_COMPILED = 4, 8

Terming = Callable[..., Terms]


class Graph:
    """A recorded pass.

    Parameters
    ----------
    student : Module
        Its statistics of BatchNorm are the same afterwards, and its gradients are none.
    terms : callable(chosen, drawn, counts) -> Terms
        The loss of a step; see `Resident.terms`.
    prompts, permuted : int
        Of each replay.
    """

    def __init__(self, student: Module, terms: Terming, prompts: int, permuted: int) -> None:
        import torch

        cuda: Any = torch.cuda
        device = next(student.parameters()).device
        self._chosen = torch.zeros(prompts, dtype=torch.int64, device=device)
        self._drawn = torch.arange(permuted, device=device)
        self._counts = torch.ones(2, device=device)
        self._parameters = [p for p in student.parameters() if p.requires_grad]
        before = {name: buffer.clone() for name, buffer in student.named_buffers()}
        stream = cuda.Stream(device)
        stream.wait_stream(cuda.current_stream(device))
        try:
            with cuda.stream(stream):
                for _ in range(WARM):
                    self._pass(terms)
            cuda.current_stream(device).wait_stream(stream)
            self._forget()
            self._graph = cuda.CUDAGraph()
            with cuda.graph(self._graph):
                self._terms = self._pass(terms)
            self._gradients = [p.grad for p in self._parameters]
        finally:
            self._forget()
            with torch.no_grad():
                for name, buffer in student.named_buffers():
                    buffer.copy_(before[name])

    def replay(self, chosen: np.ndarray, drawn: np.ndarray, counts: tuple[float, float]) -> Tensor:
        """Run it: sets the parameters' gradients, and returns the terms of the loss, float [4].

        What it returns and the gradients stay until the next replay.
        """
        import torch

        whole = torch.from_numpy(np.concatenate([chosen, drawn])).pin_memory()
        self._chosen.copy_(whole[: len(chosen)], non_blocking=True)
        self._drawn.copy_(whole[len(chosen) :], non_blocking=True)
        self._counts.copy_(torch.tensor(counts).pin_memory(), non_blocking=True)
        self._graph.replay()
        for parameter, gradient in zip(self._parameters, self._gradients, strict=True):
            parameter.grad = gradient
        return self._terms

    def _pass(self, terms: Terming) -> Tensor:
        import torch

        self._forget()
        found = terms(self._chosen, self._drawn, self._counts)
        torch.autograd.backward(found.total)
        return torch.stack(found.all).detach()

    def _forget(self) -> None:
        for parameter in self._parameters:
            parameter.grad = None


class Passes:
    """A student's training passes on arrays that lie on its device, a whole step in each.

    Parameters
    ----------
    recipe : Recipe
    student : Student
    examples : Examples
    resident : Resident
        Of these examples.
    whole : int
        Prompts of nearly all steps: only those are recorded and compiled.
    """

    def __init__(
        self, recipe: Recipe, student: Any, examples: Examples, resident: Resident, whole: int
    ) -> None:
        self._recipe, self._student, self._resident = recipe, student, resident
        self._whole = whole
        self._lengths = np.maximum(examples.table.lengths, examples.permuted.lengths)
        self._graphs: dict[tuple[int, int, int], Graph] = {}
        self._recorded = next(student.parameters()).is_cuda
        self._compiled: Terming | None = None
        if recipe.schedule.compile:
            import torch

            self._compiled = torch.compile(self._terms, dynamic=False)

    def run(self, chosen: np.ndarray, number: int, tokens: int) -> Tensor:
        """Forward and backward of a step; sets the gradients.

        Parameters
        ----------
        chosen : ndarray of int64, shape [B]
            Prompts.
        number : int
            Of the step: it says whose permuted versions are read.
        tokens : int
            Of the prompts, those with a target.

        Returns
        -------
        Tensor of float32, shape [4]
            The loss and its parts, until the next call.
        """
        import torch

        drawn = self._drawn(len(chosen), number)
        counts = float(max(1, tokens)), float(max(1, len(drawn)))
        whole = len(chosen) == self._whole
        width = self._width(chosen)
        if self._recorded and whole:
            graph = self._graph(len(chosen), len(drawn), width)
            if graph:
                return graph.replay(chosen, drawn, counts)
        terms = self._compiled if self._compiled and whole else self._terms
        device = next(self._student.parameters()).device
        first, second = (torch.from_numpy(array).to(device) for array in (chosen, drawn))
        for parameter in self._student.parameters():
            parameter.grad = None
        found = terms(first, second, torch.tensor(counts, device=device), width)
        torch.autograd.backward(found.total)
        return torch.stack(found.all).detach()

    def _terms(self, chosen: Tensor, drawn: Tensor, counts: Tensor, width: int) -> Terms:
        return self._resident.terms(
            self._student,
            self._recipe.loss,
            chosen,
            drawn,
            counts,
            width=width,
            half=self._recipe.schedule.precision == "bfloat16",
        )

    def _drawn(self, prompts: int, number: int) -> np.ndarray:
        """Whose permuted versions are read: always as many, so that the shape is one."""
        weights = self._recipe.loss
        if not weights.consistency:
            return np.empty(0, dtype=np.int64)
        if weights.consistency_share == 1:
            return np.arange(prompts)
        random = np.random.default_rng([self._recipe.seed, number])
        size = max(1, round(weights.consistency_share * prompts))
        return np.sort(random.choice(prompts, size, replace=False))

    def _width(self, chosen: np.ndarray) -> int:
        context = int(self._student.recipe.context)
        if self._student.padded:
            return context
        step = WIDTHS_COMPILED if self._compiled else WIDTHS
        longest = int(self._lengths[chosen].max())
        return min(context, -(-longest // step) * step)

    def _graph(self, prompts: int, permuted: int, width: int) -> Graph | None:
        import torch

        key = prompts, permuted, width
        if key not in self._graphs:
            terms: Terming = self._compiled or self._terms
            # What is random in training (dropout) must not depend on when a shape first came.
            state = torch.cuda.get_rng_state()
            try:
                self._graphs[key] = Graph(
                    self._student,
                    lambda *arrays: terms(*arrays, width),
                    prompts,
                    permuted,
                )
            except RuntimeError as error:
                reason = " ".join(str(error).split())[:200]
                warnings.warn(f"training without CUDA graphs: {reason}", stacklevel=2)
                self._recorded = False
                self._graphs.clear()
                return None
            finally:
                torch.cuda.set_rng_state(state)
        return self._graphs[key]
