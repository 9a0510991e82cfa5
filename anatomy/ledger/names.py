"""Ways to prepare LVIS's category names, to see which of them gives the published count.

LVIS v1 has 1,203 categories. Their names use "_" for blanks and, where a word has several
senses, a qualifier in parentheses: "bow_(weapon)", "fish_(food)".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

_QUALIFIER = re.compile(r"\([^)]*\)")
_PUNCTUATION = re.compile(r"[^\w\s]|_")


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _unqualified(name: str) -> str:
    return " ".join(_QUALIFIER.sub(" ", _spaced(name)).split())


def _unqualified_blank_kept(name: str) -> str:
    return _QUALIFIER.sub("", _spaced(name))


def _without_punctuation(name: str) -> str:
    return " ".join(_PUNCTUATION.sub(" ", name).split())


_READINGS: Mapping[str, Callable[[str], str]] = {
    "as given": lambda name: name,
    'with "_" as a blank': _spaced,
    "in lower case": lambda name: _spaced(name).lower(),
    "without punctuation": _without_punctuation,
    "without punctuation, in lower case": lambda name: _without_punctuation(name).lower(),
    "without the qualifier in parentheses": _unqualified,
    "without the qualifier, in lower case": lambda name: _unqualified(name).lower(),
    "without qualifier and punctuation": lambda name: _without_punctuation(_unqualified(name)),
    "without the qualifier but with the blank before it": _unqualified_blank_kept,
    "without the qualifier but with the blank before it, in lower case": (
        lambda name: _unqualified_blank_kept(name).lower()
    ),
}

_CUTS: Mapping[str, Callable[[str], str]] = {
    "first word only": lambda name: _unqualified(name).split(" ", 1)[0],
    "last word only": lambda name: _unqualified(name).rsplit(" ", 1)[-1],
}


def readings(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The distinct names under each preparation, in order of first appearance."""
    return _prepared(names, _READINGS)


def cuts(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The distinct single words that are left if every name is cut to one."""
    return _prepared(names, _CUTS)


def words(names: Sequence[str]) -> tuple[int, ...]:
    """Words of each distinct name, "_" as a blank and without its qualifier."""
    return tuple(len(name.split()) for name in dict.fromkeys(_unqualified(name) for name in names))


def _prepared(
    names: Sequence[str], by: Mapping[str, Callable[[str], str]]
) -> dict[str, tuple[str, ...]]:
    return {
        label: tuple(dict.fromkeys(prepare(name) for name in names))
        for label, prepare in by.items()
    }
