"""Amounts in words."""

from __future__ import annotations


def millions(parameters: int) -> str:
    """A number of parameters: in millions, or as it is where that would show nothing of it."""
    return f"{parameters / 1e6:,.2f} M" if parameters >= 10_000 else f"{parameters:,}"
