"""Telling the user what a long piece of work is doing."""

from __future__ import annotations

from collections.abc import Callable

Steps = Callable[[str], None]


def quiet(step: str) -> None:
    """Tell nobody."""
