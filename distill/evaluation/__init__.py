"""How near a student is to its teacher on prompts that it has not learnt from."""

from distill.evaluation.evaluate import evaluate
from distill.evaluation.held_out import HeldOut

__all__ = ["HeldOut", "evaluate"]
