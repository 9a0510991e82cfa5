"""Axes and their ticks."""

from __future__ import annotations

import math

from matplotlib.axis import Axis, XAxis
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

_TICKS = 6  # at most, of a logarithmic axis


def in_percent(axis: Axis) -> None:
    """Label the ticks of shares in per cent."""
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))


def in_thousands(axis: Axis) -> None:
    """Label the ticks of counts in few letters: 10k for 10,000."""
    axis.set_major_formatter(
        FuncFormatter(lambda n, _: f"{n / 1000:g}k" if n >= 1000 else f"{n:g}")
    )


def in_full(axis: Axis) -> None:
    """Label the ticks of counts with all their digits."""
    axis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}" if n >= 1 else f"{n:g}"))


def in_short(axis: Axis) -> None:
    """Label the ticks of any numbers in as few digits as say them."""
    axis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))


def whole(axis: Axis, ticks: int = 6) -> None:
    """A tick at each of at most so many whole numbers."""
    axis.set_major_locator(MaxNLocator(ticks, integer=True))


def of_names(axis: Axis) -> None:
    """An axis of names: neither ticks nor grid."""
    axis.set_tick_params(length=0)
    axis.grid(visible=False)


def logarithmic(axis: Axis, low: float, high: float) -> None:
    """A logarithmic axis from `low` to `high`, ticks at few round numbers and no others.

    matplotlib's own would put a small tick at every digit, and drawing these takes longer than the
    rest of a figure.
    """
    limits = (low, high)
    if isinstance(axis, XAxis):
        axis.axes.set_xscale("log")
        axis.axes.set_xlim(limits)
    else:
        axis.axes.set_yscale("log")
        axis.axes.set_ylim(limits)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    ticks = [tick for tick in ticks if low <= tick <= high]
    if len(ticks) > _TICKS:
        ticks = [10.0**power for power in powers if low <= 10.0**power <= high]
        ticks = ticks[:: -(-len(ticks) // _TICKS)]
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
