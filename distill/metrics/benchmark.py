"""What a student costs: parameters, bytes, operations, prompts a second."""

from __future__ import annotations

from distill.metrics.conditions import Section


class Benchmark(Section):
    """What a student costs: parameters, bytes, operations, prompts a second."""
