"""What every command of this project does alike: faults in one line, `--debug` for more."""

from __future__ import annotations

import io
import sys

import click

from anatomy.errors import InputError
from anatomy.files import shown


def run(app: click.Command, name: str, out_of_memory: str) -> None:
    """Run a click command with the process's arguments, and end the process.

    What the user can mend is one line on standard error and exit status 2; `--debug`, anywhere
    among the arguments, shows the traceback instead.

    Parameters
    ----------
    app : click.Command
    name : str
        Of the command, as the user types it.
    out_of_memory : str
        What to do where the memory does not suffice.
    """
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a letter is no error
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = app.main(arguments, prog_name=name, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(2)
    except InputError as error:
        if debug:
            raise
        _fail(str(error), 2)
    except click.ClickException as error:
        if debug:
            raise
        _fail(shown(error.format_message()), 2)
    except (KeyboardInterrupt, click.Abort):
        if debug:
            raise
        _fail("interrupted; every file that was written is whole", 130)
    except MemoryError:
        if debug:
            raise
        _fail(f"out of memory; {out_of_memory}", 2)
    except OSError as error:  # a path that is none, or a full disk behind a redirection
        if debug:
            raise
        where = f"{shown(error.filename)}: " if error.filename else ""
        _fail(f"{where}{error.strerror or shown(error)}; --debug shows where", 2)
    sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str, status: int) -> None:
    click.echo(click.style("error: ", fg="red", bold=True) + message, err=True)
    sys.exit(status)
