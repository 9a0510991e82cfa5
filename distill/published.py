"""What the paper's Tables 5 to 7 say, as sentences beside our own grids."""

from __future__ import annotations

from anatomy.ledger.tables import TABLE_5, TABLE_6, TABLE_7
from distill.metrics.ablation import Grid


def beside(grid: Grid) -> str:
    """The paper's numbers for a grid: CG_F1 on SA-Co Gold, averages; empty if it has none."""
    if grid == "context":
        models = "; ".join(
            f"{row.model} "
            + ", ".join(f"{row.by_length[length].c} at L = {length}" for length in (8, 16, 32))
            for row in TABLE_5
        )
        return f"Paper, Table 5, CG_F1 on SA-Co Gold instead: {models}."
    if grid == "loss":
        models = "; ".join(f"{row.average.c} with {row.losses}" for row in TABLE_6)
        return f"Paper, Table 6, CG_F1 of MC-S0 instead: {models}."
    if grid == "consistency":
        models = "; ".join(
            f"{row.model} "
            + ", ".join(f"{triple.c} at {weight}" for weight, triple in row.by_weight.items())
            for row in TABLE_7
        )
        return f"Paper, Table 7, CG_F1 instead: {models}."
    return ""
