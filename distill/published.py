"""What the paper's Tables 5 to 7 say, beside our own grids: as sentences and as cells."""

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


def table_5() -> list[list[str]]:
    """Student, then its averages at L = 8, 16 and 32."""
    return [[row.model, *(str(row.by_length[length]) for length in (8, 16, 32))] for row in TABLE_5]


def table_6() -> list[list[str]]:
    """Loss, then the average."""
    return [[row.losses, str(row.average)] for row in TABLE_6]


def table_7() -> list[list[str]]:
    """Student, then its averages at each weight."""
    return [[row.model, *map(str, row.by_weight.values())] for row in TABLE_7]
