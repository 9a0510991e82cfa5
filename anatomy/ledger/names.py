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


def readings(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The distinct names under each preparation, in order of first appearance."""
    return {
        label: tuple(dict.fromkeys(prepare(name) for name in names))
        for label, prepare in _READINGS.items()
    }
