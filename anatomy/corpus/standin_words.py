"""The language of the stand-ins: its word lists and patterns, plurals, and "a" or "an".

Everything is in `data/standin_words.toml`, which explains its own notation.
"""

from __future__ import annotations

import re
import tomllib
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

# "an hour", "an apple"; but "a unicorn", "a used car", "a ukulele", "a one-way sign".
VOWEL = re.compile(r"hour|heir|hono|(?!uni(?!n)|us[ei]|ute|uk|ur[ia]|eu|ew|one\b)[aeiou]", re.I)

PLURALS = {
    "person": "people", "child": "children", "man": "men", "woman": "women", "mouse": "mice",
    "goose": "geese", "foot": "feet", "tooth": "teeth", "ox": "oxen", "loaf": "loaves",
    "leaf": "leaves", "knife": "knives", "shelf": "shelves", "wolf": "wolves", "calf": "calves",
    "scarf": "scarves", "sheep": "sheep", "deer": "deer", "fish": "fish", "moose": "moose",
    "human": "humans", "talisman": "talismans", "cactus": "cacti", "potato": "potatoes",
    "tomato": "tomatoes", "mango": "mangoes", "buffalo": "buffalo", "bison": "bison",
    "half": "halves", "thief": "thieves", "octopus": "octopuses", "people": "people",
    "men": "men", "teeth": "teeth",
}  # fmt: skip


def plural(unit: str) -> str:
    """Several of a unit: "toy boxes", "slices of pizza", "police officers"."""
    head, of, rest = unit.partition(" of ")
    start, space, noun = head.rpartition(" ")
    if noun in PLURALS:
        noun = PLURALS[noun]
    elif noun.endswith("man"):
        noun = noun[:-2] + "en"
    elif re.search(r"[^aeiou]y$", noun):
        noun = noun[:-1] + "ies"
    elif re.search(r"(s|x|z|ch|sh)$", noun):
        noun += "" if noun.endswith("s") and not noun.endswith("ss") else "es"
    else:
        noun += "s"
    return start + space + noun + of + rest


def _weighted(lines: str) -> list[tuple[str, Fraction]]:
    """Lines "weight text" as (text, share of all weights)."""
    # Exact: Python 3.12 sums floats otherwise than 3.11, and the last bit can decide a draw.
    pairs = [line.partition(" ") for line in lines.strip().splitlines()]
    total = sum(Fraction(weight) for weight, _, _ in pairs)
    return [(text, Fraction(weight) / total) for weight, _, text in pairs]


class Language:
    """The data file: lists of units, mixes of lists, macros, styles."""

    def __init__(self, text: str) -> None:
        data = tomllib.loads(text)
        self.styles: dict[str, dict[str, Any]] = data["styles"]
        self._macros = {name: _weighted(lines) for name, lines in data["macros"].items()}
        self._lists: dict[str, tuple[list[str], np.ndarray]] = {}
        for name, listed in data["words"].items():
            units = [" ".join(unit.split()) for unit in listed.split(",")]
            weights = (1 << 40) // np.arange(4, 4 + len(units))
            self._lists[name] = units, weights // (weights.sum() >> 30)
        for name, mixed in data["mixes"].items():
            parts = [part.split() for part in mixed.split(",")]
            units = [unit for inner, _ in parts for unit in self._lists[inner][0]]
            shared = [self._lists[inner][1] * int(share) for inner, share in parts]
            total = sum(int(share) for _, share in parts)
            self._lists[name] = units, np.concatenate(shared) // total

    def draw(self, listed: str) -> tuple[list[str], np.ndarray]:
        """The units of "list", "mix" or "list+s", and their weights (int64, about 2**30 in all)."""
        name, _, several = listed.partition("+")
        units, weights = self._lists[name]
        return [plural(unit) for unit in units] if several else units, weights

    def patterns(self, style: str) -> list[tuple[str, Fraction]]:
        """The style's patterns with every choice of its macros written out, and their shares."""
        found, todo = [], _weighted(self.styles[style]["patterns"])
        while todo:
            pattern, share = todo.pop()
            macro = re.search(r"\{(\w+)\}", pattern)
            if macro is None:
                found.append((pattern, share))
                continue
            before, after = pattern[: macro.start()], pattern[macro.end() :]
            todo += [(before + text + after, share * part) for text, part in self._macros[macro[1]]]
        return found


@cache
def language() -> Language:
    """The language of the stand-ins, read once."""
    data = files("anatomy.corpus") / "data" / "standin_words.toml"
    return Language(data.read_text(encoding="utf-8"))
