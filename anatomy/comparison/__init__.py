"""Two audits or more against each other: what moved, by how much, beyond chance or not."""

from anatomy.comparison.build import compare
from anatomy.comparison.difference import VERDICTS, Verdict
from anatomy.comparison.document import (
    FILE_NAME,
    MARK,
    SCHEMA_VERSION,
    Change,
    Comparison,
    KeptIds,
    Measure,
    Role,
    Standing,
    TokenStanding,
    Value,
)
from anatomy.comparison.inputs import load
from anatomy.comparison.inside import EQUAL, MLE, TWO_NN

__all__ = [
    "EQUAL",
    "FILE_NAME",
    "MARK",
    "MLE",
    "SCHEMA_VERSION",
    "TWO_NN",
    "VERDICTS",
    "Change",
    "Comparison",
    "KeptIds",
    "Measure",
    "Role",
    "Standing",
    "TokenStanding",
    "Value",
    "Verdict",
    "compare",
    "load",
]
