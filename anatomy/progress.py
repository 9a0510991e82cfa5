"""Telling the user what a long piece of work is doing."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Protocol, runtime_checkable

Steps = Callable[[str], None]


@runtime_checkable
class _Keeping(Protocol):
    """Steps that keep a line to be read at the end."""

    def remark(self, line: str) -> None: ...


def remark(steps: Steps, line: str) -> None:
    """Tell what is worth reading when all is done, where `steps` keeps such lines."""
    if isinstance(steps, _Keeping):
        steps.remark(line)


def quiet(step: str) -> None:
    """Tell nobody."""


def without_widgets() -> None:
    """Load the bars of other libraries now, so that none complains that a notebook has no widgets.

    They are never shown here.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "IProgress not found")
        import tqdm.auto  # noqa: F401  (huggingface_hub's)
