"""Telling the user what a long piece of work is doing."""

from __future__ import annotations

import warnings
from collections.abc import Callable

Steps = Callable[[str], None]


def quiet(step: str) -> None:
    """Tell nobody."""


def without_widgets() -> None:
    """Load the bars of other libraries now, so that none complains that a notebook has no widgets.

    They are never shown here.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "IProgress not found")
        import tqdm.auto  # noqa: F401  (huggingface_hub's)
