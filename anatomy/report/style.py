"""One look for every figure: sizes, fonts, and the same colour for the same source everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib as mpl
import seaborn as sns
from cycler import cycler
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

WIDTH = 7.6  # inches, of a figure that fills the column
INK = "#1f2933"
MUTED = "#7b8794"
FAINT = "#d9dee4"
ACCENT = "#b3261e"  # bounds and recommendations

# Okabe & Ito's colours, which readers with any colour vision can tell apart.
_COLOURS = {
    "rf100vl": "#CC79A7",
    "lvis": "#E69F00",
    "refcoco": "#0072B2",
    "saco-gold": "#D55E00",
    "saco-silver": "#56B4E9",
    "saco-veval": "#009E73",
}
_OTHERS = ("#332288", "#882255", "#999933", "#117733", "#AA4499", "#44AA99", "#661100", "#6699CC")


DARK = {INK: "#e4e8ec", MUTED: "#a3afbb", FAINT: "#343d47", "#ffffff": "#14181d"}


def colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for each source; the paper's six always have the same ones."""
    others = [name for name in names if name not in _COLOURS]
    cycled = {name: _OTHERS[at % len(_OTHERS)] for at, name in enumerate(others)}
    return {name: _COLOURS.get(name) or cycled[name] for name in names}


def printable(text: str) -> str:
    """`text` with what the figures' font cannot draw as escapes, never as empty boxes."""
    return "".join(
        c if c.isprintable() and ord(c) < 0x250 else c.encode("unicode_escape").decode("ascii")
        for c in text
    )


def blank(height: float) -> Figure:
    """An empty figure of the column's width, `height` inches high."""
    return Figure(figsize=(WIDTH, height), layout="constrained")


def in_percent(axis: Axis) -> None:
    """Label the ticks of shares in per cent."""
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))


@contextmanager
def style() -> Iterator[None]:
    """Draw figures inside this context; also your own, with matplotlib's pyplot or seaborn."""
    settings = {
        **sns.axes_style("ticks"),
        **sns.plotting_context("paper"),
        "axes.edgecolor": MUTED,
        "axes.grid": True,
        "axes.grid.axis": "both",
        "axes.labelcolor": INK,
        "axes.labelsize": 9,
        "axes.prop_cycle": cycler(color=[*_COLOURS.values()]),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 9.5,
        "axes.titleweight": "bold",
        "figure.dpi": 100,
        "figure.facecolor": "white",
        "font.family": "DejaVu Sans",  # comes with matplotlib
        "font.size": 8.5,
        "grid.color": FAINT,
        "grid.linewidth": 0.6,
        "legend.frameon": False,
        "legend.fontsize": 8,
        "lines.linewidth": 1.6,
        "svg.fonttype": "path",  # looks the same where the font is missing
        "svg.hashsalt": "anatomy",  # the same ids, so the same bytes, every time
        "text.color": INK,
        "text.parse_math": False,  # a "$" in a prompt is a dollar
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
    }
    with mpl.rc_context(settings):
        yield
        # A notebook's backend turns this on with the first figure, and shows none without it.
        interactive = mpl.is_interactive()
    mpl.interactive(interactive)
