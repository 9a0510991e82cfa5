"""What a user can choose about the sections that need weights, and how it is checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from anatomy.errors import InputError
from anatomy.measures.scikit_dimension import resolved

if TYPE_CHECKING:
    from anatomy.engines import Engine


@dataclass(frozen=True)
class InsideOptions:
    """How the sections that need weights are measured.

    Attributes
    ----------
    device : {"auto", "cpu", "cuda"}
    dtype : {"float32", "bfloat16"}
        In which the encoder computes; its outputs are kept as float32.
    sample : int or None
        Prompts drawn of each group; None: all.
    pooling : {"own", "mean", "end", "cls"}
        "own": the encoder's.
    neighbours : {"auto", "exact", "approximate"}
        "auto": exact where it takes under a minute or there is a GPU.
    id_estimators : tuple of str
        scikit-dimension's estimators to ask on the same points.
    cache : Path or None
        Folder in which outputs are kept; None keeps none.
    """

    device: str = "auto"
    dtype: str = "float32"
    sample: int | None = 5000
    pooling: str = "own"
    neighbours: str = "auto"
    id_estimators: tuple[str, ...] = ()
    cache: Path | None = None


def checked(options: InsideOptions, engine: Engine) -> InsideOptions:
    """The same options with estimators' names as their library spells them.

    Raises
    ------
    InputError
        For what cannot be used: found before any work is done.
    """
    if options.sample is not None and options.sample < 1:
        raise InputError(f"--sample: {options.sample} is no number of prompts; give 5000, or all")
    if options.device == "cuda":
        engine.device(options.device)
    if not options.id_estimators:
        return options
    return replace(options, id_estimators=resolved(options.id_estimators))


def found_device(device: str) -> str:
    """ "cpu" or "cuda": for "auto", what there is.

    Raises
    ------
    InputError
        For "cuda" where torch finds none.
    """
    if device == "cpu":
        return device
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise InputError(
            "--device cuda: torch finds no CUDA device here; give --device cpu, or install a "
            "CUDA build of torch"
        )
    return "cpu"
