"""scikit-dimension: an independent check of our estimators, and the way to its other ones."""

from __future__ import annotations

import difflib
import importlib
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from anatomy.errors import InputError
from anatomy.files import shown


def names() -> tuple[str, ...]:
    """The estimators that scikit-dimension has."""
    module = _module()
    found = (name for name in vars(module) if hasattr(getattr(module, name), "fit_transform"))
    return tuple(sorted(found, key=str.lower))


def resolved(asked: Sequence[str]) -> tuple[str, ...]:
    """Names as scikit-dimension spells them, from names in any case.

    Raises
    ------
    InputError
        For a name that it does not have.
    """
    known = {name.lower(): name for name in names()}
    for name in asked:
        if name.lower() not in known:
            nearest = difflib.get_close_matches(name.lower(), list(known), n=1)
            hint = f"did you mean {known[nearest[0]]}? " if nearest else ""
            raise InputError(
                f"--id-estimators: scikit-dimension has no {shown(name)}; {hint}known: "
                f"{', '.join(known.values())}"
            )
    return tuple(dict.fromkeys(known[name.lower()] for name in asked))


def estimate(name: str, points: np.ndarray, seed: int = 0) -> float:
    """One estimator, with its own defaults, on points [N, D].

    Raises
    ------
    ValueError
        With one line, if the estimator fails on these points.
    """
    estimator = getattr(_module(), name)()
    return _value(name, estimator, points, seed)


def reference(points: np.ndarray, ks: Sequence[int]) -> dict[str, float]:
    """Its TwoNN and harmonic MLE on points [N, D]: "TwoNN", "MLE 5", ..."""
    module = _module()
    found = {"TwoNN": _value("TwoNN", module.TwoNN(), points, 0)}
    for k in ks:
        # Its `n_neighbors` is the k of the formula; its `K` changes nothing.
        found[f"MLE {k}"] = _value("MLE", module.MLE(), points, 0, n_neighbors=k, comb="mle")
    return found


def _value(name: str, estimator: Any, points: np.ndarray, seed: int, **options: Any) -> float:
    state = np.random.get_state()
    np.random.seed(seed % 2**32)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = float(estimator.fit(np.asarray(points, dtype=np.float64), **options).dimension_)
    except MemoryError:
        raise
    except Exception as error:
        reason = " ".join(shown(error).split())[:200]
        raise ValueError(f"{name}: {type(error).__name__}: {reason}") from error
    finally:
        np.random.set_state(state)
    if not np.isfinite(value):
        raise ValueError(f"{name}: gave {value}")
    return value


def _module() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("skdim.id")  # takes seconds, which few audits need
