"""One look for every figure: sizes, type, lines, and colours by day and by night."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
import seaborn as sns
from cycler import cycler
from matplotlib.figure import Figure

from anatomy.report.plots.palette import CYCLE, NIGHT
from anatomy.report.printable import printable

ONE_COLUMN = 3.4  # inches, of a figure that stands in one of two columns
TWO_COLUMNS = 7.0  # of one across both
DPI = 200  # of a PNG

TITLE, TEXT, SMALL = 8.5, 7.5, 6.8  # points

INK = "#1f2933"
MUTED = "#66727e"
FAINT = "#d9dee4"
ACCENT = "#b3261e"  # bounds and recommendations
WHITE = "#ffffff"  # the paper's, black at night
PALE = "#fefefe"  # white on a dark cell, by day and by night

# Every colour that the page changes at night, and into what.
DARK = {
    INK: "#e4e8ec",
    MUTED: "#a3afbb",
    FAINT: "#343d47",
    ACCENT: "#ff8a80",
    WHITE: "#14181d",
    **NIGHT,
}

DASHED = (0, (4, 2))
DOTTED = (0, (3, 2))


def drawable(text: str) -> str:
    """`text` with what a figure cannot show as escapes, never as empty boxes.

    On paper the font decides; matplotlib besides needs scripts that run from left to right, and
    letters that carry no marks.
    """
    return "".join(
        c
        if not unicodedata.category(c).startswith("M")
        and unicodedata.bidirectional(c) not in ("R", "AL", "AN")
        else c.encode("unicode_escape").decode("ascii")
        for c in printable(text)
    )


def brief(text: str, letters: int) -> str:
    """`text` as `drawable` gives it, its middle left out where it has more than `letters`."""
    whole = drawable(text)
    if len(whole) <= letters:
        return whole
    end = (letters - 1) // 2
    return whole[: letters - 1 - end] + "…" + (whole[-end:] if end else "")


def blank(height: float, columns: int = 2) -> Figure:
    """An empty figure as wide as one or two columns, `height` inches high."""
    width = TWO_COLUMNS if columns == 2 else ONE_COLUMN
    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


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
        "axes.labelpad": 3,
        "axes.labelsize": TEXT,
        "axes.linewidth": 0.7,
        "axes.prop_cycle": cycler(color=CYCLE),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.titlepad": 5,
        "axes.titlesize": TITLE,
        "axes.titleweight": "bold",
        "figure.constrained_layout.h_pad": 0.03,
        "figure.constrained_layout.w_pad": 0.03,
        "figure.constrained_layout.hspace": 0.05,
        "figure.constrained_layout.wspace": 0.04,
        "figure.dpi": 100,
        "figure.facecolor": "white",
        "font.family": "DejaVu Sans",  # comes with matplotlib
        "font.size": TEXT,
        "grid.color": FAINT,
        "grid.linewidth": 0.5,
        "legend.borderaxespad": 0.2,
        "legend.columnspacing": 1.6,
        "legend.fontsize": TEXT,
        "legend.frameon": False,
        "legend.handlelength": 1.8,
        "legend.handletextpad": 0.6,
        "lines.linewidth": 1.4,
        "lines.markersize": 3.5,
        "svg.fonttype": "path",  # looks the same where the font is missing
        "svg.hashsalt": "anatomy",  # the same ids, so the same bytes, every time
        "text.color": INK,
        "text.hinting": "none",  # letters as wide in a PNG as in an SVG, for one layout of both
        "text.parse_math": False,  # a "$" in a prompt is a dollar
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": TEXT,
        "ytick.labelsize": TEXT,
        "xtick.major.pad": 2.5,
        "ytick.major.pad": 2.5,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
    }
    with mpl.rc_context(settings):
        yield
        # A notebook's backend turns this on with the first figure, and shows none without it.
        interactive = mpl.is_interactive()
    mpl.interactive(interactive)
