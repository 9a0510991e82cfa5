"""What the command's arguments may be: click's types for them, and an option that several share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

_SIZE = re.compile(r"\s*(\d+(?:[._]\d+)*)\s*([kmgt]i?)?b?\s*", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class Size(click.ParamType):
    """An amount of bytes: 30MB (millions), 30MiB (of 1,048,576), 1.5GB, 250000."""

    name = "size"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(value)
        try:
            number = float(match[1]) if match else 0.0
        except ValueError:  # 1.2.3
            number = 0.0
        unit = (match[2] or "").lower() if match else ""
        step = 1024 if unit.endswith("i") else 1000
        size = round(number * float(step ** _POWERS[unit.rstrip("i")]))
        if size < 1:
            self.fail(f"{value!r} is no size; give for example 30MB, 28MiB or 1.5GB", param, ctx)
        return size


class Positive(click.ParamType):
    """A number above zero."""

    name = "number"

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if not 0 < number < float("inf"):
            self.fail(f"{value!r} is no number above zero", param, ctx)
        return number


def device_option(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """--device, of a command in which `what` ("teacher and student") compute there."""
    return click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda"]),
        default="auto",
        show_default=True,
        help=f"Where {what} compute.",
    )
