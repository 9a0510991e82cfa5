"""What text encoders cost, beside each other in one run (paper, Table 8)."""

from distill.benchmark.benchmark import benchmark

__all__ = ["benchmark"]
