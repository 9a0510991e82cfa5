"""The `distill` command: its commands stand in distill/commands."""

from __future__ import annotations

import click

from anatomy import __version__
from anatomy.command import run as run_command
from anatomy.parameters import Commands
from distill.commands.ablate import ablate
from distill.commands.benchmark import benchmark
from distill.commands.evaluate import evaluate
from distill.commands.export import export
from distill.commands.plan import plan
from distill.commands.report import report
from distill.commands.run import run


@click.group(
    cls=Commands,
    epilog="Add --debug to any command to see the traceback of an error.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="distill", message="%(prog)s %(version)s")
def app() -> None:
    """Turn an audit's findings into a smaller text encoder.

    `anatomy audit` writes the findings. `distill plan --from-report reports/findings.json` shows
    what would be trained and why, `distill run` trains it. The other commands take RUN: a run's
    folder, or its name in runs/.
    """


for command in (plan, run, evaluate, ablate, benchmark, export, report):
    app.add_command(command)


def main() -> None:
    """Entry point of the `distill` command."""
    run_command(app, "distill", out_of_memory="give a smaller --student or fewer prompts")
