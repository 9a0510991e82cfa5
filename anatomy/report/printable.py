"""Text as paper can show it: every character drawn, or its escape; long words made breakable."""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib as mpl
from matplotlib.ft2font import FT2Font

BREAK = "\N{ZERO WIDTH SPACE}"  # where the template may break a line; never a character of a text
_FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")  # they come with matplotlib
_KEEP = "\N{NO-BREAK SPACE}"
_LONG_WORD = re.compile(r"\S{24,}")
_PIECE = re.compile(r"[^/_.:;,&?=+-]{0,8}[/_.:;,&?=+-]*")
# Drawn as nothing at all: a reader would not see that it is there.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0]"
)


@contextmanager
def fonts() -> Iterator[Path]:
    """A folder of DejaVu Sans alone, which draws what the text's own font does not.

    It has no italics, whose letters are fewer: the upright ones stand in for them.
    """
    with TemporaryDirectory() as folder:
        for name in _FONTS:
            shutil.copy(_dejavu(name), folder)
        yield Path(folder)


def printable(text: str) -> str:
    """`text` with what no font draws, or nobody sees, as escapes."""
    return "".join(
        c
        if c.isprintable() and c in _drawn() and not _INVISIBLE.match(c)
        else c.encode("unicode_escape", "backslashreplace").decode("ascii")
        for c in text
    )


def breakable(text: str) -> str:
    """`text` as `printable` gives it, with places to break long words; a number keeps its unit."""
    whole = _LONG_WORD.sub(lambda word: BREAK.join(_pieces(word.group())), printable(text))
    return whole.replace(" %", f"{_KEEP}%")


def kept(text: str) -> str:
    """`text` on one line."""
    return text.replace(" ", _KEEP)


def _pieces(word: str) -> list[str]:
    pieces: list[str] = []
    for piece in _PIECE.findall(word):
        if pieces and unicodedata.category(piece[:1] or "\u0300").startswith("M"):
            pieces[-1] += piece  # a mark stays on its letter
        else:
            pieces.append(piece)
    return pieces


@cache
def _drawn() -> frozenset[str]:
    """Every character that is there in regular and in bold."""
    maps = (FT2Font(str(_dejavu(name))).get_charmap() for name in _FONTS)
    return frozenset.intersection(*(frozenset(map(chr, found)) for found in maps))


def _dejavu(name: str) -> Path:
    return Path(mpl.get_data_path()) / "fonts" / "ttf" / name
