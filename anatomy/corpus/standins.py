"""Prompts that this project writes itself, where a source cannot be had.

The words and sentence patterns are our own (`standin_words.py` reads them); nothing is taken from
a dataset. A pattern is a row of slots and a slot is a table of 65,536 units, each unit filling a
share of the table as large as its probability (an optional slot has empty entries). Writing a
prompt is then: one 16-bit draw picks the pattern, one more per slot picks its unit. Thousands of
prompts are written at once, by a single gather.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from itertools import count as counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anatomy.corpus.standin_words import VOWEL, language
from anatomy.errors import InputError

STYLES: tuple[str, ...] = (
    "rf100vl",
    "lvis",
    "refcoco",
    "saco-gold",
    "saco-silver",
    "saco-veval",
)
"""The sources whose style `generate` imitates."""

BLOCK = 1 << 14  # prompts written at once; a block's draws depend on its number and nothing else
TABLE = 1 << 16  # one entry per value of a 16-bit draw
EMPTY = 0  # the unit of an optional slot that stays empty


def generate(name: str, count: int, seed: int = 0) -> pa.LargeStringArray:
    """`count` distinct prompts in the style of source `name`.

    The same arguments give the same array on every machine, and a smaller count gives the
    beginning of a larger one. No prompt is empty, starts or ends with a space, or has a newline.

    Parameters
    ----------
    name : str
        One of `STYLES`.
    count : int
        How many prompts, at least 0. Every style reaches far more than its source's published
        count.
    seed : int, default 0
        Not negative. Another seed gives other prompts of the same style.

    Returns
    -------
    pa.LargeStringArray, length `count`

    Raises
    ------
    InputError
        `name` is not one of `STYLES`.
    ValueError
        `count` or `seed` is negative, or the style's grammar has no `count` distinct prompts.
    """
    if name not in STYLES:
        raise InputError(f"no stand-ins for source {name!r}; choose from {', '.join(STYLES)}")
    if count < 0 or seed < 0:
        raise ValueError(f"count and seed must not be negative, got {count} and {seed}")
    grammar = _grammar(name)
    # crc32 and not hash(): the name must give the same stream in every process.
    blocks = (_write(grammar, (seed, zlib.crc32(name.encode()), block)) for block in counter())
    distinct = pa.array([], pa.large_string())
    while len(distinct) < count:
        # A block's copies of earlier prompts are dropped, and later blocks have more of them.
        some = [next(blocks) for _ in range(1 + (count - len(distinct)) * 3 // 2 // BLOCK)]
        found = pc.unique(pa.chunked_array([distinct, *some]))  # in order of first appearance
        if len(found) - len(distinct) < len(some) * BLOCK // 200:
            raise ValueError(
                f"the grammar of {name} is exhausted: {len(found)} distinct prompts of {count}"
            )
        distinct = found
    return pa.concat_arrays([distinct.slice(0, count)])  # a copy, without the surplus


# ------------------------------------------------------------------------------- writing prompts


@dataclass(frozen=True)
class _Grammar:
    """One style, compiled. U units, S distinct slots, P patterns.

    Attributes
    ----------
    units : pa.LargeStringArray, length U
        Words and phrases; unit `EMPTY` is never written.
    letters : ndarray of uint8, shape [U, W]
        The units' ASCII bytes, padded with zeros; a unit that takes no typing error is all zeros.
    vowel : ndarray of bool, shape [U]
        True where "an" and not "a" stands before the unit.
    a, an : int
        The two articles' units.
    tables : ndarray of uint16, shape [S * TABLE]
        Slot s draws its unit from entries s * TABLE to (s + 1) * TABLE - 1.
    slots : ndarray of int32
        The slots of every pattern, one pattern after the other.
    starts, lengths : ndarray of int64, shape [P]
        Where each pattern's slots start in `slots`, and how many they are.
    patterns : ndarray of int64, shape [TABLE]
        Pattern by draw.
    typos : int
        Draws below it mean a typing error.
    surfaces : tuple of (function, int, int)
        How finished text is changed, and the draws from and up to which it is.
    """

    units: pa.LargeStringArray
    letters: np.ndarray
    vowel: np.ndarray
    a: int
    an: int
    tables: np.ndarray
    slots: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    patterns: np.ndarray
    typos: int
    surfaces: tuple[tuple[Callable[[Any], Any], int, int], ...]


def _draws(source: np.random.PCG64, size: int) -> np.ndarray:
    """`size` numbers below 65,536, of 16 bits each."""
    # Only the raw output of PCG64 and SeedSequence is what numpy promises never to change.
    raw = source.random_raw(-(-size // 4))
    return raw.astype("<u8", copy=False).view("<u2")[:size]


def _write(grammar: _Grammar, stream: tuple[int, ...]) -> pa.LargeStringArray:
    """One block of prompts, copies included."""
    source = np.random.PCG64(np.random.SeedSequence(stream))
    pattern = grammar.patterns[_draws(source, BLOCK)]
    lengths = grammar.lengths[pattern]
    ends = np.cumsum(lengths)
    place = np.arange(ends[-1]) + np.repeat(grammar.starts[pattern] - (ends - lengths), lengths)
    units = grammar.tables[grammar.slots[place] * TABLE + _draws(source, len(place))]

    written = units != EMPTY
    flat = units[written].astype(np.int32)
    bounds = np.concatenate([[0], np.cumsum(written)[ends - 1]])  # of the prompts' written units

    # Which article is right is known only now. An article is never a prompt's last unit.
    before_vowel = np.flatnonzero((flat[:-1] == grammar.a) & grammar.vowel[flat[1:]])
    flat[before_vowel] = grammar.an

    wrong, which, how, surface = _draws(source, 4 * BLOCK).reshape(4, BLOCK)
    mistyped = np.flatnonzero(wrong < grammar.typos)
    at = bounds[mistyped] + which[mistyped] % np.diff(bounds)[mistyped]
    letters = grammar.letters[flat[at]]
    can = letters[:, 0] > 0
    flat[at[can]] = len(grammar.units) + np.arange(can.sum())  # a mistyped unit is a new unit
    units_now = pa.concat_arrays([grammar.units, _mistype(letters[can], how[mistyped][can])])

    words = pa.LargeListArray.from_arrays(pa.array(bounds), units_now.take(pa.array(flat)))
    prompts = pc.binary_join(words, pa.scalar(" ", pa.large_string()))
    for glue in (" ~", "~ "):
        prompts = pc.replace_substring(prompts, glue, "")
    for change, start, end in grammar.surfaces:
        chosen = pa.array((surface >= start) & (surface < end))
        prompts = pc.if_else(chosen, change(prompts), prompts)
    return prompts


def _neighbours() -> np.ndarray:
    """The letter that a finger meant for another letter hits: uint8, shape [256]."""
    table = np.arange(256, dtype=np.uint8)
    for row in (b"qwertyuiop", b"asdfghjkl", b"zxcvbnm"):
        table[list(row)] = list(row[1:] + row[-2:-1])
    return table


def _mistype(letters: np.ndarray, draws: np.ndarray) -> pa.LargeStringArray:
    """Each unit with one typing error: a letter lost, doubled, swapped with the next, or missed.

    `letters` is uint8 [n, W] with zeros after each unit's end, `draws` uint16 [n]. The first letter
    always stays.
    """
    padded = np.pad(letters, ((0, 0), (0, 1)))
    rows, column = np.arange(len(letters)), np.arange(padded.shape[1])
    place = 1 + draws // 4 % ((letters > 0).sum(axis=1) - 2)
    # A space is lost ("firehydrant"), never doubled.
    kind = np.where(letters[rows, place] == ord(" "), 0, draws % 4)
    after = column - place[:, None].astype(np.int64)  # negative before the place
    lost, doubled, swapped = (kind[:, None] == k for k in range(3))
    shift = (lost & (after >= 0)).astype(np.int64) - (doubled & (after > 0))
    shift += (swapped & (after == 0)).astype(np.int64) - (swapped & (after == 1))
    typed = np.take_along_axis(padded, np.minimum(column + shift, column[-1]), axis=1)
    missed = np.flatnonzero(kind == 3)
    typed[missed, place[missed]] = _neighbours()[typed[missed, place[missed]]]
    offsets = np.concatenate([[0], np.cumsum((typed > 0).sum(axis=1))])
    units = pa.LargeStringArray.from_buffers(
        len(typed), pa.py_buffer(offsets), pa.py_buffer(typed[typed > 0].tobytes())
    )
    return pc.replace_substring(units, "  ", " ")  # where a one-letter word was lost


# ------------------------------------------------------------------------- compiling the grammar

SURFACES: dict[str, Callable[[Any], Any]] = {
    "plain": lambda text: text,
    "capital": pc.utf8_capitalize,
    "title": pc.utf8_title,
    "upper": pc.utf8_upper,
    "snake": lambda text: pc.replace_substring(text, " ", "_"),
    "kebab": lambda text: pc.replace_substring(text, " ", "-"),
}


def _shares(weights: np.ndarray, size: int) -> np.ndarray:
    """How many of `size` entries each weight gets; whole numbers only, so always the same."""
    edges = np.cumsum(weights) * size // weights.sum()
    return np.diff(edges, prepend=0)


def _grammar(name: str) -> _Grammar:
    """Compile one style: number its units and slots, and fill the tables."""
    words = language()
    style = words.styles[name]
    patterns = words.patterns(name)
    slots = [pattern.split() for pattern, _ in patterns]
    slot_of = {slot: number for number, slot in enumerate(dict.fromkeys(chain(*slots)))}

    unit_of = {"": EMPTY, "a": 1, "an": 2}
    tables = np.full((len(slot_of), TABLE), EMPTY, np.uint16)
    for table, slot in zip(tables, slot_of, strict=True):
        body, _, percent = slot.strip("<>").partition("?")
        listed = slot.startswith("<")
        units, weights = words.draw(body) if listed else ([body], np.ones(1, np.int64))
        numbers = [unit_of.setdefault(unit, len(unit_of)) for unit in units]
        filled = round(TABLE * float(percent or 100) / 100)
        table[:filled] = np.repeat(numbers, _shares(weights, filled))

    units = list(unit_of)
    plain = re.compile("[a-z ]{4,}")  # what a typing error can befall
    letters = np.array([unit.encode() if plain.fullmatch(unit) else b"" for unit in units])
    lengths = np.array([len(pattern) for pattern in slots])
    shares = np.array([int(share * (1 << 40)) for _, share in patterns])
    surface: dict[str, int] = style.get("surface", {"plain": 1})
    ends = np.cumsum(_shares(np.array(list(surface.values())), TABLE)).tolist()
    return _Grammar(
        units=pa.array(units, pa.large_string()),
        letters=letters.view(np.uint8).reshape(len(units), -1),
        vowel=np.array([bool(VOWEL.match(unit)) for unit in units]),
        a=unit_of["a"],
        an=unit_of["an"],
        tables=tables.ravel(),
        slots=np.array([slot_of[slot] for slot in chain(*slots)], np.int32),
        starts=np.cumsum(lengths) - lengths,
        lengths=lengths,
        patterns=np.repeat(np.arange(len(slots)), _shares(shares, TABLE)),
        typos=round(TABLE * style["typos"] / 100),
        surfaces=tuple(
            (SURFACES[change], start, end)
            for change, start, end in zip(surface, [0, *ends], ends, strict=False)
            if change != "plain"
        ),
    )
