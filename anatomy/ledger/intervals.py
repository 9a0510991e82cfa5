"""Interval arithmetic on printed numbers, with exact bounds.

A number printed with d decimals stands for every value that rounds to it: the closed interval
x +/- 0.5 * 10^-d. Bounds are fractions, so nothing is lost to floating point; a bound that comes
from a logarithm or a root is widened by one part in 10^9 before it becomes a fraction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, floor
from typing import Literal

Number = int | Fraction
Rounding = Literal["down", "up", "nearest"]

_UNITS = {
    "": Fraction(1),
    "%": Fraction(1, 100),
    "K": Fraction(1_000),
    "M": Fraction(1_000_000),
    "x": Fraction(1),
}
_PLAIN = re.compile(r"(~?)\s*(-?[\d,]+(?:\.(\d+))?)\s*([%KMx]?)")
_SPAN = re.compile(r"~?\s*(-?[\d,.]+)\s*(?:–|-| to )\s*([\d,.]+)\s*([%KMx]?)")
_PLUS_MINUS = re.compile(r"~?\s*(-?[\d,.]+)\s*(?:±|\+/-)\s*([\d,.]+)\s*([%KMx]?)")


@dataclass(frozen=True)
class Interval:
    """The closed interval [lo, hi]."""

    lo: Fraction
    hi: Fraction

    def __post_init__(self) -> None:
        if self.lo > self.hi:
            raise ValueError(f"an interval needs lo <= hi, got [{self.lo}, {self.hi}]")

    @classmethod
    def exact(cls, value: Number) -> Interval:
        """The single value."""
        return cls(Fraction(value), Fraction(value))

    @classmethod
    def of(cls, lo: Number, hi: Number) -> Interval:
        """From two bounds."""
        return cls(Fraction(lo), Fraction(hi))

    @classmethod
    def around(cls, lo: float, hi: float) -> Interval:
        """From two floating-point bounds, widened outwards by one part in 10^9."""
        slack = Fraction(1, 10**9)
        low, high = Fraction(lo), Fraction(hi)
        return cls(low - abs(low) * slack, high + abs(high) * slack)

    @classmethod
    def hull(cls, *parts: Interval) -> Interval:
        """The smallest interval that holds all parts."""
        return cls(min(p.lo for p in parts), max(p.hi for p in parts))

    @property
    def mid(self) -> Fraction:
        """The value half-way between the bounds."""
        return (self.lo + self.hi) / 2

    def __add__(self, other: Interval | Number) -> Interval:
        o = as_interval(other)
        return Interval(self.lo + o.lo, self.hi + o.hi)

    __radd__ = __add__

    def __neg__(self) -> Interval:
        return Interval(-self.hi, -self.lo)

    def __sub__(self, other: Interval | Number) -> Interval:
        return self + -as_interval(other)

    def __rsub__(self, other: Interval | Number) -> Interval:
        return as_interval(other) - self

    def __mul__(self, other: Interval | Number) -> Interval:
        o = as_interval(other)
        products = (self.lo * o.lo, self.lo * o.hi, self.hi * o.lo, self.hi * o.hi)
        return Interval(min(products), max(products))

    __rmul__ = __mul__

    def __truediv__(self, other: Interval | Number) -> Interval:
        o = as_interval(other)
        if o.lo <= 0 <= o.hi:
            raise ZeroDivisionError(f"division by an interval that holds zero: [{o.lo}, {o.hi}]")
        return self * Interval(1 / o.hi, 1 / o.lo)

    def __rtruediv__(self, other: Interval | Number) -> Interval:
        return as_interval(other) / self

    def __contains__(self, value: Number) -> bool:
        return self.lo <= value <= self.hi

    def overlaps(self, other: Interval) -> bool:
        """Whether some value lies in both."""
        return self.lo <= other.hi and other.lo <= self.hi

    def gap(self, other: Interval) -> Fraction:
        """Smallest distance between a value of one and a value of the other; 0 if they overlap."""
        return max(self.lo - other.hi, other.lo - self.hi, Fraction(0))

    def text(self, decimals: int) -> str:
        """5.77 to 5.79, rounded outwards; a single value as one number, rounded as usual."""
        if self.lo == self.hi:
            return number(self.lo, decimals)
        low, high = number(self.lo, decimals, "down"), number(self.hi, decimals, "up")
        return low if low == high else f"{low} to {high}"

    def percent(self, decimals: int) -> str:
        """Like `text`, in per cent."""
        return f"{(self * 100).text(decimals)} %"


def as_interval(value: Interval | Number) -> Interval:
    """An interval as it is; a number as the interval that holds it alone."""
    return value if isinstance(value, Interval) else Interval.exact(value)


def total(parts: list[Interval]) -> Interval:
    """Sum of intervals."""
    return Interval(sum((p.lo for p in parts), Fraction()), sum((p.hi for p in parts), Fraction()))


def mean(parts: list[Interval]) -> Interval:
    """Arithmetic mean of intervals."""
    return total(parts) / len(parts)


def number(value: Number, decimals: int, rounding: Rounding = "nearest") -> str:
    """A number with thousands separators, rounded down, up, or to the nearest (half up)."""
    scale = 10**decimals
    scaled = Fraction(value) * scale
    units = {
        "down": lambda: floor(scaled),
        "up": lambda: ceil(scaled),
        "nearest": lambda: floor(scaled + Fraction(1, 2)),
    }[rounding]()
    whole, rest = divmod(abs(units), scale)
    sign = "-" if units < 0 else ""
    return f"{sign}{whole:,}" + (f".{rest:0{decimals}d}" if decimals else "")


def printed(text: str) -> Interval:
    """What a printed number stands for.

    "0.245", "34.6%", "1.5K", "353.72M"
        the value +/- half a unit of the last printed place.
    "~5.6"
        the value +/- one unit of the last printed place ("about" doubles the rounding).
    "5.4–5.9"
        from the lower bound of the first to the upper bound of the second number.
    "16 ± 2"
        from 16 - 2 to 16 + 2, each number with its own rounding.
    """
    stripped = text.strip()
    if match := _PLUS_MINUS.fullmatch(stripped):
        centre, spread, unit = match.groups()
        middle, reach = printed(centre), printed(spread)
        return Interval(middle.lo - reach.hi, middle.hi + reach.hi) * _UNITS[unit]
    if match := _SPAN.fullmatch(stripped):
        low, high, unit = match.groups()
        return Interval.hull(printed(low), printed(high)) * _UNITS[unit]
    if match := _PLAIN.fullmatch(stripped):
        about, digits, decimals, unit = match.groups()
        value = Fraction(digits.replace(",", ""))
        place = Fraction(1, 10 ** len(decimals or ""))
        half = place if about else place / 2
        return Interval(value - half, value + half) * _UNITS[unit]
    raise ValueError(f"not a printed number: {text!r}")


@dataclass(frozen=True)
class Figure:
    """A published number as it is printed.

    Attributes
    ----------
    text : str
        The number with its printed decimals: "0.245", "34.6%", "~5.6", "16 ± 2", "5.4–5.9".
    where : str
        Section or table.
    exact : bool
        True for counts, which are not rounded.
    """

    text: str
    where: str
    exact: bool = False

    @cached_property
    def interval(self) -> Interval:
        """Every value that prints like this."""
        around = printed(self.text)
        return Interval.exact(around.mid) if self.exact else around

    def __str__(self) -> str:
        return self.text
