"""What the command's arguments may be: click's types for them, and options of several commands."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, TypeVar

import click

from anatomy.files import shown
from anatomy.report.formats import FORMATS, PAPERS

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Commands(click.Group):
    """Commands in the order in which they were added; the nearest to one that there is not."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            nearest = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"see {ctx.command_path} --help"
            ctx.fail(f"no command is called {shown(name)}; {hint}")
        return super().resolve_command(ctx, args)


class Names(click.ParamType):
    """Names with commas between them."""

    name = "names"

    def convert(
        self, value: str | list[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> list[str]:
        if isinstance(value, list):
            return value
        parts = [part.strip() for part in value.split(",")]
        if not all(parts):
            self.fail(f"an empty name in {value!r}; separate names with single commas", param, ctx)
        return parts


class Lengths(Names):
    """Whole numbers with commas between them."""

    name = "lengths"

    def convert(
        self, value: str | list[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> list:
        try:
            return [int(part) for part in super().convert(value, param, ctx)]
        except ValueError:
            self.fail(f"{value!r} is no list of whole numbers such as 8,16,32", param, ctx)


class Formats(Names):
    """What a report is rendered to, with commas between."""

    name = "formats"

    def convert(
        self, value: str | list[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> list:
        names = super().convert(value, param, ctx)
        for name in names:
            if name not in FORMATS:
                self.fail(f"{name!r} is none of {', '.join(FORMATS)}", param, ctx)
        return names


class Sample(click.ParamType):
    """A number of prompts, or all of them."""

    name = "sample"

    def convert(
        self, value: str | int | None, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        if value is None or value == "all":
            return None
        try:
            number = int(value)
        except ValueError:
            number = 0
        if number < 1:
            self.fail(
                f"{value!r} is no number of prompts; give for example 5000, or all", param, ctx
            )
        return number


formats_option = click.option(
    "--format",
    "formats",
    type=Formats(),
    default="html,pdf",
    show_default=True,
    help="What to write: a page, a PDF or both.",
)
paper_option = click.option(
    "--paper",
    type=click.Choice(PAPERS),
    default="a4",
    show_default=True,
    help="Page size of the PDF.",
)


def engine_options(what: str) -> Callable[[_Command], _Command]:
    """``--engine`` and ``--address``; `what` the engine does, for the help."""
    engine = click.option(
        "--engine",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        help=what,
    )
    address = click.option(
        "--address", help="Of the Ray cluster; auto: this machine's.  [default: processes here]"
    )
    return lambda command: engine(address(command))
