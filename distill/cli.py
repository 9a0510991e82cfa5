"""The `distill` command: parses, calls, prints."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from anatomy import __version__
from anatomy.command import run as run_command
from anatomy.errors import InputError
from anatomy.files import shown
from anatomy.parameters import Commands
from distill.commands.evaluate import evaluate
from distill.commands.export import export
from distill.commands.report import report
from distill.parameters import Positive, Size

if TYPE_CHECKING:
    from anatomy.progress import Steps
    from distill.plan import Planned

Function = TypeVar("Function", bound=Callable[..., Any])


@click.group(
    cls=Commands,
    epilog="Add --debug to any command to see the traceback of an error.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="distill", message="%(prog)s %(version)s")
def app() -> None:
    """Turn an audit's findings into a smaller text encoder."""


app.add_command(evaluate)
app.add_command(export)
app.add_command(report)


def planning(command: Function) -> Function:
    """The options from which a recipe is made: what `planned` takes."""
    for option in reversed(
        (
            click.option(
                "--from-report",
                "report",
                type=click.Path(path_type=Path),
                metavar="FILE",
                help="findings.json of `anatomy audit`, or the folder it is in.",
            ),
            click.option(
                "--recipe",
                "recipe_file",
                type=click.Path(path_type=Path),
                metavar="FILE",
                help="A recipe that was written before, instead of all options below.",
            ),
            click.option(
                "--teacher",
                help="Encoder of the findings to learn from, or NAME=PATH where its weights lie "
                "elsewhere now.  [default: the first with weights]",
            ),
            click.option(
                "--student",
                help="mobileclip-s0, mobileclip-s1, mobileclip2-l, nano, shallow:N (layers of the "
                "teacher) or a file.  [default: the largest that fits]",
            ),
            click.option(
                "--budget",
                type=Size(),
                metavar="SIZE",
                help="What the student may weigh: 30MB.  [default: 30 % of the teacher]",
            ),
            click.option("--minutes", type=Positive(), help="Time for everything.  [default: 10]"),
            click.option("--epochs", type=Positive(), help="Times that each prompt is seen."),
            click.option(
                "--set",
                "settings",
                multiple=True,
                metavar="FIELD=VALUE",
                help="Decide a field of the recipe yourself: --set loss.consistency=0. Repeatable.",
            ),
            click.option("--name", help="Of the run.  [default: teacher and student]"),
            click.option(
                "--data",
                type=click.Path(path_type=Path),
                help="Folder of the official files.  [default: the audit's]",
            ),
            click.option(
                "--allow-stand-ins",
                is_flag=True,
                help="Train on prompts that anatomy generated, to try things out.",
            ),
        )
    ):
        command = option(command)
    return command


def planned(
    steps: Steps, report: Path | None, recipe_file: Path | None, budget: int | None, **asked: Any
) -> Planned:
    """What the options of `planning` come to."""
    from anatomy.findings import FILE_NAME, Findings
    from distill.plan import Wishes, prepare, revisit
    from distill.recipe import Recipe

    wishes = Wishes(budget_bytes=budget, **asked)
    if recipe_file is not None:
        if report is not None or wishes != Wishes():
            raise InputError(
                "--recipe: holds everything that the other options would say; change it there and "
                "leave them out"
            )
        return revisit(Recipe.load(recipe_file), steps)
    if report is None:
        raise InputError(
            "nothing to plan from; give --from-report reports/findings.json, which `anatomy audit` "
            "writes, or --recipe FILE"
        )
    path = report / FILE_NAME if report.is_dir() else report
    return prepare(Findings.load(path), path, wishes, steps)


@app.command()
@planning
@click.option("--out", type=click.Path(path_type=Path), help="Write the recipe there, as YAML.")
def plan(out: Path | None, **options: Any) -> None:
    """Show what would be trained and why, with its size, before anything is trained."""
    from anatomy.console import progress
    from anatomy.files import write_whole
    from distill.console import print_plan

    if out is not None and out.is_dir():
        raise InputError(f"--out {shown(out)}: is a folder; name a file, such as recipe.yaml")
    with progress() as steps:
        found = planned(steps, **options)
    if out is not None:
        write_whole(out, found.recipe.to_yaml().encode())
    arguments = ["--recipe", str(out)] if out else [a for a in sys.argv[2:] if a != "--debug"]
    print_plan(found, shlex.join(["distill", "run", *arguments]), out)


@app.command()
@planning
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder of the run's folder.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where teacher and student compute.",
)
@click.option(
    "--resume/--no-resume",
    default=True,
    show_default=True,
    help="Go on with what the run's folder holds, or begin again.",
)
def run(out: Path, device: str, resume: bool, **options: Any) -> None:
    """Train a student, or go on with one: the teacher's outputs, training, evaluation.

    On several devices: torchrun --nproc-per-node N -m distill run ...
    """
    from anatomy.progress import quiet
    from distill.console import print_run, training
    from distill.run import is_first
    from distill.run import run as train

    with training() as (steps, watch):
        told = steps if is_first() else quiet  # the others say nothing
        found = train(
            planned(told, **options), out, device=device, resume=resume, steps=told, watch=watch
        )
    if is_first():
        print_run(found)


def main() -> None:
    """Entry point of the `distill` command."""
    run_command(app, "distill", out_of_memory="give a smaller --student or fewer prompts")
