"""What `distill plan` and `distill run` share: the options that a recipe is made from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from anatomy.errors import InputError
from distill.parameters import Positive, Size

if TYPE_CHECKING:
    from anatomy.progress import Steps
    from distill.plan import Planned
    from distill.recipe import Recipe

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS = (
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
        help="A recipe that was written before, instead of all options down to --allow-stand-ins.",
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
    click.option(
        "--minutes",
        type=Positive(),
        help="For all of it: teacher, training, evaluation.  [default: 10]",
    ),
    click.option(
        "--epochs", type=Positive(), help="Times that each prompt is seen, however long that takes."
    ),
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


def planning(command: Function) -> Function:
    """The options from which a recipe is made: what `planned` takes."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def given(
    report: Path | None, recipe_file: Path | None, budget: int | None, **asked: Any
) -> Recipe | None:
    """The recipe that the options of `planning` name, where they name one."""
    from distill.plan import Wishes
    from distill.recipe import Recipe

    if recipe_file is None:
        return None
    if report is not None or Wishes(budget_bytes=budget, **asked) != Wishes():
        raise InputError(
            "--recipe: holds everything that the other options would say; change it there and "
            "leave them out"
        )
    return Recipe.load(recipe_file)


def planned(
    steps: Steps, report: Path | None, recipe_file: Path | None, budget: int | None, **asked: Any
) -> Planned:
    """What the options of `planning` come to."""
    from anatomy.findings import FILE_NAME, Findings
    from distill.plan import Wishes, prepare, revisit

    recipe = given(report, recipe_file, budget, **asked)
    if recipe is not None:
        return revisit(recipe, steps)
    if report is None:
        raise InputError(
            "nothing to plan from; give --from-report reports/findings.json, which `anatomy audit` "
            "writes, or --recipe FILE"
        )
    path = report / FILE_NAME if report.is_dir() else report
    return prepare(Findings.load(path), path, Wishes(budget_bytes=budget, **asked), steps)
