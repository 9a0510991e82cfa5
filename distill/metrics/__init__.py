"""metrics.json: what was measured of a run's student, in one validated and versioned document."""

from distill.metrics.ablation import Ablation
from distill.metrics.benchmark import Benchmark
from distill.metrics.conditions import Conditions, Section, conditions
from distill.metrics.evaluation import Evaluation
from distill.metrics.file import FILE_NAME, MARK, Metrics, load, renewed, save, update
from distill.metrics.robustness import Robustness
from distill.metrics.run import RunMetrics

__all__ = [
    "FILE_NAME",
    "MARK",
    "Ablation",
    "Benchmark",
    "Conditions",
    "Evaluation",
    "Metrics",
    "Robustness",
    "RunMetrics",
    "Section",
    "conditions",
    "load",
    "renewed",
    "save",
    "update",
]
