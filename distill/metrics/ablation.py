"""Students of other recipes beside the run's own."""

from __future__ import annotations

from distill.metrics.conditions import Section


class Ablation(Section):
    """Students of other recipes beside the run's own."""
