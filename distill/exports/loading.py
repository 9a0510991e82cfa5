"""Reading models back with transformers, without its bars and warnings on the user's terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from anatomy.encoders.checkpoints import refused
from anatomy.errors import InputError
from anatomy.files import shown


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No bars, no warnings: what loading leaves out is looked at and refused here."""
    from transformers.utils import logging as library

    logging: Any = library
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def from_folder(model_class: Any, folder: Path, may_miss: tuple[str, ...] = ()) -> Any:
    """A model in evaluation mode, float32, of which no tensor is missing, left over or misshapen.

    Parameters
    ----------
    model_class : type
        With transformers' `from_pretrained`.
    folder : Path
    may_miss : tuple of str
        Beginnings of names of parts that come after the outputs that were learnt.

    Raises
    ------
    InputError
        Names the first tensor.
    """
    import torch

    with quiet(), refused(folder):
        model, told = model_class.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
        )
    for what in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        for name in sorted(map(str, told.get(what) or [])):
            if what == "missing_keys" and name.startswith(may_miss or ("\0",)):
                continue
            raise InputError(
                f"{model_class.__name__}: cannot read back what was exported "
                f"({what.replace('_', ' ')}: {shown(name)})"
            )
    return model.eval()
