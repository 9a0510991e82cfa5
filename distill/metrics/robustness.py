"""What becomes of errors in attention: the study of the paper's section 5.7."""

from __future__ import annotations

from distill.metrics.conditions import Section


class Robustness(Section):
    """What becomes of errors in attention: the study of the paper's section 5.7."""
