"""`distill plan`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from anatomy.errors import InputError
from anatomy.files import shown
from distill.commands.planning import planned, planning


@click.command()
@planning
@click.option("--out", type=click.Path(path_type=Path), help="Write the recipe there, as YAML.")
def plan(out: Path | None, **options: Any) -> None:
    """Show what would be trained and why, before anything is."""
    from anatomy.console import progress
    from anatomy.files import write_whole
    from distill.console_plan import print_plan

    if out is not None and out.is_dir():
        raise InputError(f"--out {shown(out)}: is a folder; name a file, such as recipe.yaml")
    with progress() as steps:
        found = planned(steps, **options)
    if out is not None:
        write_whole(out, found.recipe.to_yaml().encode())
    arguments = ["--recipe", str(out)] if out else [a for a in sys.argv[2:] if a != "--debug"]
    print_plan(found, shlex.join(["distill", "run", *arguments]), out)
