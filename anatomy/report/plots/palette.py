"""Colours, line styles and marks of series: the same ones for the same name everywhere.

The six sources of the paper have Okabe and Ito's hues (jfly.uni-koeln.de/color), darker where a
line would lack a contrast of 3 to 1 with white paper (WCAG 2.2, 1.4.11). At night the originals
take their place.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

_KNOWN = {
    "rf100vl": "#c271a3",
    "lvis": "#b08d10",
    "refcoco": "#0b4a8a",
    "saco-gold": "#a33500",
    "saco-silver": "#1898e0",
    "saco-veval": "#1f8a63",
}
CYCLE = tuple(_KNOWN.values())  # for figures of one's own
# Found by search: far from each other, and from the six, for readers without red or green cones.
_OTHERS = (
    "#2b48ea",
    "#85872f",
    "#65006a",
    "#32a66a",
    "#740300",
    "#8a8dc5",
    "#256142",
    "#874e7c",
)
_ENCODERS = {"sam3": _OTHERS[0], "minilm": _OTHERS[3]}

NIGHT = {
    "#c271a3": "#cc79a7",
    "#b08d10": "#e69f00",
    "#0b4a8a": "#0072b2",
    "#a33500": "#d55e00",
    "#1898e0": "#56b4e9",
    "#1f8a63": "#009e73",
    "#2b48ea": "#7a5cff",
    "#85872f": "#d8cf3a",
    "#65006a": "#b350cf",
    "#32a66a": "#45e08a",
    "#740300": "#e0492f",
    "#8a8dc5": "#cda5ec",
    "#256142": "#1f9e62",
    "#874e7c": "#86707f",
}

# Known names are told apart by colour alone. With seven marks to the others' eight colours, no two
# of 56 look alike.
_KNOWN_MARK = "o"
_MARKS = ("s", "^", "D", "v", "P", "X", "p")
Dash = tuple[int, tuple[float, ...]]
_DASHES: tuple[Dash | str, ...] = ("-", (0, (4, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.5, 1.2, 1.5)))


@dataclass(frozen=True)
class Look:
    """How a series is drawn: colour, line style and mark."""

    colour: str
    dash: Dash | str
    mark: str


def looks(names: Sequence[str]) -> dict[str, Look]:
    """A look for each source. The paper's six always have the same ones."""
    return _looks(names, _KNOWN)


def encoder_looks(names: Sequence[str]) -> dict[str, Look]:
    """A look for each encoder. Those known by name always have the same ones."""
    return _looks(names, _ENCODERS)


def need_marks(found: Collection[Look]) -> bool:
    """Whether lines of these looks are told apart for certain only by their marks.

    Within the six, and within the first six others, colours are far apart for every eye.
    """
    known = sum(look.mark == _KNOWN_MARK for look in found)
    return len(found) > 6 or 0 < known < len(found)


def _looks(names: Sequence[str], known: dict[str, str]) -> dict[str, Look]:
    free = [colour for colour in _OTHERS if colour not in known.values()]
    found = {name: Look(known[name], "-", _KNOWN_MARK) for name in names if name in known}
    others = [name for name in dict.fromkeys(names) if name not in known]
    for at, name in enumerate(others):
        dash = _DASHES[at // len(free) % len(_DASHES)]
        found[name] = Look(free[at % len(free)], dash, _MARKS[at % len(_MARKS)])
    return {name: found[name] for name in names}
