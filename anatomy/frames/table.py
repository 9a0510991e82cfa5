"""Rows of findings as a pandas frame with the same columns and types every time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

TEXT = pd.Series([""]).dtype  # as this pandas holds text
COUNT = "int64"
MAYBE = "Int64"  # a count that may be missing
NUMBER = "float64"


def table(columns: dict[str, Any], rows: Iterable[Sequence[object]]) -> pd.DataFrame:
    """A frame of these columns (name -> type) in this order, also where there is no row."""
    return pd.DataFrame(list(rows), columns=list(columns)).astype(columns)
