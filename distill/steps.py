"""One optimiser step: forward passes, losses, gradients, of one process or several."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from distill.batches import Order, assemble
from distill.examples import Examples
from distill.graphs import Passes
from distill.losses import Terms, distillation_loss, mean_pooled
from distill.resident import Resident, fits
from distill.targets import NONE, Targets

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor
    from torch.nn import Module

    from distill.recipe import Recipe

_SOME = 4096  # tokens
_ONE_PASS = 8192  # prompts of a step: no GPU needs accumulation for fewer
MEASURED = ("loss", "mse", "cosine", "consistency", "gradient_norm")


def accelerator_for(device: str) -> Accelerator:
    """Accelerate's view of the processes: one, or those that torchrun or its launcher started.

    Parameters
    ----------
    device : {"cpu", "cuda"}
    """
    from datetime import timedelta

    from accelerate import Accelerator, InitProcessGroupKwargs

    return Accelerator(
        mixed_precision="no",  # ours is the recipe's, and not the launcher's
        cpu=device == "cpu",
        # The first process may be at the teacher's outputs for long.
        kwargs_handlers=[InitProcessGroupKwargs(timeout=timedelta(days=2))],
    )


def precision_for(device: str, precision: str) -> str:
    """In which matrices are multiplied: "auto" is bfloat16 where the machine has instructions."""
    import torch

    if precision != "auto":
        return precision
    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    known = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return "bfloat16" if known.get("avx512_bf16") or known.get("amx_bf16") else "float32"


def learning_rate(step: int, steps: int, warmup: int, peak: float) -> float:
    """Linear warm-up, then half a cosine down to zero (Loshchilov & Hutter 2017).

    Parameters
    ----------
    step : int
        From 0 on.
    steps, warmup : int
    peak : float
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def parameter_groups(student: Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters with weight decay, and those without: norms, biases, scales and embeddings.

    Decay would pull the rows of rare tokens, which a batch seldom holds, away from the teacher's.
    """
    import torch

    tables = {
        id(module.weight) for module in student.modules() if isinstance(module, torch.nn.Embedding)
    }
    decayed: list[torch.nn.Parameter] = []
    free: list[torch.nn.Parameter] = []
    for name, parameter in student.named_parameters():
        if not parameter.requires_grad:
            continue
        table = id(parameter) in tables or "embedding" in name
        (free if table or parameter.squeeze().ndim < 2 else decayed).append(parameter)
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]


class Stepper:
    """A student, its optimiser and its batches.

    Parameters
    ----------
    recipe : Recipe
    student : Student
        Stays the plain module; `model` is what the processes share.
    examples : Examples
    targets : Targets
    accelerator : Accelerator
    resident : bool, optional
        All arrays lie on the device, and a step is one pass (`distill.resident`). None: on one GPU,
        if they fit.
    """

    def __init__(
        self,
        recipe: Recipe,
        student: Any,
        examples: Examples,
        targets: Targets,
        accelerator: Accelerator,
        *,
        resident: bool | None = None,
    ) -> None:
        import torch

        schedule, device = recipe.schedule, accelerator.device
        self.recipe, self.student, self.accelerator = recipe, student, accelerator
        self._examples, self._targets = examples, targets
        self._learnt = examples.learnt
        batch, accumulation = schedule.batch, schedule.accumulation
        if resident is None:
            resident = device.type == "cuda" and accelerator.num_processes == 1
            resident = resident and (accumulation == 1 or batch * accumulation <= _ONE_PASS)
            resident = resident and fits(examples, targets)
        if resident:
            batch, accumulation = batch * accumulation, 1
        self.order = Order(examples.table.lengths, batch, accumulation, recipe.seed)
        student.to(device)
        self._passes: Passes | None = None
        if resident:
            arrays = Resident(examples, targets, device, student.pad_id)
            self._passes = Passes(recipe, student, examples, arrays, self.order.batch)
        if accelerator.device.type == "cpu":
            _attend_plainly(student)
        self.optimizer = torch.optim.AdamW(
            parameter_groups(student, schedule.weight_decay), lr=schedule.learning_rate, fused=True
        )
        self._sums = torch.zeros(len(MEASURED), device=accelerator.device)
        self._counted = 0
        self.model: Module = student

    def prepare(self) -> None:
        """Join the processes; the weights are set by now."""
        import torch

        model = self.student
        if self.recipe.schedule.compile and not self._passes:
            # On CUDA the whole pass is then launched at once, as a graph.
            mode = "reduce-overhead" if self.accelerator.device.type == "cuda" else "default"
            model = torch.compile(model, mode=mode, dynamic=False)
        self.model = self.accelerator.prepare(model)
        self.model.train()

    def step(self, number: int, rate: float) -> None:
        """Take one step.

        Parameters
        ----------
        number : int
            From 0 on: it says which prompts.
        rate : float
            Learning rate.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        parts = self.order.step(number)
        tokens = int(sum(self._learnt[part].sum() for part in parts))
        _seed(self.recipe.seed, number, self.accelerator.process_index)
        if self._passes:
            self._sums[:-1] += self._passes.run(parts[0], number, tokens)
        else:
            self._by_part(parts, number, tokens)
        clip = self.recipe.schedule.clip or math.inf
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), clip)
        self._sums[-1] += norm.detach() / self.accelerator.num_processes
        self.optimizer.step()
        self.optimizer.zero_grad()
        self._counted += 1

    def _by_part(self, parts: list[np.ndarray], number: int, tokens: int) -> None:
        """Add up the gradients of a step's batches."""
        import torch

        share = 1.0 if self.recipe.schedule.compile else self.recipe.loss.consistency_share
        # A share of the prompts stands for all of them in equation 6.
        prompts = share * sum(map(len, parts))
        for at, part in enumerate(parts):
            last = at == len(parts) - 1
            with nullcontext() if last else self.accelerator.no_sync(self.model):
                drawn = (
                    np.random.default_rng([self.recipe.seed, number, at]).random(len(part)) < share
                )
                terms = self._pass(part, drawn, tokens, prompts)
                # The gradients of processes are averaged; their losses are parts of one sum.
                self.accelerator.backward(terms.total * self.accelerator.num_processes)
            self._sums[:-1] += torch.stack(terms.all).detach()

    def means(self) -> dict[str, float]:
        """Of `MEASURED` over the steps since the last call, over all processes."""
        sums = self.accelerator.reduce(self._sums, "sum") / max(1, self._counted)
        found = dict(zip(MEASURED, sums.tolist(), strict=True))
        self._sums.zero_()
        self._counted = 0
        return found

    def constant_loss(self) -> float:
        """What one vector for all tokens, their mean, would come to; on some of the tokens."""
        import torch

        target = self._examples.target[self._examples.target != NONE]
        some = target[:: max(1, len(target) // _SOME)]
        teacher = torch.from_numpy(self._targets.tokens[some]).float()
        mean = teacher.mean(dim=0).expand_as(teacher)
        none = teacher[:0]
        weights = self.recipe.loss
        terms = distillation_loss(weights, mean, teacher, none, none, tokens=len(some), prompts=0)
        return float(terms.total)

    def _pass(self, part: np.ndarray, drawn: np.ndarray, tokens: int, prompts: float) -> Terms:
        """The loss of this process's share of a batch; `drawn` are permuted."""
        import torch

        own = slice(self.accelerator.process_index, None, self.accelerator.num_processes)
        mine = part[own]
        idle = not len(mine)  # it takes part in the exchange of gradients all the same
        student, weights, device = self.student, self.recipe.loss, self.accelerator.device
        fixed = self.recipe.schedule.compile
        if fixed:
            drawn = np.ones_like(drawn)
        batch = assemble(
            self._examples,
            part[:1] if idle else mine,
            length=student.recipe.context if student.padded or fixed else None,
            pad_id=student.pad_id,
            permute=drawn[own] if weights.consistency > 0 and not idle else None,
            unmoved=fixed,
        )
        mask = _on(batch.mask, device)
        teacher = _on(self._targets.tokens[batch.targets], device).float()
        # Without padding there is nothing to hide, and attention is faster without a mask.
        hidden = mask if student.padded or fixed or not batch.mask.all() else None
        half = self.recipe.schedule.precision == "bfloat16"
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            outputs = self.model(_on(batch.ids, device), hidden).float()
        pooled = mean_pooled(outputs, mask)
        terms = distillation_loss(
            weights,
            outputs[: batch.prompts].flatten(0, 1)[_on(batch.places, device)],
            teacher,
            pooled[_on(batch.moved, device)],
            pooled[batch.prompts :],
            tokens=tokens,
            prompts=prompts,
        )
        return terms if not idle else Terms(*(0 * term for term in terms.all))


def _attend_plainly(student: Any) -> None:
    """Attention as plain matrix products: on a CPU a tenth faster for rows this short.

    (485 prompts a second instead of 435 for two of MiniLM's layers at L = 17, one Zen 4 core.)
    """
    model: Any = getattr(student, "text_model", None)
    if hasattr(model, "set_attn_implementation"):
        model.set_attn_implementation("eager")


def _on(array: np.ndarray, device: Any) -> Tensor:
    import torch

    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor


def _seed(seed: int, step: int, process: int) -> None:
    """What is random in a step (a student's dropout) follows from its number."""
    import torch

    torch.manual_seed(int(np.random.SeedSequence([seed, step, process]).generate_state(1)[0]))
