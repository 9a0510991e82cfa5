"""A user's own prompts in memory: lists, columns of tables, generators, by name or one alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import pyarrow as pa

from anatomy.corpus import rows
from anatomy.corpus.model import Reading
from anatomy.corpus.specs import LONGEST_NAME, check_free
from anatomy.errors import InputError
from anatomy.files import shown

# Values of any kind: what is no prompt is counted, as in a file.
Prompts: TypeAlias = "Iterable[object] | Mapping[str, Iterable[object]]"

NAME = "prompts"  # of a source that is given none
_SAID = 60  # characters of a value in a message


def read_prompts(prompts: Prompts) -> dict[str, Reading]:
    """Read prompts in memory as the rows of a file are read.

    Parameters
    ----------
    prompts : iterable of str, or mapping of names to such
        A list, a generator, a numpy or Arrow array, a pandas Series, ... Without a name the
        source is called `NAME`.

    Returns
    -------
    dict of str to Reading
        By source, without files, but with the hash of their prompts: see `hash_of`.

    Raises
    ------
    InputError
        A name that no source can have; what is no list of prompts, or has no order. A source
        without a usable prompt is left to `build`.
    """
    named = prompts if isinstance(prompts, Mapping) else {NAME: prompts}
    return {_name(name): _reading(name, values) for name, values in named.items()}


def hash_of(prompts: pa.LargeStringArray) -> str:
    """Hex SHA-256 of prompts in order, each as UTF-8 and ended by a NUL, which no prompt has."""
    return hashlib.sha256("\0".join([*prompts.to_pylist(), ""]).encode()).hexdigest()


def _name(name: object) -> str:
    if not isinstance(name, str) or not name.strip() or shown(name) != name:
        raise InputError(f"prompts=: {shown(name)[:_SAID]!r} is no name of a source; use words")
    if len(name) > LONGEST_NAME:
        raise InputError(
            f"prompts=: {name[:_SAID]}... is too long for a name; use {LONGEST_NAME} characters"
        )
    check_free(name, "prompts=", f"give another, my-{name}")
    return name


def _reading(name: str, values: Iterable[object]) -> Reading:
    prompts, refused = rows.usable(_values(name, values))
    total = len(prompts) + sum(refused.values())
    return Reading(prompts, (), total, refused, sha256=hash_of(prompts))


def _values(name: str, values: Any) -> list[object] | pa.Array | pa.ChunkedArray:
    """The values in order, as Python's or Arrow's."""
    where = f"prompts= ({shown(name)})"
    if isinstance(values, str | bytes):
        raise InputError(f"{where}: is one text; give a list of them")
    if isinstance(values, set | frozenset):
        raise InputError(f"{where}: is a set, which has no order; give sorted(...) of it")
    if isinstance(values, Mapping) or getattr(values, "ndim", 1) != 1:
        raise InputError(f"{where}: has rows and columns; give one column")
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    if hasattr(values, "tolist"):  # an array's own is faster, and gives Python's strings
        return list(values.tolist())
    try:
        return list(values)
    except TypeError as error:
        if isinstance(values, Iterable):
            raise  # an error of the caller's own generator
        raise InputError(f"{where}: is {type(values).__name__}; give a list of texts") from error
