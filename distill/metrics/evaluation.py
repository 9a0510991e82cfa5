"""How near a student is to its teacher, on held-out prompts."""

from __future__ import annotations

from distill.metrics.conditions import Section


class Evaluation(Section):
    """How near a student is to its teacher, on held-out prompts."""
